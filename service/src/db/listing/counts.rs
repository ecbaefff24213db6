//! How many rows a filter has, as it was a moment ago.
//!
//! The counts choose the way to an answer and never change it, so they need not be of this instant; to count afresh
//! costs more than many a page.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::Duration;

use moka::sync::Cache;

use super::COMMON;
use crate::db::DbError;
use crate::db::connection::{Connection, Value, query_one};

/// A value that becomes common is walked past too slowly for no longer than this.
const AGE: Duration = Duration::from_secs(30);
const KEPT_MAX: u64 = 4096;

/// Those of one database, shared by all who list.
#[derive(Debug, Clone)]
pub struct Counts {
    /// By a hash of the question: values are as long as clients make them, and if two questions ever share one, a list
    /// only goes the longer way.
    known: Cache<u64, i64>,
    hasher: RandomState,
}

impl Default for Counts {
    fn default() -> Self {
        let known = Cache::builder().max_capacity(KEPT_MAX).time_to_live(AGE).build();
        Self { known, hasher: RandomState::new() }
    }
}

impl Counts {
    /// How many rows a SELECT has, counted up to what is common.
    pub(super) fn of(
        &self,
        conn: &mut dyn Connection,
        select: &str,
        values: &[Value],
    ) -> Result<i64, DbError> {
        let question = self.hasher.hash_one((select, values));
        if let Some(count) = self.known.get(&question) {
            return Ok(count);
        }
        let sql = format!("SELECT COUNT(*) FROM ({select} LIMIT {COMMON}) AS some");
        let count = query_one(conn, &sql, values, |row| row.integer(0))?.unwrap_or_default();
        self.known.insert(question, count);
        Ok(count)
    }
}
