//! Where the clusters of a qcow2 image lie, as far as they are neither compressed nor encrypted.

use super::capture::{Missing, View, optional};
use super::contents::Disk;
use super::guest::{Layout, PIECE_BYTES, entry};
use super::qcow2::{EXTENDED_L2, EXTERNAL_DATA, Header};

const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const COMPRESSED: u64 = 1 << 62;
const READS_AS_ZEROS: u64 = 1;

/// The layout of an image whose guest can be read, by its first sector.
pub(super) fn layout(head: &[u8]) -> Option<Box<dyn Layout>> {
    let header = Header::parse(head)?;
    let cluster_bytes = header.cluster_size_bytes()?;
    let elsewhere = header.backing_offset != 0 || header.incompatible & (EXTERNAL_DATA | EXTENDED_L2) != 0;
    let readable = !elsewhere && header.crypt_method == 0 && matches!(header.version, 2 | 3);
    readable.then(|| Box::new(Clusters { header, cluster_bytes }) as Box<dyn Layout>)
}

/// Whether clusters at the start of the disk are compressed.
pub(super) fn is_compressed(view: &View<'_>) -> Result<Option<bool>, Missing> {
    let Some(header) = Header::parse(view.read(0, 512)?) else { return Ok(None) };
    let Some(cluster_bytes) = header.cluster_size_bytes() else { return Ok(None) };
    if header.incompatible & EXTENDED_L2 != 0 {
        // Entries of another size.
        return Ok(None);
    }
    optional(Clusters { header, cluster_bytes }.start_compressed(view))
}

struct Clusters {
    header: Header,
    cluster_bytes: u64,
}

impl Clusters {
    /// Whether a cluster that the first used table knows is compressed. Programs that compress do so throughout.
    fn start_compressed(&self, view: &View<'_>) -> Result<bool, Missing> {
        let l1_bytes = (u64::from(self.header.l1_entries) * 8).min(PIECE_BYTES);
        let l1_bytes = usize::try_from(l1_bytes).map_err(|_| Missing::Never)?;
        let used = |entry: &&[u8; 8]| u64::from_be_bytes(**entry) & OFFSET != 0;
        let tables = view.read(self.header.l1_offset, l1_bytes)?.as_chunks::<8>().0;
        let Some(table) = tables.iter().find(used) else { return Ok(false) };
        let piece = usize::try_from(PIECE_BYTES.min(self.cluster_bytes)).map_err(|_| Missing::Never)?;
        let entries = view.read(u64::from_be_bytes(*table) & OFFSET, piece)?.as_chunks::<8>().0;
        Ok(entries.iter().any(|entry| u64::from_be_bytes(*entry) & COMPRESSED != 0))
    }
}

impl Layout for Clusters {
    fn size_bytes(&self) -> u64 {
        self.header.size_bytes
    }

    fn block_bytes(&self) -> u64 {
        self.cluster_bytes
    }

    fn place(&self, file: &dyn Disk, index: u64) -> Result<Option<u64>, Missing> {
        let per_table = self.cluster_bytes / 8;
        let l1_bytes = u64::from(self.header.l1_entries) * 8;
        let table =
            u64::from_be_bytes(entry(file, self.header.l1_offset, l1_bytes, index / per_table)?) & OFFSET;
        if table == 0 {
            return Ok(None);
        }
        let entry = u64::from_be_bytes(entry(file, table, self.cluster_bytes, index % per_table)?);
        if entry & COMPRESSED != 0 {
            return Err(Missing::Never);
        }
        let offset = entry & OFFSET;
        Ok((offset != 0 && entry & READS_AS_ZEROS == 0).then_some(offset))
    }
}
