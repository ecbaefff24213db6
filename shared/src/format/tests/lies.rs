//! Headers that claim what cannot be, and copies of headers that disagree.

use tempfile::TempDir;

use super::headers::{gpt_disk, qcow2};
use super::matrix::qemu_img;
use super::*;

fn checks(bytes: &[u8]) -> Vec<&'static str> {
    inspected(bytes).failures.iter().map(|failure| failure.check).collect()
}

fn with(mut bytes: Vec<u8>, at: usize, what: &[u8]) -> Vec<u8> {
    put(&mut bytes, at, what);
    bytes
}

#[test]
fn a_qcow2_that_claims_tables_without_measure_is_refused() {
    let image = || qcow2(3, 1 << 30);
    assert_eq!(checks(&image()), Vec::<&str>::new());
    assert_eq!(checks(&with(image(), 36, &[0xff; 4])), ["tables"], "the first table");
    assert_eq!(checks(&with(image(), 60, &[0xff; 4])), ["tables"], "snapshots");
    assert_eq!(checks(&with(image(), 56, &[0xff; 4])), ["tables"], "reference counts");
    assert_eq!(checks(&with(image(), 100, &[0, 0x10, 0, 0])), ["header"], "the header itself");
    assert_eq!(
        checks(&with(image(), 104, &[1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff])),
        ["header"],
        "an extension"
    );
    assert_eq!(checks(&with(image(), 24, &[0xff; 8])), ["size"], "the disk");
}

#[test]
fn tables_as_long_as_qemu_allows_are_accepted() {
    assert_eq!(checks(&with(qcow2(3, 1 << 30), 36, &(4u32 << 20).to_be_bytes())), Vec::<&str>::new());
    assert_eq!(checks(&with(qcow2(3, 1 << 30), 60, &65536u32.to_be_bytes())), Vec::<&str>::new());
    assert_eq!(checks(&with(qcow2(2, 1 << 30), 56, &128u32.to_be_bytes())), Vec::<&str>::new());
}

#[test]
fn the_two_footers_of_a_vhd_must_agree() {
    let folder = TempDir::new().unwrap();
    qemu_img(folder.path(), &["create", "-q", "-f", "vpc", "image", "16M"]);
    let bytes = std::fs::read(folder.path().join("image")).unwrap();
    let footer = bytes.len() - 512;
    assert_eq!(checks(&bytes), Vec::<&str>::new());
    assert_eq!(checks(&with(bytes.clone(), footer + 60, &2u32.to_be_bytes())), ["footer"]);
    assert_eq!(checks(&with(bytes.clone(), footer + 48, &[1])), ["footer"]);
    assert_eq!(checks(&with(bytes.clone(), 16, &[0, 0, 0, 1])), ["footer"]);
    // Without a footer at the end there is nothing to disagree with.
    assert_eq!(checks(&with(bytes, footer, b"nothing!")), Vec::<&str>::new());
}

#[test]
fn a_partition_table_of_four_milliard_entries_is_refused() {
    let mut disk = with(gpt_disk(), 512, b"EFI PART");
    put(&mut disk, 512 + 80, &128u32.to_le_bytes());
    put(&mut disk, 512 + 84, &128u32.to_le_bytes());
    assert_eq!(checks(&disk), Vec::<&str>::new());
    put(&mut disk, 512 + 80, &[0xff; 4]);
    assert_eq!(checks(&disk), ["gpt"]);
    for disk_format in ["raw", "gpt"] {
        let refusal =
            judge(&inspected(&disk), disk_format, "bare", &Rules::default()).unwrap_err().to_string();
        assert!(refusal.contains("claims 549755813760 bytes"), "{refusal}");
    }
}

#[test]
fn a_size_that_overflows_is_no_unknown_size() {
    let folder = TempDir::new().unwrap();
    qemu_img(folder.path(), &["create", "-q", "-f", "vmdk", "image", "16M"]);
    let bytes = std::fs::read(folder.path().join("image")).unwrap();
    assert_eq!(checks(&with(bytes, 12, &[0xff; 8])), ["size"]);
}

/// What is wrong with the table of this disk.
fn problems(disk: &[u8]) -> Vec<&'static str> {
    let verdict = inspected(disk);
    assert_eq!(streamed(disk, 1000).contents, verdict.contents);
    verdict.contents.partition_table.expect("a partition table").problems
}

#[test]
fn checksums_and_backup_of_a_gpt_are_compared() {
    let folder = TempDir::new().unwrap();
    let script = "truncate -s 4M disk; echo 'label: gpt\nsize=1M, type=linux' | sfdisk -q disk";
    run(folder.path(), "sh", &["-c", script]);
    let disk = std::fs::read(folder.path().join("disk")).unwrap();
    let backup = disk.len() - 512;
    assert_eq!(problems(&disk), Vec::<&str>::new());
    let changed = |at: usize, what: &[u8]| problems(&with(disk.clone(), at, what));
    assert_eq!(
        changed(512 + 48, &[1]),
        ["the checksum of the header is wrong", "the backup header tells something else than the header"]
    );
    assert_eq!(changed(1024 + 56, b"n"), ["the checksum of the entries is wrong"]);
    assert_eq!(changed(backup, b"x"), ["the backup header is missing"]);
    assert_eq!(changed(backup + 48, &[1]), ["the checksum of the backup header is wrong"]);
    assert_eq!(problems(&disk[..backup]), ["the backup header is missing"], "a disk that was cut");
}

#[test]
fn the_json_of_luks_2_tells_cipher_and_keys() {
    let json = r#"{"keyslots":{"0":{"type":"luks2","key_size":64,"kdf":{"type":"argon2id"}},"1":{"type":"luks2"}},
        "segments":{"0":{"type":"crypt","offset":"16777216","size":"dynamic","encryption":"aes-xts-plain64"}},
        "digests":{"0":{"type":"pbkdf2","hash":"sha512"}}}"#;
    let mut volume = with(vec![0; 32 << 10], 0, b"LUKS\xba\xbe\0\x02");
    put(&mut volume, 8, &16384u64.to_be_bytes());
    put(&mut volume, 72, b"sha256");
    put(&mut volume, 4096, json.as_bytes());
    let details = |volume: &[u8]| {
        let Details::Luks(details) = inspected(volume).details else { panic!("not luks") };
        details
    };
    let told = details(&volume);
    assert_eq!((told.cipher.as_deref(), told.hash.as_deref()), (Some("aes-xts-plain64"), Some("sha512")));
    assert_eq!(
        (told.key_slots, told.key_bits, told.payload_offset_bytes),
        (Some(2), Some(512), Some(16 << 20))
    );
    assert_eq!(told.key_derivation.as_deref(), Some("argon2id"));
    put(&mut volume, 4096, b"]");
    let broken = details(&volume);
    assert_eq!((broken.cipher, broken.hash.as_deref(), broken.key_slots), (None, Some("sha256"), None));
    let deep = [vec![b'['; 12000], vec![b']'; 200]].concat();
    put(&mut volume, 4096, &deep);
    assert_eq!(details(&volume).key_slots, None);
}
