//! VMware: sparse extents with an embedded descriptor, of which streamOptimized ones repeat their header in a footer;
//! and bare descriptors. The descriptor's text is read in `vmdk_descriptor`.

use super::Format;
use super::capture::{View, optional};
use super::details::{Details, Vmdk};
use super::fields::{le16, le32, le64, stands};
use super::guest::Layout;
use super::inspector::Reading;
use super::verdict::Match;
use super::vmdk_descriptor::Descriptor;
use super::vmdk_grains::Grains;

const MAGIC: &[u8] = b"KDMV";
const HEADER_BYTES: usize = 64;
const SECTOR_BYTES: u64 = 512;
/// The only place where QEMU looks for an embedded descriptor, and the most that it reads.
const DESCRIPTOR_AT: u64 = 0x200;
const DESCRIPTOR_MOST_BYTES: usize = (1 << 20) - 1;
/// Says that the real grain directory is named by the footer.
const AT_END: u64 = u64::MAX;
const COMPRESSED: u32 = 1 << 16;
const SUPPORTED: [&str; 2] = ["monolithicsparse", "streamoptimized"];

/// A header, or the footer that repeats it.
#[derive(PartialEq, Eq)]
struct Header {
    version: u32,
    flags: u32,
    capacity_sectors: u64,
    grain_sectors: u64,
    descriptor_sector: u64,
    descriptor_sectors: u64,
    grain_directory: u64,
    dirty: bool,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        if !stands(bytes, 0, MAGIC) {
            return None;
        }
        Some(Self {
            version: le32(bytes, 4)?,
            flags: le32(bytes, 8)?,
            capacity_sectors: le64(bytes, 12)?,
            grain_sectors: le64(bytes, 20)?,
            descriptor_sector: le64(bytes, 28)?,
            descriptor_sectors: le64(bytes, 36)?,
            grain_directory: le64(bytes, 56)?,
            dirty: bytes.get(72) == Some(&1),
        })
    }
}

pub(super) fn read(view: &View<'_>) -> Reading {
    if stands(view.read(0, MAGIC.len())?, 0, MAGIC) { sparse(view) } else { text(view) }
}

fn sparse(view: &View<'_>) -> Reading {
    let Some(header) = Header::parse(view.read_up_to(0, 512)?) else {
        return Ok(Some(Match::truncated(Format::Vmdk).into()));
    };
    let mut found = Match::new(Format::Vmdk);
    if !(1..=3).contains(&header.version) {
        found.fail("header", format!("version {} of VMDK is not supported", header.version));
        return Ok(Some(found.into()));
    }
    if header.descriptor_sector.checked_mul(SECTOR_BYTES) != Some(DESCRIPTOR_AT) {
        found.fail("descriptor", "it has no descriptor, or not where it belongs");
        return Ok(Some(found.into()));
    }
    let length = header.descriptor_sectors.saturating_mul(SECTOR_BYTES);
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(DESCRIPTOR_MOST_BYTES);
    let descriptor = match optional(view.read(DESCRIPTOR_AT, length))? {
        Some(bytes) => Descriptor::parse(bytes),
        None => return Ok(Some(Match::truncated(Format::Vmdk).into())),
    };
    check_descriptor(descriptor.as_ref(), &mut found);
    if header.grain_directory == AT_END {
        check_footer(&header, optional(view.tail(1536))?, &mut found);
    }
    if descriptor.as_ref().is_some_and(is_supported) {
        found.virtual_size_bytes = Some(header.capacity_sectors.saturating_mul(SECTOR_BYTES));
    }
    let mut details = descriptor.map(Descriptor::into_details).unwrap_or_default();
    details.grain_size_bytes = header.grain_sectors.checked_mul(SECTOR_BYTES);
    details.compressed = header.flags & COMPRESSED != 0 || le16(view.read_up_to(0, 512)?, 77) == Some(1);
    details.footer = header.grain_directory == AT_END;
    details.dirty = header.dirty;
    found.details = Details::Vmdk(details);
    Ok(Some(found.into()))
}

/// The layout of a sparse extent whose grains are not compressed.
pub(super) fn layout(head: &[u8]) -> Option<Box<dyn Layout>> {
    let header = Header::parse(head)?;
    let plain = header.flags & COMPRESSED == 0 && header.grain_directory != AT_END && le16(head, 77)? == 0;
    plain.then_some(())?;
    Some(Box::new(Grains {
        size_bytes: header.capacity_sectors.checked_mul(SECTOR_BYTES)?,
        grain_bytes: header.grain_sectors.checked_mul(SECTOR_BYTES).filter(|bytes| *bytes != 0)?,
        directory: header.grain_directory.checked_mul(SECTOR_BYTES)?,
        per_table: u64::from(le32(head, 44)?).max(1),
    }))
}

/// A file that begins as text may be a descriptor whose data lies in other files.
fn text(view: &View<'_>) -> Reading {
    let start = view.read_up_to(0, 512)?;
    // Stricter than the service that we follow, which takes text that is filled up with NULs for raw bytes: programs
    // write such descriptors, and QEMU recognises them.
    let mut written = start.split(|&byte| byte == 0).next().unwrap_or_default().iter();
    if start.len() < HEADER_BYTES
        || !written.all(|byte| matches!(byte, b' '..=b'~' | 0x09..=0x0d | 0x1c..=0x1f))
    {
        return Ok(None);
    }
    if start.first() == Some(&0) {
        return Ok(None);
    }
    let bytes = view.read_up_to(0, DESCRIPTOR_MOST_BYTES)?;
    // Text that is not pure ASCII further on is still taken for a descriptor: the stricter reading.
    let Some(descriptor) = Descriptor::parse_lossy(bytes) else { return Ok(None) };
    if descriptor.create_type.is_none() {
        return Ok(None);
    }
    let mut found = Match::new(Format::Vmdk);
    check_descriptor(Some(&descriptor), &mut found);
    found.fail("descriptor", "it is only a descriptor, and an image must not name other files");
    found.details = Details::Vmdk(Vmdk { descriptor_only: true, ..descriptor.into_details() });
    Ok(Some(found.into()))
}

fn is_supported(descriptor: &Descriptor) -> bool {
    let create_type = descriptor.create_type.as_deref().unwrap_or_default();
    SUPPORTED.iter().any(|supported| supported.eq_ignore_ascii_case(create_type))
}

fn check_descriptor(descriptor: Option<&Descriptor>, found: &mut Match) {
    let Some(descriptor) = descriptor else {
        found.fail("descriptor", "it has no descriptor that can be read");
        return;
    };
    if !is_supported(descriptor) {
        let create_type = descriptor.create_type.as_deref().unwrap_or("unknown");
        let shown: String = create_type.chars().filter(|character| !character.is_control()).collect();
        found.fail("descriptor", format!("VMDK images of the type {shown} are not supported"));
    } else if let Some(line) = &descriptor.unknown_line {
        found.fail("descriptor", format!("its descriptor has a line that is not understood: {line:?}"));
    } else if descriptor.names_path {
        found.fail("descriptor", "one of its extents names a path, and an image must not name other files");
    } else if descriptor.extents.is_empty() {
        found.fail("descriptor", "its descriptor names no extents");
    }
    if descriptor.has_parent() {
        // Stricter than the service that we follow: QEMU opens the file that is named here under the image.
        found.fail("backing_file", "it names a parent, and an image must not name other files");
    }
}

/// QEMU believes the footer where there is one, so it must not say anything else than the header that was checked.
fn check_footer(header: &Header, tail: Option<&[u8]>, found: &mut Match) {
    let marker = |at: usize, kind: u32| {
        let bytes = tail?.get(at..at + 512)?;
        let plain = le32(bytes, 8) == Some(0) && le32(bytes, 12) == Some(kind);
        let padded = bytes.get(16..)?.iter().all(|&byte| byte == 0);
        (plain && padded).then(|| le64(bytes, 0)).flatten()
    };
    let footer = tail.and_then(|tail| tail.get(512..1024)).and_then(Header::parse);
    let Some(footer) = footer else {
        found.fail("footer", "its footer is missing");
        return;
    };
    if footer.version != header.version {
        found.fail("footer", "its footer has another version than its header");
    } else if (footer.descriptor_sector, footer.descriptor_sectors)
        != (header.descriptor_sector, header.descriptor_sectors)
    {
        found.fail("footer", "its footer names another descriptor than its header");
    } else if footer.capacity_sectors != header.capacity_sectors {
        // Stricter than the service that we follow: the size that was checked must be the one that is used.
        found.fail("footer", "its footer tells another size than its header");
    } else if footer.grain_directory == AT_END {
        found.fail("footer", "its footer refers to another footer");
    } else if marker(0, 3).is_none() {
        found.fail("footer", "the mark of its footer is broken");
    } else if marker(1024, 0) != Some(0) {
        found.fail("footer", "the mark of its end is broken");
    }
}
