//! Small images made by hand, and what is read out of headers that no program at hand can make.

use super::*;

/// A header without clusters.
pub(super) fn qcow2(version: u32, size_bytes: u64) -> Vec<u8> {
    let mut bytes = vec![0; 65536];
    put(&mut bytes, 0, b"QFI\xfb");
    put(&mut bytes, 4, &version.to_be_bytes());
    put(&mut bytes, 20, &16u32.to_be_bytes());
    put(&mut bytes, 24, &size_bytes.to_be_bytes());
    put(&mut bytes, 100, &104u32.to_be_bytes());
    bytes
}

pub(super) fn qed() -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    put(&mut bytes, 0, b"QED\0");
    bytes
}

pub(super) fn iso() -> Vec<u8> {
    let mut bytes = vec![0; 20 * 2048];
    put(&mut bytes, 32768, b"\x01CD001\x01");
    put(&mut bytes, 32768 + 40, b"VOLUME NAME                     ");
    put(&mut bytes, 32768 + 80, &20u32.to_le_bytes());
    put(&mut bytes, 32768 + 128, &2048u16.to_le_bytes());
    bytes
}

/// One Linux partition from sector 1 to the end.
pub(super) fn mbr_disk() -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    put(&mut bytes, 446, &[0, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0]);
    put(&mut bytes, 510, &[0x55, 0xAA]);
    bytes
}

/// A protective partition table; nothing behind it.
pub(super) fn gpt_disk() -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    put(&mut bytes, 446, &[0, 0, 2, 0, 0xEE, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0]);
    put(&mut bytes, 510, &[0x55, 0xAA]);
    bytes
}

pub(super) fn luks1() -> Vec<u8> {
    let mut bytes = vec![0; 8192];
    put(&mut bytes, 0, b"LUKS\xba\xbe\0\x01aes");
    put(&mut bytes, 40, b"xts-plain64");
    put(&mut bytes, 72, b"sha256");
    put(&mut bytes, 104, &8u32.to_be_bytes());
    put(&mut bytes, 108, &64u32.to_be_bytes());
    put(&mut bytes, 168, b"00000000-1111-2222-3333-444444444444");
    put(&mut bytes, 208, &0x00AC_71F3u32.to_be_bytes());
    bytes
}

pub(super) fn vmdk_text(create_type: &str, extent: &str) -> String {
    format!(
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"{create_type}\"\n\n\
         # Extent description\n{extent}\n\n# The Disk Data Base\nddb.adapterType = \"ide\"\n"
    )
}

/// A sparse extent with this descriptor and no grains.
fn vmdk(descriptor: &str, grain_directory: u64) -> Vec<u8> {
    let mut bytes = vec![0; 21 * 512];
    put(&mut bytes, 0, b"KDMV\x01\0\0\0");
    put(&mut bytes, 12, &2048u64.to_le_bytes());
    put(&mut bytes, 20, &128u64.to_le_bytes());
    put(&mut bytes, 28, &1u64.to_le_bytes());
    put(&mut bytes, 36, &20u64.to_le_bytes());
    put(&mut bytes, 56, &grain_directory.to_le_bytes());
    put(&mut bytes, 512, descriptor.as_bytes());
    bytes
}

/// The same with a footer and its marks.
fn vmdk_with_footer() -> Vec<u8> {
    let text = vmdk_text("streamOptimized", "RW 2048 SPARSE \"disk.vmdk\"");
    let mut bytes = vmdk(&text, u64::MAX);
    let footer = vmdk(&text, 7)[..512].to_vec();
    let end = bytes.len();
    put(&mut bytes, end + 12, &3u32.to_le_bytes());
    put(&mut bytes, end + 512, &footer);
    put(&mut bytes, end + 1024, &[0; 512]);
    bytes
}

fn reasons(bytes: &[u8]) -> Vec<String> {
    inspected(bytes)
        .failures
        .into_iter()
        .map(|failure| format!("{}: {}", failure.check, failure.explanation))
        .collect()
}

#[test]
fn vmdk_descriptors_are_held_to_their_rules() {
    let reasons_of = |create_type: &str, extent: &str| reasons(&vmdk(&vmdk_text(create_type, extent), 1));
    let plain = "RW 2048 SPARSE \"disk.vmdk\"";
    assert_eq!(reasons_of("monolithicSparse", plain), Vec::<String>::new());
    assert!(reasons_of("monolithicFlat", plain)[0].contains("monolithicFlat are not supported"));
    assert!(reasons_of("monolithicSparse", "RW 2048 SPARSE \"/etc/passwd\"")[0].contains("names a path"));
    assert!(reasons_of("monolithicSparse", "")[0].contains("no extents"));
    assert!(reasons_of("monolithicSparse", "some words")[0].contains("\"some words\""));
    assert!(
        reasons_of("monolithicSparse", "parentFileNameHint=\"x\"\nRW 1 ZERO")[0].contains("names a parent")
    );
    assert_eq!(reasons(&vmdk("", 1)), ["descriptor: it has no descriptor that can be read"]);
}

#[test]
fn vmdk_headers_are_held_to_their_rules() {
    let text = vmdk_text("monolithicSparse", "RW 2048 SPARSE \"disk.vmdk\"");
    let broken = |at: usize, what: &[u8]| {
        let mut bytes = vmdk(&text, 1);
        put(&mut bytes, at, what);
        reasons(&bytes)
    };
    assert_eq!(broken(4, &[9]), ["header: version 9 of VMDK is not supported"]);
    assert_eq!(broken(28, &[2]), ["descriptor: it has no descriptor, or not where it belongs"]);
    assert_eq!(broken(36, &[0xff; 8]), ["truncated: the image ends inside of its own header"]);
}

#[test]
fn a_vmdk_footer_must_not_contradict_its_header() {
    assert_eq!(reasons(&vmdk_with_footer()), Vec::<String>::new());
    let footer = 21 * 512;
    let broken = |at: usize, what: &[u8]| {
        let mut bytes = vmdk_with_footer();
        put(&mut bytes, footer + at, what);
        reasons(&bytes).join("; ")
    };
    assert!(broken(512 + 4, &[2]).contains("another version"));
    assert!(broken(512 + 28, &[3]).contains("another descriptor"));
    assert!(broken(512 + 12, &[3]).contains("another size"));
    assert!(broken(512 + 56, &[0xff; 8]).contains("another footer"));
    assert!(broken(512, b"no").contains("footer is missing"));
    assert!(broken(12, &[4]).contains("mark of its footer"));
    assert!(broken(1024 + 12, &[4]).contains("mark of its end"));
}

#[test]
fn an_operator_may_shorten_the_list_of_vmdk_types() {
    let verdict = inspected(&vmdk_with_footer());
    assert!(judge(&verdict, "vmdk", "bare", &Rules::default()).is_ok());
    let rules = Rules { vmdk_allowed_types: vec!["monolithicSparse".to_owned()], ..Rules::default() };
    let refusal = judge(&verdict, "vmdk", "bare", &rules).unwrap_err().to_string();
    assert!(refusal.contains("\"streamOptimized\" is not among the allowed ones"), "{refusal}");
}

#[test]
fn qcow2_features_that_lead_elsewhere_or_are_unknown_are_dangerous() {
    let with = |version: u32, features: u64| {
        let mut bytes = qcow2(version, 1 << 20);
        put(&mut bytes, 72, &features.to_be_bytes());
        reasons(&bytes).join("; ")
    };
    assert_eq!(with(3, 0b1011), "");
    assert!(with(3, 0b100).starts_with("data_file: "));
    assert!(with(3, 1 << 4).starts_with("unknown_features: "));
    assert!(with(3, 1 << 63).starts_with("unknown_features: "));
    assert_eq!(with(2, u64::MAX), "", "version 2 has no feature bits");
    assert!(with(1, 0).contains("version 1 of QCOW2"));
    assert!(with(4, 0).contains("version 4 of QCOW2"));
}

#[test]
fn a_luks_header_tells_cipher_and_keys() {
    let Details::Luks(luks) = inspected(&luks1()).details else { panic!("not LUKS") };
    assert_eq!(luks.cipher.as_deref(), Some("aes-xts-plain64"));
    assert_eq!((luks.key_bits, luks.key_slots, luks.payload_offset_bytes), (Some(512), Some(1), Some(4096)));
    assert_eq!(luks.uuid, "00000000-1111-2222-3333-444444444444");
}

#[test]
fn luks_of_version_2_tells_its_label() {
    let mut volume = luks1();
    volume[7] = 2;
    put(&mut volume, 8, &16384u64.to_be_bytes());
    put(&mut volume, 24, b"backup\0\0");
    put(&mut volume, 40, &[0; 32]);
    let Details::Luks(luks) = inspected(&volume).details else { panic!("not LUKS") };
    assert_eq!((luks.version, luks.label.as_deref(), luks.payload_offset_bytes), (2, Some("backup"), None));
}

#[test]
fn an_appliance_is_told_from_an_archive() {
    let mut tar = vec![0; 10240];
    put(&mut tar, 0, b"machine.ovf");
    put(&mut tar, 257, b"ustar");
    assert_eq!(inspected(&tar).wrapper, Some(Wrapper::Ova { descriptor: "machine.ovf".to_owned() }));
    put(&mut tar, 0, b"machine.txt");
    assert_eq!(inspected(&tar).wrapper, Some(Wrapper::Tar { first_file: "machine.txt".to_owned() }));
}

#[test]
fn lies_about_sizes_cost_nothing() {
    // A GPT with 2³² entries of 4 KiB.
    let mut disk = gpt_disk();
    put(&mut disk, 512, b"EFI PART");
    put(&mut disk, 512 + 72, &2u64.to_le_bytes());
    put(&mut disk, 512 + 80, &u32::MAX.to_le_bytes());
    put(&mut disk, 512 + 84, &4096u32.to_le_bytes());
    assert_eq!(inspected(&disk).format, Format::Gpt);
    // Names and tables at the end of the address space.
    let mut image = qcow2(3, u64::MAX);
    put(&mut image, 8, &u64::MAX.to_be_bytes());
    put(&mut image, 16, &1023u32.to_be_bytes());
    put(&mut image, 36, &u32::MAX.to_be_bytes());
    put(&mut image, 40, &u64::MAX.to_be_bytes());
    put(&mut image, 100, &u32::MAX.to_be_bytes());
    assert_eq!(inspected(&image).virtual_size_bytes, Some(u64::MAX));
}
