//! Filters that find few images: a list begins with the rarest of them instead of walking along its order.
//!
//! How many rows a filter finds is asked first, and counted only as far as it matters.

use glasshouse_shared::listing::ListQuery;

use super::visible::parts;
use super::{COMMON, Clause, Counts, Scope};
use crate::db::DbError;
use crate::db::connection::{Connection, Value};

/// A filter on rows that hang on images.
struct Hanging {
    table: &'static str,
    /// What the index on the value answers alone.
    indexed: &'static str,
    /// The same for one image; on SQLite the plus hides the value, so that the row is found by its image.
    by_image: &'static str,
}

const PROPERTY: Hanging = Hanging {
    table: "image_properties",
    indexed: "h.name = ? AND h.value = ?",
    by_image: "h.name = ? AND +h.value = ?",
};

const TAG: Hanging = Hanging { table: "image_tags", indexed: "h.value = ?", by_image: "h.value = ?" };

/// A SELECT of the ids that a filter finds, each once, in the column `rare_id`; and how many at least.
struct Found {
    ids: Clause,
    rows: i64,
}

/// Adds the filters on properties and tags to `conditions`. Answers the ids of the rarest of them, unless all are
/// common.
pub(super) fn add_filters(
    conn: &mut dyn Connection,
    conditions: &mut Clause,
    query: &ListQuery,
    counts: &Counts,
) -> Result<Option<Clause>, DbError> {
    let mut found = Vec::new();
    for (name, value) in &query.properties {
        found.push(add_hanging(conn, conditions, (&PROPERTY, &[name.into(), value.into()]), counts)?);
    }
    for tag in &query.tags {
        found.push(add_hanging(conn, conditions, (&TAG, &[tag.into()]), counts)?);
    }
    let rarest = found.into_iter().filter(|found| found.rows < COMMON).min_by_key(|found| found.rows);
    Ok(rarest.map(|found| found.ids))
}

fn add_hanging(
    conn: &mut dyn Connection,
    conditions: &mut Clause,
    (hanging, values): (&Hanging, &[Value]),
    counts: &Counts,
) -> Result<Found, DbError> {
    let Hanging { table, indexed, by_image } = hanging;
    let rows = counts.of(conn, &format!("SELECT 1 FROM {table} AS h WHERE {indexed}"), values)?;
    // Not EXISTS: MariaDB would turn that round and begin with all rows of a common value.
    let sql = format!(
        "(SELECT 1 FROM {table} AS h WHERE h.image_id = images.id AND {by_image} AND +h.deleted = 0 LIMIT 1) = 1"
    );
    conditions.and(&sql, values.iter().cloned());
    let sql =
        format!("SELECT DISTINCT h.image_id AS rare_id FROM {table} AS h WHERE {indexed} AND +h.deleted = 0");
    Ok(Found { ids: Clause { sql, values: values.to_vec() }, rows })
}

/// The ids of what the caller can see at most, unless that is common or a filter on attributes is left to the engine,
/// which finds these by itself.
pub(super) fn visible(
    conn: &mut dyn Connection,
    (query, scope): (&ListQuery, &Scope),
    counts: &Counts,
) -> Result<Option<Clause>, DbError> {
    if !query.filters.is_empty() && query.properties.is_empty() && query.tags.is_empty() {
        return Ok(None);
    }
    let (mut all, mut rows) = (Clause::default(), 0);
    for part in parts(query, scope) {
        let ids = part.ids();
        rows += counts.of(conn, &ids.sql, &ids.values)?;
        if rows >= COMMON {
            return Ok(None);
        }
        if !all.sql.is_empty() {
            all.push(" UNION ", []);
        }
        all.push(&ids.sql, ids.values);
    }
    Ok(Some(all).filter(|all| !all.sql.is_empty()))
}
