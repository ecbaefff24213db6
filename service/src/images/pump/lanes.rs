//! The threads that compute the digests of several transfers at once, and the queue in front of them.
//!
//! What waits while a thread is busy is what it does side by side next: the more transfers there are, the fuller the
//! lanes, and a transfer that is alone waits for nobody.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use glasshouse_digests::{Algorithm, LANES, Md5, Sha512, Stream, Vector, Work, advance};
use tokio::sync::oneshot;
use tokio::task;

use super::PumpError;

/// The lanes for MD5; `None` on a processor without the vector unit.
pub fn md5() -> Option<&'static Lanes<Md5>> {
    static ALL: LazyLock<Option<Lanes<Md5>>> = LazyLock::new(Lanes::new);
    ALL.as_ref()
}

/// The lanes for SHA-512.
pub fn sha512() -> Option<&'static Lanes<Sha512>> {
    static ALL: LazyLock<Option<Lanes<Sha512>>> = LazyLock::new(Lanes::new);
    ALL.as_ref()
}

pub struct Lanes<A: Algorithm> {
    vector: Vector,
    threads_max: usize,
    desk: Mutex<Desk<A>>,
}

struct Desk<A: Algorithm> {
    waiting: VecDeque<Job<A>>,
    threads: usize,
}

struct Job<A: Algorithm> {
    work: Work<A, Bytes>,
    answer: oneshot::Sender<Stream<A>>,
}

impl<A: Algorithm> Lanes<A> {
    fn new() -> Option<Self> {
        let vector = Vector::detect()?;
        // Two digests of each transfer share the processors. One full vector is better than two half-empty ones.
        let threads_max = std::thread::available_parallelism().map_or(1, |count| count.get().div_ceil(2));
        let desk = Mutex::new(Desk { waiting: VecDeque::new(), threads: 0 });
        Some(Self { vector, threads_max, desk })
    }

    /// The stream with these frames behind it.
    pub async fn update(
        &'static self,
        stream: Stream<A>,
        frames: Vec<Bytes>,
    ) -> Result<Stream<A>, PumpError> {
        let (answer, answered) = oneshot::channel();
        let wants_thread = {
            let mut desk = self.desk();
            desk.waiting.push_back(Job { work: Work::new(stream, frames), answer });
            let wants_thread = desk.threads < self.threads_max;
            desk.threads += usize::from(wants_thread);
            wants_thread
        };
        if wants_thread {
            task::spawn_blocking(move || Thread { lanes: self }.work());
        }
        answered.await.map_err(|_| PumpError::Digest)
    }

    pub fn finish(&self, stream: Stream<A>) -> Vec<u8> {
        stream.finish(self.vector)
    }

    fn desk(&self) -> MutexGuard<'_, Desk<A>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread at work, counted at the desk.
struct Thread<A: Algorithm> {
    lanes: &'static Lanes<A>,
}

impl<A: Algorithm> Thread<A> {
    fn work(self) {
        let vector = self.lanes.vector;
        let (mut works, mut answers) = (Vec::with_capacity(LANES), Vec::with_capacity(LANES));
        while self.take(&mut works, &mut answers) {
            // None: so few are left that the next goes alone.
            let next = advance(vector, &mut works).unwrap_or_default();
            let stream = works.swap_remove(next).finish(vector);
            // Who does not wait any more has no use for it.
            let _ = answers.swap_remove(next).send(stream);
        }
    }

    /// Fills the free lanes; `false` when there is nothing to do, and then the thread is no longer counted.
    fn take(&self, works: &mut Vec<Work<A, Bytes>>, answers: &mut Vec<oneshot::Sender<Stream<A>>>) -> bool {
        let mut desk = self.lanes.desk();
        while works.len() < LANES
            && let Some(job) = desk.waiting.pop_front()
        {
            works.push(job.work);
            answers.push(job.answer);
        }
        desk.threads -= usize::from(works.is_empty());
        !works.is_empty()
    }
}

impl<A: Algorithm> Drop for Thread<A> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.lanes.desk().threads -= 1;
        }
    }
}
