//! The disk that the guest of a qcow2 image sees, as far as its clusters are neither compressed nor encrypted.

use std::borrow::Cow;

use super::capture::{Missing, View, optional};
use super::contents::{self, Disk};
use super::fields::be64;
use super::inspector::Reading;
use super::qcow2::{EXTENDED_L2, EXTERNAL_DATA, Header};
use super::verdict::Finding;

/// Tables are fetched in pieces of this size, so that neighbours are there when the stream has passed them.
const PIECE_BYTES: u64 = 64 * 1024;
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const COMPRESSED: u64 = 1 << 62;
const READS_AS_ZEROS: u64 = 1;

pub(super) fn read(view: &View<'_>) -> Reading {
    let Some(header) = Header::parse(view.read(0, 512)?) else { return Ok(None) };
    let Some(cluster_bytes) = header.cluster_size_bytes() else { return Ok(None) };
    let elsewhere = header.backing_offset != 0 || header.incompatible & (EXTERNAL_DATA | EXTENDED_L2) != 0;
    if elsewhere || header.crypt_method != 0 || !matches!(header.version, 2 | 3) {
        return Ok(None);
    }
    let guest = Guest { view, header, cluster_bytes };
    contents::of_disk(&guest).map(|contents| Some(Finding::GuestContents(contents)))
}

/// Whether clusters at the start of the disk are compressed.
pub(super) fn is_compressed(view: &View<'_>) -> Result<Option<bool>, Missing> {
    let Some(header) = Header::parse(view.read(0, 512)?) else { return Ok(None) };
    let Some(cluster_bytes) = header.cluster_size_bytes() else { return Ok(None) };
    if header.incompatible & EXTENDED_L2 != 0 {
        // Entries of another size.
        return Ok(None);
    }
    optional(Guest { view, header, cluster_bytes }.starts_compressed())
}

struct Guest<'a> {
    view: &'a View<'a>,
    header: Header,
    cluster_bytes: u64,
}

impl Guest<'_> {
    /// Looks at the first piece of the first table that is in use.
    fn starts_compressed(&self) -> Result<bool, Missing> {
        let l1_bytes = (u64::from(self.header.l1_entries) * 8).min(PIECE_BYTES);
        let l1_bytes = usize::try_from(l1_bytes).map_err(|_| Missing::Never)?;
        let used = |entry: &&[u8; 8]| u64::from_be_bytes(**entry) & OFFSET != 0;
        let tables = self.view.read(self.header.l1_offset, l1_bytes)?.as_chunks::<8>().0;
        let Some(table) = tables.iter().find(used) else { return Ok(false) };
        let piece = usize::try_from(PIECE_BYTES.min(self.cluster_bytes)).map_err(|_| Missing::Never)?;
        let entries = self.view.read(u64::from_be_bytes(*table) & OFFSET, piece)?.as_chunks::<8>().0;
        Ok(entries.iter().any(|entry| u64::from_be_bytes(*entry) & COMPRESSED != 0))
    }

    /// The entry of a table of `table_bytes` at `start`.
    fn entry(&self, start: u64, table_bytes: u64, index: u64) -> Result<u64, Missing> {
        let at = index.checked_mul(8).filter(|at| *at < table_bytes).ok_or(Missing::Never)?;
        let piece = at / PIECE_BYTES * PIECE_BYTES;
        let length = usize::try_from(PIECE_BYTES.min(table_bytes - piece)).map_err(|_| Missing::Never)?;
        let bytes = self.view.read(start.checked_add(piece).ok_or(Missing::Never)?, length)?;
        usize::try_from(at - piece).ok().and_then(|at| be64(bytes, at)).ok_or(Missing::Never)
    }

    /// Where a cluster of the guest lies in the file; `None` if it reads as zeros.
    fn cluster(&self, index: u64) -> Result<Option<u64>, Missing> {
        let per_table = self.cluster_bytes / 8;
        let l1_bytes = u64::from(self.header.l1_entries) * 8;
        let table = self.entry(self.header.l1_offset, l1_bytes, index / per_table)? & OFFSET;
        if table == 0 {
            return Ok(None);
        }
        let entry = self.entry(table, self.cluster_bytes, index % per_table)?;
        if entry & COMPRESSED != 0 {
            return Err(Missing::Never);
        }
        let offset = entry & OFFSET;
        Ok((offset != 0 && entry & READS_AS_ZEROS == 0).then_some(offset))
    }
}

impl Disk for Guest<'_> {
    fn read(&self, start: u64, length: usize) -> Result<Cow<'_, [u8]>, Missing> {
        let end = start.checked_add(length as u64).ok_or(Missing::Never)?;
        if end > self.header.size_bytes {
            return Err(Missing::Never);
        }
        let mut bytes = Vec::with_capacity(length);
        let mut at = start;
        let mut missing = None;
        while at < end {
            let inside = at % self.cluster_bytes;
            let count = (self.cluster_bytes - inside).min(end - at);
            let count_bytes = usize::try_from(count).map_err(|_| Missing::Never)?;
            let piece = self.cluster(at / self.cluster_bytes).and_then(|cluster| match cluster {
                None => Ok(None),
                Some(cluster) => {
                    let place = cluster.checked_add(inside).ok_or(Missing::Never)?;
                    self.view.read(place, count_bytes).map(Some)
                }
            });
            // Goes on after a gap, so that everything that is missing is asked for on one pass.
            match piece {
                Ok(Some(piece)) => bytes.extend_from_slice(piece),
                Ok(None) => bytes.resize(bytes.len() + count_bytes, 0),
                Err(Missing::Never) => return Err(Missing::Never),
                Err(Missing::Later) => missing = Some(Missing::Later),
            }
            at += count;
        }
        missing.map_or(Ok(Cow::Owned(bytes)), Err)
    }
}
