//! Names that no release of today reads. Old names with a present equal stand there, as aliases.

use super::{Group, Status};

const D: &str = "DEFAULT";
const K: &str = "keystone_authtoken";
const REGISTRY: Status = Status::Gone("remove the line: there is no registry any more");
const REMOVE: Status = Status::Gone("remove the line");
const BUS: Status = Status::Gone("remove the line; the address of a message bus is [DEFAULT] transport_url");
const MOVED: Status = Status::Gone("move the line to [glance_store]");

pub const GROUPS: &[Group] = &[
    Group {
        section: D,
        names: "verbose",
        status: Status::Gone("remove the line: this much is logged anyway, and more with `debug = True`"),
        sentence: "More of the log, once.",
    },
    Group {
        section: D,
        names: "registry_host registry_port registry_client_* data_api use_user_token send_identity_headers admin_user \
                admin_password admin_tenant_name auth_url auth_region auth_strategy",
        status: REGISTRY,
        sentence: "Access to the registry, which Glance has not had since its release Train.",
    },
    Group {
        section: D,
        names: "rpc_backend rabbit_* qpid_* kombu_* amqp_* notification_topics",
        status: BUS,
        sentence: "Message bus of notifications, once.",
    },
    Group {
        section: D,
        names: "enable_v1_api enable_v1_registry enable_v2_registry enable_v2_api enable_image_import",
        status: Status::Gone("remove the line: v2 is always there, v1 never"),
        sentence: "Switches of the versions of the API.",
    },
    Group {
        section: D,
        names: "owner_is_tenant location_strategy max_old_task allow_additional_image_properties secure_proxy_ssl_header \
                sql_idle_timeout conversion_plugins image_cache_invalid_entry_grace_period cleanup_scrubber \
                cleanup_scrubber_time scrubber_datadir",
        status: REMOVE,
        sentence: "A switch that was removed.",
    },
    Group {
        section: D,
        names: "admin_role",
        status: Status::Gone("remove the line, and name the role in the policy rule context_is_admin"),
        sentence: "The role of administrators, once.",
    },
    Group {
        section: D,
        names: "swift_* rbd_* rados_* s3_* cinder_* vmware_* sheepdog_*",
        status: MOVED,
        sentence: "Options of store drivers, which have a section of their own.",
    },
    Group {
        section: "store_type_location_strategy",
        names: "*",
        status: Status::Gone("remove the section; the order of stores is `weight` in their sections"),
        sentence: "Order of the stores, once.",
    },
    Group {
        section: K,
        names: "admin_token auth_host auth_port auth_protocol auth_admin_prefix signing_dir revocation_cache_time \
                hash_algorithms check_revocations_for_cached",
        status: Status::Gone(
            "remove the line; the address of Keystone is auth_url, the login username and password",
        ),
        sentence: "Access to a Keystone of before 2015.",
    },
];
