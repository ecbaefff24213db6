//! Members: the projects that an image is shared with. A removed one is revived when it is added again.

use jiff::Timestamp;

use super::DbError;
use super::connection::{Connection, Row, query_all, query_one};

/// One project that an image is shared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRecord {
    pub image_id: String,
    pub member: String,
    /// `pending`, `accepted` or `rejected`.
    pub status: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

const COLUMNS: &str = "image_id, member, status, created_at, updated_at";

/// The status of a project's membership; `None` when it is no member.
pub fn status_of(
    conn: &mut dyn Connection,
    image_id: &str,
    project_id: &str,
) -> Result<Option<String>, DbError> {
    Ok(get(conn, image_id, project_id)?.map(|member| member.status))
}

pub fn get(conn: &mut dyn Connection, image_id: &str, member: &str) -> Result<Option<MemberRecord>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM image_members WHERE image_id = ? AND member = ? AND +deleted = 0 ORDER BY id"
    );
    query_one(conn, &sql, &[image_id.into(), member.into()], read)
}

/// All members of an image, in the order in which they were first added.
pub fn list(conn: &mut dyn Connection, image_id: &str) -> Result<Vec<MemberRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM image_members WHERE image_id = ? AND +deleted = 0 ORDER BY id");
    query_all(conn, &sql, &[image_id.into()], read)
}

/// Adds a member as pending. `Duplicate` when it is one, `Missing` when the image is not there.
pub fn insert(
    conn: &mut dyn Connection,
    image_id: &str,
    member: &str,
    now: Timestamp,
) -> Result<MemberRecord, DbError> {
    // The unique key does not stop two live rows: the image's row keeps a second writer waiting.
    lock(conn, image_id)?;
    if get(conn, image_id, member)?.is_some() {
        return Err(DbError::Duplicate);
    }
    let sql = "SELECT id FROM image_members WHERE image_id = ? AND member = ? AND +deleted = 1
               ORDER BY deleted_at DESC, id DESC LIMIT 1";
    let former = query_one(conn, sql, &[image_id.into(), member.into()], |row| row.integer(0))?;
    if let Some(row) = former {
        let sql = "UPDATE image_members SET status = 'pending', can_share = 0, deleted = 0, updated_at = ?
                   WHERE id = ?";
        conn.execute(sql, &[now.into(), row.into()])?;
    } else {
        let sql =
            "INSERT INTO image_members (image_id, member, can_share, status, created_at, updated_at, deleted)
                   VALUES (?, ?, 0, 'pending', ?, ?, 0)";
        conn.execute(sql, &[image_id.into(), member.into(), now.into(), now.into()])?;
    }
    get(conn, image_id, member)?.ok_or(DbError::Missing)
}

/// Gives a membership another status. `Missing` when the project is no member.
pub fn update(
    conn: &mut dyn Connection,
    image_id: &str,
    member: &str,
    status: &str,
    now: Timestamp,
) -> Result<MemberRecord, DbError> {
    let sql = "UPDATE image_members SET status = ?, updated_at = ? WHERE image_id = ? AND member = ? AND +deleted = 0";
    if conn.execute(sql, &[status.into(), now.into(), image_id.into(), member.into()])? == 0 {
        return Err(DbError::Missing);
    }
    get(conn, image_id, member)?.ok_or(DbError::Missing)
}

/// Soft-deletes a membership. `Missing` when the project is no member.
pub fn delete(
    conn: &mut dyn Connection,
    image_id: &str,
    member: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE image_members SET deleted = 1, deleted_at = ?
               WHERE image_id = ? AND member = ? AND +deleted = 0";
    if conn.execute(sql, &[now.into(), image_id.into(), member.into()])? == 0 {
        return Err(DbError::Missing);
    }
    Ok(())
}

/// Keeps every other writer of this image's members waiting until the end of the transaction. `Missing` when there
/// is no such image.
pub fn lock(conn: &mut dyn Connection, image_id: &str) -> Result<(), DbError> {
    let suffix = conn.dialect().for_update();
    let sql = format!("SELECT id FROM images WHERE id = ? AND deleted = 0{suffix}");
    query_one(conn, &sql, &[image_id.into()], |_| Ok(()))?.ok_or(DbError::Missing)
}

fn read(row: &Row<'_>) -> Result<MemberRecord, DbError> {
    let created_at = row.time(3)?;
    Ok(MemberRecord {
        image_id: row.text(0)?,
        member: row.text(1)?,
        status: row.text(2)?,
        created_at,
        updated_at: row.optional_time(4)?.unwrap_or(created_at),
    })
}
