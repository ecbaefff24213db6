//! SQLite: the only file that names its driver.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, OpenFlags, ToSql};

use super::connection::{Cell, Cells, Connection, Row, Value};
use super::door::Session;
use super::{DbError, Dialect};

/// How long a statement waits for another process's lock before it is `Busy`.
/// The call is repeated ten times, and clients shall hear of it within ten seconds.
const LOCK_WAIT: Duration = Duration::from_millis(500);
const CACHED_STATEMENTS: usize = 128;
/// Pages (4 KiB) that the log holds before they go into the file: one that many transactions changed goes once. Four
/// times the engine's own number; a log of that length is read in 8 ms after a crash.
const PAGES_BETWEEN_CHECKPOINTS: u32 = 4096;
/// Pages that all readers together keep. The rows of one list lie in many: with the engine's own two megabytes each
/// reads them again and again. Of a million images, a list of scattered ones read 252 pages with six megabytes and reads
/// 145 with twelve, an image 23 and 15: the upper levels of the trees have room.
const PAGES_KIB: i64 = 48 * 1024;
const PAGES_KIB_EACH: RangeInclusive<i64> = 2 * 1024..=12 * 1024;

pub struct Sqlite {
    connection: rusqlite::Connection,
    read_only: bool,
}

impl Sqlite {
    /// Opens the file and makes it when it is not there.
    pub fn open(path: &Path, synchronous: bool) -> Result<Self, DbError> {
        Self::open_with(path, synchronous, false, LOCK_WAIT)
    }

    /// A connection that cannot write.
    pub fn open_reader(path: &Path) -> Result<Self, DbError> {
        Self::open_with(path, true, true, LOCK_WAIT)
    }

    /// A connection that cannot write and is `Busy` at once where another one would wait.
    pub fn open_hasty_reader(path: &Path) -> Result<Self, DbError> {
        Self::open_with(path, true, true, Duration::ZERO)
    }

    fn open_with(
        path: &Path,
        synchronous: bool,
        read_only: bool,
        lock_wait: Duration,
    ) -> Result<Self, DbError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            rusqlite::Connection::open_with_flags(path, flags).map_err(|error| unopenable(path, error))?;
        // The engine falls back to reading when the file may not be written.
        if connection.is_readonly("main").map_err(|error| unopenable(path, error))? {
            let source = "this account may not write it".into();
            return Err(DbError::Unopenable { path: path.to_owned(), source });
        }
        connection.busy_timeout(lock_wait).map_err(|error| unopenable(path, error))?;
        prepare(&connection, synchronous, read_only).map_err(|error| unopenable(path, error))?;
        Ok(Self { connection, read_only })
    }
}

fn prepare(connection: &rusqlite::Connection, synchronous: bool, read_only: bool) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Without it statements are prepared anew whenever their parameters change, to choose another plan by them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if synchronous { "FULL" } else { "NORMAL" })?;
    // As Glance leaves it: the order in which it deletes rows does not heed the keys.
    connection.pragma_update(None, "foreign_keys", false)?;
    if read_only {
        connection.pragma_update(None, "query_only", true)?;
        // Negative: KiB and not pages.
        connection.pragma_update(None, "cache_size", -pages_of_a_reader_kib())?;
    } else {
        connection.pragma_update(None, "wal_autocheckpoint", PAGES_BETWEEN_CHECKPOINTS)?;
    }
    Ok(())
}

/// A thread that answers has one reader, and those that take longer have some more.
fn pages_of_a_reader_kib() -> i64 {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let readers = i64::try_from(threads + super::SQLITE_READERS).unwrap_or(i64::MAX);
    (PAGES_KIB / readers).clamp(*PAGES_KIB_EACH.start(), *PAGES_KIB_EACH.end())
}

impl Connection for Sqlite {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
        bind(&mut statement, values)?;
        let changed = statement.raw_execute().map_err(translate)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn query(
        &mut self,
        sql: &str,
        values: &[Value],
        row: &mut dyn FnMut(&Row<'_>) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(translate)?;
        bind(&mut statement, values)?;
        let mut rows = statement.raw_query();
        while let Some(found) = rows.next().map_err(translate)? {
            row(&Row(found))?;
        }
        Ok(())
    }

    fn last_insert_id(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }
}

impl Session for Sqlite {
    fn begin(&mut self) -> Result<(), DbError> {
        // A writer takes its lock at once: upgrading a read transaction could only fail.
        let sql = if self.read_only { "BEGIN" } else { "BEGIN IMMEDIATE" };
        self.execute(sql, &[]).map(|_| ())
    }

    fn commit(&mut self) -> Result<(), DbError> {
        self.execute("COMMIT", &[]).map(|_| ())
    }

    fn rollback(&mut self) -> Result<(), DbError> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.execute("ROLLBACK", &[]).map(|_| ())
    }

    fn server(&mut self) -> Result<String, DbError> {
        Ok(format!("SQLite {}", rusqlite::version()))
    }
}

impl Cells for rusqlite::Row<'_> {
    fn cell(&self, column: usize) -> Result<Cell<'_>, DbError> {
        match self.get_ref(column).map_err(translate)? {
            ValueRef::Null => Ok(Cell::Null),
            ValueRef::Integer(number) => Ok(Cell::Integer(number)),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                std::str::from_utf8(bytes).map(Cell::Text).map_err(DbError::other)
            }
            ValueRef::Real(number) => {
                Err(DbError::other(format!("column {column} of an answer holds the fraction {number}")))
            }
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Integer(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Time(time) => ToSqlOutput::Owned(time.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string().into()),
        })
    }
}

fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value]) -> Result<(), DbError> {
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value).map_err(translate)?;
    }
    Ok(())
}

fn translate(error: rusqlite::Error) -> DbError {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};

    let rusqlite::Error::SqliteFailure(failure, _) = &error else {
        return DbError::other(error);
    };
    match (failure.code, failure.extended_code) {
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => DbError::Busy,
        (
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied,
            _,
        ) => DbError::Unwritable(Box::new(error)),
        (_, SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE) => DbError::Duplicate,
        _ => DbError::other(error),
    }
}

fn unopenable(path: &Path, error: rusqlite::Error) -> DbError {
    match translate(error) {
        DbError::Other(source) | DbError::Unwritable(source) => {
            DbError::Unopenable { path: path.to_owned(), source }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_keeps_more_pages_than_a_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pages.sqlite");
        let kept = |sqlite: &Sqlite| {
            sqlite.connection.pragma_query_value(None, "cache_size", |row| row.get::<_, i64>(0)).unwrap()
        };
        let writer = Sqlite::open(&path, true).unwrap();
        let reader = Sqlite::open_reader(&path).unwrap();
        assert_eq!(kept(&reader), -pages_of_a_reader_kib());
        assert!(kept(&reader) <= kept(&writer), "negative, in KiB");
    }

    #[test]
    fn a_full_disk_is_an_outage() {
        let folder = tempfile::tempdir().unwrap();
        let mut sqlite = Sqlite::open(&folder.path().join("full.sqlite"), true).unwrap();
        sqlite.execute("CREATE TABLE t (text VARCHAR)", &[]).unwrap();
        // The engine answers the same as on a disk without room.
        sqlite.connection.pragma_update(None, "max_page_count", 3).unwrap();
        let error = sqlite.execute("INSERT INTO t VALUES (?)", &["a".repeat(1 << 20).into()]).unwrap_err();
        assert!(error.is_outage() && matches!(error, DbError::Unwritable(_)), "{error}");
    }
}
