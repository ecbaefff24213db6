//! One stream of bytes on its way through an algorithm, and several side by side.

use std::collections::VecDeque;

use crate::vector::{Algorithm, LANES, Runs, Vector};

pub(crate) const BLOCK_BYTES_MAX: usize = 128;

/// The digest of what came so far. Bytes that do not fill a block yet wait in `tail`.
#[derive(Debug, Clone)]
pub struct Stream<A: Algorithm> {
    state: A::State,
    tail: [u8; BLOCK_BYTES_MAX],
    tail_bytes: usize,
    total_bytes: u64,
}

impl<A: Algorithm> Default for Stream<A> {
    fn default() -> Self {
        Self { state: A::START, tail: [0; BLOCK_BYTES_MAX], tail_bytes: 0, total_bytes: 0 }
    }
}

impl<A: Algorithm> Stream<A> {
    /// The digest of everything.
    pub fn finish(mut self, vector: Vector) -> Vec<u8> {
        let mut end = self.tail.get(..self.tail_bytes).unwrap_or_default().to_vec();
        end.push(0x80);
        while !(end.len() + A::LENGTH_BYTES).is_multiple_of(A::BLOCK_BYTES) {
            end.push(0);
        }
        end.extend(A::length(self.total_bytes).iter().take(A::LENGTH_BYTES));
        A::one(vector, &mut self.state, &end);
        A::digest(&self.state)
    }

    /// Moves bytes into the tail until it is a block; how many were taken.
    fn fill(&mut self, bytes: &[u8]) -> usize {
        let end = A::BLOCK_BYTES.min(self.tail_bytes + bytes.len());
        let room = self.tail.get_mut(self.tail_bytes..end).unwrap_or_default();
        let taken = room.len();
        room.copy_from_slice(bytes.get(..taken).unwrap_or_default());
        self.tail_bytes = end;
        taken
    }
}

/// A stream and the frames that it goes on with. A frame is dropped as soon as it is done.
#[derive(Debug)]
pub struct Work<A: Algorithm, F> {
    stream: Stream<A>,
    frames: VecDeque<F>,
    /// How much of the first frame is done.
    offset: usize,
}

impl<A: Algorithm, F: AsRef<[u8]>> Work<A, F> {
    pub fn new(stream: Stream<A>) -> Self {
        Self { stream, frames: VecDeque::new(), offset: 0 }
    }

    /// The frame comes behind those that are there.
    pub fn push(&mut self, frame: F) {
        self.frames.push_back(frame);
    }

    pub fn is_done(&self) -> bool {
        self.frames.is_empty()
    }

    /// The stream behind all of its frames; what was not worked on before is now, alone.
    pub fn finish(mut self, vector: Vector) -> Stream<A> {
        self.advance(vector);
        self.stream
    }

    fn advance(&mut self, vector: Vector) {
        while self.settle() {
            let mut state = self.stream.state;
            let run = self.run();
            let bytes = run.len() / A::BLOCK_BYTES * A::BLOCK_BYTES;
            A::one(vector, &mut state, run.get(..bytes).unwrap_or_default());
            self.stream.state = state;
            self.pass(bytes);
        }
    }

    fn rest(&self) -> &[u8] {
        let frame = self.frames.front().map(AsRef::as_ref).unwrap_or_default();
        frame.get(self.offset..).unwrap_or_default()
    }

    /// Finds the next whole block, in the tail or in a frame; `false` when there is none left, and no frame either.
    fn settle(&mut self) -> bool {
        while let Some(frame) = self.frames.front().map(AsRef::as_ref) {
            let rest = frame.get(self.offset..).unwrap_or_default();
            if self.stream.tail_bytes == A::BLOCK_BYTES
                || (self.stream.tail_bytes == 0 && rest.len() >= A::BLOCK_BYTES)
            {
                return true;
            }
            let taken = self.stream.fill(rest);
            if taken == rest.len() {
                self.frames.pop_front();
                self.offset = 0;
            } else {
                self.offset += taken;
            }
            self.stream.total_bytes += taken as u64;
        }
        self.stream.tail_bytes == A::BLOCK_BYTES
    }

    /// Bytes that begin with a whole block, after [`Self::settle`] found one.
    fn run(&self) -> &[u8] {
        if self.stream.tail_bytes == A::BLOCK_BYTES {
            return self.stream.tail.get(..A::BLOCK_BYTES).unwrap_or_default();
        }
        self.rest()
    }

    /// So many bytes of the run went into the state.
    fn pass(&mut self, bytes: usize) {
        if self.stream.tail_bytes == A::BLOCK_BYTES {
            // They were counted when they came into the tail.
            self.stream.tail_bytes = 0;
        } else {
            self.offset += bytes;
            self.stream.total_bytes += bytes as u64;
        }
    }
}

/// Works on up to eight streams side by side until one of them is done; on few one after the other until all are.
pub fn advance<A: Algorithm, F: AsRef<[u8]>>(vector: Vector, works: &mut [&mut Work<A, F>]) {
    if works.len() <= A::few(vector) {
        return works.iter_mut().for_each(|work| work.advance(vector));
    }
    while !works.is_empty() && works.iter_mut().all(|work| work.settle()) {
        let (bytes, states) = together(vector, works);
        for (work, state) in works.iter_mut().zip(states) {
            work.stream.state = state;
            work.pass(bytes);
        }
    }
}

/// Takes all works over as many bytes as the shortest run has.
fn together<A: Algorithm, F: AsRef<[u8]>>(
    vector: Vector,
    works: &[&mut Work<A, F>],
) -> (usize, [A::State; LANES]) {
    // A lane without a stream repeats another's run, and its state is thrown away.
    let first = works.first().map(|work| work.run()).unwrap_or_default();
    let lanes: [&[u8]; LANES] = std::array::from_fn(|lane| works.get(lane).map_or(first, |work| work.run()));
    let mut states = std::array::from_fn(|lane| works.get(lane).map_or(A::START, |work| work.stream.state));
    let count = lanes.iter().map(|run| run.len() / A::BLOCK_BYTES).min().unwrap_or_default();
    A::side_by_side(vector, &mut states, &Runs { lanes, count, streams: works.len() });
    (count * A::BLOCK_BYTES, states)
}
