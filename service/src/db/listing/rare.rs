//! Filters that find few images: a list begins with the rarest of them instead of walking along its order.
//!
//! How many rows a filter finds is asked first, and counted only as far as it matters.

use glasshouse_shared::image::Visibility;
use glasshouse_shared::listing::{ListQuery, VisibilityFilter};

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

/// Adds the filters on properties and tags to `conditions`. Answers the ids of the rarest filter of all, unless every
/// filter is common.
pub(super) fn add_filters(
    conn: &mut dyn Connection,
    conditions: &mut Clause,
    (query, scope): (&ListQuery, &Scope),
    counts: &Counts,
) -> Result<Option<Clause>, DbError> {
    let mut found = Vec::new();
    for (name, value) in &query.properties {
        found.push(add_hanging(conn, conditions, (&PROPERTY, &[name.into(), value.into()]), counts)?);
    }
    for tag in &query.tags {
        found.push(add_hanging(conn, conditions, (&TAG, &[tag.into()]), counts)?);
    }
    // The engines find these by themselves.
    if found.is_empty() && !query.filters.is_empty() {
        return Ok(None);
    }
    if found.iter().all(|found| found.rows >= COMMON) {
        found.extend(visible(conn, (query, scope), counts)?);
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

/// What the caller can see at most: its own images, those it is a member of, and those that everybody sees. `None`
/// for an administrator, who sees all.
fn visible(
    conn: &mut dyn Connection,
    (query, scope): (&ListQuery, &Scope),
    counts: &Counts,
) -> Result<Option<Found>, DbError> {
    let mut parts: Vec<(&str, Vec<Value>)> = Vec::new();
    let by_visibility = "SELECT id AS rare_id FROM images WHERE visibility = ? AND deleted = 0";
    match query.visibility {
        Some(VisibilityFilter::Only(visibility @ (Visibility::Public | Visibility::Community))) => {
            parts.push((by_visibility, vec![visibility.as_str().into()]));
        }
        _ if scope.is_admin => return Ok(None),
        filter => {
            if let Some(project) = &scope.project_id {
                let own = "SELECT id AS rare_id FROM images WHERE owner = ? AND deleted = 0";
                parts.push((own, vec![project.into()]));
                let shared =
                    "SELECT image_id AS rare_id FROM image_members WHERE member = ? AND +deleted = 0";
                parts.push((shared, vec![project.into()]));
            }
            if filter.is_none() || filter == Some(VisibilityFilter::All) {
                parts.push((by_visibility, vec![Visibility::Public.as_str().into()]));
            }
            if filter == Some(VisibilityFilter::All) {
                parts.push((by_visibility, vec![Visibility::Community.as_str().into()]));
            }
        }
    }
    let mut found = Found { ids: Clause::default(), rows: 0 };
    for (sql, values) in parts {
        found.rows += counts.of(conn, sql, &values)?;
        if found.rows >= COMMON {
            break;
        }
        if !found.ids.sql.is_empty() {
            found.ids.push(" UNION ", []);
        }
        found.ids.push(sql, values);
    }
    Ok(Some(found).filter(|found| !found.ids.sql.is_empty()))
}
