//! Optical discs: ISO 9660 (ECMA-119), UDF (ECMA-167), El Torito.

use super::Format;
use super::capture::{Missing, View, optional};
use super::details::{Details, Iso};
use super::fields::{le16, le32, stands, text};
use super::inspector::Reading;
use super::verdict::Match;

const SECTOR_BYTES: u64 = 2048;
const FIRST_DESCRIPTOR: u64 = 16;
const MARKS: [&[u8]; 3] = [b"CD001", b"NSR02", b"NSR03"];

pub(super) fn read(view: &View<'_>) -> Reading {
    let first = view.read(FIRST_DESCRIPTOR * SECTOR_BYTES, 2048)?;
    if !MARKS.iter().any(|mark| stands(first, 1, mark)) {
        return Ok(None);
    }
    let mut found = Match::new(Format::Iso);
    let mut iso = Iso::default();
    if first.first() == Some(&1) {
        let (blocks, block) = (le32(first, 80).unwrap_or(0), le16(first, 128).unwrap_or(0));
        found.virtual_size_bytes = Some(u64::from(blocks) * u64::from(block));
        iso.volume = text(first.get(40..72).unwrap_or_default());
    }
    let mut catalog = None;
    for index in FIRST_DESCRIPTOR..FIRST_DESCRIPTOR + 16 {
        let Some(descriptor) = optional(view.read(index * SECTOR_BYTES, 2048))? else { break };
        iso.udf |= stands(descriptor, 1, b"NSR0");
        if stands(descriptor, 0, b"\0CD001\x01EL TORITO SPECIFICATION") {
            catalog = le32(descriptor, 71);
        }
        // A supplementary descriptor with one of the three escape sequences of Joliet.
        iso.joliet |= stands(descriptor, 0, b"\x02CD001") && stands(descriptor, 88, b"%/");
    }
    if let Some(sector) = catalog {
        iso.boot_catalog = true;
        boot_catalog(view, u64::from(sector).saturating_mul(SECTOR_BYTES), &mut iso)?;
    }
    found.details = Details::Iso(iso);
    Ok(Some(found.into()))
}

/// The platforms in the entries of the boot catalog: 0 is the BIOS, 0xEF is UEFI.
fn boot_catalog(view: &View<'_>, start: u64, iso: &mut Iso) -> Result<(), Missing> {
    let Some(catalog) = optional(view.read(start, 2048))? else { return Ok(()) };
    for (index, entry) in catalog.as_chunks::<32>().0.iter().enumerate() {
        match (index, entry) {
            // The validation entry speaks for the first boot entry; 0x90 and 0x91 head the sections that follow.
            (0, [1, platform, ..]) | (_, [0x90 | 0x91, platform, ..]) => {
                iso.boots_bios |= *platform == 0;
                iso.boots_uefi |= *platform == 0xEF;
            }
            _ => {}
        }
    }
    Ok(())
}
