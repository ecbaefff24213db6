//! Locations: where the bytes of an image are. Their ids stay the same for as long as they live.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::connection::{Connection, Row, Value, query_all};
use super::{DbError, images, listing};

/// Whether the bytes of a location may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocationStatus {
    Active,
    Deleted,
    PendingDelete,
    /// A copy to this store is planned.
    Pending,
    /// A copy to this store is under way.
    Uploading,
}

impl LocationStatus {
    pub const ALL: &[Self] =
        &[Self::Active, Self::Deleted, Self::PendingDelete, Self::Pending, Self::Uploading];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleted => "deleted",
            Self::PendingDelete => "pending_delete",
            Self::Pending => "pending",
            Self::Uploading => "uploading",
        }
    }
}

/// One place that holds the bytes of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct LocationRecord {
    /// `None` until it was saved.
    pub id: Option<i64>,
    pub url: String,
    /// With the key `store` when stores have ids.
    pub metadata: Map<String, Json>,
    pub status: LocationStatus,
}

impl LocationRecord {
    /// A location that is not saved yet.
    pub fn active(url: String, metadata: Map<String, Json>) -> Self {
        Self { id: None, url, metadata, status: LocationStatus::Active }
    }

    /// The metadata that names the store of a location.
    pub fn metadata_of(store_id: &str) -> Map<String, Json> {
        Map::from_iter([("store".to_owned(), Json::from(store_id))])
    }

    /// Id of the store that holds the bytes, if stores have ids.
    pub fn store_id(&self) -> Option<&str> {
        self.metadata.get("store").and_then(Json::as_str)
    }
}

/// Adds an active location and gives it its id. `Missing` when the image is not there.
pub fn add(
    conn: &mut dyn Connection,
    image_id: &str,
    url: &str,
    metadata: &Map<String, Json>,
    now: Timestamp,
) -> Result<i64, DbError> {
    images::touch(conn, image_id, now)?;
    let location = LocationRecord {
        id: None,
        url: url.to_owned(),
        metadata: metadata.clone(),
        status: LocationStatus::Active,
    };
    insert(conn, image_id, &location, now)
}

/// Soft-deletes one location into `deleted` or `pending_delete`. `Missing` when the image has no such location.
pub fn delete(
    conn: &mut dyn Connection,
    image_id: &str,
    location_id: i64,
    to: LocationStatus,
    now: Timestamp,
) -> Result<(), DbError> {
    images::touch(conn, image_id, now)?;
    let sql = "UPDATE image_locations SET status = ?, deleted = 1, updated_at = ?, deleted_at = ?
               WHERE id = ? AND image_id = ? AND +deleted = 0";
    let values = [to.as_str().into(), now.into(), now.into(), location_id.into(), image_id.into()];
    if conn.execute(sql, &values)? == 0 {
        return Err(DbError::Missing);
    }
    Ok(())
}

/// Hands the active locations of many images to `found`, each with its image.
pub(super) fn of(
    conn: &mut dyn Connection,
    image_ids: &[String],
    found: &mut dyn FnMut(&str, LocationRecord),
) -> Result<(), DbError> {
    let (list, values) = listing::id_list(image_ids);
    let sql = format!(
        "SELECT image_id, id, value, meta_data FROM image_locations
         WHERE image_id IN ({list}) AND +deleted = 0 AND status = 'active' ORDER BY id"
    );
    conn.query(&sql, &values, &mut |row| {
        found(&row.borrowed_text(0)?, read(row, [1, 2, 3])?);
        Ok(())
    })
}

/// An active location out of the columns that hold its id, URL and metadata.
pub(super) fn read(row: &Row<'_>, [id, url, metadata]: [usize; 3]) -> Result<LocationRecord, DbError> {
    Ok(LocationRecord {
        id: Some(row.integer(id)?),
        url: row.text(url)?,
        metadata: parse_metadata(row.optional_text(metadata)?)?,
        status: LocationStatus::Active,
    })
}

/// The locations that were deleted together with their image, and not before it.
pub fn of_deleted(conn: &mut dyn Connection, image_id: &str) -> Result<Vec<LocationRecord>, DbError> {
    let sql = "SELECT l.id, l.value, l.meta_data FROM image_locations l JOIN images i ON i.id = l.image_id
               WHERE i.id = ? AND i.status = 'deleted' AND l.status = 'deleted' AND l.deleted_at = i.deleted_at
               ORDER BY l.id";
    query_all(conn, sql, &[image_id.into()], |row| {
        Ok(LocationRecord { status: LocationStatus::Deleted, ..read(row, [0, 1, 2])? })
    })
}

/// A location with what its image says of the bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    pub image_id: String,
    pub location: LocationRecord,
    pub size_bytes: Option<u64>,
    pub checksum: Option<String>,
    pub os_hash_algo: Option<String>,
    pub os_hash_value: Option<String>,
}

/// Every location that is in use, or whose bytes wait to be deleted.
pub fn placed(conn: &mut dyn Connection) -> Result<Vec<Placed>, DbError> {
    let sql = "SELECT l.image_id, l.id, l.value, l.meta_data, l.status, i.size, i.checksum,
                      i.os_hash_algo, i.os_hash_value
               FROM image_locations l JOIN images i ON i.id = l.image_id
               WHERE l.deleted = 0 OR l.status = 'pending_delete' ORDER BY l.id";
    query_all(conn, sql, &[], |row| {
        let word = row.text(4)?;
        let status = LocationStatus::ALL.iter().copied().find(|status| status.as_str() == word);
        let status =
            status.ok_or_else(|| DbError::other(format!("unknown status {word:?} of a location")))?;
        let location = LocationRecord { status, ..read(row, [1, 2, 3])? };
        Ok(Placed {
            image_id: row.text(0)?,
            location,
            size_bytes: row.optional_size(5)?,
            checksum: row.optional_text(6)?,
            os_hash_algo: row.optional_text(7)?,
            os_hash_value: row.optional_text(8)?,
        })
    })
}

pub(super) fn insert(
    conn: &mut dyn Connection,
    image_id: &str,
    location: &LocationRecord,
    now: Timestamp,
) -> Result<i64, DbError> {
    let sql =
        "INSERT INTO image_locations (image_id, value, meta_data, status, created_at, updated_at, deleted)
               VALUES (?, ?, ?, ?, ?, ?, 0)";
    let values: [Value; 6] = [
        image_id.into(),
        (&location.url).into(),
        print_metadata(&location.metadata)?.into(),
        location.status.as_str().into(),
        now.into(),
        now.into(),
    ];
    conn.execute(sql, &values)?;
    Ok(conn.last_insert_id())
}

/// Makes the locations of an image those of `wanted`; new ones receive their ids.
pub(super) fn save(
    conn: &mut dyn Connection,
    image_id: &str,
    wanted: &mut [LocationRecord],
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "SELECT id FROM image_locations WHERE image_id = ? AND +deleted = 0";
    let existing = query_all(conn, sql, &[image_id.into()], |row| row.integer(0))?;
    for row in existing.iter().filter(|row| !wanted.iter().any(|location| location.id == Some(**row))) {
        let sql = "UPDATE image_locations SET status = 'deleted', deleted = 1, deleted_at = ? WHERE id = ?";
        conn.execute(sql, &[now.into(), (*row).into()])?;
    }
    for location in wanted {
        match location.id {
            None => location.id = Some(insert(conn, image_id, location, now)?),
            Some(row) => update(conn, image_id, row, location, now)?,
        }
    }
    Ok(())
}

/// Brings the difference between two states of the locations to whatever they are now: what others added meanwhile
/// stays. `Stale` when nothing would remain, since others removed the rest.
pub(super) fn save_changes(
    conn: &mut dyn Connection,
    image_id: &str,
    (before, wanted): (&[LocationRecord], &mut [LocationRecord]),
    now: Timestamp,
) -> Result<(), DbError> {
    for gone in before.iter().filter(|old| !wanted.iter().any(|location| location.id == old.id)) {
        let Some(row) = gone.id else { continue };
        delete(conn, image_id, row, LocationStatus::Deleted, now).map_err(|error| match error {
            DbError::Missing => DbError::Stale,
            other => other,
        })?;
    }
    for location in wanted {
        match location.id {
            None => location.id = Some(insert(conn, image_id, location, now)?),
            Some(row) if !before.contains(location) => update(conn, image_id, row, location, now)?,
            Some(_) => {}
        }
    }
    let sql =
        "SELECT id FROM image_locations WHERE image_id = ? AND +deleted = 0 AND status = 'active' LIMIT 1";
    if query_all(conn, sql, &[image_id.into()], |row| row.integer(0))?.is_empty() {
        return Err(DbError::Stale);
    }
    Ok(())
}

fn update(
    conn: &mut dyn Connection,
    image_id: &str,
    row: i64,
    location: &LocationRecord,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE image_locations SET value = ?, meta_data = ?, status = ?, updated_at = ?
               WHERE id = ? AND image_id = ? AND +deleted = 0";
    let values: [Value; 6] = [
        (&location.url).into(),
        print_metadata(&location.metadata)?.into(),
        location.status.as_str().into(),
        now.into(),
        row.into(),
        image_id.into(),
    ];
    // Another writer removed it since the record was read.
    if conn.execute(sql, &values)? == 0 { Err(DbError::Stale) } else { Ok(()) }
}

pub(super) fn delete_all(
    conn: &mut dyn Connection,
    image_id: &str,
    to: LocationStatus,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE image_locations SET status = ?, deleted = 1, updated_at = ?, deleted_at = ?
               WHERE image_id = ? AND +deleted = 0";
    conn.execute(sql, &[to.as_str().into(), now.into(), now.into(), image_id.into()]).map(|_| ())
}

fn parse_metadata(text: Option<String>) -> Result<Map<String, Json>, DbError> {
    match text {
        None => Ok(Map::new()),
        Some(text) if matches!(text.as_str(), "" | "null" | "{}") => Ok(Map::new()),
        Some(text) => serde_json::from_str(&text).map_err(DbError::other),
    }
}

fn print_metadata(metadata: &Map<String, Json>) -> Result<String, DbError> {
    serde_json::to_string(metadata).map_err(DbError::other)
}
