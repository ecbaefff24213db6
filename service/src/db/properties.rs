//! Custom properties: one row for each name of an image, for ever. A deleted one is revived, not added again;
//! its `deleted_at` stays filled, so only `deleted` says what is live.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::connection::{Connection, Value, query_all};
use super::{DbError, listing};

/// The lock of an import. It has its own calls, [`lock`] and [`unlock`]; a save never touches it.
pub const IMPORT_LOCK: &str = "os_glance_import_task";

struct Existing {
    row: i64,
    name: String,
    value: Option<String>,
    deleted: bool,
}

/// Hands the live properties of many images to `found`: image, name, value.
pub(super) fn of(
    conn: &mut dyn Connection,
    image_ids: &[String],
    found: &mut dyn FnMut(&str, String, String),
) -> Result<(), DbError> {
    let (list, values) = listing::id_list(image_ids);
    let sql = format!(
        "SELECT image_id, name, value FROM image_properties WHERE image_id IN ({list}) AND +deleted = 0"
    );
    conn.query(&sql, &values, &mut |row| {
        found(&row.borrowed_text(0)?, row.text(1)?, row.optional_text(2)?.unwrap_or_default());
        Ok(())
    })
}

/// Adds the properties of a new image in one statement.
pub(super) fn insert(
    conn: &mut dyn Connection,
    image_id: &str,
    properties: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<(), DbError> {
    let pairs: Vec<(&String, &String)> = properties.iter().filter(|(name, _)| *name != IMPORT_LOCK).collect();
    insert_rows(conn, image_id, &pairs, now)
}

/// Makes the properties of an image those of `wanted`.
pub(super) fn save(
    conn: &mut dyn Connection,
    image_id: &str,
    wanted: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<(), DbError> {
    let existing = rows(conn, image_id)?;
    let dialect = conn.dialect();
    let mut kept = Vec::new();
    let mut missing = Vec::new();
    for (name, value) in wanted.iter().filter(|(name, _)| *name != IMPORT_LOCK) {
        let exact = existing.iter().find(|row| row.name == *name);
        // To the unique key of MariaDB `Foo` and `foo` are one: the row takes the new spelling, unless the
        // other spelling is wanted as well, which the key then refuses.
        let row = exact.or_else(|| {
            existing.iter().find(|row| dialect.same_key(&row.name, name) && !wanted.contains_key(&row.name))
        });
        let Some(row) = row else {
            missing.push((name, value));
            continue;
        };
        kept.push(row.row);
        if row.deleted || row.name != *name || row.value.as_ref() != Some(value) {
            let sql =
                "UPDATE image_properties SET name = ?, value = ?, deleted = 0, updated_at = ? WHERE id = ?";
            conn.execute(sql, &[name.into(), value.into(), now.into(), row.row.into()])?;
        }
    }
    let gone =
        existing.iter().filter(|row| !row.deleted && row.name != IMPORT_LOCK && !kept.contains(&row.row));
    for row in gone {
        let sql = "UPDATE image_properties SET deleted = 1, deleted_at = ? WHERE id = ?";
        conn.execute(sql, &[now.into(), row.row.into()])?;
    }
    insert_rows(conn, image_id, &missing, now)
}

/// Brings the difference between two states of the properties to whatever they are now.
pub(super) fn save_changes(
    conn: &mut dyn Connection,
    image_id: &str,
    (before, after): (&BTreeMap<String, String>, &BTreeMap<String, String>),
    now: Timestamp,
) -> Result<(), DbError> {
    if before == after {
        return Ok(());
    }
    let live = rows(conn, image_id)?.into_iter().filter(|row| !row.deleted);
    let mut wanted: BTreeMap<String, String> =
        live.map(|row| (row.name, row.value.unwrap_or_default())).collect();
    wanted.retain(|name, _| after.contains_key(name) || !before.contains_key(name));
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    wanted.extend(changed.map(|(name, value)| (name.clone(), value.clone())));
    save(conn, image_id, &wanted, now)
}

/// Takes a lock that is a property: `Stale` when somebody holds it.
pub fn lock(
    conn: &mut dyn Connection,
    image_id: &str,
    name: &str,
    value: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE image_properties SET value = ?, deleted = 0, updated_at = ?
               WHERE image_id = ? AND name = ? AND deleted <> 0";
    if conn.execute(sql, &[value.into(), now.into(), image_id.into(), name.into()])? > 0 {
        return Ok(());
    }
    match insert_rows(conn, image_id, &[(&name.to_owned(), &value.to_owned())], now) {
        Err(DbError::Duplicate) => Err(DbError::Stale),
        result => result,
    }
}

/// Gives a lock back: the row is really deleted. `Missing` when it is not held with this value.
pub fn unlock(conn: &mut dyn Connection, image_id: &str, name: &str, value: &str) -> Result<(), DbError> {
    let sql = "DELETE FROM image_properties WHERE image_id = ? AND name = ? AND value = ?";
    if conn.execute(sql, &[image_id.into(), name.into(), value.into()])? == 0 {
        return Err(DbError::Missing);
    }
    Ok(())
}

fn rows(conn: &mut dyn Connection, image_id: &str) -> Result<Vec<Existing>, DbError> {
    let sql = "SELECT id, name, value, deleted FROM image_properties WHERE image_id = ?";
    query_all(conn, sql, &[image_id.into()], |row| {
        Ok(Existing {
            row: row.integer(0)?,
            name: row.text(1)?,
            value: row.optional_text(2)?,
            deleted: row.flag(3)?,
        })
    })
}

fn insert_rows(
    conn: &mut dyn Connection,
    image_id: &str,
    pairs: &[(&String, &String)],
    now: Timestamp,
) -> Result<(), DbError> {
    if pairs.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted) VALUES {}",
        vec!["(?, ?, ?, ?, ?, 0)"; pairs.len()].join(", ")
    );
    let row = |(name, value): &(&String, &String)| -> [Value; 5] {
        [image_id.into(), (*name).into(), (*value).into(), now.into(), now.into()]
    };
    let values: Vec<Value> = pairs.iter().flat_map(row).collect();
    conn.execute(&sql, &values).map(|_| ())
}
