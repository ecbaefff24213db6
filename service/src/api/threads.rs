//! The threads that answer. Each has a runtime of its own, and a connection stays on the thread that it was given to.
//!
//! A request then changes threads only where it has to wait: to wake another thread costs more than most answers do
//! (measured: half of the processor time of a show). What takes long is not done here but on the blocking pool, in the
//! threads of the database, or in the runtime of the service.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// What still blocks when a thread ends is not waited for longer.
const LAST_WAIT: Duration = Duration::from_millis(200);

/// A connection from its first byte to its last; made on the thread that it runs on.
pub type Connection = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// All of them.
pub struct Threads {
    threads: Vec<Thread>,
}

struct Thread {
    connections: mpsc::UnboundedSender<Held>,
    /// As many owners, beside this one, as the thread has connections.
    load: Arc<()>,
    handle: JoinHandle<()>,
}

/// A connection that counts while it lives.
struct Held {
    connection: Connection,
    load: Arc<()>,
}

impl Threads {
    /// Starts `count` threads; `None` means one for each processor.
    pub fn start(count: Option<usize>) -> io::Result<Self> {
        let count = count.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
        let threads = (0..count.unwrap_or(1).max(1)).map(Thread::start).collect::<io::Result<_>>()?;
        Ok(Self { threads })
    }

    /// Gives a connection to the thread that has the fewest.
    pub fn serve(&self, connection: Connection) {
        if let Some(thread) = self.threads.iter().min_by_key(|thread| Arc::strong_count(&thread.load)) {
            let held = Held { connection, load: Arc::clone(&thread.load) };
            if thread.connections.send(held).is_err() {
                tracing::error!("a thread that answers has ended: a connection is lost");
            }
        }
    }

    /// Ends the threads, and every connection that is still there.
    pub async fn end(self) {
        let handles: Vec<_> = self.threads.into_iter().map(|thread| thread.handle).collect();
        let joined = tokio::task::spawn_blocking(move || {
            handles.into_iter().map(JoinHandle::join).filter(Result::is_err).count()
        });
        match joined.await {
            Ok(0) => {}
            Ok(count) => tracing::error!("{count} threads that answer did not end cleanly"),
            Err(error) => tracing::error!(%error, "the threads that answer could not be waited for"),
        }
    }
}

impl Thread {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (connections, arriving) = mpsc::unbounded_channel();
        let handle = std::thread::Builder::new()
            .name(format!("answers-{}", number + 1))
            .spawn(move || answer(runtime, arriving))?;
        Ok(Self { connections, load: Arc::default(), handle })
    }
}

/// Until nobody can give it connections any more.
fn answer(runtime: Runtime, mut arriving: mpsc::UnboundedReceiver<Held>) {
    runtime.block_on(async {
        while let Some(Held { connection, load }) = arriving.recv().await {
            tokio::spawn(async move {
                connection().await;
                drop(load);
            });
        }
    });
    runtime.shutdown_timeout(LAST_WAIT);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc as std_mpsc;

    use super::*;

    #[tokio::test]
    async fn connections_are_spread_and_each_stays_on_its_thread() {
        let threads = Threads::start(Some(2)).expect("two threads");
        let (seen, names) = std_mpsc::channel();
        for _ in 0..4 {
            let seen = seen.clone();
            threads.serve(Box::new(move || {
                Box::pin(async move {
                    let before = std::thread::current().id();
                    tokio::task::yield_now().await;
                    seen.send((before, std::thread::current().id())).expect("somebody listens");
                    std::future::pending::<()>().await;
                })
            }));
        }
        let seen: Vec<_> =
            (0..4).map(|_| names.recv_timeout(Duration::from_secs(30)).expect("served")).collect();
        assert!(seen.iter().all(|(before, after)| before == after));
        let first = seen.iter().filter(|(thread, _)| *thread == seen[0].0).count();
        assert_eq!(first, 2, "each has as many as the other");
        threads.end().await;
    }

    #[tokio::test]
    async fn the_end_drops_what_is_still_there() {
        let threads = Threads::start(Some(1)).expect("a thread");
        let (kept, dropped) = tokio::sync::oneshot::channel::<()>();
        let kept = Mutex::new(Some(kept));
        threads.serve(Box::new(move || {
            Box::pin(async move {
                let _kept = kept;
                std::future::pending::<()>().await;
            })
        }));
        threads.end().await;
        assert!(dropped.await.is_err());
    }
}
