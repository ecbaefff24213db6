//! File systems and volumes, known by their superblocks.

use super::capture::{Missing, optional};
use super::contents::{Disk, FileSystem};
use super::fields::{be16, be32, be64, le16, le32, le64, stands, text, uuid};

const START_BYTES: usize = 4096;
const BTRFS_AT: u64 = 64 * 1024;
const BTRFS_BYTES: usize = 1024;

/// Notes what will be read of a volume that starts here.
pub(super) fn ask(disk: &dyn Disk, start: u64) {
    disk.ask(start, START_BYTES);
    if let Some(start) = start.checked_add(BTRFS_AT) {
        disk.ask(start, BTRFS_BYTES);
    }
}

/// What a volume that starts here is.
pub(super) fn read(disk: &dyn Disk, start: u64) -> Result<Option<FileSystem>, Missing> {
    if let Some(bytes) = optional(disk.read(start, START_BYTES))?
        && let Some(found) = at_start(&bytes)
    {
        return Ok(Some(found));
    }
    let Some(start) = start.checked_add(BTRFS_AT) else { return Ok(None) };
    Ok(optional(disk.read(start, BTRFS_BYTES))?.and_then(|bytes| btrfs(&bytes)))
}

/// A disc that has no ISO 9660 and so does not count as one: only the Universal Disk Format.
pub(super) fn udf(disk: &dyn Disk) -> Result<Option<FileSystem>, Missing> {
    let first = optional(disk.read(32768, 6))?;
    if !first.is_some_and(|bytes| stands(&bytes, 1, b"BEA01")) {
        return Ok(None);
    }
    let Some(second) = optional(disk.read(32768 + 2048, 6))? else { return Ok(None) };
    Ok(stands(&second, 1, b"NSR0").then(|| file_system("udf", &[], None, None)))
}

fn at_start(bytes: &[u8]) -> Option<FileSystem> {
    luks(bytes)
        .or_else(|| xfs(bytes))
        .or_else(|| lvm2(bytes))
        .or_else(|| swap(bytes))
        .or_else(|| ntfs(bytes))
        .or_else(|| squashfs(bytes))
        .or_else(|| exfat(bytes))
        .or_else(|| ext(bytes))
        .or_else(|| fat(bytes))
}

fn file_system(
    kind: &'static str,
    label: &[u8],
    uuid: Option<String>,
    size_bytes: Option<u64>,
) -> FileSystem {
    let label = text(label);
    FileSystem { kind, label: Some(label).filter(|label| !label.is_empty()), uuid, size_bytes }
}

fn ext(bytes: &[u8]) -> Option<FileSystem> {
    let block = bytes.get(1024..2048)?;
    if le16(block, 56)? != 0xEF53 {
        return None;
    }
    let (compatible, incompatible, read_only) = (le32(block, 92)?, le32(block, 96)?, le32(block, 100)?);
    // A journal makes it ext3; extents, 64 bits, flexible groups and the like make it ext4.
    let kind = if incompatible & 8 != 0 {
        "external ext journal"
    } else if incompatible & !0x06 & !0x10 != 0 || read_only & !0x07 != 0 {
        "ext4"
    } else if compatible & 4 != 0 {
        "ext3"
    } else {
        "ext2"
    };
    let high = if incompatible & 0x80 != 0 { le32(block, 0x150)? } else { 0 };
    let blocks = u64::from(high) << 32 | u64::from(le32(block, 4)?);
    let block_bytes = 1024u64.checked_shl(le32(block, 24)?).filter(|bytes| *bytes != 0)?;
    Some(file_system(kind, block.get(120..136)?, uuid(block, 104), blocks.checked_mul(block_bytes)))
}

fn xfs(bytes: &[u8]) -> Option<FileSystem> {
    stands(bytes, 0, b"XFSB").then_some(())?;
    let size = be64(bytes, 8)?.checked_mul(u64::from(be32(bytes, 4)?));
    Some(file_system("xfs", bytes.get(108..120)?, uuid(bytes, 32), size))
}

fn btrfs(bytes: &[u8]) -> Option<FileSystem> {
    stands(bytes, 64, b"_BHRfS_M").then_some(())?;
    Some(file_system("btrfs", bytes.get(0x12b..0x22b)?, uuid(bytes, 32), le64(bytes, 0x70)))
}

fn swap(bytes: &[u8]) -> Option<FileSystem> {
    // At the end of the first page; pages of 4 KiB are all that clouds have.
    let marked = stands(bytes, 4086, b"SWAPSPACE2") || stands(bytes, 4086, b"SWAP-SPACE");
    marked.then_some(())?;
    let size = (u64::from(le32(bytes, 1028)?) + 1).checked_mul(4096);
    Some(file_system("swap", bytes.get(1052..1068)?, uuid(bytes, 1036), size))
}

fn lvm2(bytes: &[u8]) -> Option<FileSystem> {
    // The label is in one of the first four sectors.
    let label = bytes.chunks_exact(512).take(4).find(|sector| stands(sector, 0, b"LABELONE"))?;
    stands(label, 24, b"LVM2 001").then_some(())?;
    let at = usize::try_from(le32(label, 20)?).ok()?;
    let id = label.get(at..at.checked_add(32)?).map(text);
    let size = at.checked_add(32).and_then(|at| le64(label, at));
    Some(file_system("LVM2", &[], id, size))
}

fn luks(bytes: &[u8]) -> Option<FileSystem> {
    stands(bytes, 0, b"LUKS\xba\xbe").then_some(())?;
    let kind = if be16(bytes, 6)? == 1 { "LUKS" } else { "LUKS2" };
    let label = if kind == "LUKS2" { bytes.get(24..72)? } else { &[] };
    Some(file_system(kind, label, bytes.get(168..208).map(text), None))
}

fn ntfs(bytes: &[u8]) -> Option<FileSystem> {
    stands(bytes, 3, b"NTFS    ").then_some(())?;
    let size = le64(bytes, 40)?.checked_mul(u64::from(le16(bytes, 11)?));
    Some(file_system("ntfs", &[], le64(bytes, 72).map(|serial| format!("{serial:016X}")), size))
}

fn exfat(bytes: &[u8]) -> Option<FileSystem> {
    stands(bytes, 3, b"EXFAT   ").then_some(())?;
    let sector = 1u64.checked_shl(u32::from(*bytes.get(108)?));
    let size = sector.and_then(|sector| le64(bytes, 72)?.checked_mul(sector));
    Some(file_system("exfat", &[], le32(bytes, 100).map(serial), size))
}

fn squashfs(bytes: &[u8]) -> Option<FileSystem> {
    stands(bytes, 0, b"hsqs").then_some(())?;
    Some(file_system("squashfs", &[], None, le64(bytes, 40)))
}

fn fat(bytes: &[u8]) -> Option<FileSystem> {
    stands(bytes, 510, &[0x55, 0xAA]).then_some(())?;
    let wide = stands(bytes, 82, b"FAT32   ");
    if !wide && !stands(bytes, 54, b"FAT1") {
        return None;
    }
    let at = if wide { 67 } else { 39 };
    let small = u64::from(le16(bytes, 19)?);
    let sectors = if small == 0 { u64::from(le32(bytes, 32)?) } else { small };
    let label = bytes.get(at + 4..at + 15).filter(|label| *label != b"NO NAME    ").unwrap_or_default();
    let size = sectors.checked_mul(u64::from(le16(bytes, 11)?));
    Some(file_system("vfat", label, le32(bytes, at).map(serial), size))
}

/// A serial number of Microsoft's file systems, the way it is usually written.
fn serial(number: u32) -> String {
    format!("{:04X}-{:04X}", number >> 16, number & 0xffff)
}
