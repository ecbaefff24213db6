//! What a project has, in numbers, for the limits of Keystone. The bytes in stores are with the images.

use super::DbError;
use super::connection::{Connection, query_one};

/// Images of a project, whatever their state, without those that are gone.
pub fn images(conn: &mut dyn Connection, project: &str) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) FROM images
               WHERE owner = ? AND status NOT IN ('killed', 'deleted', 'pending_delete')";
    number(conn, sql, project)
}

/// Images of a project whose data is on its way: from a client, or from one store into another.
pub fn arriving_images(conn: &mut dyn Connection, project: &str) -> Result<u64, DbError> {
    let sql = format!(
        "SELECT COUNT(*) FROM images
         WHERE owner = ? AND (status IN ('saving', 'uploading', 'importing') OR ({COPYING}))"
    );
    number(conn, &sql, project)
}

/// Bytes of a project that lie in staging, waiting to be put into a store.
pub fn staged_bytes(conn: &mut dyn Connection, project: &str) -> Result<u64, DbError> {
    let sql = format!(
        "SELECT COALESCE(SUM(size), 0) FROM images
         WHERE owner = ? AND (status IN ('uploading', 'importing') OR ({COPYING}))"
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
