//! Threads that own blocking connections, and the queues that feed them; connections that need no thread. Knows no
//! table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::DbError;
use super::connection::Connection;

/// A connection and its transactions.
pub trait Session: Connection + Send {
    fn begin(&mut self) -> Result<(), DbError>;
    fn commit(&mut self) -> Result<(), DbError>;
    fn rollback(&mut self) -> Result<(), DbError>;
    /// Which engine answers: `MariaDB 10.11.6`.
    fn server(&mut self) -> Result<String, DbError>;
}

pub type Opener = Arc<dyn Fn() -> Result<Box<dyn Session>, DbError> + Send + Sync>;
pub type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// Jobs that wait for a thread; the next one waits in its caller.
const QUEUE_LENGTH: usize = 256;
/// Attempts at a transaction that others keep locked.
const ATTEMPTS: u32 = 10;
/// Attempts when the connection broke, as idle ones do: the second is on a fresh one.
const CONNECTIONS: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Starts `count` threads on one queue. `first` is a connection that is open already.
pub fn start(
    name: &str,
    count: usize,
    open: &Opener,
    first: Option<Box<dyn Session>>,
) -> Result<(mpsc::Sender<Job>, Vec<JoinHandle<()>>), DbError> {
    let (sender, receiver) = mpsc::channel::<Job>(QUEUE_LENGTH);
    let queue = Arc::new(Mutex::new(receiver));
    let mut first = first;
    let mut threads = Vec::with_capacity(count);
    for number in 1..=count {
        let queue = Arc::clone(&queue);
        let mut worker = Worker { open: Arc::clone(open), session: first.take() };
        let thread = std::thread::Builder::new()
            .name(format!("{name}-{number}"))
            .spawn(move || {
                while let Some(job) = next(&queue) {
                    job(&mut worker);
                }
            })
            .map_err(DbError::other)?;
        threads.push(thread);
    }
    Ok((sender, threads))
}

/// One thread waits for a job, the others for their turn to wait.
fn next(queue: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
}

/// Connections that answer on the thread of the caller, one for each caller at a time.
pub struct Desk {
    open: Opener,
    idle: Mutex<Vec<Worker>>,
}

impl Desk {
    pub fn new(open: Opener) -> Self {
        Self { open, idle: Mutex::new(Vec::new()) }
    }

    /// Runs `work` in a transaction on a connection that nobody uses. `None` where it would have to be waited for
    /// something: that is done elsewhere.
    pub fn read<T>(
        &self,
        work: &dyn Fn(&mut dyn Connection) -> Result<T, DbError>,
    ) -> Option<Result<T, DbError>> {
        self.serve(|worker| worker.attempt(work))
    }

    /// The same without a transaction.
    pub fn read_loosely<T>(
        &self,
        work: &dyn Fn(&mut dyn Connection) -> Result<T, DbError>,
    ) -> Option<Result<T, DbError>> {
        self.serve(|worker| run(worker.session()?, work))
    }

    fn serve<T>(&self, work: impl FnOnce(&mut Worker) -> Result<T, DbError>) -> Option<Result<T, DbError>> {
        let idle = self.idle().pop();
        let mut worker = idle.unwrap_or_else(|| Worker { open: Arc::clone(&self.open), session: None });
        let answer = work(&mut worker);
        worker.settle();
        self.idle().push(worker);
        match answer {
            Err(DbError::Busy | DbError::Lost(_) | DbError::Unopenable { .. }) => None,
            answer => Some(answer),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one thread owns.
pub struct Worker {
    open: Opener,
    session: Option<Box<dyn Session>>,
}

impl Worker {
    /// Runs `work` in a transaction that [`Worker::settle`] ends, after the caller has its answer.
    pub fn read<T>(
        &mut self,
        work: &dyn Fn(&mut dyn Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.repeat(&mut |worker| worker.attempt(work))
    }

    /// Runs `work` without a transaction: each of its statements stands for itself.
    pub fn read_loosely<T>(
        &mut self,
        work: &dyn Fn(&mut dyn Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.repeat(&mut |worker| run(worker.session()?, work))
    }

    /// Runs `work` in a transaction and commits it.
    pub fn write<T>(
        &mut self,
        work: &dyn Fn(&mut dyn Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let mut commit_lost = None;
        let result = self.repeat(&mut |worker| {
            let value = worker.attempt(work)?;
            match worker.commit() {
                // Nobody knows whether it took effect: it must not be repeated.
                Err(DbError::Lost(source)) => {
                    worker.session = None;
                    commit_lost = Some(DbError::Lost(source));
                    Ok(None)
                }
                Err(error) => Err(error),
                Ok(()) => Ok(Some(value)),
            }
        })?;
        match (result, commit_lost) {
            (Some(value), _) => Ok(value),
            (None, Some(error)) => Err(error),
            (None, None) => Err(DbError::other("a commit gave no answer")),
        }
    }

    /// Ends what [`Worker::read`] began.
    pub fn settle(&mut self) {
        if let Some(session) = &mut self.session
            && session.rollback().is_err()
        {
            self.session = None;
        }
    }

    fn repeat<T>(&mut self, attempt: &mut dyn FnMut(&mut Self) -> Result<T, DbError>) -> Result<T, DbError> {
        let mut pause = FIRST_PAUSE;
        let mut attempts = 1;
        let mut connections = 1;
        loop {
            let error = match attempt(self) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            self.settle();
            match error {
                DbError::Busy if attempts < ATTEMPTS => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    attempts += 1;
                }
                DbError::Lost(_) if connections < CONNECTIONS => {
                    self.session = None;
                    connections += 1;
                }
                error => return Err(error),
            }
        }
    }

    fn attempt<T>(&mut self, work: &dyn Fn(&mut dyn Connection) -> Result<T, DbError>) -> Result<T, DbError> {
        let session = self.session()?;
        session.begin()?;
        run(session, work)
    }

    fn session(&mut self) -> Result<&mut dyn Session, DbError> {
        let session = match &mut self.session {
            Some(session) => session,
            empty => empty.insert((self.open)()?),
        };
        Ok(session.as_mut())
    }

    fn commit(&mut self) -> Result<(), DbError> {
        match &mut self.session {
            Some(session) => session.commit(),
            None => Err(DbError::other("there is no connection to commit on")),
        }
    }
}

/// Runs `work`; that it panics is an answer like others.
fn run<T>(
    session: &mut dyn Session,
    work: &dyn Fn(&mut dyn Connection) -> Result<T, DbError>,
) -> Result<T, DbError> {
    let connection: &mut dyn Connection = session;
    catch_unwind(AssertUnwindSafe(|| work(connection)))
        .unwrap_or_else(|payload| Err(DbError::Panicked(message_of(payload.as_ref()))))
}

fn message_of(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| "without a message".to_owned())
}
