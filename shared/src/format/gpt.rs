//! A bare disk with a partition table, MBR or GPT: is it one, and is its first sector sane. What the table says is in
//! `partitions`.

use super::Format;
use super::capture::{View, optional};
use super::fields::{array, le32, stands};
use super::gpt_header::{GptHeader, SECTOR_SIZES};
use super::inspector::Reading;
use super::verdict::Match;

pub(super) const BOOT_SIGNATURE: &[u8] = &[0x55, 0xAA];
pub(super) const PROTECTIVE: u8 = 0xEE;
/// Two hundred times what a disk usually has.
const MOST_TABLE_BYTES: u64 = 4 << 20;

/// The first sector, unless it is the one of a FAT file system without partitions.
pub(super) fn is_boot_sector(sector: &[u8]) -> bool {
    let fat = sector.get(0x10) == Some(&2) && sector.get(0x15) == Some(&0xF8);
    stands(sector, 510, BOOT_SIGNATURE) && !fat
}

/// The four entries of 16 bytes.
pub(super) fn entries(sector: &[u8]) -> impl Iterator<Item = [u8; 16]> + '_ {
    (0..4).filter_map(|index| array(sector, 446 + index * 16))
}

pub(super) fn read(view: &View<'_>) -> Reading {
    let sector = view.read(0, 512)?;
    if !is_boot_sector(sector) {
        return Ok(None);
    }
    let mut found = Match::new(Format::Gpt);
    if let Some(reason) = insane(sector) {
        found.fail("mbr", reason);
    }
    for sector_bytes in SECTOR_SIZES {
        let header = optional(view.read(sector_bytes, 512))?.and_then(GptHeader::parse);
        let table_bytes = header.map_or(0, |header| header.table_bytes());
        if entries(sector).any(|entry| entry[4] == PROTECTIVE) && table_bytes > MOST_TABLE_BYTES {
            // Stricter than the service that we follow: whoever reads all of it reads the whole disk.
            found.fail("gpt", format!("its partition table claims {table_bytes} bytes"));
        }
    }
    found.virtual_size_bytes = Some(view.length()?);
    Ok(Some(found.into()))
}

fn insane(sector: &[u8]) -> Option<String> {
    let mut used = Vec::new();
    let mut protective = false;
    for (index, entry) in entries(sector).enumerate() {
        let [flag, start_head, start_sector, start_track, kind, ..] = entry;
        if !matches!(flag, 0 | 0x80) {
            return Some(format!("entry {} of its partition table has an impossible boot flag", index + 1));
        }
        if kind != 0 {
            used.push(index);
        }
        if kind == PROTECTIVE {
            protective = true;
            if (start_head, start_sector, start_track) != (0, 2, 0) {
                return Some("its protective partition table starts at the wrong cylinder".to_owned());
            }
            if le32(&entry, 8) != Some(1) {
                return Some("its protective partition table starts at the wrong sector".to_owned());
            }
        }
    }
    if protective && used != [0] {
        return Some("its protective partition table has further entries".to_owned());
    }
    used.is_empty().then(|| "its partition table has no partitions".to_owned())
}
