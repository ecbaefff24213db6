//! `[DEFAULT]` and our own `[glasshouse]`.

use super::Kind::{Boolean, Integer, List, Mapping, Path, Secret, SecretUrl, Text, Url};
use super::{Group, Opt, Status};

const D: &str = "DEFAULT";

pub const OPTIONS: &[Opt] = &[
    Opt::new(
        "glasshouse",
        "allow_no_auth",
        Boolean,
        "Start although no [paste_deploy] flavor is set: every caller is then an administrator. Only with a loopback bind_host.",
    )
    .or("False"),
    Opt::new(
        "glasshouse",
        "upload_expiry",
        Integer,
        "Seconds that a resumable upload waits for more data before what came is removed.",
    )
    .or("86400"),
    Opt::new(
        "glasshouse",
        "document_timeout",
        Integer,
        "Seconds after which a sender is cut off who is silent in the middle of a body that is no image data; ten times as long it may take altogether.",
    )
    .or("30"),
    Opt::new(
        "glasshouse",
        "flat_json_errors",
        Boolean,
        "Errors that are asked for as JSON have the flat form of Glance, which python-glanceclient cannot read; False: they are nested below `error`.",
    )
    .or("False"),
    Opt::new(
        "glasshouse",
        "charge_image_owner",
        Boolean,
        "The project that owns an image pays for it with its quota and limits; False: the caller's, as in Glance.",
    )
    .or("True"),
    Opt::new(
        "glasshouse",
        "keystone_limits_cache_time",
        Integer,
        "Seconds for which limits that were read from Keystone are believed; 0 = always ask.",
    )
    .or("30"),
    Opt::new("glasshouse", "scrub_rate", Integer, "MiB that `scrub` reads in each second; 0 = as fast as it goes.")
        .or("50"),
    Opt::new(D, "bind_host", Text, "Address to listen on.").or("0.0.0.0"),
    Opt::new(D, "bind_port", Integer, "Port to listen on; 0 lets the system choose.").or("9292"),
    Opt::new(D, "workers", Integer, "Threads that serve requests; unset or 0: one for each processor."),
    Opt::new(
        D,
        "client_socket_timeout",
        Integer,
        "Seconds after which a sender that is silent is cut off; 0 = never.",
    )
    .or("900"),
    Opt::new(D, "public_endpoint", Url, "Base address in links and version documents; unset: from the request."),
    Opt::new(D, "debug", Boolean, "Log more.").or("False"),
    Opt::new(D, "log_file", Path, "File of the log, under log_dir when relative; unset: standard error.")
        .was(&[(D, "logfile")]),
    Opt::new(D, "log_dir", Path, "Directory of the log file; alone, the file is glance-api.log in it.")
        .was(&[(D, "logdir")]),
    Opt::new(D, "use_json", Boolean, "Log one JSON object for each line.").or("False"),
    Opt::new(
        D,
        "enabled_backends",
        Mapping,
        "Stores as id:type,id:type; each has a section of its own. Unset: the one store of [glance_store].",
    ),
    Opt::new(D, "enabled_import_methods", List, "Import methods, in the order in which they are offered.")
        .or("glance-direct,web-download,copy-image"),
    Opt::new(D, "show_image_direct_url", Boolean, "Show direct_url in the bodies of images.").or("False"),
    Opt::new(D, "show_multiple_locations", Boolean, "Show locations in the bodies of images and let them be changed.")
        .or("False"),
    Opt::new(
        D,
        "do_secure_hash",
        Boolean,
        "Read the data of a location that is added, for its hashes and to look into it; False: believe what was sent.",
    )
    .or("True"),
    Opt::new(D, "http_retries", Integer, "Attempts at reading that data.").or("3"),
    Opt::new(D, "hashing_algorithm", Text, "The second hash of an image: its name in os_hash_algo.").or("sha512"),
    Opt::new(D, "image_size_cap", Integer, "Largest image in bytes.").or("1099511627776"),
    Opt::new(
        D,
        "user_storage_quota",
        Text,
        "Bytes of all images of a project; a number alone or with B, KB, MB, GB, TB (powers of 1024); 0 = no limit.",
    )
    .or("0"),
    Opt::new(
        D,
        "use_keystone_limits",
        Boolean,
        "The limits of a project are those that Keystone has, and user_storage_quota counts no more; see [oslo_limit].",
    )
    .or("False"),
    Opt::new(D, "image_member_quota", Integer, "Members of an image; negative = no limit.").or("128"),
    Opt::new(D, "image_property_quota", Integer, "Properties of an image; negative = no limit.").or("128"),
    Opt::new(D, "image_tag_quota", Integer, "Tags of an image; negative = no limit.").or("128"),
    Opt::new(D, "image_location_quota", Integer, "Locations of an image; negative = no limit.").or("10"),
    Opt::new(D, "limit_param_default", Integer, "Entries of a page when the client does not say.").or("25"),
    Opt::new(D, "api_limit_max", Integer, "Most entries of a page.").or("1000"),
    Opt::new(D, "max_request_id_length", Integer, "Longest X-Openstack-Request-ID that is taken over.").or("64"),
    // What Glance has and this version does not.
    Opt::new(D, "cert_file", Path, "Certificate of the listener.").missing(),
    Opt::new(D, "key_file", Path, "Key of the certificate.").missing(),
    Opt::new(D, "ca_file", Path, "Certificates that clients must come with.").missing(),
    Opt::new(D, "node_staging_uri", Text, "Staging directory, as file:///path.").or("file:///tmp/staging/").missing(),
    Opt::new(D, "worker_self_reference_url", Url, "This node as its sisters reach it.").missing(),
    Opt::new(D, "allow_anonymous_access", Boolean, "Let callers without a token read.").or("False").missing(),
    Opt::new(D, "property_protection_file", Path, "Who may read and change which property; relative to the configuration."),
    Opt::new(D, "property_protection_rule_format", Text, "roles or policies: the form of that file.")
        .or("roles"),
    Opt::new(D, "metadata_encryption_key", Secret, "Key of the location addresses in the database.").missing(),
    Opt::new(D, "metadata_source_path", Path, "Directory of the metadata definitions to load.").missing(),
    Opt::new(D, "delayed_delete", Boolean, "Leave the bytes of deleted images to the scrubber.")
        .or("False")
        .missing(),
    Opt::new(D, "image_cache_dir", Path, "Directory of the image cache; unset: no cache.").missing(),
    Opt::new(D, "use_syslog", Boolean, "Log to syslog.").or("False").missing(),
    Opt::new(D, "use_journal", Boolean, "Log to the journal; standard error of a systemd unit arrives there anyway.")
        .or("False")
        .missing(),
    Opt::new(D, "log_config_append", Path, "Logging file of Python, which cannot be honoured.")
        .was(&[(D, "log_config")])
        .missing(),
    Opt::new(D, "transport_url", SecretUrl, "Message bus of notifications.").missing(),
];

pub const GROUPS: &[Group] = &[
    Group {
        section: D,
        names: "backlog tcp_keepidle max_header_line http_keepalive max_header_line_size",
        status: Status::Accepted,
        sentence: "Socket tuning of Glance's own server of old.",
    },
    Group {
        section: D,
        names: "syslog_log_facility use_stderr use_eventlog default_log_levels logging_context_format_string \
                logging_default_format_string logging_debug_format_suffix logging_exception_prefix \
                logging_user_identity_format log_rotate_interval log_rotate_interval_type log_rotation_type \
                max_logfile_count max_logfile_size_mb rate_limit_interval rate_limit_burst rate_limit_except_level \
                instance_format instance_uuid_format publish_errors fatal_deprecations log_color log_date_format \
                watch_log_file",
        status: Status::Accepted,
        sentence: "Details of Python's logging.",
    },
    Group {
        section: D,
        names: "digest_algorithm pydev_worker_debug_host pydev_worker_debug_port control_exchange rpc_* \
                executor_thread_pool_size default_publisher_id disabled_notifications state_path \
                image_cache_sqlite_db image_cache_driver image_cache_max_size image_cache_stall_time \
                cache_prefetcher_interval",
        status: Status::Accepted,
        sentence: "Detail of a part that does not exist here.",
    },
    Group {
        section: D,
        names: "scrub_time scrub_pool_size wakeup_time daemon restore",
        status: Status::Accepted,
        sentence: "Timing of the scrubber.",
    },
];
