//! Images made by qemu-img: format, size and details must be those that it tells itself.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::*;

/// A folder with a raw disk of 8 MiB in it: a partition table and some bytes that do not compress to nothing.
pub(super) fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut disk = headers::mbr_disk();
    disk[0] = 0xEB;
    put(&mut disk, 446 + 8, &2048u32.to_le_bytes());
    put(&mut disk, 446 + 12, &8192u32.to_le_bytes());
    // An ext2 superblock at the partition's start.
    let start = 1 << 20;
    put(&mut disk, start + 1024 + 4, &4096u32.to_le_bytes());
    put(&mut disk, start + 1024 + 56, &0xEF53u16.to_le_bytes());
    put(&mut disk, start + 1024 + 120, b"root");
    let mut noise = 1u32;
    for at in (2 << 20)..(2 << 20) + 200_000 {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        put(&mut disk, at, &[noise.to_be_bytes()[0]]);
    }
    put(&mut disk, (8 << 20) - 1, &[0]);
    std::fs::write(folder.path().join("disk.raw"), disk).unwrap();
    folder
}

pub(super) fn qemu_img(folder: &Path, arguments: &[&str]) -> String {
    run(folder, "qemu-img", arguments)
}

/// The verdict of a file, after comparing it with what qemu-img tells.
pub(super) fn agreed(folder: &Path, name: &str) -> (Verdict, Value) {
    let verdict = inspected(&std::fs::read(folder.join(name)).unwrap());
    let told: Value = serde_json::from_str(&qemu_img(folder, &["info", "--output=json", name])).unwrap();
    let format = match told["format"].as_str().unwrap() {
        "vpc" => "vhd",
        other => other,
    };
    assert_eq!(verdict.format.as_str(), format, "{name}");
    assert_eq!(verdict.virtual_size_bytes, told["virtual-size"].as_u64(), "{name}");
    (verdict, told)
}

/// Converts the disk and compares.
fn converted(format: &str, options: &[&str]) -> (Verdict, Value) {
    let folder = folder();
    let arguments = [&["convert", "-f", "raw", "-O", format], options, &["disk.raw", "image"]].concat();
    qemu_img(folder.path(), &arguments);
    agreed(folder.path(), "image")
}

pub(super) fn qcow2_of(verdict: &Verdict) -> &Qcow2 {
    let Details::Qcow2(details) = &verdict.details else { panic!("not qcow2: {verdict:?}") };
    details
}

pub(super) fn accepted(verdict: &Verdict, disk_format: &str) -> bool {
    judge(verdict, disk_format, "bare", &Rules::default()).is_ok()
}

#[test]
fn qcow2_of_both_versions_and_all_cluster_sizes_agrees() {
    for compat in ["0.10", "1.1"] {
        for cluster_bytes in ["512", "4096", "65536", "2097152"] {
            let options = format!("compat={compat},cluster_size={cluster_bytes}");
            let (verdict, told) = converted("qcow2", &["-o", &options]);
            let details = qcow2_of(&verdict);
            assert_eq!(details.cluster_size_bytes, told["cluster-size"].as_u64());
            assert_eq!(details.version, if compat == "1.1" { 3 } else { 2 });
            assert_eq!((details.dirty, details.corrupt, details.snapshots), (false, false, 0));
            assert_eq!(details.compressed, Some(false));
            assert!(accepted(&verdict, "qcow2"), "{options}");
            let table = verdict.contents.partition_table.expect("the guest's partition table");
            let file_system = table.partitions[0].file_system.as_ref().expect("the guest's file system");
            assert_eq!((file_system.kind, file_system.label.as_deref()), ("ext2", Some("root")));
            assert_eq!(verdict.contents.boot, [BootWay::Bios]);
        }
    }
}

#[test]
fn a_stream_of_qcow2_shows_its_partition_table_as_it_passes() {
    let folder = folder();
    qemu_img(folder.path(), &["convert", "-O", "qcow2", "disk.raw", "image"]);
    let verdict = streamed(&std::fs::read(folder.path().join("image")).unwrap(), 4096);
    let table = verdict.contents.partition_table.expect("the guest's partition table");
    assert_eq!(table.partitions[0].file_system.as_ref().unwrap().kind, "ext2");
}

#[test]
fn compressed_qcow2_names_its_compression() {
    for kind in ["zlib", "zstd"] {
        let (verdict, told) = converted("qcow2", &["-c", "-o", &format!("compression_type={kind}")]);
        assert_eq!(qcow2_of(&verdict).compression_type, kind);
        assert_eq!(qcow2_of(&verdict).compressed, Some(true));
        assert_eq!(told["format-specific"]["data"]["compression-type"], kind);
        assert!(accepted(&verdict, "qcow2"));
    }
}

#[test]
fn qcow2_tells_lazy_refcounts_and_their_width() {
    let (verdict, told) = converted("qcow2", &["-o", "lazy_refcounts=on,refcount_bits=64"]);
    let data = &told["format-specific"]["data"];
    assert_eq!(qcow2_of(&verdict).refcount_bits, data["refcount-bits"].as_u64().unwrap());
    assert!(qcow2_of(&verdict).lazy_refcounts && data["lazy-refcounts"].as_bool().unwrap());
}

#[test]
fn qcow2_with_extended_entries_is_refused() {
    let (verdict, _) = converted("qcow2", &["-o", "extended_l2=on,cluster_size=128k"]);
    assert!(qcow2_of(&verdict).extended_l2);
    assert_eq!(verdict.failures[0].check, "unknown_features");
    assert!(!accepted(&verdict, "qcow2"));
}

#[test]
fn encrypted_qcow2_is_told() {
    let folder = folder();
    let secret = ["--object", "secret,id=key,data=secret"];
    let options = ["-o", "encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10"];
    let create = [&["create", "-q", "-f", "qcow2"], &secret[..], &options[..], &["image", "8M"]].concat();
    qemu_img(folder.path(), &create);
    let (verdict, told) = agreed(folder.path(), "image");
    assert_eq!(qcow2_of(&verdict).encryption, Some(Qcow2Encryption::Luks));
    assert_eq!(told["encrypted"], true);
    assert_eq!(verdict.contents, Contents::default());
}

#[test]
fn snapshots_and_bitmaps_are_counted() {
    let folder = folder();
    qemu_img(folder.path(), &["convert", "-O", "qcow2", "disk.raw", "image"]);
    qemu_img(folder.path(), &["snapshot", "-c", "first", "image"]);
    qemu_img(folder.path(), &["snapshot", "-c", "second", "image"]);
    qemu_img(folder.path(), &["bitmap", "--add", "image", "changes"]);
    let (verdict, told) = agreed(folder.path(), "image");
    assert_eq!(qcow2_of(&verdict).snapshots as usize, told["snapshots"].as_array().unwrap().len());
    assert_eq!(qcow2_of(&verdict).bitmaps, 1);
}

#[test]
fn sparse_and_streamed_vmdk_agree_and_are_accepted() {
    for subformat in ["monolithicSparse", "streamOptimized"] {
        let (verdict, told) = converted("vmdk", &["-o", &format!("subformat={subformat}")]);
        let Details::Vmdk(details) = &verdict.details else { panic!("not vmdk") };
        assert_eq!(details.create_type.as_deref(), Some(subformat));
        assert_eq!(told["format-specific"]["data"]["create-type"], subformat);
        assert_eq!(details.compressed, subformat == "streamOptimized");
        assert_eq!(details.adapter_type.as_deref(), Some("ide"));
        assert!(accepted(&verdict, "vmdk"), "{:?}", verdict.failures);
    }
}

#[test]
fn vmdk_whose_data_lies_elsewhere_is_refused() {
    let folder = folder();
    for subformat in ["monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat"] {
        let options = format!("subformat={subformat}");
        qemu_img(folder.path(), &["convert", "-O", "vmdk", "-o", &options, "disk.raw", "image.vmdk"]);
        let verdict = inspected(&std::fs::read(folder.path().join("image.vmdk")).unwrap());
        let Details::Vmdk(details) = &verdict.details else { panic!("{subformat}: {verdict:?}") };
        assert!(details.descriptor_only);
        assert_eq!(details.create_type.as_deref(), Some(subformat));
        assert!(details.extents[0].file_name.as_deref().unwrap().starts_with("image-"));
        assert!(!accepted(&verdict, "vmdk") && !accepted(&verdict, "raw"));
    }
}

/// What the fixture's disk holds, seen through the map of a format, in a file and as a stream.
fn assert_contents(format: &str, options: &[&str]) {
    let folder = folder();
    qemu_img(folder.path(), &[&["convert", "-O", format], options, &["disk.raw", "image"]].concat());
    let bytes = std::fs::read(folder.path().join("image")).unwrap();
    for verdict in [inspected(&bytes), streamed(&bytes, 4096)] {
        let table = verdict.contents.partition_table.expect("the guest's partition table");
        assert_eq!((table.scheme, table.partitions.len()), (PartitionScheme::Mbr, 1), "{format}");
        let file_system = table.partitions[0].file_system.as_ref().expect("the guest's file system");
        assert_eq!((file_system.kind, file_system.label.as_deref()), ("ext2", Some("root")), "{format}");
        assert_eq!(verdict.contents.boot, [BootWay::Bios], "{format}");
    }
}

#[test]
fn the_disk_in_a_vdi_vhd_or_vmdk_is_seen_through_its_map() {
    assert_contents("vdi", &["-o", "static=off"]);
    assert_contents("vdi", &["-o", "static=on"]);
    assert_contents("vpc", &["-o", "subformat=dynamic,force_size=on"]);
    assert_contents("vpc", &["-o", "subformat=fixed,force_size=on"]);
    assert_contents("vmdk", &["-o", "subformat=monolithicSparse"]);
}

#[test]
fn the_disk_in_a_compressed_vmdk_stays_unknown() {
    let (verdict, _) = converted("vmdk", &["-o", "subformat=streamOptimized"]);
    assert_eq!(verdict.contents, Contents::default());
}

#[test]
fn vdi_agrees() {
    for (options, kind) in [("static=off", "dynamic"), ("static=on", "static")] {
        let (verdict, _) = converted("vdi", &["-o", options]);
        let Details::Vdi(details) = &verdict.details else { panic!("not vdi") };
        assert_eq!((details.kind.as_str(), details.block_size_bytes), (kind, 1 << 20));
        assert!(accepted(&verdict, "vdi"));
    }
}

#[test]
fn vhdx_agrees() {
    for (options, fixed) in [("subformat=dynamic,block_size=1M", false), ("subformat=fixed", true)] {
        let (verdict, _) = converted("vhdx", &["-o", options]);
        let Details::Vhdx(details) = &verdict.details else { panic!("not vhdx") };
        assert_eq!((details.fixed, details.has_parent, details.dirty), (fixed, false, false));
        assert_eq!(details.logical_sector_bytes, Some(512));
        assert!(details.block_size_bytes.is_some());
        assert!(accepted(&verdict, "vhdx"));
    }
}

#[test]
fn dynamic_vhd_agrees() {
    for options in ["subformat=dynamic", "subformat=dynamic,force_size=on"] {
        let (verdict, _) = converted("vpc", &["-o", options]);
        let Details::Vhd(details) = &verdict.details else { panic!("not vhd") };
        assert_eq!((details.kind, details.block_size_bytes), (VhdKind::Dynamic, Some(2 << 20)));
        assert!(accepted(&verdict, "vhd"));
    }
}

#[test]
fn fixed_vhd_counts_as_raw_and_is_told_by_its_footer() {
    let folder = folder();
    qemu_img(
        folder.path(),
        &["convert", "-O", "vpc", "-o", "subformat=fixed,force_size=on", "disk.raw", "image"],
    );
    let bytes = std::fs::read(folder.path().join("image")).unwrap();
    for verdict in [inspected(&bytes), streamed(&bytes, 1000)] {
        let Some(Wrapper::FixedVhd { virtual_size_bytes, .. }) = verdict.wrapper else { panic!("no footer") };
        assert_eq!(virtual_size_bytes, 8 << 20);
        assert_eq!(verdict.format, Format::Gpt, "the partition table of the disk in it");
        assert!(accepted(&verdict, "raw") && !accepted(&verdict, "vhd"));
    }
}

#[test]
fn qed_agrees_and_is_refused() {
    let (verdict, _) = converted("qed", &[]);
    assert!(!accepted(&verdict, "qed") && !accepted(&verdict, "raw"));
}

#[test]
fn luks_agrees() {
    let folder = folder();
    let options = ["-o", "key-secret=key,iter-time=10"];
    let create = [
        &["create", "-q", "--object", "secret,id=key,data=secret", "-f", "luks"],
        &options[..],
        &["image", "8M"],
    ];
    qemu_img(folder.path(), &create.concat());
    let (verdict, told) = agreed(folder.path(), "image");
    let Details::Luks(details) = &verdict.details else { panic!("not luks") };
    let data = &told["format-specific"]["data"];
    assert_eq!(details.hash.as_deref(), data["hash-alg"].as_str());
    assert_eq!(details.payload_offset_bytes, data["payload-offset"].as_u64());
    assert_eq!(data["uuid"], details.uuid);
    assert!(accepted(&verdict, "luks") && accepted(&verdict, "raw"));
}

#[test]
fn parallels_is_raw_with_a_name() {
    let folder = folder();
    qemu_img(folder.path(), &["convert", "-O", "parallels", "disk.raw", "image"]);
    let verdict = inspected(&std::fs::read(folder.path().join("image")).unwrap());
    let Some(Wrapper::Ploop { virtual_size_bytes, .. }) = verdict.wrapper else { panic!("not told") };
    assert_eq!((verdict.format, virtual_size_bytes), (Format::Raw, Some(8 << 20)));
}
