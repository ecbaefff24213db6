//! Resumable uploads: how far the data of an image has come. A table of ours beside Glance's.
//!
//! The row of an upload that is not complete is what holds its image in `saving`, as a lease is for an upload in one
//! request: both go, or stay, in one transaction.

use jiff::Timestamp;

use super::connection::{Connection, Row, query_all, query_one};
use super::{DbError, reservations, schema};

/// An upload that comes in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRecord {
    pub id: String,
    pub image_id: String,
    /// Whose it is: the project that began it.
    pub project: Option<String>,
    /// Id of the store that keeps the bytes.
    pub store: String,
    /// How much is durable in the store.
    pub offset_bytes: u64,
    /// How long the whole will be, as soon as the client has said so.
    pub length_bytes: Option<u64>,
    pub is_complete: bool,
    pub expires_at: Timestamp,
    /// What the client said of the digests of the whole, in the words of who wrote it.
    pub digests: String,
}

/// In the order in which [`read`] takes them.
const COLUMNS: &str =
    "id, image_id, project, store, offset_bytes, length_bytes, is_complete, expires_at, digests";

/// Makes the table if it is not there. Outside of any other transaction: MariaDB commits before it.
pub fn ensure_table(conn: &mut dyn Connection) -> Result<(), DbError> {
    let sql = "CREATE TABLE IF NOT EXISTS glasshouse_uploads (id VARCHAR(36) NOT NULL PRIMARY KEY, \
               image_id VARCHAR(36) NOT NULL, project VARCHAR(255), store VARCHAR(255) NOT NULL, \
               offset_bytes BIGINT NOT NULL, length_bytes BIGINT, is_complete BOOLEAN NOT NULL, \
               expires_at DATETIME NOT NULL, digests TEXT NOT NULL)";
    conn.execute(sql, &[]).map(|_| ())
}

pub fn insert(conn: &mut dyn Connection, upload: &UploadRecord) -> Result<(), DbError> {
    let sql = format!("INSERT INTO glasshouse_uploads ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    let values = [
        (&upload.id).into(),
        (&upload.image_id).into(),
        upload.project.as_ref().into(),
        (&upload.store).into(),
        upload.offset_bytes.into(),
        upload.length_bytes.into(),
        upload.is_complete.into(),
        upload.expires_at.into(),
        (&upload.digests).into(),
    ];
    conn.execute(&sql, &values).map(|_| ())
}

pub fn get(conn: &mut dyn Connection, id: &str) -> Result<Option<UploadRecord>, DbError> {
    query_one(conn, &format!("SELECT {COLUMNS} FROM glasshouse_uploads WHERE id = ?"), &[id.into()], read)
}

pub fn of_image(conn: &mut dyn Connection, image_id: &str) -> Result<Vec<UploadRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM glasshouse_uploads WHERE image_id = ?");
    query_all(conn, &sql, &[image_id.into()], read)
}

/// Every upload that still waits for data. None where no service of ours has run yet.
pub fn open(conn: &mut dyn Connection) -> Result<Vec<UploadRecord>, DbError> {
    if !schema::has_own_table(conn, "glasshouse_uploads")? {
        return Ok(Vec::new());
    }
    query_all(conn, &format!("SELECT {COLUMNS} FROM glasshouse_uploads WHERE is_complete = 0"), &[], read)
}

/// What nobody went on with in time.
pub fn expired(conn: &mut dyn Connection, now: Timestamp) -> Result<Vec<UploadRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM glasshouse_uploads WHERE expires_at <= ?");
    query_all(conn, &sql, &[now.into()], read)
}

/// More is durable, and occupies the project. `Stale` when the upload ended, or somebody else went on from the same
/// place.
pub fn advance(
    conn: &mut dyn Connection,
    (id, image_id): (&str, &str),
    (from_bytes, to_bytes): (u64, u64),
    expires_at: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE glasshouse_uploads SET offset_bytes = ?, expires_at = ? \
               WHERE id = ? AND offset_bytes = ? AND is_complete = 0";
    one(conn.execute(sql, &[to_bytes.into(), expires_at.into(), id.into(), from_bytes.into()])?)?;
    reservations::raise(conn, image_id, to_bytes)
}

/// The client said how long the whole will be.
pub fn set_length(conn: &mut dyn Connection, id: &str, length_bytes: u64) -> Result<(), DbError> {
    let sql = "UPDATE glasshouse_uploads SET length_bytes = ? WHERE id = ? AND is_complete = 0";
    one(conn.execute(sql, &[length_bytes.into(), id.into()])?)
}

/// The whole is the image's now. `Stale` when the upload ended otherwise.
pub fn complete(conn: &mut dyn Connection, id: &str, image_id: &str) -> Result<(), DbError> {
    reservations::release(conn, image_id)?;
    let sql = "UPDATE glasshouse_uploads SET is_complete = 1, length_bytes = offset_bytes \
               WHERE id = ? AND is_complete = 0";
    one(conn.execute(sql, &[id.into()])?)
}

/// Forgets an upload that is open or, `is_complete`, is not. `Stale` when that changed, or when it is gone already.
pub fn delete(conn: &mut dyn Connection, (id, is_complete): (&str, bool)) -> Result<(), DbError> {
    let sql = "DELETE FROM glasshouse_uploads WHERE id = ? AND is_complete = ?";
    one(conn.execute(sql, &[id.into(), is_complete.into()])?)
}

/// The same, unless somebody went on with it meanwhile.
pub fn delete_expired(
    conn: &mut dyn Connection,
    (id, is_complete): (&str, bool),
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "DELETE FROM glasshouse_uploads WHERE id = ? AND is_complete = ? AND expires_at <= ?";
    one(conn.execute(sql, &[id.into(), is_complete.into(), now.into()])?)
}

/// Forgets the uploads of an image, and what they have reserved.
pub fn delete_of_image(conn: &mut dyn Connection, image_id: &str) -> Result<(), DbError> {
    reservations::release(conn, image_id)?;
    conn.execute("DELETE FROM glasshouse_uploads WHERE image_id = ?", &[image_id.into()]).map(|_| ())
}

fn one(rows: u64) -> Result<(), DbError> {
    if rows == 0 { Err(DbError::Stale) } else { Ok(()) }
}

fn read(row: &Row<'_>) -> Result<UploadRecord, DbError> {
    Ok(UploadRecord {
        id: row.text(0)?,
        image_id: row.text(1)?,
        project: row.optional_text(2)?,
        store: row.text(3)?,
        offset_bytes: row.optional_size(4)?.unwrap_or_default(),
        length_bytes: row.optional_size(5)?,
        is_complete: row.flag(6)?,
        expires_at: row.time(7)?,
        digests: row.text(8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fixture::{NOW, image, on_each, time};

    const LATER: &str = "2024-05-07T07:08:09Z";

    fn upload(number: u32) -> UploadRecord {
        UploadRecord {
            id: format!("upload-{number}"),
            image_id: image(number).id,
            project: Some("project-a".to_owned()),
            store: "file".to_owned(),
            offset_bytes: 0,
            length_bytes: None,
            is_complete: false,
            expires_at: time(NOW),
            digests: "sha-512=00".to_owned(),
        }
    }

    #[test]
    fn an_upload_goes_on_from_where_it_is_and_from_nowhere_else() {
        on_each(|conn| {
            ensure_table(conn).unwrap();
            reservations::ensure_tables(conn).unwrap();
            let one = upload(1);
            insert(conn, &one).unwrap();
            assert_eq!(get(conn, &one.id).unwrap(), Some(one.clone()));
            assert_eq!(get(conn, "upload-2").unwrap(), None);
            advance(conn, (&one.id, &one.image_id), (0, 10), time(LATER)).unwrap();
            assert!(matches!(
                advance(conn, (&one.id, &one.image_id), (0, 10), time(LATER)),
                Err(DbError::Stale)
            ));
            set_length(conn, &one.id, 15).unwrap();
            let now = UploadRecord {
                offset_bytes: 10,
                length_bytes: Some(15),
                expires_at: time(LATER),
                ..one.clone()
            };
            assert_eq!(of_image(conn, &one.image_id).unwrap(), std::slice::from_ref(&now));
            assert_eq!(open(conn).unwrap(), [now]);
            advance(conn, (&one.id, &one.image_id), (10, 15), time(LATER)).unwrap();
            complete(conn, &one.id, &one.image_id).unwrap();
            assert!(matches!(complete(conn, &one.id, &one.image_id), Err(DbError::Stale)));
            assert!(matches!(
                advance(conn, (&one.id, &one.image_id), (15, 16), time(LATER)),
                Err(DbError::Stale)
            ));
            assert_eq!(open(conn).unwrap(), []);
            assert!(get(conn, &one.id).unwrap().unwrap().is_complete);
            assert!(matches!(delete(conn, (&one.id, false)), Err(DbError::Stale)), "it is no longer open");
            delete(conn, (&one.id, true)).unwrap();
            assert!(matches!(delete(conn, (&one.id, true)), Err(DbError::Stale)));
        });
    }

    #[test]
    fn what_expired_goes_unless_somebody_went_on() {
        on_each(|conn| {
            ensure_table(conn).unwrap();
            reservations::ensure_tables(conn).unwrap();
            let (one, two) = (upload(1), upload(2));
            insert(conn, &one).unwrap();
            insert(conn, &two).unwrap();
            advance(conn, (&two.id, &two.image_id), (0, 1), time(LATER)).unwrap();
            assert_eq!(expired(conn, time(NOW)).unwrap(), std::slice::from_ref(&one));
            assert!(matches!(delete_expired(conn, (&two.id, false), time(NOW)), Err(DbError::Stale)));
            delete_expired(conn, (&one.id, false), time(NOW)).unwrap();
            delete_of_image(conn, &two.image_id).unwrap();
            assert_eq!(open(conn).unwrap(), []);
        });
    }
}
