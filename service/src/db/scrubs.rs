//! Scrubs: when the bytes of a location were verified last, and what came of it. A table of ours beside Glance's.

use jiff::Timestamp;

use super::DbError;
use super::connection::{Connection, Row, query_all, query_one};

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The bytes have the recorded digest.
    Sound,
    /// They have another.
    Damaged,
    /// They are more or fewer than were recorded.
    WrongSize,
    /// There are none.
    Missing,
    /// The store failed; nothing is known of the bytes.
    Unreadable,
    /// They can be read, but no digest is recorded that they could be held against.
    NoDigest,
}

impl Outcome {
    const ALL: &[Self] =
        &[Self::Sound, Self::Damaged, Self::WrongSize, Self::Missing, Self::Unreadable, Self::NoDigest];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Damaged => "damaged",
            Self::WrongSize => "wrong_size",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::NoDigest => "no_digest",
        }
    }

    /// Whether an operator has to do something.
    pub const fn is_trouble(self) -> bool {
        !matches!(self, Self::Sound | Self::NoDigest)
    }
}

/// The last verification of one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrub {
    pub location_id: i64,
    pub image_id: String,
    pub outcome: Outcome,
    /// The recorded digest as `ALGORITHM:DIGITS`, or the recorded length.
    pub expected: Option<String>,
    /// The same of what is stored, or why it cannot be read.
    pub found: Option<String>,
    pub verified_at: Timestamp,
}

/// The longest text that a column holds.
const TEXT_MAX_CHARS: usize = 255;

/// Makes the table if it is not there. Outside of any other transaction: MariaDB commits before it.
pub fn ensure_table(conn: &mut dyn Connection) -> Result<(), DbError> {
    let sql = "CREATE TABLE IF NOT EXISTS glasshouse_scrubs (location_id BIGINT NOT NULL PRIMARY KEY, \
               image_id VARCHAR(36) NOT NULL, outcome VARCHAR(16) NOT NULL, expected VARCHAR(255), \
               found VARCHAR(255), verified_at DATETIME NOT NULL)";
    conn.execute(sql, &[]).map(|_| ())
}

/// Keeps the result of a verification. `Stale` when the location was deleted meanwhile: then it says nothing.
pub fn record(conn: &mut dyn Connection, scrub: &Scrub) -> Result<(), DbError> {
    let sql = "SELECT id FROM image_locations WHERE id = ? AND image_id = ? AND +deleted = 0";
    let values = [scrub.location_id.into(), (&scrub.image_id).into()];
    query_one(conn, sql, &values, |_| Ok(()))?.ok_or(DbError::Stale)?;
    conn.execute("DELETE FROM glasshouse_scrubs WHERE location_id = ?", &[scrub.location_id.into()])?;
    let sql = "INSERT INTO glasshouse_scrubs (location_id, image_id, outcome, expected, found, verified_at) \
               VALUES (?, ?, ?, ?, ?, ?)";
    let cut = |text: &Option<String>| text.as_ref().map(|text| text.chars().take(TEXT_MAX_CHARS).collect());
    let (expected, found): (Option<String>, Option<String>) = (cut(&scrub.expected), cut(&scrub.found));
    let values = [
        scrub.location_id.into(),
        (&scrub.image_id).into(),
        scrub.outcome.as_str().into(),
        expected.into(),
        found.into(),
        scrub.verified_at.into(),
    ];
    conn.execute(sql, &values).map(|_| ())
}

/// Everything that is known, of locations that may be gone.
pub fn all(conn: &mut dyn Connection) -> Result<Vec<Scrub>, DbError> {
    let sql = "SELECT location_id, image_id, outcome, expected, found, verified_at FROM glasshouse_scrubs";
    query_all(conn, sql, &[], read)
}

/// Forgets the locations that are gone.
pub fn tidy(conn: &mut dyn Connection) -> Result<(), DbError> {
    let sql = "DELETE FROM glasshouse_scrubs \
               WHERE location_id NOT IN (SELECT id FROM image_locations WHERE deleted = 0)";
    conn.execute(sql, &[]).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Scrub, DbError> {
    let word = row.text(2)?;
    let outcome = Outcome::ALL.iter().copied().find(|outcome| outcome.as_str() == word);
    Ok(Scrub {
        location_id: row.integer(0)?,
        image_id: row.text(1)?,
        outcome: outcome.ok_or_else(|| DbError::other(format!("unknown outcome {word:?} of a scrub")))?,
        expected: row.optional_text(3)?,
        found: row.optional_text(4)?,
        verified_at: row.time(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fixture::{NOW, image, on_each, time};
    use crate::db::images::{self, ImageRecord};
    use crate::db::locations::LocationStatus;
    use crate::db::{locations, own_tables};

    #[test]
    fn the_last_result_of_a_living_location_is_kept() {
        on_each(|conn| {
            own_tables(conn).unwrap();
            let image = image(1);
            let id = image.id.clone();
            images::insert(conn, &ImageRecord { image, locations: Vec::new() }).unwrap();
            let place = locations::add(conn, &id, "file:///x", &serde_json::Map::new(), time(NOW)).unwrap();
            let mut scrub = Scrub {
                location_id: place,
                image_id: id.clone(),
                outcome: Outcome::Damaged,
                expected: Some("md5:00".to_owned()),
                found: Some("x".repeat(300)),
                verified_at: time(NOW),
            };
            record(conn, &scrub).unwrap();
            assert_eq!(all(conn).unwrap()[0].found.as_deref(), Some("x".repeat(255).as_str()));
            (scrub.outcome, scrub.found, scrub.expected) = (Outcome::Sound, None, None);
            record(conn, &scrub).unwrap();
            tidy(conn).unwrap();
            assert_eq!(all(conn).unwrap(), std::slice::from_ref(&scrub));
            locations::delete(conn, &id, place, LocationStatus::Deleted, time(NOW)).unwrap();
            assert!(matches!(record(conn, &scrub), Err(DbError::Stale)));
            tidy(conn).unwrap();
            assert_eq!(all(conn).unwrap(), []);
        });
    }
}
