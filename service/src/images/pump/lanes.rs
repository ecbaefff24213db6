//! The threads that compute the digests of several transfers at once, and the desk where these leave their data.
//!
//! Lanes that stay empty cost as much as full ones. With more transfers than threads, data therefore waits until
//! every transfer has some, until one has no room for more or comes to its end, or until its patience is over: no
//! sender is kept waiting while a thread waits. A transfer that can have a thread for itself waits for nobody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use glasshouse_digests::{Algorithm, LANES, Md5, Sha512, Stream, Vector, Work, advance};
use tokio::sync::{Notify, mpsc};

use super::{Parcel, PumpError};
use desk::Desk;

mod desk;

/// How long data waits for that of others. Only data of slow senders waits so long.
const PATIENCE: Duration = Duration::from_millis(40);

/// How much less urgent digests are than answers: whoever brings their data must not wait for them. SHA-512 takes half
/// as long again as MD5 and is what a single transfer waits for, so that MD5 gives way: processors then idle 0.6 s for a
/// GiB of one transfer, and 1.0 s when both are the same.
const NICENESS_SHA512: i32 = 3;
const NICENESS_MD5: i32 = 8;

/// The lanes for MD5; `None` on a processor without the vector unit.
pub fn md5() -> Option<&'static Lanes<Md5>> {
    static ALL: LazyLock<Option<&Lanes<Md5>>> = LazyLock::new(|| Lanes::start("md5", NICENESS_MD5));
    *ALL
}

/// The lanes for SHA-512.
pub fn sha512() -> Option<&'static Lanes<Sha512>> {
    static ALL: LazyLock<Option<&Lanes<Sha512>>> = LazyLock::new(|| Lanes::start("sha512", NICENESS_SHA512));
    *ALL
}

/// Lives as long as the process, and its threads do too.
pub struct Lanes<A: Algorithm> {
    vector: Vector,
    desk: Mutex<Desk<Work<A, Frame>>>,
    /// Something at the desk is worth a thread.
    called: Condvar,
}

/// A piece of a parcel, which takes its room until the piece is done.
pub(super) struct Frame {
    parcel: Parcel,
    index: usize,
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self.parcel.batch.get(self.index).map(Bytes::as_ref).unwrap_or_default()
    }
}

impl<A: Algorithm> desk::Work for Work<A, Frame> {
    fn push(&mut self, parcel: Parcel) {
        for index in 0..parcel.batch.len() {
            Self::push(self, Frame { parcel: parcel.clone(), index });
        }
    }

    fn is_done(&self) -> bool {
        Self::is_done(self)
    }
}

impl<A: Algorithm> Lanes<A> {
    fn start(name: &str, niceness: i32) -> Option<&'static Self> {
        let vector = Vector::detect()?;
        // Two digests of each transfer share the processors.
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get().div_ceil(2));
        let desk = Mutex::new(Desk::new(threads, LANES));
        let lanes: &Self = Box::leak(Box::new(Self { vector, desk, called: Condvar::new() }));
        for number in 1..=threads {
            let thread = std::thread::Builder::new().name(format!("{name}-{number}"));
            if let Err(error) = thread.spawn(move || lanes.stay(niceness)) {
                tracing::warn!(%error, "digests are computed without lanes: there is no thread for them");
                return None;
            }
        }
        Some(lanes)
    }

    /// The stream with everything behind it that comes through the queue.
    pub async fn read(
        &'static self,
        stream: Stream<A>,
        mut queue: mpsc::Receiver<Parcel>,
    ) -> Result<Stream<A>, PumpError> {
        let place = Place::open(self, stream);
        while let Some(parcel) = place.or_press(queue.recv()).await {
            place.put(parcel).await;
        }
        Ok(place.close().await?.finish(self.vector))
    }

    pub fn finish(&self, stream: Stream<A>) -> Vec<u8> {
        stream.finish(self.vector)
    }

    fn desk(&self) -> MutexGuard<'_, Desk<Work<A, Frame>>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the desk, and calls a thread if there is something for it now.
    fn change<T>(&self, change: impl FnOnce(&mut Desk<Work<A, Frame>>) -> T) -> T {
        let mut desk = self.desk();
        let answer = change(&mut desk);
        if desk.is_worth_it() {
            self.called.notify_one();
        }
        answer
    }

    /// The life of a thread.
    fn stay(&self, niceness: i32) {
        be_nice(niceness);
        // What it had in hands is lost then, and that transfer ends with an error.
        while catch_unwind(AssertUnwindSafe(|| self.work())).is_err() {}
    }

    fn work(&self) {
        loop {
            let mut hands = Hands { lanes: self, works: self.take() };
            advance(self.vector, &mut hands.works.iter_mut().map(|(_, work)| work).collect::<Vec<_>>());
        }
    }

    /// Waits for something to do.
    fn take(&self) -> Vec<(u64, Work<A, Frame>)> {
        let mut desk = self.desk();
        while !desk.is_worth_it() {
            desk = self.called.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
        let works = desk.take();
        if desk.is_worth_it() {
            self.called.notify_one();
        }
        works
    }
}

#[cfg(target_os = "linux")]
fn be_nice(niceness: i32) {
    // Of this thread only, as Linux understands it.
    if let Err(error) = rustix::process::nice(niceness) {
        tracing::debug!(%error, "digests are as urgent as answers");
    }
}

#[cfg(not(target_os = "linux"))]
fn be_nice(_: i32) {}

/// What a thread has in hands; it goes back to the desk.
struct Hands<'a, A: Algorithm> {
    lanes: &'a Lanes<A>,
    works: Vec<(u64, Work<A, Frame>)>,
}

impl<A: Algorithm> Drop for Hands<'_, A> {
    fn drop(&mut self) {
        let mut desk = self.lanes.desk();
        let works = self.works.drain(..);
        if std::thread::panicking() {
            desk.lose(works.map(|(id, _)| id));
        } else {
            desk.put_back(works);
        }
    }
}

/// The place of a transfer at the desk.
struct Place<A: Algorithm> {
    lanes: &'static Lanes<A>,
    id: u64,
    /// Its data was taken, or its work is back.
    changed: Arc<Notify>,
}

impl<A: Algorithm> Place<A> {
    fn open(lanes: &'static Lanes<A>, stream: Stream<A>) -> Self {
        let (id, changed) = lanes.desk().open(Work::new(stream));
        Self { lanes, id, changed }
    }

    /// Waits for `more`, and when that takes long, no more for the data of others.
    async fn or_press<T>(&self, more: impl Future<Output = T>) -> T {
        tokio::pin!(more);
        tokio::select! {
            biased;
            more = &mut more => return more,
            () = tokio::time::sleep(PATIENCE) => self.lanes.change(|desk| desk.press(self.id)),
        }
        more.await
    }

    /// Leaves data, and comes back when there is room for more.
    async fn put(&self, parcel: Parcel) {
        self.lanes.change(|desk| desk.put(self.id, parcel));
        while !self.lanes.desk().has_room(self.id) {
            self.changed.notified().await;
        }
    }

    /// No more will come.
    async fn close(&self) -> Result<Work<A, Frame>, PumpError> {
        self.lanes.change(|desk| desk.press(self.id));
        loop {
            if let Some(work) = self.lanes.desk().finished(self.id)? {
                return Ok(work);
            }
            self.changed.notified().await;
        }
    }
}

impl<A: Algorithm> Drop for Place<A> {
    fn drop(&mut self) {
        self.lanes.change(|desk| desk.leave(self.id));
    }
}
