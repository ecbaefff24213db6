//! The header of a GPT and its backup at the end of the disk (UEFI specification, chapter 5.3.2).

use super::capture::{Missing, optional};
use super::contents::Disk;
use super::fields::{guid, le32, le64, stands};

/// A table may be written for sectors of either size.
pub(super) const SECTOR_SIZES: [u64; 2] = [512, 4096];
const CHECKSUM: std::ops::Range<usize> = 16..20;

/// What a header says, and whether it is what was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct GptHeader {
    pub(super) sound: bool,
    own_sector: u64,
    backup_sector: u64,
    first_usable: u64,
    last_usable: u64,
    disk: [u8; 16],
    pub(super) entries_sector: u64,
    pub(super) count: u32,
    pub(super) entry_bytes: u32,
    entries_checksum: u32,
}

impl GptHeader {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        stands(bytes, 0, b"EFI PART").then_some(())?;
        let length = usize::try_from(le32(bytes, 12)?).ok();
        let sound = length.filter(|length| *length >= 92).and_then(|length| {
            let mut copy = bytes.get(..length)?.to_vec();
            copy.get_mut(CHECKSUM)?.fill(0);
            Some(Some(crc32fast::hash(&copy)) == le32(bytes, CHECKSUM.start))
        });
        Some(Self {
            sound: sound == Some(true),
            own_sector: le64(bytes, 24)?,
            backup_sector: le64(bytes, 32)?,
            first_usable: le64(bytes, 40)?,
            last_usable: le64(bytes, 48)?,
            disk: bytes.get(56..72)?.try_into().ok()?,
            entries_sector: le64(bytes, 72)?,
            count: le32(bytes, 80)?,
            entry_bytes: le32(bytes, 84)?,
            entries_checksum: le32(bytes, 88)?,
        })
    }

    pub(super) fn disk_id(&self) -> Option<String> {
        guid(&self.disk, 0)
    }

    pub(super) fn table_bytes(&self) -> u64 {
        u64::from(self.count) * u64::from(self.entry_bytes)
    }

    /// What is wrong with this header and its entries, if `entries` are all of them.
    pub(super) fn problems(&self, entries: &[u8]) -> Vec<&'static str> {
        let mut problems = Vec::new();
        if !self.sound {
            problems.push("the checksum of the header is wrong");
        }
        if entries.len() as u64 == self.table_bytes() && crc32fast::hash(entries) != self.entries_checksum {
            problems.push("the checksum of the entries is wrong");
        }
        problems
    }

    /// What is wrong with its backup, which in a stream comes last.
    pub(super) fn backup_problem(
        &self,
        disk: &dyn Disk,
        sector_bytes: u64,
    ) -> Result<Option<&'static str>, Missing> {
        let place = self.backup_sector.checked_mul(sector_bytes);
        let backup = place.map_or(Ok(None), |place| optional(disk.read(place, 512)))?;
        Ok(match backup.as_deref().and_then(Self::parse) {
            None => Some("the backup header is missing"),
            Some(backup) if !backup.sound => Some("the checksum of the backup header is wrong"),
            Some(backup) if !self.agrees_with(&backup) => {
                Some("the backup header tells something else than the header")
            }
            Some(_) => None,
        })
    }

    fn agrees_with(&self, backup: &Self) -> bool {
        let turned = Self {
            sound: self.sound,
            own_sector: backup.backup_sector,
            backup_sector: backup.own_sector,
            // Each has a copy of the entries of its own.
            entries_sector: self.entries_sector,
            ..*backup
        };
        *self == turned
    }
}
