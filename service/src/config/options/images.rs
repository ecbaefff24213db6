//! What an image may be, how it is imported, and the tasks.

use super::Kind::{Boolean, Integer, List, Path};
use super::{Group, Opt, Status};

const F: &str = "image_format";
const URI: &str = "import_filtering_opts";

pub const OPTIONS: &[Opt] = &[
    Opt::new(F, "container_formats", List, "Container formats that an image may have.")
        .or("ami,ari,aki,bare,ovf,ova,docker,compressed")
        .was(&[("DEFAULT", "container_formats")]),
    Opt::new(F, "disk_formats", List, "Disk formats that an image may have.")
        .or("ami,ari,aki,vhd,vhdx,vmdk,raw,qcow2,vdi,iso,ploop")
        .was(&[("DEFAULT", "disk_formats")]),
    Opt::new(F, "vmdk_allowed_types", List, "Kinds of VMDK that are taken; empty: none.")
        .or("streamOptimized,monolithicSparse"),
    Opt::new(F, "require_image_format_match", Boolean, "Refuse content that is not what disk_format says.")
        .or("True"),
    Opt::new(F, "gpt_safety_checks_nonfatal", List, "Checks of a partition table that only warn.").or(""),
    Opt::new(
        "image_import_opts",
        "image_import_plugins",
        List,
        "What is done to an image on import, in this order.",
    )
    .missing(),
    Opt::new(
        URI,
        "allowed_schemes",
        List,
        "Schemes of addresses that the service may fetch from when somebody else names them; empty: all but the disallowed.",
    )
    .or("http,https"),
    Opt::new(URI, "disallowed_schemes", List, "Schemes that it may not; obeyed while none is allowed by name."),
    Opt::new(
        URI,
        "allowed_hosts",
        List,
        "Hosts, by name or address, that it may fetch from, this one included; empty: all but the disallowed.",
    ),
    Opt::new(URI, "disallowed_hosts", List, "Hosts that it may not; obeyed while none is allowed by name."),
    Opt::new(
        URI,
        "allowed_ports",
        List,
        "Ports that such an address may name; empty: all but the disallowed.",
    )
    .or("80,443"),
    Opt::new(URI, "disallowed_ports", List, "Ports that it may not; obeyed while none is allowed."),
    Opt::new("task", "task_time_to_live", Integer, "Hours for which a task that ended is kept.")
        .was(&[("DEFAULT", "task_time_to_live")])
        .or("48"),
    Opt::new("task", "work_dir", Path, "Work files of tasks.").was(&[("DEFAULT", "task_work_dir")]).missing(),
];

pub const GROUPS: &[Group] = &[
    Group {
        section: "image_import_opts",
        names: "max_parallel_stores",
        status: Status::Accepted,
        sentence: "Stores written at once by an import.",
    },
    Group {
        section: "image_conversion",
        names: "output_format",
        status: Status::Missing,
        sentence: "Format that imports are turned into.",
    },
    Group {
        section: "inject_metadata_properties",
        names: "inject ignore_user_roles",
        status: Status::Missing,
        sentence: "Properties that an import sets.",
    },
    Group {
        section: "glance_download_properties",
        names: "extra_properties",
        status: Status::Missing,
        sentence: "Properties that are copied from another service.",
    },
    Group {
        section: "task",
        names: "task_executor eventlet_executor_pool_size",
        status: Status::Accepted,
        sentence: "Tuning of Python's task engine.",
    },
    Group {
        section: "taskflow_executor",
        names: "engine_mode max_workers conversion_format",
        status: Status::Accepted,
        sentence: "Tuning of Python's task engine.",
    },
    Group {
        section: "wsgi",
        names: "task_pool_threads python_interpreter",
        status: Status::Accepted,
        sentence: "Tuning of the web server that carries Glance.",
    },
    Group {
        section: "oslo_concurrency",
        names: "lock_path disable_process_locking",
        status: Status::Accepted,
        sentence: "Locks of Python processes.",
    },
];
