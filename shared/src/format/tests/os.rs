//! The operating system on disks made by mkfs and sfdisk, in every format whose map is understood.

use tempfile::TempDir;

use super::matrix::qemu_img;
use super::*;

/// A folder with `disk.raw`: 12 MiB, a GPT, and a file system of 8 MiB that the program makes of a tree.
fn folder(program: &str, options: &str, tree: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let script = format!(
        "set -e; mkdir tree; cd tree; {tree}; cd ..; truncate -s 8M volume
         {program} -q -F {options} -d tree volume
         truncate -s 12M disk.raw; echo 'label: gpt\nstart=2048, size=16384, type=linux' | sfdisk -q disk.raw
         dd if=volume of=disk.raw bs=1M seek=1 conv=notrunc status=none"
    );
    run(folder.path(), "sh", &["-c", &script]);
    folder
}

const DEBIAN: &str = "mkdir -p etc usr/lib; ln -s ../usr/lib/os-release etc/os-release
    echo 'PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"' > usr/lib/os-release";

fn system_in(folder: &Path, name: &str) -> Option<OperatingSystem> {
    inspected(&std::fs::read(folder.join(name)).unwrap()).contents.operating_system
}

#[test]
fn the_system_is_told_whatever_format_the_disk_is_in() {
    let folder = folder("mkfs.ext4", "-b 4096", DEBIAN);
    for format in ["raw", "qcow2", "vdi", "vpc", "vmdk"] {
        qemu_img(folder.path(), &["convert", "-f", "raw", "-O", format, "disk.raw", "image"]);
        let system = system_in(folder.path(), "image").unwrap_or_else(|| panic!("no system in {format}"));
        assert_eq!(system.name, "Debian GNU/Linux 12 (bookworm)", "{format}");
        assert_eq!((system.id.as_deref(), system.version.as_deref()), (Some("debian"), Some("12")));
    }
    let told = inspected(&std::fs::read(folder.path().join("disk.raw")).unwrap()).summary();
    assert!(told.contains("Debian GNU/Linux 12 (bookworm)"), "{told}");
}

#[test]
fn a_volume_without_a_table_and_with_old_block_maps_is_read_too() {
    let folder = folder("mkfs.ext2", "-b 1024", "mkdir etc; echo ID=cirros > etc/os-release");
    assert_eq!(system_in(folder.path(), "volume").unwrap().name, "cirros");
    assert_eq!(system_in(folder.path(), "disk.raw").unwrap().name, "cirros");
}

#[test]
fn what_has_no_bound_is_not_read() {
    let folder = folder("mkfs.ext4", "-b 1024 -O ^metadata_csum", DEBIAN);
    let volume = std::fs::read(folder.path().join("volume")).unwrap();
    let system = |changes: &[(usize, &[u8])]| {
        let mut bytes = volume.clone();
        for (at, what) in changes {
            put(&mut bytes, *at, what);
        }
        inspected(&bytes).contents.operating_system
    };
    assert!(system(&[]).is_some());
    assert_eq!(system(&[(1024 + 96, &[0xff])]), None, "features that nobody knows");
    assert_eq!(system(&[(1024 + 4, &[0xff; 4])]), None, "more groups than there are");
    assert_eq!(system(&[(1024 + 32, &[0; 4])]), None, "groups without blocks");
    let needs_recovery = volume[1024 + 96] | 4;
    assert_eq!(system(&[(1024 + 96, &[needs_recovery])]), None, "a journal to replay");
}

#[test]
fn a_link_in_place_of_the_file_or_a_long_file_is_not_followed() {
    let tree =
        "mkdir -p etc usr/lib; ln -s /etc/os-release usr/lib/os-release; ln -s ../usr/lib/os-release etc/";
    let linked = folder("mkfs.ext4", "", tree);
    assert_eq!(system_in(linked.path(), "disk.raw"), None);
    let long = folder("mkfs.ext4", "", "mkdir etc; yes ID=x | head -c 100000 > etc/os-release");
    assert_eq!(system_in(long.path(), "disk.raw"), None);
}
