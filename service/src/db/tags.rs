//! Tags: rows that are added and soft-deleted, never revived.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::connection::{Connection, Value, query_all};
use super::{DbError, images, listing};

/// Makes the tags of an image those of `wanted`. `Missing` when the image is not there.
pub fn set(
    conn: &mut dyn Connection,
    image_id: &str,
    wanted: &BTreeSet<String>,
    now: Timestamp,
) -> Result<(), DbError> {
    images::touch(conn, image_id, now)?;
    save(conn, image_id, wanted, now)
}

/// Adds a tag, unless the image has it; answers how many it has then. `Missing` when the image is not there.
pub fn add(conn: &mut dyn Connection, image_id: &str, tag: &str, now: Timestamp) -> Result<usize, DbError> {
    images::touch(conn, image_id, now)?;
    let existing: BTreeSet<String> =
        rows(conn, image_id)?.into_iter().map(|(_, existing)| existing).collect();
    if existing.contains(tag) {
        return Ok(existing.len());
    }
    insert(conn, image_id, std::iter::once(&tag.to_owned()), now)?;
    Ok(existing.len() + 1)
}

/// Removes a tag. `Missing` when the image is not there or does not have it.
pub fn remove(conn: &mut dyn Connection, image_id: &str, tag: &str, now: Timestamp) -> Result<(), DbError> {
    images::touch(conn, image_id, now)?;
    let rows = rows(conn, image_id)?;
    let mut found = false;
    for (row, _) in rows.iter().filter(|(_, existing)| existing == tag) {
        soft_delete(conn, *row, now)?;
        found = true;
    }
    if found { Ok(()) } else { Err(DbError::Missing) }
}

/// Hands the live tags of many images to `found`: image, tag.
pub(super) fn of(
    conn: &mut dyn Connection,
    image_ids: &[String],
    found: &mut dyn FnMut(&str, String),
) -> Result<(), DbError> {
    let (list, values) = listing::id_list(image_ids);
    let sql = format!("SELECT image_id, value FROM image_tags WHERE image_id IN ({list}) AND +deleted = 0");
    conn.query(&sql, &values, &mut |row| {
        found(&row.borrowed_text(0)?, row.text(1)?);
        Ok(())
    })
}

pub(super) fn save(
    conn: &mut dyn Connection,
    image_id: &str,
    wanted: &BTreeSet<String>,
    now: Timestamp,
) -> Result<(), DbError> {
    let existing = rows(conn, image_id)?;
    for (row, _) in existing.iter().filter(|(_, tag)| !wanted.contains(tag)) {
        soft_delete(conn, *row, now)?;
    }
    let is_new = |tag: &&String| !existing.iter().any(|(_, existing)| existing == *tag);
    insert(conn, image_id, wanted.iter().filter(is_new), now)
}

/// Brings the difference between two states of the tags to whatever they are now.
pub(super) fn save_changes(
    conn: &mut dyn Connection,
    image_id: &str,
    (before, after): (&BTreeSet<String>, &BTreeSet<String>),
    now: Timestamp,
) -> Result<(), DbError> {
    if before == after {
        return Ok(());
    }
    let mut wanted: BTreeSet<String> = rows(conn, image_id)?.into_iter().map(|(_, tag)| tag).collect();
    wanted.retain(|tag| after.contains(tag) || !before.contains(tag));
    wanted.extend(after.difference(before).cloned());
    save(conn, image_id, &wanted, now)
}

/// Adds rows in one statement.
pub(super) fn insert<'a>(
    conn: &mut dyn Connection,
    image_id: &str,
    tags: impl Iterator<Item = &'a String>,
    now: Timestamp,
) -> Result<(), DbError> {
    let values: Vec<Value> = tags
        .flat_map(|tag| -> [Value; 4] { [image_id.into(), tag.into(), now.into(), now.into()] })
        .collect();
    if values.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO image_tags (image_id, value, created_at, updated_at, deleted) VALUES {}",
        vec!["(?, ?, ?, ?, 0)"; values.len() / 4].join(", ")
    );
    conn.execute(&sql, &values).map(|_| ())
}

/// Compared here and not in SQL: MariaDB would take `A` and `a` for one tag.
fn rows(conn: &mut dyn Connection, image_id: &str) -> Result<Vec<(i64, String)>, DbError> {
    let sql = "SELECT id, value FROM image_tags WHERE image_id = ? AND +deleted = 0";
    query_all(conn, sql, &[image_id.into()], |row| Ok((row.integer(0)?, row.text(1)?)))
}

fn soft_delete(conn: &mut dyn Connection, row: i64, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE image_tags SET deleted = 1, deleted_at = ? WHERE id = ?";
    conn.execute(sql, &[now.into(), row.into()]).map(|_| ())
}
