//! Verifies what is stored against the recorded digests: what was verified longest ago first, at a limited rate. Knows
//! no command line, and changes nothing but its own table.
//!
//! The result of each location is kept as soon as it is there, so that a run that breaks off costs one image.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::task;
use tokio::time::Instant;

use crate::clock;
use crate::db::locations::Placed;
pub use crate::db::scrubs::{Outcome, Scrub};
use crate::db::{self, Db, DbError};
use crate::images::audit::{AuditError, in_reach};
use crate::stores::{ByteStream, Store, StoreError, Stores};
use glasshouse_shared::checksum::HashDigest;

/// Time that was not used is not made up for beyond this.
const CREDIT: Duration = Duration::from_secs(1);

/// What is to be verified, and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Bytes for each second; `None` = as fast as it goes.
    pub rate_bytes: Option<u64>,
    /// Only what was not verified since.
    pub before: Timestamp,
}

/// A location, and its last verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub image_id: String,
    pub store: String,
    pub last: Option<Scrub>,
}

/// Verifies every location that can be read here; each goes to `told` when its result is kept.
pub async fn scrub(
    db: &Db,
    stores: &Stores,
    order: Order,
    told: &mut (dyn FnMut(Entry, u64) + Send),
) -> Result<(), AuditError> {
    db.write(db::scrubs::tidy).await?;
    let (placed, mut last) = known(db).await?;
    let mut due: Vec<_> = in_reach(stores, &placed)
        .map(|(store, place)| (place.location.id.and_then(|id| last.remove(&id)), store, place))
        .filter(|(last, ..)| last.as_ref().is_none_or(|last| last.verified_at < order.before))
        .collect();
    // What was never verified comes first of all.
    due.sort_by_key(|(last, ..)| last.as_ref().map(|last| last.verified_at));
    let mut pace = Pace::of(order.rate_bytes);
    for (_, store, place) in due {
        let found = verify(store, place, &mut pace).await;
        if let Some(entry) = keep(db, store, place, &found).await? {
            told(entry, found.read_bytes);
        }
    }
    Ok(())
}

/// Every location that can be read here, what was verified longest ago first. Nothing is read.
pub async fn report(db: &Db, stores: &Stores) -> Result<Vec<Entry>, AuditError> {
    let (placed, mut last) = known(db).await?;
    let mut entries: Vec<_> = in_reach(stores, &placed)
        .map(|(store, place)| Entry {
            image_id: place.image_id.clone(),
            store: store.id.clone(),
            last: place.location.id.and_then(|id| last.remove(&id)),
        })
        .collect();
    entries.sort_by_key(|entry| entry.last.as_ref().map(|last| last.verified_at));
    Ok(entries)
}

async fn known(db: &Db) -> Result<(Vec<Placed>, HashMap<i64, Scrub>), AuditError> {
    let read = db.read(|conn| Ok((db::locations::placed(conn)?, db::scrubs::all(conn)?)));
    let (placed, scrubs) = read.await?;
    Ok((placed, scrubs.into_iter().map(|scrub| (scrub.location_id, scrub)).collect()))
}

/// What came of one location.
struct Reading {
    outcome: Outcome,
    expected: Option<String>,
    found: Option<String>,
    read_bytes: u64,
}

impl Reading {
    fn of(outcome: Outcome, read_bytes: u64) -> Self {
        Self { outcome, expected: None, found: None, read_bytes }
    }

    fn failure(error: &StoreError, read_bytes: u64) -> Self {
        match error {
            StoreError::NotFound => Self::of(Outcome::Missing, read_bytes),
            StoreError::WrongSize { recorded_bytes, stored_bytes } => Self {
                expected: Some(format!("{recorded_bytes} bytes")),
                found: Some(format!("{stored_bytes} bytes")),
                ..Self::of(Outcome::WrongSize, read_bytes)
            },
            StoreError::Duplicate
            | StoreError::Full(_)
            | StoreError::Denied { .. }
            | StoreError::ReadOnly
            | StoreError::Unreachable(_)
            | StoreError::BadLocation(_)
            | StoreError::Other(_) => {
                Self { found: Some(error.to_string()), ..Self::of(Outcome::Unreadable, read_bytes) }
            }
        }
    }
}

async fn verify(store: &Store, place: &Placed, pace: &mut Pace) -> Reading {
    let bytes = match store.backend().reader(&place.location.url, place.size_bytes, None).await {
        Ok(bytes) => bytes,
        Err(error) => return Reading::failure(&error, 0),
    };
    let Some((digest, expected)) = recorded_digest(place) else { return Reading::of(Outcome::NoDigest, 0) };
    let algorithm = digest.algorithm();
    let mut read_bytes = 0;
    let stored = match digest_of(bytes, digest, pace, &mut read_bytes).await {
        Ok(stored) => stored,
        Err(error) => return Reading::failure(&error, read_bytes),
    };
    if stored.eq_ignore_ascii_case(expected) {
        return Reading::of(Outcome::Sound, read_bytes);
    }
    Reading {
        expected: Some(format!("{algorithm}:{expected}")),
        found: Some(format!("{algorithm}:{stored}")),
        ..Reading::of(Outcome::Damaged, read_bytes)
    }
}

/// The second digest; the checksum where there is none, or none that can be computed here.
fn recorded_digest(place: &Placed) -> Option<(HashDigest, &str)> {
    let second = place.os_hash_algo.as_deref().zip(place.os_hash_value.as_deref());
    let checksum = place.checksum.as_deref().map(|value| ("md5", value));
    let known = |(algorithm, value)| Some((HashDigest::new(algorithm).ok()?, value));
    second.and_then(known).or_else(|| checksum.and_then(known))
}

async fn digest_of(
    mut bytes: ByteStream,
    mut digest: HashDigest,
    pace: &mut Pace,
    read_bytes: &mut u64,
) -> Result<String, StoreError> {
    while let Some(block) = bytes.next().await {
        let block = block?;
        let length = block.len() as u64;
        *read_bytes += length;
        let work = task::spawn_blocking(move || {
            digest.update(&block);
            digest
        });
        digest = work.await.map_err(|error| StoreError::Other(error.into()))?;
        pace.take(length).await;
    }
    Ok(digest.finish())
}

/// `None` when the location was deleted meanwhile: what was found is then the trace of that.
async fn keep(db: &Db, store: &Store, place: &Placed, found: &Reading) -> Result<Option<Entry>, DbError> {
    let Some(location_id) = place.location.id else { return Ok(None) };
    let scrub = Scrub {
        location_id,
        image_id: place.image_id.clone(),
        outcome: found.outcome,
        expected: found.expected.clone(),
        found: found.found.clone(),
        verified_at: clock::now(),
    };
    let kept = scrub.clone();
    match db.write(move |conn| db::scrubs::record(conn, &kept)).await {
        Ok(()) => {}
        Err(DbError::Stale) => return Ok(None),
        Err(error) => return Err(error),
    }
    if scrub.outcome.is_trouble() {
        let (expected, found) = (scrub.expected.as_deref(), scrub.found.as_deref());
        let outcome = scrub.outcome.as_str();
        tracing::error!(image_id = scrub.image_id, store = store.id, outcome, expected, found, "scrub");
    }
    Ok(Some(Entry { image_id: place.image_id.clone(), store: store.id.clone(), last: Some(scrub) }))
}

/// Lets so many bytes pass in each second.
struct Pace {
    rate_bytes: Option<u64>,
    begun: Instant,
    passed_bytes: u64,
}

impl Pace {
    fn of(rate_bytes: Option<u64>) -> Self {
        Self { rate_bytes, begun: Instant::now(), passed_bytes: 0 }
    }

    async fn take(&mut self, bytes: u64) {
        let Some(due) = self.due(bytes, Instant::now()) else { return };
        tokio::time::sleep_until(due).await;
    }

    /// When these bytes have had their time; `None` without a limit.
    fn due(&mut self, bytes: u64, now: Instant) -> Option<Instant> {
        let rate_bytes = self.rate_bytes?.max(1);
        self.passed_bytes = self.passed_bytes.saturating_add(bytes);
        let seconds = Duration::from_secs(self.passed_bytes / rate_bytes);
        let rest = u128::from(self.passed_bytes % rate_bytes) * 1_000_000 / u128::from(rate_bytes);
        let due = self.begun + seconds + Duration::from_micros(u64::try_from(rest).unwrap_or(0));
        if due + CREDIT < now {
            (self.begun, self.passed_bytes) = (now, 0);
            return Some(now);
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_over_blocks_of_any_size_and_is_not_made_up_for_later() {
        let mut pace = Pace::of(Some(1000));
        let start = pace.begun;
        assert_eq!(pace.due(500, start), Some(start + Duration::from_millis(500)));
        assert_eq!(pace.due(2000, start), Some(start + Duration::from_millis(2500)));
        let late = start + Duration::from_mins(1);
        assert_eq!(pace.due(1, late), Some(late), "nothing is waited for after a long pause");
        assert_eq!(pace.due(1000, late), Some(late + Duration::from_secs(1)));
        assert_eq!(Pace::of(None).due(1 << 40, start), None);
    }
}
