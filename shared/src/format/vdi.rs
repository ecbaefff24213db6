//! VirtualBox (VDI header version 1.1).

use super::Format;
use super::capture::{Missing, View};
use super::contents::Disk;
use super::details::{Details, Vdi};
use super::fields::{guid, le32, le64};
use super::guest::{Layout, entry};
use super::inspector::Reading;
use super::verdict::Match;

const MAGIC: u32 = 0xBEDA_107F;
const DYNAMIC: u32 = 1;
const STATIC: u32 = 2;

pub(super) fn read(view: &View<'_>) -> Reading {
    let bytes = view.read(0, 512)?;
    if le32(bytes, 0x40) != Some(MAGIC) {
        return Ok(None);
    }
    let mut found = Match::new(Format::Vdi);
    found.virtual_size_bytes = le64(bytes, 0x170);
    found.details = details(bytes).map(Details::Vdi).unwrap_or_default();
    Ok(Some(found.into()))
}

fn details(bytes: &[u8]) -> Option<Vdi> {
    let version = le32(bytes, 0x44)?;
    let parent = guid(bytes, 0x1b8)?;
    Some(Vdi {
        version: format!("{}.{}", version >> 16, version & 0xffff),
        kind: match le32(bytes, 0x4c)? {
            DYNAMIC => "dynamic".to_owned(),
            STATIC => "static".to_owned(),
            3 => "undo".to_owned(),
            4 => "differencing".to_owned(),
            other => other.to_string(),
        },
        block_size_bytes: u64::from(le32(bytes, 0x178)?),
        allocated_blocks: u64::from(le32(bytes, 0x184)?),
        parent: Some(parent).filter(|parent| parent.chars().any(|digit| !matches!(digit, '0' | '-'))),
    })
}

/// The layout of an image that stands alone.
pub(super) fn layout(head: &[u8]) -> Option<Box<dyn Layout>> {
    let alone = matches!(le32(head, 0x4c)?, DYNAMIC | STATIC) && le32(head, 0x40)? == MAGIC;
    alone.then_some(())?;
    Some(Box::new(Blocks {
        map: u64::from(le32(head, 0x154)?),
        start: u64::from(le32(head, 0x158)?),
        size_bytes: le64(head, 0x170)?,
        block_bytes: u64::from(le32(head, 0x178)?),
        count: u64::from(le32(head, 0x180)?),
    }))
}

struct Blocks {
    map: u64,
    start: u64,
    size_bytes: u64,
    block_bytes: u64,
    count: u64,
}

impl Layout for Blocks {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn block_bytes(&self) -> u64 {
        self.block_bytes
    }

    fn place(&self, file: &dyn Disk, index: u64) -> Result<Option<u64>, Missing> {
        // The two highest numbers say that a block is not there, or was given back.
        match u32::from_le_bytes(entry(file, self.map, self.count * 4, index)?) {
            0xffff_fffe | 0xffff_ffff => Ok(None),
            place => {
                let place = u64::from(place).checked_mul(self.block_bytes);
                place.and_then(|place| place.checked_add(self.start)).map(Some).ok_or(Missing::Never)
            }
        }
    }
}
