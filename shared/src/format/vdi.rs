//! VirtualBox (VDI header version 1.1).

use super::Format;
use super::capture::View;
use super::details::{Details, Vdi};
use super::fields::{guid, le32, le64};
use super::inspector::Reading;
use super::verdict::Match;

const MAGIC: u32 = 0xBEDA_107F;

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
            1 => "dynamic".to_owned(),
            2 => "static".to_owned(),
            3 => "undo".to_owned(),
            4 => "differencing".to_owned(),
            other => other.to_string(),
        },
        block_size_bytes: u64::from(le32(bytes, 0x178)?),
        allocated_blocks: u64::from(le32(bytes, 0x184)?),
        parent: Some(parent).filter(|parent| parent.chars().any(|digit| !matches!(digit, '0' | '-'))),
    })
}
