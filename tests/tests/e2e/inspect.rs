//! `glasshouse-service inspect` against `qemu-img info` on real images.

use std::path::Path;
use std::process::Command;

use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{images, process, service, tools, wait};
use serde_json::Value;

/// What `qemu-img` calls a format.
fn name_in_qemu(format: &str) -> &str {
    if format == "vhd" { "vpc" } else { format }
}

fn inspect(path: &Path) -> Value {
    let ended = service::run(&["inspect", "--json", &path.to_string_lossy()]);
    assert!(ended.status.success(), "{ended:?}");
    serde_json::from_str(&ended.stdout).expect("JSON")
}

fn qemu_info(path: &Path) -> Value {
    let mut info = Command::new(tools::system_program("qemu-img"));
    info.args(["info", "--output=json"]).arg(path);
    serde_json::from_str(&process::run_well(info, wait::STEP).stdout).expect("JSON from qemu-img")
}

#[test]
fn inspect_tells_what_qemu_img_tells() {
    for (format, path) in images::every_format() {
        let (ours, theirs) = (inspect(&path), qemu_info(&path));
        // To the other program discs, and disks with a table, are raw.
        if matches!(format, "iso" | "raw") {
            assert_eq!(theirs["format"], "raw", "{}", path.display());
        } else {
            assert_eq!(ours["format"], format, "{}", path.display());
            assert_eq!(theirs["format"], name_in_qemu(format), "{}", path.display());
        }
        // A disc tells how long it is, and may be shorter than its file.
        if format != "iso" {
            assert_eq!(ours["virtual_size_bytes"], theirs["virtual-size"], "{}", path.display());
        }
        assert_eq!(ours["disk_format"], format, "{}", path.display());
        assert_eq!(ours["acceptable"], true, "{}", path.display());
        if let Some(cluster) = theirs.get("cluster-size").filter(|_| format == "qcow2") {
            assert_eq!(&ours["details"]["qcow2"]["cluster_size_bytes"], cluster, "{}", path.display());
        }
    }
}

#[test]
fn inspect_for_people_names_the_backing_file_and_ends_with_one() {
    let scratch = Scratch::new("inspect");
    let path = scratch.join("child.qcow2");
    let mut create = Command::new(tools::system_program("qemu-img"));
    create.args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"]).arg(images::qcow2()).arg(&path);
    process::run_well(create, wait::STEP);
    let ended = service::run(&["inspect", &path.to_string_lossy()]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let parent = images::qcow2();
    let named = ended.stdout.lines().any(|line| {
        line.starts_with("backing file ")
            && line.contains(&*parent.to_string_lossy())
            && line.contains("qcow2")
    });
    assert!(named, "{}", ended.stdout);
    assert!(ended.stdout.contains("\nrefused "), "{}", ended.stdout);
}
