//! Virtual PC (Virtual Hard Disk Image Format Specification): a footer of 512 bytes, of which dynamic and differencing
//! images keep a copy at their start. A fixed image has only the footer and counts as raw; `wrappers` tells of it.

use super::Format;
use super::capture::{Missing, View, optional};
use super::contents::Disk;
use super::details::{Details, Parent, Vhd, VhdKind};
use super::fields::{be16, be32, be64, stands, text};
use super::guest::{Layout, entry};
use super::inspector::Reading;
use super::verdict::Match;

const MAGIC: &[u8] = b"conectix";

/// A footer, or its copy at the start.
pub(super) struct Footer {
    pub(super) kind: VhdKind,
    pub(super) creator: String,
    pub(super) size_bytes: u64,
    sizes: [u64; 2],
    dynamic_offset: u64,
    saved_state: bool,
}

impl Footer {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if !stands(bytes, 0, MAGIC) {
            return None;
        }
        let creator = text(bytes.get(28..32)?);
        let geometry = geometry_bytes(be16(bytes, 56)?, *bytes.get(58)?, *bytes.get(59)?);
        let current_size = be64(bytes, 48)?;
        // Programs that fill in only the geometry, as QEMU reads them; it holds at most 127 GiB.
        let by_geometry = matches!(creator.as_str(), "vpc" | "qemu") && geometry < 65535 * 16 * 255 * 512;
        Some(Self {
            kind: match be32(bytes, 60)? {
                2 => VhdKind::Fixed,
                3 => VhdKind::Dynamic,
                4 => VhdKind::Differencing,
                other => VhdKind::Unknown(other),
            },
            size_bytes: if by_geometry && geometry != 0 { geometry } else { current_size },
            creator,
            sizes: [be64(bytes, 40)?, current_size],
            dynamic_offset: be64(bytes, 16)?,
            saved_state: *bytes.get(84)? != 0,
        })
    }

    /// Whether two programs, each of which reads one of the two, see the same disk.
    fn agrees_with(&self, other: &Self) -> bool {
        let facts = |footer: &Self| (footer.kind, footer.sizes, footer.dynamic_offset);
        facts(self) == facts(other)
    }
}

fn geometry_bytes(cylinders: u16, heads: u8, sectors: u8) -> u64 {
    u64::from(cylinders) * u64::from(heads) * u64::from(sectors) * 512
}

pub(super) fn read(view: &View<'_>) -> Reading {
    if !stands(view.read(0, MAGIC.len())?, 0, MAGIC) {
        return Ok(None);
    }
    let Some(bytes) = optional(view.read(0, 512))? else {
        return Ok(Some(Match::truncated(Format::Vhd).into()));
    };
    let Some(footer) = Footer::parse(bytes) else { return Ok(None) };
    let mut found = Match::new(Format::Vhd);
    // The size as first made: what the service that we follow reports, even where the disk was grown since.
    found.virtual_size_bytes = be64(bytes, 40);
    // Stricter than the service that we follow: which of the two counts depends on the program that opens it.
    let end = optional(view.tail(512))?.and_then(Footer::parse);
    if end.is_some_and(|end| !end.agrees_with(&footer)) {
        found.fail("footer", "its footer contradicts the copy at its start");
    }
    let mut details = Vhd {
        kind: footer.kind,
        creator: footer.creator,
        block_size_bytes: None,
        parent: None,
        saved_state: footer.saved_state,
    };
    if let Some(dynamic) = optional(view.read(footer.dynamic_offset, 1024))?
        && stands(dynamic, 0, b"cxsparse")
    {
        details.block_size_bytes = be32(dynamic, 32).map(u64::from);
        if footer.kind == VhdKind::Differencing {
            details.parent = Some(parent(view, dynamic)?);
        }
    }
    found.details = Details::Vhd(details);
    Ok(Some(found.into()))
}

/// The parent's name: a path of one of the parent locators, or the plain name in the header.
fn parent(view: &View<'_>, dynamic: &[u8]) -> Result<Parent, Missing> {
    let units = dynamic.get(64..576).unwrap_or_default().as_chunks::<2>().0;
    let units = units.iter().map(|pair| u16::from_be_bytes(*pair)).take_while(|&unit| unit != 0);
    let mut name: String =
        char::decode_utf16(units).filter_map(Result::ok).filter(|c| !c.is_control()).collect();
    for locator in 0..8 {
        let at = 576 + locator * 24;
        let (Some(length), Some(offset)) = (be32(dynamic, at + 8), be64(dynamic, at + 16)) else { break };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if name.is_empty() && offset != 0 && (1..=2048).contains(&length) {
            name = optional(view.read(offset, length))?.map(super::fields::text_utf16).unwrap_or_default();
        }
    }
    Ok(Parent { name, format: Some("vhd".to_owned()) })
}

/// The layout of a dynamic image; what a differencing one does not have lies in another.
pub(super) fn layout(file: &dyn Disk, head: &[u8]) -> Result<Option<Box<dyn Layout>>, Missing> {
    let Some(footer) = Footer::parse(head).filter(|footer| footer.kind == VhdKind::Dynamic) else {
        return Ok(None);
    };
    let Some(dynamic) = optional(file.read(footer.dynamic_offset, 1024))? else { return Ok(None) };
    if !stands(&dynamic, 0, b"cxsparse") {
        return Ok(None);
    }
    let fields = (be64(&dynamic, 16), be32(&dynamic, 28), be32(&dynamic, 32));
    let (Some(table), Some(count), Some(block)) = fields else { return Ok(None) };
    Ok(Some(Box::new(Blocks {
        table,
        count: u64::from(count),
        block_bytes: u64::from(block),
        size_bytes: footer.size_bytes,
    })))
}

struct Blocks {
    table: u64,
    count: u64,
    block_bytes: u64,
    size_bytes: u64,
}

impl Layout for Blocks {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn block_bytes(&self) -> u64 {
        self.block_bytes
    }

    fn place(&self, file: &dyn Disk, index: u64) -> Result<Option<u64>, Missing> {
        let sector = u32::from_be_bytes(entry(file, self.table, self.count * 4, index)?);
        // Before each block lies a bitmap of its sectors, filled up to a whole sector.
        let bitmap_bytes = (self.block_bytes / 512).div_ceil(8).next_multiple_of(512);
        Ok((sector != u32::MAX).then(|| u64::from(sector) * 512 + bitmap_bytes))
    }
}
