//! A disk image in few bytes: pieces at their places, and zeros between.
//!
//! Headers lie megabytes apart, and a fuzzer that had to write the zeros between them would change nothing else. So an
//! input is a length and a list of pieces; every string of bytes is one.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

/// No image is longer: enough for every table that the formats keep near the start.
const LONGEST_BYTES: u64 = 8 << 20;
const PAGE_BYTES: u64 = 512;
const PAGE: usize = 512;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// An image of which only the pages that are not zero are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    length: u64,
    pages: BTreeMap<u64, [u8; PAGE]>,
}

impl Image {
    /// Four bytes of length, then pieces: three bytes of place, two of length, and that many bytes.
    pub fn decode(input: &[u8]) -> Self {
        let mut image = Self::default();
        let Some((length, mut rest)) = input.split_first_chunk::<4>() else { return image };
        image.length = u64::from(u32::from_le_bytes(*length)) % (LONGEST_BYTES + 1);
        while let Some(([low, middle, high, count_low, count_high], after)) = rest.split_first_chunk::<5>() {
            let at = u64::from(u32::from_le_bytes([*low, *middle, *high, 0])) % LONGEST_BYTES;
            let count = usize::from(u16::from_le_bytes([*count_low, *count_high])).min(after.len());
            let (piece, after) = after.split_at(count);
            image.write(at, piece);
            rest = after;
        }
        image
    }

    /// The input that [`Self::decode`] makes this image of; what lies too far away is left out.
    pub fn encode(bytes: &[u8]) -> Vec<u8> {
        let length = (bytes.len() as u64).min(LONGEST_BYTES);
        let mut input = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        let pages = bytes.chunks(PAGE).take(usize::try_from(LONGEST_BYTES / PAGE_BYTES).unwrap_or(0));
        for (index, page) in pages.enumerate() {
            let Some(first) = page.iter().position(|&byte| byte != 0) else { continue };
            let last = page.iter().rposition(|&byte| byte != 0).unwrap_or(first);
            let at = u32::try_from(index * PAGE + first).unwrap_or(u32::MAX).to_le_bytes();
            let count = u16::try_from(last + 1 - first).unwrap_or(u16::MAX).to_le_bytes();
            input.extend_from_slice(&at[..3]);
            input.extend_from_slice(&count);
            input.extend_from_slice(&page[first..=last]);
        }
        input
    }

    /// How long it is.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Puts bytes somewhere; what lies behind the end is lost.
    pub fn write(&mut self, start: u64, bytes: &[u8]) {
        for (at, byte) in (start..self.length).zip(bytes) {
            let page = self.pages.entry(at / PAGE_BYTES).or_insert([0; PAGE]);
            page[usize::try_from(at % PAGE_BYTES).expect("an index of a page")] = *byte;
        }
    }

    /// Up to `most` bytes from `start`, fewer at the end of a page that is not zero.
    pub fn piece(&self, start: u64, most: usize) -> &[u8] {
        let rest = usize::try_from(self.length.saturating_sub(start)).unwrap_or(usize::MAX).min(most);
        let number = start / PAGE_BYTES;
        if let Some(page) = self.pages.get(&number) {
            let inside = usize::try_from(start % PAGE_BYTES).expect("an index of a page");
            return &page[inside..PAGE.min(inside + rest)];
        }
        let next = self.pages.range(number..).next().map_or(u64::MAX, |(next, _)| next * PAGE_BYTES);
        let gap = usize::try_from(next - start).unwrap_or(usize::MAX);
        &ZEROS[..rest.min(gap).min(ZEROS.len())]
    }

    /// Whether something other than zeros begins here.
    pub fn is_written(&self, start: u64) -> bool {
        self.pages.contains_key(&(start / PAGE_BYTES))
    }
}

/// A file with this image in it, which counts what is read of it.
#[derive(Debug)]
pub struct Opened<'a> {
    image: &'a Image,
    position: u64,
    /// How often the place was changed.
    pub seeks: u64,
    /// How much was read in all.
    pub read_bytes: u64,
}

impl<'a> Opened<'a> {
    /// At its start.
    pub fn new(image: &'a Image) -> Self {
        Self { image, position: 0, seeks: 0, read_bytes: 0 }
    }
}

impl Read for Opened<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.image.piece(self.position, buffer.len());
        buffer[..piece.len()].copy_from_slice(piece);
        self.position += piece.len() as u64;
        self.read_bytes += piece.len() as u64;
        Ok(piece.len())
    }
}

impl Seek for Opened<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.seeks += 1;
        let moved = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.image.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = moved.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
