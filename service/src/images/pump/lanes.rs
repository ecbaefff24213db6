//! The threads that compute the digests of several transfers at once, and the queue in front of them.
//!
//! What waits while a thread is busy is what it does side by side next: the more transfers there are, the fuller the
//! lanes, and a transfer that is alone waits for nobody.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use glasshouse_digests::{Algorithm, LANES, Md5, Sha512, Stream, Vector, Work, advance};
use tokio::sync::{mpsc, oneshot};
use tokio::task;

use super::{Parcel, PumpError, QUEUE_BATCHES};

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

/// What a thread does for one transfer, and where it finds more of it.
struct Job<A: Algorithm> {
    work: Work<A, Bytes>,
    /// What `work` reads; it takes room until then.
    parcels: Vec<Parcel>,
    queue: mpsc::Receiver<Parcel>,
    answer: oneshot::Sender<Read<A>>,
}

/// A stream that has taken in everything that was in its queue.
type Read<A> = (Stream<A>, mpsc::Receiver<Parcel>);

impl<A: Algorithm> Job<A> {
    /// `first` and what else is in the queue already.
    fn of(stream: Stream<A>, first: Parcel, rest: Rest<A>) -> Self {
        let Rest { mut queue, answer } = rest;
        let mut parcels = vec![first];
        while parcels.len() < QUEUE_BATCHES
            && let Ok(parcel) = queue.try_recv()
        {
            parcels.push(parcel);
        }
        let frames: Vec<Bytes> = parcels.iter().flat_map(|parcel| parcel.batch.iter().cloned()).collect();
        Self { work: Work::new(stream, frames), parcels, queue, answer }
    }
}

/// What is left of a job whose work is done.
struct Rest<A: Algorithm> {
    queue: mpsc::Receiver<Parcel>,
    answer: oneshot::Sender<Read<A>>,
}

impl<A: Algorithm> Rest<A> {
    /// The next job of the same transfer, if more has come meanwhile: to ask for it over there would be two changes of
    /// threads.
    fn go_on(mut self, stream: Stream<A>) -> Option<Job<A>> {
        if let Ok(first) = self.queue.try_recv() {
            return Some(Job::of(stream, first, self));
        }
        // Who does not wait any more has no use for it.
        let _ = self.answer.send((stream, self.queue));
        None
    }
}

impl<A: Algorithm> Lanes<A> {
    fn new() -> Option<Self> {
        let vector = Vector::detect()?;
        // Two digests of each transfer share the processors. One full vector is better than two half-empty ones.
        let threads_max = std::thread::available_parallelism().map_or(1, |count| count.get().div_ceil(2));
        let desk = Mutex::new(Desk { waiting: VecDeque::new(), threads: 0 });
        Some(Self { vector, threads_max, desk })
    }

    /// The stream with everything behind it that comes through the queue.
    pub async fn read(
        &'static self,
        mut stream: Stream<A>,
        mut queue: mpsc::Receiver<Parcel>,
    ) -> Result<Stream<A>, PumpError> {
        while let Some(first) = queue.recv().await {
            let (answer, answered) = oneshot::channel();
            self.begin(Job::of(stream, first, Rest { queue, answer }));
            (stream, queue) = answered.await.map_err(|_| PumpError::Digest)?;
        }
        Ok(stream)
    }

    fn begin(&'static self, job: Job<A>) {
        let wants_thread = {
            let mut desk = self.desk();
            desk.waiting.push_back(job);
            let wants_thread = desk.threads < self.threads_max;
            desk.threads += usize::from(wants_thread);
            wants_thread
        };
        if wants_thread {
            task::spawn_blocking(move || Thread { lanes: self }.work());
        }
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
        let (mut works, mut others) = (Vec::with_capacity(LANES), Vec::with_capacity(LANES));
        while self.take(&mut works, &mut others) {
            // None: so few are left that the next goes alone.
            let next = advance(vector, &mut works).unwrap_or_default();
            let stream = works.swap_remove(next).finish(vector);
            let (parcels, rest) = others.swap_remove(next);
            drop(parcels);
            if let Some(job) = rest.go_on(stream) {
                // Behind those that wait for a lane.
                self.lanes.desk().waiting.push_back(job);
            }
        }
    }

    /// Fills the free lanes; `false` when there is nothing to do, and then the thread is no longer counted.
    fn take(&self, works: &mut Vec<Work<A, Bytes>>, others: &mut Vec<(Vec<Parcel>, Rest<A>)>) -> bool {
        let mut desk = self.lanes.desk();
        while works.len() < LANES
            && let Some(Job { work, parcels, queue, answer }) = desk.waiting.pop_front()
        {
            works.push(work);
            others.push((parcels, Rest { queue, answer }));
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
