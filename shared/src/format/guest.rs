//! The disk that a guest sees in an image whose blocks lie about in the file, as far as they are neither compressed nor
//! encrypted. Which block lies where is known to the files of the formats.

use std::borrow::Cow;

use super::capture::{Missing, View};
use super::contents::{self, Disk};
use super::fields::array;
use super::inspector::Reading;
use super::verdict::Finding;
use super::{qcow2_guest, vdi, vhd, vmdk};

/// Tables are fetched in pieces of this size, so that neighbours are there when the stream has passed them.
pub(super) const PIECE_BYTES: u64 = 64 * 1024;
/// A block that is no multiple of a sector, or larger than any program makes, is not read.
const MOST_BLOCK_BYTES: u64 = 256 << 20;

/// How a format spreads the disk over the file.
pub(super) trait Layout {
    /// Size of the disk.
    fn size_bytes(&self) -> u64;

    /// Unit of allocation.
    fn block_bytes(&self) -> u64;

    /// Where a block of the disk begins in the file; `None` if it reads as zeros.
    fn place(&self, file: &dyn Disk, index: u64) -> Result<Option<u64>, Missing>;
}

/// A disk inside of an image.
pub(super) struct Guest<'a> {
    file: &'a dyn Disk,
    layout: Box<dyn Layout>,
}

impl<'a> Guest<'a> {
    /// The disk in this file, if it is an image of a format that is understood that far.
    pub(super) fn open(file: &'a dyn Disk) -> Result<Option<Self>, Missing> {
        let head = file.read(0, 512)?;
        let layout =
            qcow2_guest::layout(&head).or_else(|| vdi::layout(&head)).or_else(|| vmdk::layout(&head));
        let layout = match layout {
            Some(layout) => Some(layout),
            None => vhd::layout(file, &head)?,
        };
        let usable = |bytes: u64| (512..=MOST_BLOCK_BYTES).contains(&bytes) && bytes.is_multiple_of(512);
        Ok(layout.filter(|layout| usable(layout.block_bytes())).map(|layout| Self { file, layout }))
    }
}

pub(super) fn read(view: &View<'_>) -> Reading {
    let Some(guest) = Guest::open(view)? else { return Ok(None) };
    contents::of_disk(&guest).map(|contents| Some(Finding::GuestContents(contents)))
}

/// An entry of `N` bytes of a table of `table_bytes` at `start`.
pub(super) fn entry<const N: usize>(
    file: &dyn Disk,
    start: u64,
    table_bytes: u64,
    index: u64,
) -> Result<[u8; N], Missing> {
    let at = index.checked_mul(N as u64).filter(|at| *at < table_bytes).ok_or(Missing::Never)?;
    let piece = at / PIECE_BYTES * PIECE_BYTES;
    let length = usize::try_from(PIECE_BYTES.min(table_bytes - piece)).map_err(|_| Missing::Never)?;
    let bytes = file.read(start.checked_add(piece).ok_or(Missing::Never)?, length)?;
    usize::try_from(at - piece).ok().and_then(|at| array(&bytes, at)).ok_or(Missing::Never)
}

impl Disk for Guest<'_> {
    fn read(&self, start: u64, length: usize) -> Result<Cow<'_, [u8]>, Missing> {
        let end = start.checked_add(length as u64).ok_or(Missing::Never)?;
        if end > self.layout.size_bytes() {
            return Err(Missing::Never);
        }
        let block_bytes = self.layout.block_bytes();
        let mut bytes = Vec::with_capacity(length);
        let mut at = start;
        let mut missing = None;
        while at < end {
            let inside = at % block_bytes;
            let count = (block_bytes - inside).min(end - at);
            let count_bytes = usize::try_from(count).map_err(|_| Missing::Never)?;
            let piece = self.layout.place(self.file, at / block_bytes).and_then(|place| match place {
                None => Ok(None),
                Some(place) => {
                    let place = place.checked_add(inside).ok_or(Missing::Never)?;
                    self.file.read(place, count_bytes).map(Some)
                }
            });
            // Goes on after a gap, so that everything that is missing is asked for on one pass.
            match piece {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => bytes.resize(bytes.len() + count_bytes, 0),
                Err(Missing::Never) => return Err(Missing::Never),
                Err(Missing::Later) => missing = Some(Missing::Later),
            }
            at += count;
        }
        missing.map_or(Ok(Cow::Owned(bytes)), Err)
    }
}
