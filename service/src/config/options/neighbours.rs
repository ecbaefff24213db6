//! The sections of the neighbours: database, identity, policy, middleware, messages.

use super::Kind::{Boolean, Integer, List, Multi, Path, Secret, SecretUrl, Text, Url};
use super::{Group, Opt, Status};

const DB: &str = "database";
const K: &str = "keystone_authtoken";
const L: &str = super::LIMITS_SECTION;

pub const OPTIONS: &[Opt] = &[
    Opt::new(
        DB,
        "connection",
        SecretUrl,
        "Address of the database: mysql+pymysql://USER:PASSWORD@HOST/DATABASE or sqlite:////absolute/path. In the user \
         and the password write special characters as %XX.",
    )
    .was(&[(DB, "sql_connection"), ("DEFAULT", "sql_connection"), ("DATABASE", "sql_connection"), ("sql", "connection")]),
    Opt::new(DB, "max_pool_size", Integer, "Connections that are kept open.")
        .or("5")
        .was(&[("DEFAULT", "sql_max_pool_size"), (DB, "sql_max_pool_size")]),
    Opt::new(DB, "max_retries", Integer, "Attempts of the first connection; -1 = for ever.")
        .or("10")
        .was(&[("DEFAULT", "sql_max_retries"), (DB, "sql_max_retries")]),
    Opt::new(DB, "retry_interval", Integer, "Seconds between them.")
        .or("10")
        .was(&[("DEFAULT", "sql_retry_interval"), (DB, "reconnect_interval")]),
    Opt::new(DB, "mysql_sql_mode", Text, "SQL mode of each connection.").or("TRADITIONAL"),
    Opt::new(DB, "sqlite_synchronous", Boolean, "Commits of SQLite survive a power cut.")
        .or("True")
        .was(&[("DEFAULT", "sqlite_synchronous")]),
    Opt::new("paste_deploy", "flavor", Text, "keystone: callers show a Keystone token. Unset: no authentication."),
    Opt::new(K, "auth_url", Url, "Keystone as this service reaches it, such as http://controller:5000.")
        .was(&[(K, "identity_uri")]),
    Opt::new(K, "www_authenticate_uri", Url, "Keystone as clients reach it; a 401 points there.").was(&[(K, "auth_uri")]),
    Opt::new(K, "auth_type", Text, "How the service logs in: password or v3applicationcredential.")
        .was(&[(K, "auth_plugin")]),
    Opt::new(K, "auth_section", Text, "Section that holds the login instead of this one."),
    Opt::new(K, "username", Text, "Account of the service.").was(&[(K, "user_name"), (K, "admin_user")]),
    Opt::new(K, "password", Secret, "Password of the account.").was(&[(K, "admin_password")]),
    Opt::new(K, "user_domain_name", Text, "Domain of the account by name; \"Default\" is a name."),
    Opt::new(K, "user_domain_id", Text, "Domain of the account by id; \"default\" is an id."),
    Opt::new(K, "project_name", Text, "Project of the account.")
        .was(&[(K, "tenant_name"), (K, "admin_tenant_name")]),
    Opt::new(K, "project_domain_name", Text, "Domain of the project by name."),
    Opt::new(K, "project_domain_id", Text, "Domain of the project by id."),
    Opt::new(K, "system_scope", Text, "all: the account logs in for the system and not for a project."),
    Opt::new(K, "application_credential_id", Text, "Application credential to log in with."),
    Opt::new(K, "application_credential_secret", Secret, "Its secret."),
    Opt::new(K, "token_cache_time", Integer, "Seconds for which a token that was checked is believed; -1 = always ask.")
        .or("300"),
    Opt::new(K, "service_token_roles", List, "Roles that make an X-Service-Token count.").or("service"),
    Opt::new(K, "service_token_roles_required", Boolean, "Refuse a service token without such a role.").or("True"),
    Opt::new(K, "delay_auth_decision", Boolean, "Let requests without a token through to what needs none.").or("True"),
    Opt::new(K, "cafile", Path, "Certificates to check Keystone's with."),
    Opt::new(K, "insecure", Boolean, "Do not check Keystone's certificate.").or("False"),
    Opt::new(K, "http_connect_timeout", Integer, "Seconds that one call to Keystone may take.").or("15"),
    Opt::new(K, "http_request_max_retries", Integer, "Further attempts of a call to Keystone.").or("3"),
    Opt::new(K, "memcached_servers", List, "Shared cache of tokens; this service keeps its own and only checks the names.")
        .was(&[(K, "memcache_servers")]),
    Opt::new(K, "certfile", Path, "Certificate to show to Keystone.").missing(),
    Opt::new(K, "keyfile", Path, "Key of that certificate.").missing(),
    Opt::new("oslo_policy", "policy_file", Path, "Rules that differ from the defaults; relative to the configuration.")
        .or("policy.yaml")
        .was(&[("DEFAULT", "policy_file")]),
    Opt::new("oslo_policy", "policy_dirs", Multi, "Directories with more such files.")
        .or("policy.d")
        .was(&[("DEFAULT", "policy_dirs")]),
    Opt::new("oslo_policy", "enforce_new_defaults", Boolean, "Only the present default rules count, not the older ones beside them.")
        .or("True"),
    Opt::new("oslo_policy", "remote_content_type", Text, "How http: and https: checks are sent: application/x-www-form-urlencoded or application/json.")
        .or("application/x-www-form-urlencoded"),
    Opt::new("oslo_policy", "remote_timeout", Text, "Seconds after which such a check has no answer and the rule refuses.").or("60"),
    Opt::new("oslo_policy", "remote_ssl_verify_server_crt", Boolean, "Check the certificate of an https: check's server.").or("False"),
    Opt::new("oslo_policy", "remote_ssl_ca_crt_file", Path, "Certificates to check it with; unset: those of the system."),
    Opt::new("oslo_policy", "remote_ssl_client_crt_file", Path, "Certificate to show to that server."),
    Opt::new("oslo_policy", "remote_ssl_client_key_file", Path, "Key of that certificate."),
    Opt::new(L, "auth_url", Url, "Keystone with the limits, such as http://controller:5000."),
    Opt::new(L, "auth_type", Text, "How the service logs in there: password or v3applicationcredential."),
    Opt::new(L, "auth_section", Text, "Section that holds the login instead of this one."),
    Opt::new(L, "username", Text, "Account that has the role reader for the system.").was(&[(L, "user_name")]),
    Opt::new(L, "password", Secret, "Its password."),
    Opt::new(L, "user_domain_name", Text, "Domain of the account by name; \"Default\" is a name."),
    Opt::new(L, "user_domain_id", Text, "Domain of the account by id; \"default\" is an id."),
    Opt::new(L, "system_scope", Text, "all: the login is for the system, and so reads the limits of every project."),
    Opt::new(L, "project_name", Text, "Project to log in for in place of the system; the account must be an administrator then.")
        .was(&[(L, "tenant_name")]),
    Opt::new(L, "project_domain_name", Text, "Domain of that project by name."),
    Opt::new(L, "project_domain_id", Text, "Domain of that project by id."),
    Opt::new(L, "application_credential_id", Text, "Application credential to log in with."),
    Opt::new(L, "application_credential_secret", Secret, "Its secret."),
    Opt::new(L, "endpoint_id", Text, "Endpoint of this service in the catalog: its limits are those of this service and region."),
    Opt::new(L, "endpoint_service_type", Text, "Where there is no endpoint_id: its service by type, usually image."),
    Opt::new(L, "endpoint_service_name", Text, "The same by name, usually glance."),
    Opt::new(L, "endpoint_region_name", Text, "The region of the endpoint; unset: the service has only one."),
    Opt::new(L, "endpoint_interface", Text, "The interface of the endpoint: public, internal or admin.").or("public"),
    Opt::new(L, "cafile", Path, "Certificates to check Keystone's with."),
    Opt::new(L, "insecure", Boolean, "Do not check Keystone's certificate.").or("False"),
    Opt::new(L, "timeout", Integer, "Seconds that one call to Keystone may take.").or("15"),
    Opt::new(L, "connect_retries", Integer, "Further attempts of a call to Keystone.").or("1"),
    Opt::new(
        "oslo_middleware",
        "enable_proxy_headers_parsing",
        Boolean,
        "Believe the Forwarded and X-Forwarded headers of a proxy in front.",
    )
    .or("False"),
    Opt::new("cors", "allowed_origin", List, "Web pages that may call the API from a browser, by scheme, host and port; * = all."),
    Opt::new("cors", "allow_credentials", Boolean, "Let such a page send what the browser knows of the user.").or("True"),
    Opt::new("cors", "expose_headers", List, "Headers of an answer that such a page may read.")
        .or("X-Image-Meta-Checksum,X-Auth-Token,X-Subject-Token,X-Service-Token,X-OpenStack-Request-ID"),
    Opt::new("cors", "max_age", Integer, "Seconds for which a browser may remember its permission.").or("3600"),
    Opt::new("cors", "allow_methods", List, "Methods that such a page may call.").or("GET,PUT,POST,DELETE,PATCH"),
    Opt::new("cors", "allow_headers", List, "Headers that such a page may send beside the simple ones.").or(
        "Content-MD5,X-Image-Meta-Checksum,X-Storage-Token,Accept-Encoding,X-Auth-Token,X-Identity-Status,X-Roles,\
         X-Service-Catalog,X-User-Id,X-Tenant-Id,X-OpenStack-Request-ID",
    ),
    Opt::new("healthcheck", "disable_by_file_path", Path, "File whose presence turns /healthcheck red.")
        .or("/etc/glance/healthcheck_disable"),
    Opt::new("oslo_messaging_notifications", "driver", Multi, "How notifications are sent; noop or nothing: not at all.")
        .was(&[("DEFAULT", "notification_driver")])
        .or("noop")
        .missing(),
];

pub const GROUPS: &[Group] = &[
    Group {
        section: DB,
        names: "slave_connection max_overflow pool_timeout connection_recycle_time idle_timeout use_db_reconnect \
                db_retry_interval db_inc_retry_interval db_max_retry_interval db_max_retries mysql_wsrep_sync_wait \
                connection_debug connection_trace connection_parameters backend synchronous_reader \
                asyncio_connection asyncio_slave_connection min_pool_size mysql_enable_ndb use_tpool",
        status: Status::Accepted,
        sentence: "Tuning of Python's connection pool.",
    },
    Group {
        section: K,
        names: "memcache_* region_name interface include_service_catalog service_type cache enforce_token_bind \
                auth_version trust_id default_domain_id default_domain_name user_id project_id",
        status: Status::Accepted,
        sentence: "Detail of Python's token filter.",
    },
    Group {
        section: "paste_deploy",
        names: "config_file",
        status: Status::Accepted,
        sentence: "Pipeline file; there is no pipeline to change here.",
    },
    Group {
        section: "oslo_policy",
        names: "enforce_scope policy_default_rule",
        status: Status::Accepted,
        sentence: "The scope of a token is always looked at, and every rule has a default of its own.",
    },
    Group {
        section: L,
        names: "certfile keyfile collect_timing split_loggers region_name service_type service_name \
                valid_interfaces endpoint_override version min_version max_version connect_retry_delay \
                status_code_retries status_code_retry_delay retriable_status_codes default_domain_id \
                default_domain_name domain_id domain_name trust_id user_id project_id tenant_id auth_version",
        status: Status::Accepted,
        sentence: "Detail of Python's client of Keystone.",
    },
    Group {
        section: "oslo_middleware",
        names: "max_request_body_size secure_proxy_ssl_header http_basic_auth_user_file",
        status: Status::Accepted,
        sentence: "Not in Glance's pipeline either.",
    },
    Group {
        section: "healthcheck",
        names: "backends path detailed disable_by_file_paths enable_by_file_paths allowed_source_ranges ignore_proxied_requests",
        status: Status::Accepted,
        sentence: "Details of the health page.",
    },
    Group {
        section: "oslo_messaging_notifications",
        names: "topics transport_url retry",
        status: Status::Accepted,
        sentence: "Details of notifications.",
    },
    Group {
        section: "oslo_messaging_rabbit",
        names: "*",
        status: Status::Accepted,
        sentence: "Broker of notifications.",
    },
    Group {
        section: "oslo_messaging_kafka",
        names: "*",
        status: Status::Accepted,
        sentence: "Broker of notifications.",
    },
    Group {
        section: "oslo_messaging_amqp",
        names: "*",
        status: Status::Accepted,
        sentence: "Broker of notifications.",
    },
    Group {
        section: "oslo_messaging_zmq",
        names: "*",
        status: Status::Accepted,
        sentence: "Broker of notifications.",
    },
    Group {
        section: "oslo_reports",
        names: "*",
        status: Status::Accepted,
        sentence: "Reports of a Python process.",
    },
    Group { section: "profiler", names: "*", status: Status::Accepted, sentence: "Profiler of Python." },
    Group {
        section: "barbican",
        names: "*",
        status: Status::Accepted,
        sentence: "Certificates of signed images.",
    },
    Group {
        section: "barbican_service_user",
        names: "*",
        status: Status::Accepted,
        sentence: "Certificates of signed images.",
    },
    Group {
        section: "key_manager",
        names: "*",
        status: Status::Accepted,
        sentence: "Certificates of signed images.",
    },
    Group {
        section: "vault",
        names: "*",
        status: Status::Accepted,
        sentence: "Certificates of signed images.",
    },
    Group {
        section: "service_user",
        names: "*",
        status: Status::Accepted,
        sentence: "Service token towards Barbican.",
    },
];
