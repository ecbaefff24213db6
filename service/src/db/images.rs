//! Images: rows of `images` with what hangs on them. Decides nothing; who may do what is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use glasshouse_shared::image::{Image, Status};
use glasshouse_shared::listing::ListQuery;
use jiff::Timestamp;

use super::connection::{Connection, Row, Value, placeholders, query_all, query_one};
use super::listing::{self, Counts, Scope};
use super::{DbError, locations, properties, tags};

pub use super::locations::{LocationRecord, LocationStatus, add as add_location, delete as delete_location};

#[cfg(test)]
mod tests;

/// An image and where its bytes are.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRecord {
    pub image: Image,
    /// The active ones, in the order in which they were added.
    pub locations: Vec<LocationRecord>,
}

/// A new status and the attributes that change with it. `None` leaves an attribute as it is, `Some(None)` empties
/// it.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusChange {
    pub to: Status,
    pub size: Option<Option<u64>>,
    pub virtual_size: Option<Option<u64>>,
    pub checksum: Option<Option<String>>,
    pub os_hash_algo: Option<Option<String>>,
    pub os_hash_value: Option<Option<String>>,
}

impl StatusChange {
    /// Back to `queued`, with everything forgotten that was known of the data.
    pub const fn to_queued() -> Self {
        Self {
            to: Status::Queued,
            size: Some(None),
            virtual_size: Some(None),
            checksum: Some(None),
            os_hash_algo: Some(None),
            os_hash_value: Some(None),
        }
    }

    /// A change of nothing but the status.
    pub const fn to(status: Status) -> Self {
        Self {
            to: status,
            size: None,
            virtual_size: None,
            checksum: None,
            os_hash_algo: None,
            os_hash_value: None,
        }
    }
}

/// In the order in which [`read`] takes them.
pub(super) const COLUMNS: &str = "id, name, status, visibility, protected, os_hidden, owner, disk_format, \
     container_format, min_disk, min_ram, size, virtual_size, checksum, os_hash_algo, os_hash_value, created_at, \
     updated_at";

/// The image of this id with its live properties, tags and active locations; `None` when it was deleted. One
/// statement, so that it needs no transaction to be consistent.
pub fn get(conn: &mut dyn Connection, id: &str) -> Result<Option<ImageRecord>, DbError> {
    let mut image = None;
    let mut properties = BTreeMap::new();
    let mut tags = BTreeSet::new();
    let mut locations = Vec::new();
    conn.query(&WHOLE, &[id.into(), id.into(), id.into(), id.into()], &mut |row| {
        match row.integer(PART)? {
            0 => image = Some(read(row)?),
            1 => {
                properties.insert(row.text(FIRST)?, row.optional_text(SECOND)?.unwrap_or_default());
            }
            2 => {
                tags.insert(row.text(FIRST)?);
            }
            _ => locations.push(locations::read(row, [PART_ID, FIRST, SECOND])?),
        }
        Ok(())
    })?;
    locations.sort_by_key(|location: &LocationRecord| location.id);
    Ok(image.map(|image| ImageRecord { image: Image { properties, tags, ..image }, locations }))
}

/// Columns of [`WHOLE`] after those of the image. A row of a table that hangs on it fills these and `size`, which
/// stands for its number.
const PART: usize = 18;
const FIRST: usize = 19;
const SECOND: usize = 20;
const PART_ID: usize = 11;

/// All rows of one image: 0 itself, 1 properties, 2 tags, 3 active locations.
static WHOLE: LazyLock<String> = LazyLock::new(|| {
    let hanging = |part: u8, first: &str, second: &str, table: &str| {
        let columns = COLUMNS.split(", ").map(|column| if column == "size" { "id" } else { "NULL" });
        let columns = columns.collect::<Vec<_>>().join(", ");
        format!(
            " UNION ALL SELECT {columns}, {part}, {first}, {second} FROM {table} WHERE image_id = ? AND +deleted = 0"
        )
    };
    [
        format!("SELECT {COLUMNS}, 0, NULL, NULL FROM images WHERE id = ? AND deleted = 0"),
        hanging(1, "name", "value", "image_properties"),
        hanging(2, "value", "NULL", "image_tags"),
        hanging(3, "value", "meta_data", "image_locations"),
        " AND status = 'active'".to_owned(),
    ]
    .concat()
});

/// One page of images. A handful of statements, however long it is.
pub fn list(
    conn: &mut dyn Connection,
    query: &ListQuery,
    scope: &Scope,
    counts: &Counts,
) -> Result<Vec<ImageRecord>, DbError> {
    let mut images = Vec::new();
    for mut select in listing::select(conn, query, scope, counts)? {
        if let Some(limit) = query.limit {
            let missing = u64::from(limit).saturating_sub(images.len() as u64);
            if missing == 0 && !images.is_empty() {
                break;
            }
            select.sql.push_str(" LIMIT ?");
            select.values.push(missing.into());
        }
        match query_all(conn, &select.sql, &select.values, read) {
            Err(DbError::NoIndex(_)) => {
                images.extend(query_all(conn, &select.without_hint(), &select.values, read)?);
            }
            found => images.extend(found?),
        }
    }
    complete(conn, images)
}

/// Adds an image. `Duplicate` also when an image of this id was deleted.
pub fn insert(conn: &mut dyn Connection, record: &ImageRecord) -> Result<(), DbError> {
    let image = &record.image;
    let mut values = attributes(image);
    values.extend([(&image.id).into(), image.created_at.into(), image.updated_at.into()]);
    let sql = format!(
        "INSERT INTO images ({}, id, created_at, updated_at, deleted) VALUES ({}, 0)",
        ATTRIBUTES.join(", "),
        placeholders(values.len())
    );
    conn.execute(&sql, &values)?;
    properties::insert(conn, &image.id, &image.properties, image.created_at)?;
    tags::insert(conn, &image.id, image.tags.iter(), image.created_at)?;
    for location in &record.locations {
        locations::insert(conn, &image.id, location, image.created_at)?;
    }
    Ok(())
}

/// Saves the whole record if the image has one of the `expected` statuses. An empty list of locations leaves the
/// locations as they are, so that saving a record whose locations were hidden does not lose them.
pub fn update(
    conn: &mut dyn Connection,
    record: &ImageRecord,
    expected: &[Status],
    now: Timestamp,
) -> Result<ImageRecord, DbError> {
    let mut saved = record.clone();
    let image = &mut saved.image;
    image.updated_at = conn.dialect().truncate(now);
    let assignments = ATTRIBUTES.map(|column| format!("{column} = ?")).join(", ");
    let mut values = attributes(image);
    values.push(now.into());
    change(conn, &image.id, expected, &format!("{assignments}, updated_at = ?"), values)?;
    properties::save(conn, &image.id, &image.properties, now)?;
    if !saved.locations.is_empty() {
        locations::save(conn, &image.id, &mut saved.locations, now)?;
    }
    tags::save(conn, &image.id, &image.tags, now)?;
    Ok(saved)
}

/// Saves what differs between `before` and `record`, if the image has one of the `expected` statuses. What others
/// changed since `before` was read stays, so that two callers who change different things lose nothing.
pub fn save_changes(
    conn: &mut dyn Connection,
    before: &ImageRecord,
    record: &ImageRecord,
    expected: &[Status],
    now: Timestamp,
) -> Result<ImageRecord, DbError> {
    let mut saved = record.clone();
    let image = &mut saved.image;
    image.updated_at = conn.dialect().truncate(now);
    let mut assignments = vec!["updated_at = ?".to_owned()];
    let mut values = vec![now.into()];
    let pairs = attributes(&before.image).into_iter().zip(attributes(image));
    for (column, (_, new)) in ATTRIBUTES.iter().zip(pairs).filter(|(_, (old, new))| old != new) {
        assignments.push(format!("{column} = ?"));
        values.push(new);
    }
    // First of all: it makes every other writer of this image wait, so that the rows read below are the latest.
    change(conn, &image.id, expected, &assignments.join(", "), values)?;
    properties::save_changes(conn, &image.id, (&before.image.properties, &image.properties), now)?;
    tags::save_changes(conn, &image.id, (&before.image.tags, &image.tags), now)?;
    if saved.locations != before.locations && !saved.locations.is_empty() {
        locations::save_changes(conn, &saved.image.id, (&before.locations, &mut saved.locations), now)?;
    }
    Ok(saved)
}

/// Moves an image from one of the `expected` statuses to another: `Stale` when it has none of them.
pub fn set_status(
    conn: &mut dyn Connection,
    id: &str,
    expected: &[Status],
    to: &StatusChange,
    now: Timestamp,
) -> Result<(), DbError> {
    let mut assignments = vec!["status = ?", "updated_at = ?"];
    let mut values: Vec<Value> = vec![to.to.as_str().into(), now.into()];
    for (assignment, size) in [("size = ?", to.size), ("virtual_size = ?", to.virtual_size)] {
        if let Some(size) = size {
            assignments.push(assignment);
            values.push(size.into());
        }
    }
    let texts = [
        ("checksum = ?", &to.checksum),
        ("os_hash_algo = ?", &to.os_hash_algo),
        ("os_hash_value = ?", &to.os_hash_value),
    ];
    for (assignment, text) in texts {
        if let Some(text) = text {
            assignments.push(assignment);
            values.push(text.as_ref().into());
        }
    }
    change(conn, id, expected, &assignments.join(", "), values)
}

/// Soft-deletes an image and all that hangs on it; the row stays, so that its id is never used again.
pub fn delete(
    conn: &mut dyn Connection,
    id: &str,
    expected: &[Status],
    to: Status,
    now: Timestamp,
) -> Result<(), DbError> {
    let location_status = match to {
        Status::Deleted => LocationStatus::Deleted,
        Status::PendingDelete => LocationStatus::PendingDelete,
        other => return Err(DbError::other(format!("an image cannot be deleted into the status {other}"))),
    };
    let assignments = "status = ?, updated_at = ?, deleted = 1, deleted_at = ?";
    change(conn, id, expected, assignments, vec![to.as_str().into(), now.into(), now.into()])?;
    for table in ["image_properties", "image_members", "image_tags"] {
        let sql =
            format!("UPDATE {table} SET deleted = 1, deleted_at = ? WHERE image_id = ? AND +deleted = 0");
        conn.execute(&sql, &[now.into(), id.into()])?;
    }
    locations::delete_all(conn, id, location_status, now)
}

/// The ids of all images in these statuses, for the repair at the start.
pub fn with_status(conn: &mut dyn Connection, statuses: &[Status]) -> Result<Vec<String>, DbError> {
    if statuses.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id FROM images WHERE deleted = 0 AND status IN ({}) ORDER BY created_at, id",
        placeholders(statuses.len())
    );
    query_all(conn, &sql, &words(statuses), |row| row.text(0))
}

/// Bytes that a project occupies in all stores, those of one image apart: each copy of an image counts.
pub fn usage_bytes(conn: &mut dyn Connection, project: &str, except_image: &str) -> Result<u64, DbError> {
    let sql = "SELECT COALESCE(SUM(size * (SELECT COUNT(*) FROM image_locations AS l
                   WHERE l.image_id = images.id AND l.status <> 'deleted')), 0)
               FROM images
               WHERE owner = ? AND deleted = 0 AND id <> ? AND status NOT IN ('killed', 'deleted', 'pending_delete')";
    let values = [project.into(), except_image.into()];
    let sum = query_one(conn, sql, &values, |row| row.optional_size(0))?;
    Ok(sum.flatten().unwrap_or_default())
}

/// Columns that a save writes, in the order of [`attributes`]. Never `created_at`.
const ATTRIBUTES: [&str; 15] = [
    "name",
    "status",
    "visibility",
    "protected",
    "os_hidden",
    "owner",
    "disk_format",
    "container_format",
    "min_disk",
    "min_ram",
    "size",
    "virtual_size",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
];

fn attributes(image: &Image) -> Vec<Value> {
    vec![
        image.name.as_ref().into(),
        image.status.as_str().into(),
        image.visibility.as_str().into(),
        image.protected.into(),
        image.hidden.into(),
        image.owner.as_ref().into(),
        image.disk_format.as_ref().into(),
        image.container_format.as_ref().into(),
        image.min_disk_gb.into(),
        image.min_ram_mb.into(),
        image.size.into(),
        image.virtual_size.into(),
        image.checksum.as_ref().into(),
        image.os_hash_algo.as_ref().into(),
        image.os_hash_value.as_ref().into(),
    ]
}

/// The one place that writes a status: compare-and-set, so nothing can be written without saying what was there.
fn change(
    conn: &mut dyn Connection,
    id: &str,
    expected: &[Status],
    assignments: &str,
    mut values: Vec<Value>,
) -> Result<(), DbError> {
    if expected.is_empty() {
        return Err(DbError::Stale);
    }
    let sql = format!(
        "UPDATE images SET {assignments} WHERE id = ? AND deleted = 0 AND status IN ({})",
        placeholders(expected.len())
    );
    values.push(id.into());
    values.extend(words(expected));
    if conn.execute(&sql, &values)? > 0 {
        return Ok(());
    }
    Err(if is_there(conn, id)? { DbError::Stale } else { DbError::Missing })
}

fn is_there(conn: &mut dyn Connection, id: &str) -> Result<bool, DbError> {
    let sql = "SELECT id FROM images WHERE id = ? AND deleted = 0";
    Ok(query_one(conn, sql, &[id.into()], |_| Ok(()))?.is_some())
}

/// Moves `updated_at`, and by that keeps every other writer of this image waiting until the end of the
/// transaction.
pub(super) fn touch(conn: &mut dyn Connection, id: &str, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE images SET updated_at = ? WHERE id = ? AND deleted = 0";
    if conn.execute(sql, &[now.into(), id.into()])? == 0 {
        return Err(DbError::Missing);
    }
    Ok(())
}

fn words(statuses: &[Status]) -> Vec<Value> {
    statuses.iter().map(|status| status.as_str().into()).collect()
}

fn read(row: &Row<'_>) -> Result<Image, DbError> {
    let count =
        |column| -> Result<u32, DbError> { u32::try_from(row.integer(column)?).map_err(DbError::other) };
    let created_at = row.time(16)?;
    Ok(Image {
        id: row.text(0)?,
        name: row.optional_text(1)?,
        status: row.borrowed_text(2)?.parse().map_err(DbError::other)?,
        visibility: row.borrowed_text(3)?.parse().map_err(DbError::other)?,
        protected: row.flag(4)?,
        hidden: row.flag(5)?,
        owner: row.optional_text(6)?,
        disk_format: row.optional_text(7)?,
        container_format: row.optional_text(8)?,
        min_disk_gb: count(9)?,
        min_ram_mb: count(10)?,
        tags: BTreeSet::new(),
        size: row.optional_size(11)?,
        virtual_size: row.optional_size(12)?,
        checksum: row.optional_text(13)?,
        os_hash_algo: row.optional_text(14)?,
        os_hash_value: row.optional_text(15)?,
        created_at,
        updated_at: row.optional_time(17)?.unwrap_or(created_at),
        properties: BTreeMap::new(),
    })
}

/// Reads what hangs on the images: three statements for all of them.
fn complete(conn: &mut dyn Connection, images: Vec<Image>) -> Result<Vec<ImageRecord>, DbError> {
    if images.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = images.iter().map(|image| image.id.clone()).collect();
    let mut page = Page {
        records: images.into_iter().map(|image| ImageRecord { image, locations: Vec::new() }).collect(),
        last: 0,
    };
    properties::of(conn, &ids, &mut |image_id, name, value| {
        if let Some(record) = page.find(image_id) {
            record.image.properties.insert(name, value);
        }
    })?;
    tags::of(conn, &ids, &mut |image_id, tag| {
        if let Some(record) = page.find(image_id) {
            record.image.tags.insert(tag);
        }
    })?;
    locations::of(conn, &ids, &mut |image_id, location| {
        if let Some(record) = page.find(image_id) {
            record.locations.push(location);
        }
    })?;
    Ok(page.records)
}

/// Images that are being put together.
struct Page {
    records: Vec<ImageRecord>,
    /// What hangs on one image comes together: most are found where the one before was.
    last: usize,
}

impl Page {
    /// MariaDB does not tell cases apart: a child may name its image in another one.
    fn find(&mut self, id: &str) -> Option<&mut ImageRecord> {
        if self.records.get(self.last).is_none_or(|record| record.image.id != id) {
            let exact = self.records.iter().position(|record| record.image.id == id);
            let same = |record: &ImageRecord| record.image.id.eq_ignore_ascii_case(id);
            self.last = exact.or_else(|| self.records.iter().position(same))?;
        }
        self.records.get_mut(self.last)
    }
}
