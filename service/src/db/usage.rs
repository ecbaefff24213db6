//! What a project has, in numbers, for quotas and for the limits of Keystone.

use super::connection::{Connection, query_one};
use super::{DbError, images, reservations};

/// Bytes of a project in stores, and those that are reserved for what is on its way; those of
/// one image are left out. No image has an empty id.
pub fn claimed_bytes(conn: &mut dyn Connection, project: &str, except_image: &str) -> Result<u64, DbError> {
    let stored = images::usage_bytes(conn, project, except_image)?;
    let reserved = reservations::of_project(conn, project, except_image)?;
    Ok(stored.saturating_add(reserved))
}

/// Images of a project, whatever their state, without those that are gone.
pub fn image_count(conn: &mut dyn Connection, project: &str) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) FROM images
               WHERE owner = ? AND deleted = 0 AND status NOT IN ('killed', 'deleted', 'pending_delete')";
    number(conn, sql, project)
}

/// Images of a project whose data is on its way: from a client, or from one store into another.
pub fn arriving_images(conn: &mut dyn Connection, project: &str) -> Result<u64, DbError> {
    let sql = format!(
        "SELECT COUNT(*) FROM images
         WHERE owner = ? AND deleted = 0 AND (status IN ('saving', 'uploading', 'importing') OR ({COPYING}))"
    );
    number(conn, &sql, project)
}

/// Bytes of a project that lie in staging, waiting to be put into a store.
pub fn staged_bytes(conn: &mut dyn Connection, project: &str) -> Result<u64, DbError> {
    let sql = format!(
        "SELECT COALESCE(SUM(size), 0) FROM images
         WHERE owner = ? AND deleted = 0 AND (status IN ('uploading', 'importing') OR ({COPYING}))"
    );
    number(conn, &sql, project)
}

/// An image says of itself which stores it is being copied to.
const COPYING: &str = "status NOT IN ('killed', 'deleted', 'pending_delete') AND id IN (
    SELECT image_id FROM image_properties
    WHERE name = 'os_glance_importing_to_stores' AND value <> '' AND deleted = 0)";

fn number(conn: &mut dyn Connection, sql: &str, project: &str) -> Result<u64, DbError> {
    let number = query_one(conn, sql, &[project.into()], |row| row.optional_size(0))?;
    Ok(number.flatten().unwrap_or_default())
}
