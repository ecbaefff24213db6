//! What the database can answer instead of a result. Not for clients: a use case says what each means there.

use std::path::PathBuf;

use super::schema::SchemaState;

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The row is not there (any more).
    #[error("no such row")]
    Missing,
    /// A unique key is taken, also by a row that was soft-deleted.
    #[error("a row of this key exists already")]
    Duplicate,
    /// A compare-and-set lost: the row is not in the state that was expected.
    #[error("the row is not in the expected state")]
    Stale,
    /// Locked or deadlocked, and it stayed so for all attempts.
    #[error("the database is busy")]
    Busy,
    /// The marker of a list names no image that the caller may see.
    #[error("the marker {0:?} names no visible image")]
    UnknownMarker(String),
    /// Nothing answers at this address, or it is no database server.
    #[error("cannot reach the database server at {host}:{port}: {reason}")]
    Unreachable { host: String, port: u16, reason: String },
    /// The server refused the login, or the account has no right to the database.
    #[error("the database server refuses the account {account}: {reason}")]
    AccessDenied {
        /// As the server sees it: `'glance'@'controller.example'`.
        account: String,
        /// The database to which the account has no right; `None` when the login itself failed.
        database: Option<String>,
        reason: String,
    },
    #[error("the database server has no database named {name}")]
    UnknownDatabase { name: String },
    /// The SQLite file cannot be opened or is none.
    #[error("cannot open the database file {}: {source}", path.display())]
    Unopenable { path: PathBuf, source: Source },
    /// The schema is not one that this service can bring up to date.
    #[error("the database cannot be brought up to date: {0}")]
    Unsuitable(SchemaState),
    /// What the transaction would write is more than a limit allows: nothing of it was written. The text is for clients.
    #[error("over a limit: {0}")]
    OverLimit(String),
    /// A text is longer than its column, or holds characters outside of the three bytes of Glance's `utf8`.
    #[error("the database cannot hold a value: {0}")]
    Unstorable(String),
    /// A statement names an index that this database does not have (yet): `db sync` makes ours.
    #[error("the database has no such index: {0}")]
    NoIndex(String),
    /// The connection broke while a commit was under way: it may or may not have taken effect.
    #[error("the connection to the database was lost: {0}")]
    Lost(Source),
    /// The disk of the database is full or broken, or its files may not be written any more.
    #[error("the database cannot write: {0}")]
    Unwritable(Source),
    /// The closure panicked. Its transaction was rolled back.
    #[error("a database operation panicked: {0}")]
    Panicked(String),
    #[error("database: {0}")]
    Other(#[source] Source),
}

impl DbError {
    /// The database is away or too busy: the same call may succeed later.
    pub fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::Unreachable { .. }
                | Self::AccessDenied { .. }
                | Self::Lost(_)
                | Self::Unwritable(_)
        )
    }

    pub fn other(source: impl Into<Source>) -> Self {
        Self::Other(source.into())
    }
}
