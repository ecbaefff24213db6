//! Which schema a database has, and how an empty one receives Glance's.

use std::collections::BTreeSet;
use std::fmt;

use super::connection::{Connection, query_all, query_one};
use super::{DbError, Dialect, leases, uploads};

mod tables;
#[cfg(test)]
mod tests;

#[cfg(test)]
use tables::OWN_INDEXES;
use tables::{REPLACED_ON_SQLITE, TABLES, VERSION_TABLE};

/// The migration that ends Glance's chain; no later release changed the schema.
pub const REVISION: &str = "2024_1_contract01";

/// Earlier ends of the chain, oldest first.
const OLDER: &[&str] = &[
    "liberty", "mitaka01", "mitaka02", "ocata", "pike", "queens", "rocky", "stein", "train", "ussuri",
    "victoria", "wallaby", "xena", "yoga", "zed", "2023_1",
];

/// What was found in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    Empty,
    Current {
        tables: usize,
    },
    /// A part of the tables, as an interrupted creation leaves them.
    Partial {
        found: usize,
        expected: usize,
    },
    /// A rolling upgrade of Glance is under way.
    HalfUpgraded {
        revisions: Vec<String>,
    },
    Older {
        revision: String,
    },
    Newer {
        revision: String,
    },
    /// Tables of another program.
    Foreign,
}

impl fmt::Display for SchemaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "it is empty"),
            Self::Current { tables } => write!(f, "it has all {tables} tables at revision {REVISION}"),
            Self::Partial { found, expected } => write!(f, "it has {found} of {expected} tables"),
            Self::HalfUpgraded { revisions } => {
                write!(f, "an upgrade of Glance is half done (revisions {})", revisions.join(" and "))
            }
            Self::Older { revision } => {
                write!(f, "it has the older revision {revision} of Glance; upgrade it with Glance first")
            }
            Self::Newer { revision } => {
                write!(f, "it has the revision {revision}, which is newer than {REVISION}")
            }
            Self::Foreign => write!(f, "it holds tables of another program"),
        }
    }
}

/// What [`sync`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synced {
    pub before: SchemaState,
    /// Tables that were made; 0 when all were there.
    pub created: usize,
    /// Glance's tables that are there now, without the one that holds the revision.
    pub tables: usize,
    pub revision: &'static str,
}

/// Looks which schema the database has. Changes nothing.
pub fn state(conn: &mut dyn Connection) -> Result<SchemaState, DbError> {
    let names = table_names(conn)?;
    let found = TABLES.iter().filter(|table| names.contains(table.name)).count();
    let expected = TABLES.len();
    if names.contains("migrate_version") && !names.contains(VERSION_TABLE.name) {
        return Ok(SchemaState::Older { revision: "before Ocata (migrate_version)".to_owned() });
    }
    let revisions = if names.contains(VERSION_TABLE.name) { revisions(conn)? } else { Vec::new() };
    let known = |name: &String| *name == VERSION_TABLE.name || TABLES.iter().any(|table| table.name == name);
    Ok(match revisions.as_slice() {
        [] if names.is_empty() => SchemaState::Empty,
        [] if names.iter().all(known) => SchemaState::Partial { found, expected },
        [] => SchemaState::Foreign,
        // Many programs keep their revision in a table of this name.
        _ if !names.contains("images") && found < expected / 2 => SchemaState::Foreign,
        [revision] if revision == REVISION && found == expected => SchemaState::Current { tables: found },
        [revision] if revision == REVISION => SchemaState::Partial { found, expected },
        [revision] => of_revision(revision),
        several => SchemaState::HalfUpgraded { revisions: several.to_vec() },
    })
}

/// Fills an empty database, completes one that was interrupted, and adds our indexes to one of Glance's.
/// Every other database is refused with [`DbError::Unsuitable`].
pub fn sync(conn: &mut dyn Connection) -> Result<Synced, DbError> {
    lock(conn)?;
    let synced = sync_locked(conn);
    unlock(conn)?;
    synced
}

fn sync_locked(conn: &mut dyn Connection) -> Result<Synced, DbError> {
    let before = state(conn)?;
    match &before {
        SchemaState::Empty | SchemaState::Current { .. } | SchemaState::Partial { .. } => {}
        SchemaState::HalfUpgraded { .. }
        | SchemaState::Older { .. }
        | SchemaState::Newer { .. }
        | SchemaState::Foreign => return Err(DbError::Unsuitable(before)),
    }
    let dialect = conn.dialect();
    let names = table_names(conn)?;
    let mut created = 0;
    for table in TABLES.iter().filter(|table| !names.contains(table.name)) {
        conn.execute(&table.statement(dialect), &[])?;
        created += 1;
    }
    sync_indexes(conn)?;
    // Last, so that a creation that breaks off is not taken for a whole one.
    if !names.contains(VERSION_TABLE.name) {
        conn.execute(&VERSION_TABLE.statement(dialect), &[])?;
    }
    if revisions(conn)?.is_empty() {
        conn.execute("INSERT INTO alembic_version (version_num) VALUES (?)", &[REVISION.into()])?;
    }
    // Ours, which no revision counts.
    leases::ensure_table(conn)?;
    uploads::ensure_table(conn)?;
    Ok(Synced { before, created, tables: TABLES.len(), revision: REVISION })
}

fn sync_indexes(conn: &mut dyn Connection) -> Result<(), DbError> {
    let dialect = conn.dialect();
    let names = index_names(conn)?;
    for index in tables::indexes(dialect).filter(|index| !names.contains(index.name)) {
        conn.execute(&index.statement(dialect), &[])?;
    }
    if dialect == Dialect::Sqlite {
        for name in REPLACED_ON_SQLITE {
            conn.execute(&format!("DROP INDEX IF EXISTS {name}"), &[])?;
        }
    }
    Ok(())
}

fn of_revision(revision: &str) -> SchemaState {
    let revision = revision.to_owned();
    if OLDER.iter().any(|older| revision.starts_with(older)) || revision.starts_with("2024_1_expand") {
        SchemaState::Older { revision }
    } else {
        SchemaState::Newer { revision }
    }
}

fn revisions(conn: &mut dyn Connection) -> Result<Vec<String>, DbError> {
    query_all(conn, "SELECT version_num FROM alembic_version ORDER BY version_num", &[], |row| row.text(0))
}

/// All tables but our own.
fn table_names(conn: &mut dyn Connection) -> Result<BTreeSet<String>, DbError> {
    let sql = match conn.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        Dialect::Mariadb => {
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
        }
    };
    let names = query_all(conn, sql, &[], |row| row.text(0))?;
    Ok(names.into_iter().filter(|name| !name.starts_with("glasshouse_")).collect())
}

/// Whether a table of ours was made.
pub fn has_own_table(conn: &mut dyn Connection, name: &str) -> Result<bool, DbError> {
    let sql = match conn.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?",
        Dialect::Mariadb => {
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
        }
    };
    Ok(query_one(conn, sql, &[name.into()], |_| Ok(()))?.is_some())
}

fn index_names(conn: &mut dyn Connection) -> Result<BTreeSet<String>, DbError> {
    let sql = match conn.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'index'",
        Dialect::Mariadb => {
            "SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = DATABASE()"
        }
    };
    Ok(query_all(conn, sql, &[], |row| row.text(0))?.into_iter().collect())
}

/// Definitions are no part of a transaction in MariaDB: two creations at once must wait for each other.
fn lock(conn: &mut dyn Connection) -> Result<(), DbError> {
    if conn.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let sql = "SELECT GET_LOCK(LEFT(CONCAT('glasshouse_', DATABASE()), 64), 60)";
    match query_one(conn, sql, &[], |row| row.optional_integer(0))? {
        Some(Some(1)) => Ok(()),
        _ => Err(DbError::Busy),
    }
}

fn unlock(conn: &mut dyn Connection) -> Result<(), DbError> {
    if conn.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let sql = "SELECT RELEASE_LOCK(LEFT(CONCAT('glasshouse_', DATABASE()), 64))";
    query_one(conn, sql, &[], |_| Ok(())).map(|_| ())
}

/// Leaves the database as one that only Glance made.
#[cfg(test)]
pub fn drop_own_indexes(conn: &mut dyn Connection) {
    for index in OWN_INDEXES {
        let on_table = match conn.dialect() {
            Dialect::Mariadb => format!(" ON {}", index.table),
            Dialect::Sqlite => String::new(),
        };
        conn.execute(&format!("DROP INDEX {}{on_table}", index.name), &[]).unwrap();
    }
}
