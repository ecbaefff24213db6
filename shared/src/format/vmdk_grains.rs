//! Where the grains of a sparse VMDK lie: a directory leads to tables, which lead to the grains.

use super::capture::Missing;
use super::contents::Disk;
use super::guest::{Layout, entry};

const SECTOR_BYTES: u64 = 512;

pub(super) struct Grains {
    pub(super) size_bytes: u64,
    pub(super) grain_bytes: u64,
    /// Where the directory begins.
    pub(super) directory: u64,
    /// How many grains a table knows.
    pub(super) per_table: u64,
}

impl Layout for Grains {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn block_bytes(&self) -> u64 {
        self.grain_bytes
    }

    fn place(&self, file: &dyn Disk, index: u64) -> Result<Option<u64>, Missing> {
        let tables = self.size_bytes.div_ceil(self.grain_bytes).div_ceil(self.per_table);
        let directory_bytes = tables.checked_mul(4).ok_or(Missing::Never)?;
        let table = u32::from_le_bytes(entry(file, self.directory, directory_bytes, index / self.per_table)?);
        if table == 0 {
            return Ok(None);
        }
        let start = u64::from(table) * SECTOR_BYTES;
        let grain = u32::from_le_bytes(entry(file, start, self.per_table * 4, index % self.per_table)?);
        // One: known to be zeros. Nought: never written.
        Ok((grain > 1).then(|| u64::from(grain) * SECTOR_BYTES))
    }
}
