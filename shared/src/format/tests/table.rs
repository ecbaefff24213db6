//! The decision table: what is accepted under which declaration.

use super::headers::{gpt_disk, iso, luks1, mbr_disk, qcow2, qed, vmdk_text};
use super::*;

fn verdict_on(bytes: &[u8], disk_format: &str, container_format: &str) -> Result<Accepted, Refusal> {
    judge(&inspected(bytes), disk_format, container_format, &Rules::default())
}

fn refusal(bytes: &[u8], disk_format: &str) -> String {
    verdict_on(bytes, disk_format, "bare").unwrap_err().to_string()
}

fn virtual_size(bytes: &[u8], disk_format: &str) -> Option<u64> {
    verdict_on(bytes, disk_format, "bare").unwrap().virtual_size_bytes
}

#[test]
fn an_empty_image_is_raw_and_nothing_else() {
    assert_eq!(virtual_size(&[], "raw"), None);
    assert_eq!(refusal(&[], "qcow2"), "the image is declared as qcow2 but its data is raw data");
}

#[test]
fn a_format_as_declared_tells_the_size_of_its_disk() {
    assert_eq!(virtual_size(&qcow2(3, 5 << 30), "qcow2"), Some(5 << 30));
    assert_eq!(virtual_size(&iso(), "iso"), Some(20 * 2048));
    assert_eq!(virtual_size(&mbr_disk(), "gpt"), Some(4096));
    assert_eq!(virtual_size(b"anything", "raw"), Some(8));
    assert_eq!(virtual_size(&luks1(), "luks"), Some(8192 - 4096));
}

#[test]
fn a_size_of_zero_is_an_unknown_size() {
    assert_eq!(virtual_size(&qcow2(3, 0), "qcow2"), None);
}

#[test]
fn a_short_header_is_not_qcow2() {
    assert!(refusal(&qcow2(3, 1 << 30)[..511], "qcow2").contains("raw data"));
    assert_eq!(virtual_size(&qcow2(3, 1 << 30)[..511], "raw"), Some(511));
}

#[test]
fn a_kernel_without_marks_is_accepted_without_a_size() {
    for disk_format in ["ami", "ari", "aki", "ploop"] {
        assert_eq!(verdict_on(b"plain bytes", disk_format, "bare"), Ok(Accepted::default()));
    }
}

#[test]
fn a_kernel_that_looks_like_a_disk_is_only_accepted_in_its_own_container() {
    let mut kernel = vec![0; 1024];
    put(&mut kernel, 510, &[0x55, 0xAA]);
    put(&mut kernel, 0x202, b"HdrS");
    assert_eq!(verdict_on(&kernel, "aki", "aki"), Ok(Accepted::default()));
    assert!(refusal(&kernel, "aki").contains("a disk with a partition table (Linux kernel)"));
    let lenient = Rules { require_match: false, ..Rules::default() };
    assert!(judge(&inspected(&kernel), "aki", "bare", &lenient).is_ok());
    assert!(judge(&inspected(&kernel), "ami", "bare", &lenient).is_err());
}

#[test]
fn clean_formats_may_be_sent_as_raw_with_a_warning() {
    for bytes in [qcow2(3, 1 << 30), luks1(), iso(), mbr_disk()] {
        let accepted = verdict_on(&bytes, "raw", "bare").unwrap();
        assert_eq!(accepted.virtual_size_bytes, Some(bytes.len() as u64));
        assert_eq!(accepted.warnings.len(), 1);
    }
}

#[test]
fn dangerous_formats_may_not_even_be_sent_as_raw() {
    let mut backed = qcow2(3, 1 << 30);
    put(&mut backed, 8, &512u64.to_be_bytes());
    assert!(refusal(&backed, "raw").contains("has a backing file"));
    assert!(refusal(&qed(), "raw").contains("not supported"));
    let mut flagged = mbr_disk();
    flagged[446] = 0x12;
    assert!(refusal(&flagged, "raw").contains("impossible boot flag"));
}

#[test]
fn another_container_is_not_looked_into() {
    let mut backed = qcow2(3, 1 << 30);
    put(&mut backed, 8, &512u64.to_be_bytes());
    assert_eq!(verdict_on(&backed, "qcow2", "ovf"), Ok(Accepted::default()));
}

#[test]
fn what_contradicts_its_declaration_is_refused_or_warned_of() {
    let image = qcow2(3, 1 << 30);
    assert_eq!(refusal(&image, "ami"), "the image is declared as ami but its data is a QCOW2 image");
    let lenient = Rules { require_match: false, ..Rules::default() };
    let accepted = judge(&inspected(&image), "vmdk", "bare", &lenient).unwrap();
    assert_eq!(accepted.virtual_size_bytes, Some(1 << 30));
    assert_eq!(accepted.warnings, ["the image is declared as vmdk but its data is a QCOW2 image"]);
}

#[test]
fn a_file_that_is_two_things_at_once_is_refused() {
    let mut both = qcow2(3, 1 << 30);
    put(&mut both, 510, &[0x55, 0xAA]);
    for disk_format in ["qcow2", "gpt", "raw"] {
        assert_eq!(refusal(&both, disk_format), "multiple formats detected in the data: qcow2, gpt");
    }
}

#[test]
fn a_disc_that_is_also_a_disk_is_a_disc() {
    let mut hybrid = iso();
    // A partition table that would be refused by itself.
    put(&mut hybrid, 510, &[0x55, 0xAA]);
    let verdict = inspected(&hybrid);
    assert_eq!((verdict.format, verdict.formats.len()), (Format::Iso, 2));
    assert_eq!(virtual_size(&hybrid, "iso"), Some(20 * 2048));
    assert!(refusal(&hybrid, "gpt").contains("an ISO image"));
}

#[test]
fn partition_tables_are_held_to_their_rules() {
    let broken = |at: usize, byte: u8| {
        let mut disk = gpt_disk();
        disk[at] = byte;
        refusal(&disk, "gpt")
    };
    assert!(verdict_on(&gpt_disk(), "gpt", "bare").is_ok());
    assert!(broken(446 + 2, 7).contains("wrong cylinder"));
    assert!(broken(446 + 8, 7).contains("wrong sector"));
    assert!(broken(446 + 16 + 4, 0x83).contains("further entries"));
    assert!(broken(446 + 4, 0).contains("no partitions"));
}

#[test]
fn an_operator_may_tolerate_odd_partition_tables() {
    let mut disk = mbr_disk();
    disk[446] = 0x12;
    let rules = Rules { gpt_nonfatal: vec!["mbr".to_owned()], ..Rules::default() };
    let accepted = judge(&inspected(&disk), "gpt", "bare", &rules).unwrap();
    assert_eq!(accepted.warnings, ["entry 1 of its partition table has an impossible boot flag"]);
    let other = Rules { gpt_nonfatal: vec!["other".to_owned()], ..Rules::default() };
    assert!(judge(&inspected(&disk), "gpt", "bare", &other).is_err());
}

#[test]
fn a_fat_file_system_is_not_a_partition_table() {
    let mut disk = mbr_disk();
    disk[0x10] = 2;
    disk[0x15] = 0xF8;
    assert_eq!(inspected(&disk).format, Format::Raw);
}

#[test]
fn a_bare_vmdk_descriptor_is_refused_whatever_it_says() {
    for create_type in ["monolithicSparse", "monolithicFlat"] {
        let text = vmdk_text(create_type, "RW 2048 SPARSE \"disk.vmdk\"");
        assert_eq!(inspected(text.as_bytes()).format, Format::Vmdk);
        assert!(refusal(text.as_bytes(), "vmdk").contains("only a descriptor"));
        assert!(refusal(text.as_bytes(), "raw").contains("only a descriptor"));
    }
    let mut padded = vmdk_text("monolithicFlat", "RW 2048 FLAT \"disk.vmdk\"").into_bytes();
    padded.resize(512, 0);
    assert!(refusal(&padded, "raw").contains("only a descriptor"));
    assert_eq!(inspected("just some text about vmdk\n".repeat(40).as_bytes()).format, Format::Raw);
}

#[test]
fn luks_of_another_version_is_refused() {
    let mut volume = luks1();
    volume[7] = 2;
    assert!(refusal(&volume, "luks").contains("version 2 of LUKS"));
}

#[test]
fn an_image_that_ends_inside_of_its_header_is_refused() {
    for (magic, disk_format) in
        [(&b"conectix"[..], "vhd"), (b"vhdxfile", "vhdx"), (b"KDMV", "vmdk"), (b"LUKS\xba\xbe", "luks")]
    {
        assert!(refusal(magic, disk_format).contains("ends inside"), "{disk_format}");
        assert!(refusal(magic, "raw").contains("ends inside"), "{disk_format}");
    }
}

#[test]
fn proposals_follow_what_was_found() {
    let proposal = |bytes: &[u8]| disk_format_for(&inspected(bytes));
    assert_eq!(proposal(&qcow2(2, 1)), Some("qcow2"));
    assert_eq!(proposal(&iso()), Some("iso"));
    assert_eq!(proposal(&gpt_disk()), Some("raw"));
    assert_eq!(proposal(b"bytes"), Some("raw"));
    assert_eq!(proposal(&qed()), None);
    assert_eq!(proposal(b"\x1f\x8b\x08 packed"), None);
    assert_eq!(proposal(b"070701000000"), Some("ari"));
    assert_eq!(proposal(&[]), None);
}

#[test]
fn names_are_suggested_without_folder_and_endings() {
    assert_eq!(suggested_name("/tmp/jammy-server.amd64.qcow2"), "jammy-server.amd64");
    assert_eq!(suggested_name("C:\\images\\Disk.RAW.xz"), "Disk");
    assert_eq!(suggested_name("cirros-0.6.2.img"), "cirros-0.6.2");
    assert_eq!(suggested_name(".img"), ".img");
    assert_eq!(suggested_name("README"), "README");
}

#[test]
fn summaries_are_one_line_for_people() {
    assert_eq!(inspected(&qcow2(3, 3 << 29)).summary(), "QCOW2 image, disk of 1.5 GiB");
    assert_eq!(
        inspected(&qed()).summary().split(", ").last(),
        Some("unsafe: the QED format is not supported")
    );
    assert_eq!(
        inspected(&mbr_disk()).summary(),
        "disk with a partition table, disk of 4 KiB, MBR with 1 partition"
    );
}
