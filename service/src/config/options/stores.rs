//! `[glance_store]` and the section of each backend.

use super::Kind::{Boolean, Integer, List, Multi, Path, Text};
use super::{Group, Opt, Status};

const S: &str = "glance_store";

pub const OPTIONS: &[Opt] = &[
    Opt::new(S, "stores", List, "Store drivers of the single-store form.")
        .or("file,http")
        .was(&[("DEFAULT", "stores"), ("DEFAULT", "known_stores")]),
    Opt::new(S, "default_store", Text, "Driver that takes new images in the single-store form.")
        .or("file")
        .was(&[("DEFAULT", "default_store")]),
    Opt::new(
        S,
        "default_backend",
        Text,
        "Id of the store that takes what names none; needed with enabled_backends.",
    ),
    Opt::new(S, "store_description", Text, "What clients read about the store."),
    Opt::new(S, "weight", Integer, "Of several copies the one in the heaviest store is read first.").or("0"),
    Opt::new(S, "filesystem_store_datadir", Path, "Directory of the images.")
        .or("/var/lib/glance/images")
        .was(&[("DEFAULT", "filesystem_store_datadir")]),
    Opt::new(
        S,
        "filesystem_store_file_perm",
        Integer,
        "Mode of image files in octal digits, such as 640; 0 = leave.",
    )
    .or("0")
    .was(&[("DEFAULT", "filesystem_store_file_perm")]),
    Opt::new(S, "filesystem_thin_provisioning", Boolean, "Write blocks of zeros as holes.").or("False"),
    Opt::new(S, "filesystem_store_datadirs", Multi, "Several directories with priorities.")
        .was(&[("DEFAULT", "filesystem_store_datadirs")])
        .missing(),
    Opt::new(S, "filesystem_store_metadata_file", Path, "JSON that goes into the metadata of locations.")
        .was(&[("DEFAULT", "filesystem_store_metadata_file")])
        .missing(),
    Opt::new(S, "https_insecure", Boolean, "Do not check certificates of the http store.").or("True"),
    Opt::new(S, "https_ca_certificates_file", Path, "The only certificates that the http store believes."),
];

pub const GROUPS: &[Group] = &[
    Group {
        section: S,
        names: "filesystem_store_chunk_size filesystem_store_timeout filesystem_store_thread_pool_size \
                filesystem_store_threadpool_threshold store_capabilities_update_min_interval",
        status: Status::Accepted,
        sentence: "Tuning of Glance's file driver.",
    },
    Group {
        section: S,
        names: "http_proxy_information rbd_* rados_* s3_* swift_* default_swift_reference cinder_* vmware_* sheepdog_*",
        status: Status::Accepted,
        sentence: "Options of a driver; a driver that is not built says so itself.",
    },
    Group {
        section: "os_glance_staging_store",
        names: "filesystem_store_datadir filesystem_store_file_perm filesystem_store_chunk_size",
        status: Status::Missing,
        sentence: "Staging directory of the form with several stores.",
    },
    Group {
        section: "os_glance_tasks_store",
        names: "filesystem_store_datadir filesystem_store_file_perm filesystem_store_chunk_size",
        status: Status::Missing,
        sentence: "Work directory of tasks in the form with several stores.",
    },
];
