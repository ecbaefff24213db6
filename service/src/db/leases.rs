//! Leases: which node is at work on which image. A table of ours beside Glance's.
//!
//! A lease that its node does not renew says that the upload is dead, and the image can be put back.

use jiff::Timestamp;

use super::connection::{Connection, query_all};
use super::{DbError, reservations};

/// Makes the table if it is not there. Outside of any other transaction: MariaDB commits before it.
pub fn ensure_table(conn: &mut dyn Connection) -> Result<(), DbError> {
    let sql = "CREATE TABLE IF NOT EXISTS glasshouse_leases (image_id VARCHAR(36) NOT NULL PRIMARY KEY, \
               node VARCHAR(255) NOT NULL, renewed_at DATETIME NOT NULL)";
    conn.execute(sql, &[]).map(|_| ())
}

/// Takes the lease of an image for `node`. The caller won the image by a compare-and-set of its status, so that a
/// lease that is still there is a dead one's.
pub fn acquire(conn: &mut dyn Connection, image_id: &str, node: &str, now: Timestamp) -> Result<(), DbError> {
    forget(conn, image_id)?;
    let sql = "INSERT INTO glasshouse_leases (image_id, node, renewed_at) VALUES (?, ?, ?)";
    conn.execute(sql, &[image_id.into(), node.into(), now.into()]).map(|_| ())
}

/// Gives the lease back, and what was reserved under it; nothing happens when there is none.
pub fn release(conn: &mut dyn Connection, image_id: &str) -> Result<(), DbError> {
    reservations::release(conn, image_id)?;
    forget(conn, image_id)
}

fn forget(conn: &mut dyn Connection, image_id: &str) -> Result<(), DbError> {
    conn.execute("DELETE FROM glasshouse_leases WHERE image_id = ?", &[image_id.into()]).map(|_| ())
}

/// Gives the lease back at the end of an upload. `Stale` when another node took it: it put the image back.
pub fn finish(conn: &mut dyn Connection, image_id: &str, node: &str) -> Result<(), DbError> {
    let sql = "DELETE FROM glasshouse_leases WHERE image_id = ? AND node = ?";
    match conn.execute(sql, &[image_id.into(), node.into()])? {
        0 => Err(DbError::Stale),
        _ => reservations::release(conn, image_id),
    }
}

/// Takes the lease of a silent node for `node`. `Stale` when it is gone, or was renewed since `deadline`.
pub fn take_over(
    conn: &mut dyn Connection,
    image_id: &str,
    (node, now): (&str, Timestamp),
    deadline: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE glasshouse_leases SET node = ?, renewed_at = ? WHERE image_id = ? AND renewed_at < ?";
    match conn.execute(sql, &[node.into(), now.into(), image_id.into(), deadline.into()])? {
        0 => Err(DbError::Stale),
        _ => Ok(()),
    }
}

/// Says that all uploads of `node` are alive.
pub fn renew(conn: &mut dyn Connection, node: &str, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE glasshouse_leases SET renewed_at = ? WHERE node = ?";
    conn.execute(sql, &[now.into(), node.into()]).map(|_| ())
}

/// Images whose upload is dead although `node` lives: those of other nodes, not renewed since `deadline`.
pub fn silent(conn: &mut dyn Connection, node: &str, deadline: Timestamp) -> Result<Vec<String>, DbError> {
    let sql = "SELECT image_id FROM glasshouse_leases WHERE node <> ? AND renewed_at < ?";
    query_all(conn, sql, &[node.into(), deadline.into()], |row| row.text(0))
}

/// Images whose upload is dead when `node` starts: its own from before, and those not renewed since `deadline`.
pub fn stale(conn: &mut dyn Connection, node: &str, deadline: Timestamp) -> Result<Vec<String>, DbError> {
    let sql = "SELECT image_id FROM glasshouse_leases WHERE node = ? OR renewed_at < ?";
    query_all(conn, sql, &[node.into(), deadline.into()], |row| row.text(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fixture::{image, on_each, time};

    #[test]
    fn a_silent_lease_is_taken_once_and_its_owner_notices() {
        on_each(|conn| {
            ensure_table(conn).unwrap();
            reservations::ensure_tables(conn).unwrap();
            let id = image(1).id;
            let (early, late) = (time("2024-01-01T00:00:00Z"), time("2024-01-01T00:05:00Z"));
            acquire(conn, &id, "one", early).unwrap();
            assert_eq!(silent(conn, "two", early).unwrap(), Vec::<String>::new());
            assert_eq!(silent(conn, "one", late).unwrap(), Vec::<String>::new());
            assert_eq!(silent(conn, "two", late).unwrap(), std::slice::from_ref(&id));
            take_over(conn, &id, ("two", late), late).unwrap();
            let again = take_over(conn, &id, ("three", late), late);
            assert!(matches!(again, Err(DbError::Stale)));
            assert!(matches!(finish(conn, &id, "one"), Err(DbError::Stale)));
            finish(conn, &id, "two").unwrap();
            assert_eq!(stale(conn, "two", late).unwrap(), Vec::<String>::new());
        });
    }
}
