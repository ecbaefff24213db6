//! LUKS (cryptsetup: on-disk formats 1 and 2). Version 2 is recognised and refused, as nothing downstream opens it.

use super::Format;
use super::capture::{View, optional};
use super::details::{Details, Luks};
use super::fields::{be16, be32, stands, text};
use super::inspector::Reading;
use super::luks2;
use super::verdict::Match;

const MAGIC: &[u8] = b"LUKS\xba\xbe";
const SECTOR_BYTES: u64 = 512;
const KEY_SLOTS: usize = 8;
const KEY_SLOT_IN_USE: u32 = 0x00AC_71F3;

pub(super) fn read(view: &View<'_>) -> Reading {
    if !stands(view.read(0, MAGIC.len())?, 0, MAGIC) {
        return Ok(None);
    }
    let Some(bytes) = optional(view.read(0, 592))? else {
        return Ok(Some(Match::truncated(Format::Luks).into()));
    };
    let mut found = Match::new(Format::Luks);
    let version = be16(bytes, 6).unwrap_or(0);
    if version == 1 {
        let payload_bytes = u64::from(be32(bytes, 104).unwrap_or(0)).saturating_mul(SECTOR_BYTES);
        found.virtual_size_bytes = Some(view.length()?.saturating_sub(payload_bytes));
        found.details = Details::Luks(version_1(bytes, payload_bytes));
    } else {
        found.fail("version", format!("version {version} of LUKS is not supported"));
        let mut luks = version_2(bytes, version);
        if version == 2 {
            luks2::read(view, bytes, &mut luks)?;
        }
        found.details = Details::Luks(luks);
    }
    Ok(Some(found.into()))
}

fn field(bytes: &[u8], start: usize, length: usize) -> String {
    text(bytes.get(start..start + length).unwrap_or_default())
}

fn version_1(bytes: &[u8], payload_bytes: u64) -> Luks {
    let in_use = |slot: &usize| be32(bytes, 208 + slot * 48) == Some(KEY_SLOT_IN_USE);
    Luks {
        version: 1,
        cipher: Some(format!("{}-{}", field(bytes, 8, 32), field(bytes, 40, 32))),
        hash: Some(field(bytes, 72, 32)),
        key_bits: be32(bytes, 108).map(|key_bytes| u64::from(key_bytes) * 8),
        payload_offset_bytes: Some(payload_bytes),
        key_slots: u32::try_from((0..KEY_SLOTS).filter(in_use).count()).ok(),
        key_derivation: Some("pbkdf2".to_owned()),
        label: None,
        uuid: field(bytes, 168, 40),
    }
}

fn version_2(bytes: &[u8], version: u16) -> Luks {
    Luks {
        version,
        cipher: None,
        hash: Some(field(bytes, 72, 32)),
        key_bits: None,
        payload_offset_bytes: None,
        key_slots: None,
        key_derivation: None,
        label: Some(field(bytes, 24, 48)).filter(|label| !label.is_empty()),
        uuid: field(bytes, 168, 40),
    }
}
