//! Byte ranges of a stream, asked for by position and handed out once they are whole.
//!
//! A reading function gets a [`View`] and asks it for ranges in straight lines: `view.read(start, length)?`. What is
//! not there yet is noted as an ask and answered with [`Missing::Later`]; the function is called again when the range
//! has arrived. So a position that is known only from earlier bytes costs nothing but a second call, and the same
//! function serves a stream (which passes once) and a file (in which one can jump). Nothing here knows a format.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// The first bytes of the stream, always kept: nearly every header lies in them.
pub(super) const HEAD_BYTES: usize = 72 * 1024;
/// The last bytes of the stream, always kept: footers lie in them.
pub(super) const TAIL_BYTES: usize = 2048;
/// How many ranges one reader may ask for: what bounds the calls that hostile headers can cause.
const MOST_ASKS: usize = 1024;

/// Why a range cannot be handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It has been asked for, or it depends on where the stream ends.
    Later,
    /// It lies behind the end, was already passed, or is more than the budget allows.
    Never,
}

/// A whole or still growing range.
#[derive(Debug)]
struct Region {
    bytes: Vec<u8>,
    wanted: usize,
    /// The file ended inside of it: what is there is all that there is.
    closed: bool,
}

impl Region {
    fn is_whole(&self) -> bool {
        self.closed || self.bytes.len() == self.wanted
    }
}

/// Start and length of a range.
pub(super) type Range = (u64, usize);

/// The ranges that one reader has asked for, within its budget.
#[derive(Debug)]
pub(super) struct Regions {
    held: BTreeMap<Range, Region>,
    budget_bytes: usize,
}

impl Regions {
    pub(super) fn new(budget_bytes: usize) -> Self {
        Self { held: BTreeMap::new(), budget_bytes }
    }

    /// Takes in an ask that starts at `range` and of which `earlier` bytes are known already; false if there is no
    /// room for it or it was asked for before.
    pub(super) fn open(&mut self, range: Range, earlier: &[u8]) -> bool {
        let wanted = range.1;
        if self.held.len() >= MOST_ASKS || wanted > self.budget_bytes || self.held.contains_key(&range) {
            return false;
        }
        self.budget_bytes -= wanted;
        let bytes = earlier.get(..wanted).unwrap_or(earlier).to_vec();
        self.held.insert(range, Region { bytes, wanted, closed: false });
        true
    }

    /// No more bytes will come for this range.
    pub(super) fn close(&mut self, range: Range) {
        if let Some(region) = self.held.get_mut(&range) {
            region.closed = true;
        }
    }

    /// Gives bytes of the stream to a range that [`Self::open`] said is growing.
    pub(super) fn grow(&mut self, range: Range, at: u64, bytes: &[u8]) {
        let Some(region) = self.held.get_mut(&range) else { return };
        // The region's next byte is the first one that it takes from this piece.
        let next = range.0.saturating_add(region.bytes.len() as u64);
        let Some(skip) = next.checked_sub(at).and_then(|skip| usize::try_from(skip).ok()) else { return };
        let missing = region.wanted - region.bytes.len();
        if let Some(rest) = bytes.get(skip..) {
            region.bytes.extend_from_slice(rest.get(..missing).unwrap_or(rest));
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held.values().map(|region| region.bytes.len()).sum()
    }
}

/// What a reading function sees of the stream at this moment.
pub(super) struct View<'a> {
    pub(super) head: &'a [u8],
    pub(super) tail: &'a [u8],
    pub(super) regions: &'a Regions,
    /// How far the stream has come.
    pub(super) position: u64,
    /// Where it ends, once known.
    pub(super) length: Option<u64>,
    /// Nothing more will come.
    pub(super) ended: bool,
    /// Ranges behind `position` can still be fetched.
    pub(super) seekable: bool,
    pub(super) asks: RefCell<Vec<Range>>,
}

impl View<'_> {
    /// Exactly `length` bytes from `start`.
    pub(super) fn read(&self, start: u64, length: usize) -> Result<&[u8], Missing> {
        let bytes = self.read_up_to(start, length)?;
        if bytes.len() == length { Ok(bytes) } else { Err(Missing::Never) }
    }

    /// `length` bytes from `start`, or fewer where the stream ends earlier.
    pub(super) fn read_up_to(&self, start: u64, length: usize) -> Result<&[u8], Missing> {
        let end = start.checked_add(length as u64).ok_or(Missing::Never)?;
        if let Some(bytes) = self.in_head(start, end) {
            return Ok(bytes);
        }
        if let Some(region) = self.regions.held.get(&(start, length)) {
            return if region.is_whole() || self.ended { Ok(&region.bytes) } else { Err(Missing::Later) };
        }
        if self.length.is_some_and(|length| length == self.head.len() as u64) {
            // The whole stream is in the head and its end cuts this range short.
            let rest = usize::try_from(start).ok().and_then(|start| self.head.get(start..));
            return rest.ok_or(Missing::Never);
        }
        if self.ended {
            return Err(Missing::Never);
        }
        if self.length.is_some_and(|length| start >= length) {
            return Err(Missing::Never);
        }
        if end <= HEAD_BYTES as u64 {
            // Will lie in the head; the ask makes sure that the caller hears of it at once.
            self.asks.borrow_mut().push((start, length));
            return Err(Missing::Later);
        }
        let all_in_head = self.position == self.head.len() as u64;
        let gone = start < self.position && !self.seekable && !all_in_head;
        let most = self.regions.held.len() + self.asks.borrow().len() >= MOST_ASKS;
        if gone || most || length > self.regions.budget_bytes {
            return Err(Missing::Never);
        }
        self.asks.borrow_mut().push((start, length));
        Err(Missing::Later)
    }

    /// Notes that a range will be read, so that several are fetched on one pass.
    pub(super) fn ask(&self, start: u64, length: usize) {
        // Whether it is there yet is told by the read that follows.
        let _: Result<_, Missing> = self.read_up_to(start, length);
    }

    /// The last `length` bytes of the stream.
    pub(super) fn tail(&self, length: usize) -> Result<&[u8], Missing> {
        if !self.ended && !self.seekable {
            return Err(Missing::Later);
        }
        let start = self.tail.len().checked_sub(length).ok_or(Missing::Never)?;
        self.tail.get(start..).ok_or(Missing::Never)
    }

    /// How long the stream is; known at its end.
    pub(super) fn length(&self) -> Result<u64, Missing> {
        self.length.ok_or(Missing::Later)
    }

    fn in_head(&self, start: u64, end: u64) -> Option<&[u8]> {
        self.head.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

/// Turns "never" into `None` for what a reader can do without; "later" still means: call again.
pub(super) fn optional<T>(result: Result<T, Missing>) -> Result<Option<T>, Missing> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Missing::Never) => Ok(None),
        Err(Missing::Later) => Err(Missing::Later),
    }
}

/// The last bytes of a stream, kept without copying more than once per byte.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let keep = bytes.get(bytes.len().saturating_sub(TAIL_BYTES)..).unwrap_or(bytes);
        if keep.len() == TAIL_BYTES {
            self.0.clear();
        } else if self.0.len() + keep.len() > 4 * TAIL_BYTES {
            self.0.drain(..self.0.len().saturating_sub(TAIL_BYTES));
        }
        self.0.extend_from_slice(keep);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.get(self.0.len().saturating_sub(TAIL_BYTES)..).unwrap_or(&self.0)
    }
}
