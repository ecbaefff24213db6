//! Runs every reading function over one stream and gathers what they found. Knows positions, no formats.

use std::collections::BTreeSet;

use super::Format;
use super::capture::{HEAD_BYTES, Missing, Range, Regions, Tail, View};
use super::verdict::{Finding, SafetyFailure, Verdict};
use super::{contents, gpt, guest, iso, luks, qcow2, qed, vdi, vhd, vhdx, vmdk, wrappers};

/// Looks at what is there and finds something, finds nothing (`None` or [`Missing::Never`]), or wants to look again.
pub(super) type Reading = Result<Option<Finding>, Missing>;

/// A reading function and how many bytes it may have kept for it beyond head and tail.
type Reader = (fn(&View<'_>) -> Reading, usize);

/// Order matters to people only: findings are told in it. The budgets add up to less than 3 MiB.
const READERS: &[Reader] = &[
    (qcow2::read, 256 * 1024),
    (qed::read, 64 * 1024),
    (vhd::read, 64 * 1024),
    (vhdx::read, 192 * 1024),
    (vmdk::read, 1024 * 1024 + 4096),
    (vdi::read, 0),
    (iso::read, 64 * 1024),
    (gpt::read, 0),
    (luks::read, 72 * 1024),
    (wrappers::read, 0),
    (contents::read, 512 * 1024),
    (guest::read, 768 * 1024),
];

/// Watches one image go by. Feed it with [`Inspector::update`], then ask it once with [`Inspector::finish`].
#[derive(Debug)]
pub struct Inspector {
    head: Vec<u8>,
    tail: Tail,
    position: u64,
    length: Option<u64>,
    ended: bool,
    seekable: bool,
    slots: Vec<Slot>,
    /// Ranges whose first byte is still to come.
    coming: BTreeSet<(Range, usize)>,
    /// Ranges that the stream is passing through.
    growing: Vec<(Range, usize)>,
    /// Where in the stream a reader has to look again.
    wakes: BTreeSet<(u64, usize)>,
}

/// One reader at work.
#[derive(Debug)]
struct Slot {
    read: fn(&View<'_>) -> Reading,
    regions: Regions,
    finding: Option<Finding>,
    done: bool,
}

impl Default for Inspector {
    fn default() -> Self {
        Self::new()
    }
}

impl Inspector {
    /// An inspector that has seen nothing.
    pub fn new() -> Self {
        let mut inspector = Self::unstarted();
        inspector.look_everywhere();
        inspector
    }

    /// An inspector of something of known length in which one can jump: it has seen the first and last bytes.
    pub(super) fn seekable(length: u64, head: Vec<u8>, tail: &[u8]) -> Self {
        let mut inspector = Self::unstarted();
        inspector.position = head.len() as u64;
        inspector.head = head;
        inspector.tail.push(tail);
        inspector.length = Some(length);
        inspector.seekable = true;
        inspector.look_everywhere();
        inspector
    }

    fn unstarted() -> Self {
        let slot = |&(read, budget): &Reader| Slot {
            read,
            regions: Regions::new(budget),
            finding: None,
            done: false,
        };
        Self {
            head: Vec::new(),
            tail: Tail::default(),
            position: 0,
            length: None,
            ended: false,
            seekable: false,
            slots: READERS.iter().map(slot).collect(),
            coming: BTreeSet::new(),
            growing: Vec::new(),
            wakes: BTreeSet::new(),
        }
    }

    /// The next bytes of the image.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            // Readers look exactly where their range ends, whatever the size of the pieces: what they ask for next
            // may begin with the very next byte, and the verdict must not depend on how the bytes were cut.
            let stop = self.wakes.first().map_or(u64::MAX, |&(at, _)| at);
            let room = usize::try_from(stop.saturating_sub(self.position)).unwrap_or(usize::MAX);
            let (piece, after) = rest.split_at(rest.len().min(room.max(1)));
            self.take(piece);
            rest = after;
            while let Some(&(at, index)) = self.wakes.first() {
                if at > self.position {
                    break;
                }
                self.wakes.pop_first();
                self.look(index);
            }
        }
    }

    /// A failed check that makes sure, before the end, that no declaration of a `bare` image can save it: whatever
    /// follows, [`judge`](fn@super::judge) will refuse it. Lets a long upload be ended early.
    pub fn certain_failure(&self) -> Option<&SafetyFailure> {
        let found = self.slots.iter().filter_map(|slot| match &slot.finding {
            // The checks of partition tables do not count on a disc, and an operator may have switched them off.
            Some(Finding::Match(found)) if found.format != Format::Gpt => found.failures.first(),
            _ => None,
        });
        found.into_iter().next()
    }

    /// The image is over: what was it?
    pub fn finish(mut self) -> Verdict {
        self.length = Some(self.length.unwrap_or(self.position));
        self.ended = true;
        self.look_everywhere();
        let size_bytes = self.length.unwrap_or(self.position);
        Verdict::of(size_bytes, self.slots.into_iter().filter_map(|slot| slot.finding))
    }

    /// A range that somebody wants from a file in which one can jump.
    pub(super) fn next_wanted(&mut self) -> Option<(Range, usize)> {
        self.coming.pop_first()
    }

    /// The bytes of a range from [`Self::next_wanted`]; fewer where the file ends.
    pub(super) fn supply(&mut self, (range, index): (Range, usize), bytes: &[u8]) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.regions.grow(range, range.0, bytes);
            slot.regions.close(range);
        }
        self.look(index);
    }

    fn take(&mut self, piece: &[u8]) {
        let room = HEAD_BYTES.saturating_sub(self.head.len());
        if room > 0 {
            self.head.extend_from_slice(piece.get(..room).unwrap_or(piece));
        }
        self.tail.push(piece);
        let end = self.position.saturating_add(piece.len() as u64);
        while self.coming.first().is_some_and(|((start, _), _)| *start < end) {
            self.growing.extend(self.coming.pop_first());
        }
        for &(range, index) in &self.growing {
            if let Some(slot) = self.slots.get_mut(index) {
                slot.regions.grow(range, self.position, piece);
            }
        }
        self.growing.retain(|((start, length), _)| start.saturating_add(*length as u64) > end);
        self.position = end;
    }

    fn look_everywhere(&mut self) {
        for index in 0..self.slots.len() {
            self.look(index);
        }
    }

    /// Lets one reader look, until it has found something or waits for bytes that are still to come.
    fn look(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        while !slot.done {
            let view = View {
                head: &self.head,
                tail: self.tail.bytes(),
                regions: &slot.regions,
                position: self.position,
                length: self.length,
                ended: self.ended,
                seekable: self.seekable,
                asks: Vec::new().into(),
            };
            let outcome = (slot.read)(&view);
            let asks = view.asks.take();
            if outcome != Err(Missing::Later) || self.ended {
                slot.finding = outcome.unwrap_or_default();
                slot.done = true;
                slot.regions = Regions::new(0);
                self.coming.retain(|(_, slot)| *slot != index);
                self.growing.retain(|(_, slot)| *slot != index);
                return;
            }
            let mut whole_already = false;
            for (start, length) in asks {
                let end = start.saturating_add(length as u64);
                if end <= HEAD_BYTES as u64 {
                    self.wakes.insert((end, index));
                    continue;
                }
                let earlier =
                    usize::try_from(start).ok().and_then(|start| self.head.get(start..)).unwrap_or_default();
                // Beyond the head nothing is kept: then there is nothing earlier to give.
                let earlier = if self.position == self.head.len() as u64 { earlier } else { &[] };
                if !slot.regions.open((start, length), earlier) {
                    continue;
                }
                if earlier.len() >= length {
                    whole_already = true;
                    continue;
                }
                if self.seekable || start >= self.position {
                    self.coming.insert(((start, length), index));
                } else {
                    self.growing.push(((start, length), index));
                }
                self.wakes.insert((end, index));
            }
            if !whole_already {
                return;
            }
        }
    }

    /// How many bytes of the image are kept at this moment; always less than 4 MiB.
    pub fn held_bytes(&self) -> usize {
        self.head.len()
            + self.tail.bytes().len()
            + self.slots.iter().map(|slot| slot.regions.held_bytes()).sum::<usize>()
    }
}
