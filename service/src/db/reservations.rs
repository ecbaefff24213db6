//! Bytes that are on their way and have their place in the quota of a project already. A table of ours beside Glance's.
//!
//! A reservation lives as long as what holds its image in `saving`: it goes with the lease, or with the upload in pieces.

use super::DbError;
use super::connection::{Connection, query_one};

/// Makes the tables if they are not there. Outside of any other transaction: MariaDB commits before it.
pub fn ensure_tables(conn: &mut dyn Connection) -> Result<(), DbError> {
    let sql = "CREATE TABLE IF NOT EXISTS glasshouse_reservations (image_id VARCHAR(36) NOT NULL PRIMARY KEY, \
               project VARCHAR(255) NOT NULL, size_bytes BIGINT NOT NULL)";
    conn.execute(sql, &[])?;
    let sql = "CREATE TABLE IF NOT EXISTS glasshouse_payers (project VARCHAR(255) NOT NULL PRIMARY KEY)";
    conn.execute(sql, &[]).map(|_| ())
}

/// Keeps everybody else who counts what `project` has waiting until the end of the transaction.
///
/// To be called before anything is read: MariaDB shows a transaction what there was at its first read.
pub fn lock(conn: &mut dyn Connection, project: &str) -> Result<(), DbError> {
    let suffix = conn.dialect().or_lock("project");
    let sql = format!("INSERT INTO glasshouse_payers (project) VALUES (?){suffix}");
    conn.execute(&sql, &[project.into()]).map(|_| ())
}

/// Reserves for the data of an image. What was reserved for it before does not count any more.
pub fn put(conn: &mut dyn Connection, image_id: &str, project: &str, size_bytes: u64) -> Result<(), DbError> {
    release(conn, image_id)?;
    let sql = "INSERT INTO glasshouse_reservations (image_id, project, size_bytes) VALUES (?, ?, ?)";
    conn.execute(sql, &[image_id.into(), project.into(), size_bytes.into()]).map(|_| ())
}

/// More of the data is there than was reserved for it; nothing happens where nothing was.
pub fn raise(conn: &mut dyn Connection, image_id: &str, size_bytes: u64) -> Result<(), DbError> {
    let sql = "UPDATE glasshouse_reservations SET size_bytes = ? WHERE image_id = ? AND size_bytes < ?";
    conn.execute(sql, &[size_bytes.into(), image_id.into(), size_bytes.into()]).map(|_| ())
}

/// How much is reserved for an image.
pub fn of_image(conn: &mut dyn Connection, image_id: &str) -> Result<u64, DbError> {
    let sql = "SELECT size_bytes FROM glasshouse_reservations WHERE image_id = ?";
    let found = query_one(conn, sql, &[image_id.into()], |row| row.optional_size(0))?;
    Ok(found.flatten().unwrap_or_default())
}

/// Gives the reservation of an image back; nothing happens when there is none.
pub fn release(conn: &mut dyn Connection, image_id: &str) -> Result<(), DbError> {
    conn.execute("DELETE FROM glasshouse_reservations WHERE image_id = ?", &[image_id.into()]).map(|_| ())
}

/// What is reserved for a project; that of one image apart.
pub fn of_project(conn: &mut dyn Connection, project: &str, except_image: &str) -> Result<u64, DbError> {
    let sql = "SELECT COALESCE(SUM(size_bytes), 0) FROM glasshouse_reservations \
               WHERE project = ? AND image_id <> ?";
    let sum = query_one(conn, sql, &[project.into(), except_image.into()], |row| row.optional_size(0))?;
    Ok(sum.flatten().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fixture::{NOW, image, on_each, time};
    use crate::db::leases;

    #[test]
    fn what_is_reserved_counts_until_it_is_given_back() {
        on_each(|conn| {
            ensure_tables(conn).unwrap();
            let (one, two) = (image(1).id, image(2).id);
            lock(conn, "project-a").unwrap();
            lock(conn, "project-a").unwrap();
            put(conn, &one, "project-a", 20).unwrap();
            put(conn, &two, "project-a", 7).unwrap();
            put(conn, &one, "project-a", 5).unwrap();
            assert_eq!(of_project(conn, "project-a", "").unwrap(), 12);
            assert_eq!(of_project(conn, "project-a", &one).unwrap(), 7);
            assert_eq!(of_project(conn, "project-b", "").unwrap(), 0);
            raise(conn, &one, 4).unwrap();
            assert_eq!(of_image(conn, &one).unwrap(), 5);
            raise(conn, &one, 6).unwrap();
            assert_eq!(of_image(conn, &one).unwrap(), 6);
            release(conn, &one).unwrap();
            raise(conn, &one, 9).unwrap();
            assert_eq!((of_image(conn, &one).unwrap(), of_image(conn, &two).unwrap()), (0, 7));
        });
    }

    #[test]
    fn a_reservation_goes_with_the_lease() {
        on_each(|conn| {
            ensure_tables(conn).unwrap();
            leases::ensure_table(conn).unwrap();
            let (one, two) = (image(1).id, image(2).id);
            for id in [&one, &two] {
                put(conn, id, "project-a", 10).unwrap();
                leases::acquire(conn, id, "node", time(NOW)).unwrap();
            }
            assert_eq!(of_project(conn, "project-a", "").unwrap(), 20);
            leases::finish(conn, &one, "node").unwrap();
            assert_eq!(of_project(conn, "project-a", "").unwrap(), 10);
            leases::release(conn, &two).unwrap();
            assert_eq!(of_project(conn, "project-a", "").unwrap(), 0);
        });
    }
}
