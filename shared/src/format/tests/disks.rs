//! Raw disks made by sfdisk and the mkfs programs: partition tables, file systems, ways to boot.

use std::fs::File;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn blank(folder: &Path, name: &str, size_bytes: u64) {
    File::create(folder.join(name)).unwrap().set_len(size_bytes).unwrap();
}

/// Inspects a file as a file and as a stream, which must see the same.
fn seen(folder: &Path, name: &str) -> Verdict {
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let verdict = inspected(&bytes);
    assert_eq!(streamed(&bytes, 65536).contents, verdict.contents, "{name}");
    verdict
}

/// A disk that sfdisk divides by this script.
fn divided(folder: &Path, script: &str) -> Verdict {
    blank(folder, "disk", 96 << 20);
    std::fs::write(folder.join("script"), script).unwrap();
    run(folder, "sh", &["-c", "sfdisk -q disk < script"]);
    seen(folder, "disk")
}

fn kinds(verdict: &Verdict) -> Vec<(u32, String, u64, u64)> {
    let table = verdict.contents.partition_table.as_ref().expect("a partition table");
    let line = |partition: &Partition| {
        (partition.index, partition.kind.clone(), partition.start_bytes >> 20, partition.size_bytes >> 20)
    };
    table.partitions.iter().map(line).collect()
}

#[test]
fn a_gpt_is_read_with_types_names_and_sizes() {
    if !has_program("sfdisk") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let script = "label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\n\
                  size=1M, type=21686148-6449-6E6F-744E-656564454649\n\
                  size=16M, type=uefi, name=\"EFI System\"\nsize=32M, type=linux, name=\"root größe\"\n\
                  size=8M, type=12345678-0000-0000-0000-000000000001\n";
    let verdict = divided(folder.path(), script);
    assert_eq!(verdict.format, Format::Gpt);
    assert!(verdict.failures.is_empty(), "{:?}", verdict.failures);
    assert_eq!(
        kinds(&verdict),
        [
            (1, "BIOS boot".to_owned(), 1, 1),
            (2, "EFI system".to_owned(), 2, 16),
            (3, "Linux".to_owned(), 18, 32),
            (4, "12345678-0000-0000-0000-000000000001".to_owned(), 50, 8),
        ]
    );
    let table = verdict.contents.partition_table.unwrap();
    assert_eq!(table.scheme, PartitionScheme::Gpt);
    assert_eq!(table.id.as_deref(), Some("11111111-2222-3333-4444-555555555555"));
    assert_eq!(table.partitions[2].name.as_deref(), Some("root größe"));
    assert_eq!(verdict.contents.boot, [BootWay::Uefi]);
}

#[test]
fn an_mbr_is_read_with_its_logical_partitions() {
    if !has_program("sfdisk") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let script = "label: dos\nlabel-id: 0xcafe0001\n1: size=8M, type=83, bootable\n2: size=64M, type=5\n5: size=8M, type=82\n6: size=8M, type=8e\n";
    let verdict = divided(folder.path(), script);
    assert_eq!(
        kinds(&verdict),
        [
            (1, "Linux".to_owned(), 1, 8),
            (2, "extended".to_owned(), 9, 64),
            (5, "Linux swap".to_owned(), 10, 8),
            (6, "Linux LVM".to_owned(), 19, 8),
        ]
    );
    let table = verdict.contents.partition_table.unwrap();
    assert_eq!((table.scheme, table.id.as_deref()), (PartitionScheme::Mbr, Some("cafe0001")));
    assert!(table.partitions[0].active && !table.partitions[2].active);
}

/// Makes a file system in a file of its own; `None` where its program is missing.
fn made(folder: &Path, program: &str, arguments: &[&str], size_bytes: u64) -> Option<FileSystem> {
    if !has_program(program) {
        return None;
    }
    blank(folder, "volume", size_bytes);
    run(folder, program, &[arguments, &["volume"]].concat());
    Some(seen(folder, "volume").contents.file_system.expect("a file system"))
}

/// Program, arguments, size in MiB; then what it is to be taken for, and its identity.
type Case<'a> = (&'a str, &'a [&'a str], u64, &'a str, Option<&'a str>);

#[test]
fn file_systems_are_known_by_their_superblocks() {
    let folder = TempDir::new().unwrap();
    let uuid = "12345678-1234-1234-1234-123456789abc";
    let cases: &[Case<'_>] = &[
        ("mkfs.ext4", &["-q", "-F", "-L", "label", "-U", uuid], 16, "ext4", Some(uuid)),
        ("mkfs.ext3", &["-q", "-F", "-L", "label", "-U", uuid], 16, "ext3", Some(uuid)),
        ("mkfs.ext2", &["-q", "-F", "-L", "label", "-U", uuid], 16, "ext2", Some(uuid)),
        ("mkswap", &["-q", "-L", "label", "-U", uuid], 16, "swap", Some(uuid)),
        (
            "mkfs.xfs",
            &["-q", "-L", "label", "-m", "uuid=12345678-1234-1234-1234-123456789abc"],
            320,
            "xfs",
            Some(uuid),
        ),
        ("mkfs.btrfs", &["-q", "-L", "label", "-U", uuid], 128, "btrfs", Some(uuid)),
        ("mkfs.vfat", &["-n", "label", "-i", "CAFE0001"], 16, "vfat", Some("CAFE-0001")),
        ("mkfs.vfat", &["-F", "32", "-n", "label", "-i", "CAFE0001"], 64, "vfat", Some("CAFE-0001")),
    ];
    for (program, arguments, size_mebibytes, kind, uuid) in cases {
        let Some(found) = made(folder.path(), program, arguments, size_mebibytes << 20) else { continue };
        assert_eq!((found.kind, found.uuid.as_deref()), (*kind, *uuid), "{program}");
        assert_eq!(found.label.map(|label| label.to_lowercase()).as_deref(), Some("label"), "{program}");
        let whole = size_mebibytes << 20;
        assert!(found.size_bytes.is_some_and(|size| size <= whole && size > whole / 2), "{program}");
    }
}

/// What a volume with these marks is taken for.
fn by_hand(marks: &[(usize, &[u8])]) -> FileSystem {
    let mut bytes = vec![0; 72 << 10];
    for (at, mark) in marks {
        put(&mut bytes, *at, mark);
    }
    inspected(&bytes).contents.file_system.expect("a file system")
}

#[test]
fn volumes_that_no_program_at_hand_makes_are_known() {
    let ntfs = by_hand(&[(3, b"NTFS    "), (11, &[0, 2]), (40, &[100]), (72, &[0xEF, 0xCD, 0xAB])]);
    assert_eq!(
        (ntfs.kind, ntfs.uuid.as_deref(), ntfs.size_bytes),
        ("ntfs", Some("0000000000ABCDEF"), Some(51200))
    );
    let exfat = by_hand(&[(3, b"EXFAT   "), (72, &[100]), (100, &[1, 0, 0xFE, 0xCA]), (108, &[9])]);
    assert_eq!(
        (exfat.kind, exfat.uuid.as_deref(), exfat.size_bytes),
        ("exfat", Some("CAFE-0001"), Some(51200))
    );
    let lvm =
        by_hand(&[(512, b"LABELONE"), (532, &[32]), (536, b"LVM2 001"), (544, &[b'a'; 32]), (576, &[0, 8])]);
    assert_eq!((lvm.kind, lvm.uuid, lvm.size_bytes), ("LVM2", Some("a".repeat(32)), Some(2048)));
    let udf = by_hand(&[(32769, b"BEA01"), (34817, b"NSR03")]);
    assert_eq!(udf.kind, "udf");
}

#[test]
fn file_systems_are_found_in_their_partitions() {
    if !has_program("sfdisk") || !has_program("mkfs.ext4") || !has_program("mkswap") {
        return;
    }
    let folder = TempDir::new().unwrap();
    divided(folder.path(), "label: gpt\nsize=32M, type=linux\nsize=16M, type=swap\n");
    made(folder.path(), "mkfs.ext4", &["-q", "-F", "-L", "root"], 32 << 20);
    run(folder.path(), "dd", &["if=volume", "of=disk", "bs=1M", "seek=1", "conv=notrunc", "status=none"]);
    made(folder.path(), "mkswap", &["-q"], 16 << 20);
    run(folder.path(), "dd", &["if=volume", "of=disk", "bs=1M", "seek=33", "conv=notrunc", "status=none"]);
    let table = seen(folder.path(), "disk").contents.partition_table.unwrap();
    let found: Vec<_> =
        table.partitions.iter().map(|partition| partition.file_system.as_ref().map(|fs| fs.kind)).collect();
    assert_eq!(found, [Some("ext4"), Some("swap")]);
}

#[test]
fn squashfs_and_discs_are_known() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("tree")).unwrap();
    std::fs::write(folder.path().join("tree/boot.img"), vec![0x55; 2048]).unwrap();
    if has_program("mksquashfs") {
        run(folder.path(), "mksquashfs", &["tree", "volume", "-quiet", "-no-progress"]);
        assert_eq!(seen(folder.path(), "volume").contents.file_system.unwrap().kind, "squashfs");
    }
    if has_program("genisoimage") {
        let options = [
            "-quiet",
            "-V",
            "DISC",
            "-J",
            "-udf",
            "-b",
            "boot.img",
            "-no-emul-boot",
            "-o",
            "disc.iso",
            "tree",
        ];
        run(folder.path(), "genisoimage", &options);
        let verdict = seen(folder.path(), "disc.iso");
        assert_eq!((verdict.format, verdict.virtual_size_bytes), (Format::Iso, Some(verdict.size_bytes)));
        let Details::Iso(disc) = verdict.details else { panic!("not a disc") };
        assert_eq!((disc.volume.as_str(), disc.joliet, disc.udf), ("DISC", true, true));
        assert!(disc.boot_catalog && disc.boots_bios && !disc.boots_uefi);
    }
}
