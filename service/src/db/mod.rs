//! The async door to blocking SQL, and the only module that names SQL.
//!
//! A closure is a transaction: it cannot be held across an await, and a request that is dropped cannot abandon
//! it half way. It may run more than once, when another transaction was in its way.
//!
//! The tables are Glance's own at its newest migration. What is ours is named `glasshouse_*`.
//!
//! Conditions on the tables that hang on images say `+deleted = 0`: the plus hides Glance's index on `deleted`,
//! which SQLite, without statistics, takes for as good as one on the image, and then reads the whole table.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

pub mod connection;
mod dialect;
mod door;
mod error;
pub mod images;
pub mod leases;
mod listing;
pub mod locations;
mod mariadb;
pub mod members;
pub mod properties;
pub mod reservations;
pub mod schema;
pub mod scrubs;
mod sqlite;
pub mod tags;
pub mod tasks;
pub mod uploads;
pub mod usage;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use connection::Connection;
pub use dialect::Dialect;
pub use error::DbError;
pub use listing::{Counts, Scope};

use crate::config::{DatabaseConfig, DatabaseUrl};
use door::{Desk, Job, Opener, Session};
use mariadb::{Account, Mariadb};
use sqlite::Sqlite;

/// For what takes long; more of them only wait for each other's disk.
const SQLITE_READERS: usize = 2;

/// The database, shared by all requests.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` only while it is dropped.
    queues: Option<Queues>,
    threads: Vec<JoinHandle<()>>,
    /// Where a short look may be taken on the caller's thread.
    desk: Option<Desk>,
    counts: Counts,
    description: String,
}

/// The same queue twice when every connection may write.
struct Queues {
    reads: mpsc::Sender<Job>,
    writes: mpsc::Sender<Job>,
}

impl Db {
    /// Connects once; the schema is not looked at. Blocks.
    pub fn open(config: &DatabaseConfig) -> Result<Self, DbError> {
        match &config.url {
            DatabaseUrl::Sqlite { .. } => Self::open_sqlite(config),
            DatabaseUrl::Mariadb { .. } => Self::open_mariadb(config),
        }
    }

    /// Connects, and while the server cannot be reached tries again as `max_retries` and `retry_interval` say.
    /// Each failure that is not the last is handed to `on_failure`. Blocks.
    pub fn open_patiently(
        config: &DatabaseConfig,
        on_failure: &mut dyn FnMut(&DbError),
    ) -> Result<Self, DbError> {
        let mut retries = 0;
        loop {
            match Self::open(config) {
                Err(error @ DbError::Unreachable { .. })
                    if config.max_retries.is_none_or(|max| retries < max) =>
                {
                    on_failure(&error);
                    retries += 1;
                    std::thread::sleep(config.retry_interval);
                }
                answer => return answer,
            }
        }
    }

    fn open_sqlite(config: &DatabaseConfig) -> Result<Self, DbError> {
        let DatabaseUrl::Sqlite { path } = config.url.clone() else {
            return Err(DbError::other("not an address of a SQLite file"));
        };
        let synchronous = config.sqlite_synchronous;
        let description = format!("SQLite file {}", path.display());
        let (reader_path, hasty_path) = (path.clone(), path.clone());
        let open: Opener =
            Arc::new(move || Ok(Box::new(Sqlite::open(&path, synchronous)?) as Box<dyn Session>));
        let open_reader: Opener =
            Arc::new(move || Ok(Box::new(Sqlite::open_reader(&reader_path)?) as Box<dyn Session>));
        let open_hasty: Opener =
            Arc::new(move || Ok(Box::new(Sqlite::open_hasty_reader(&hasty_path)?) as Box<dyn Session>));
        let first = open()?;
        let readers = config.max_pool_size.clamp(1, SQLITE_READERS);
        let (writes, mut threads) = door::start("db-writer", 1, &open, Some(first))?;
        let (reads, more) = door::start("db-reader", readers, &open_reader, None)?;
        threads.extend(more);
        Ok(Self::of(Queues { reads, writes }, threads, Some(Desk::new(open_hasty)), description))
    }

    fn open_mariadb(config: &DatabaseConfig) -> Result<Self, DbError> {
        let DatabaseUrl::Mariadb { host, port, user, password, database, ssl_ca } = config.url.clone() else {
            return Err(DbError::other("not an address of a database server"));
        };
        let sql_mode = config.mysql_sql_mode.clone();
        let place = format!("{host}:{port}, database {database}");
        let account = Account { host, port, user, password, database, ssl_ca, sql_mode };
        let open: Opener = Arc::new(move || Ok(Box::new(Mariadb::connect(&account)?) as Box<dyn Session>));
        let mut first = open()?;
        let description = format!("{} at {place}", first.server()?);
        let (queue, threads) = door::start("db", config.max_pool_size.max(1), &open, Some(first))?;
        Ok(Self::of(Queues { reads: queue.clone(), writes: queue }, threads, None, description))
    }

    fn of(queues: Queues, threads: Vec<JoinHandle<()>>, desk: Option<Desk>, description: String) -> Self {
        let (queues, counts) = (Some(queues), Counts::default());
        Self { inner: Arc::new(Inner { queues, threads, desk, counts, description }) }
    }

    /// Runs `work` on one consistent view of the data.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |worker| {
            // A caller that has gone needs no answer.
            let _ = reply.send(worker.read(&work));
            worker.settle();
        });
        self.queues()?.reads.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// The same for what is known to take a moment. SQLite, whose rows lie in this machine's memory, answers on the
    /// caller's thread: to change it costs more than the answer.
    pub async fn read_briefly<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let desk = self.inner.desk.as_ref();
        match desk.and_then(|desk| desk.read(&work)) {
            Some(answer) => answer,
            None => self.read(work).await,
        }
    }

    /// Runs `work` without a transaction, for what one short statement answers: it costs one journey to the server and
    /// not three, and on SQLite no change of threads.
    pub async fn read_loosely<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let desk = self.inner.desk.as_ref();
        if let Some(answer) = desk.and_then(|desk| desk.read_loosely(&work)) {
            return answer;
        }
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |worker| {
            let _ = reply.send(worker.read_loosely(&work));
        });
        self.queues()?.reads.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Runs `work` in one transaction and commits it, unless it fails.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |worker| {
            let _ = reply.send(worker.write(&work));
        });
        self.queues()?.writes.send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// What is known of how common values are.
    pub fn counts(&self) -> Counts {
        self.inner.counts.clone()
    }

    /// Which database this is, for people: engine, place, name; never a password.
    pub fn description(&self) -> String {
        self.inner.description.clone()
    }

    fn queues(&self) -> Result<&Queues, DbError> {
        self.inner.queues.as_ref().ok_or_else(gone)
    }
}

/// Makes the tables of ours that are not there yet. Outside of any other transaction: MariaDB commits before it.
pub fn own_tables(conn: &mut dyn Connection) -> Result<(), DbError> {
    leases::ensure_table(conn)?;
    scrubs::ensure_table(conn)?;
    uploads::ensure_table(conn)?;
    reservations::ensure_tables(conn)
}

fn gone() -> DbError {
    DbError::other("the threads of the database have ended")
}

impl Drop for Inner {
    /// Ends the threads and waits until what they were given is done.
    fn drop(&mut self) {
        self.queues = None;
        let here = std::thread::current().id();
        for thread in self.threads.drain(..) {
            if thread.thread().id() != here {
                // A panic of a thread was reported when it happened.
                let _ = thread.join();
            }
        }
    }
}
