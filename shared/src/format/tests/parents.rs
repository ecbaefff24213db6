//! Images that need other files: the other file is named, and the image refused where opening it would follow the name.

use super::matrix::{accepted, agreed, folder, qcow2_of, qemu_img};
use super::*;

#[test]
fn a_backing_file_is_named_and_refused() {
    let folder = folder();
    qemu_img(folder.path(), &["create", "-q", "-f", "qcow2", "-b", "disk.raw", "-F", "raw", "image"]);
    let (verdict, told) = agreed(folder.path(), "image");
    let parent = qcow2_of(&verdict).backing_file.clone().unwrap();
    assert_eq!(told["backing-filename"], parent.name);
    assert_eq!(parent.format.as_deref(), told["backing-filename-format"].as_str());
    assert_eq!(verdict.failures[0].check, "backing_file");
    assert!(!accepted(&verdict, "qcow2") && !accepted(&verdict, "raw"));
}

#[test]
fn an_external_data_file_is_named_and_refused() {
    let folder = folder();
    qemu_img(
        folder.path(),
        &["create", "-q", "-f", "qcow2", "-o", "data_file=other.raw,data_file_raw=on", "image", "8M"],
    );
    let (verdict, _) = agreed(folder.path(), "image");
    let details = qcow2_of(&verdict);
    assert!(details.external_data_file && details.data_file_raw);
    assert_eq!(details.data_file.as_deref(), Some("other.raw"));
    assert_eq!(verdict.failures[0].check, "data_file");
    assert!(!accepted(&verdict, "qcow2") && !accepted(&verdict, "raw"));
}

#[test]
fn a_vmdk_over_another_names_it_and_is_refused() {
    let folder = folder();
    qemu_img(folder.path(), &["create", "-q", "-f", "vmdk", "base.vmdk", "8M"]);
    qemu_img(folder.path(), &["create", "-q", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", "image"]);
    let (verdict, told) = agreed(folder.path(), "image");
    let Details::Vmdk(details) = &verdict.details else { panic!("not vmdk") };
    assert_eq!(told["backing-filename"], details.parent.as_ref().unwrap().name);
    assert_eq!(verdict.failures[0].check, "backing_file");
    assert!(!accepted(&verdict, "vmdk") && !accepted(&verdict, "raw"));
}

#[test]
fn a_qed_over_another_names_it() {
    let folder = folder();
    qemu_img(folder.path(), &["create", "-q", "-f", "qed", "-b", "disk.raw", "-F", "raw", "image"]);
    let (verdict, told) = agreed(folder.path(), "image");
    let Details::Qed(details) = &verdict.details else { panic!("not qed") };
    assert_eq!(told["backing-filename"], details.backing_file.as_ref().unwrap().name);
    assert_eq!(Some(details.cluster_size_bytes), told["cluster-size"].as_u64());
}

#[test]
fn a_differencing_vhd_names_its_parent() {
    let folder = folder();
    qemu_img(folder.path(), &["convert", "-O", "vpc", "disk.raw", "image"]);
    let mut bytes = std::fs::read(folder.path().join("image")).unwrap();
    put(&mut bytes, 60, &4u32.to_be_bytes());
    let name: Vec<u8> = "base.vhd".encode_utf16().flat_map(u16::to_be_bytes).collect();
    put(&mut bytes, 512 + 64, &name);
    let Details::Vhd(details) = inspected(&bytes).details else { panic!("not vhd") };
    assert_eq!((details.kind, details.parent.unwrap().name.as_str()), (VhdKind::Differencing, "base.vhd"));
}

#[test]
fn a_differencing_vhdx_names_its_parent() {
    let folder = folder();
    qemu_img(folder.path(), &["convert", "-O", "vhdx", "disk.raw", "image"]);
    let mut bytes = std::fs::read(folder.path().join("image")).unwrap();
    let at = |mark: &[u8]| bytes.windows(mark.len()).position(|window| window == mark).unwrap();
    let table = at(b"metadata");
    // One more item: a locator, at a place that is free.
    let count = bytes[table + 10];
    let entry = table + 32 + usize::from(count) * 32;
    let parameters = table + 0x10000;
    put(&mut bytes, table + 10, &[count + 1]);
    put(
        &mut bytes,
        entry,
        &[0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab, 0xf7, 0xd3, 0xd8, 0x48, 0x34, 0xab, 0x0c],
    );
    put(&mut bytes, entry + 16, &0x20000u32.to_le_bytes());
    put(&mut bytes, parameters + 4, &[2]);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let (key, value) = (utf16("relative_path"), utf16(".\\base.vhdx"));
    let locator = table + 0x20000;
    put(&mut bytes, locator + 18, &[1, 0, 64, 0, 0, 0, 128, 0, 0, 0, 26, 0, 22, 0]);
    put(&mut bytes, locator + 64, &key);
    put(&mut bytes, locator + 128, &value);
    // A log that is not empty, in both headers.
    for header in [65536, 131_072] {
        put(&mut bytes, header + 48, &[1]);
    }
    let Details::Vhdx(details) = inspected(&bytes).details else { panic!("not vhdx") };
    assert!(details.has_parent && details.dirty);
    assert_eq!(details.parent.unwrap().name, ".\\base.vhdx");
}
