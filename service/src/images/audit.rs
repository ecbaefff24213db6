//! What the database says is stored against what the stores hold. Knows no command line.
//!
//! It may run beside services at work: what an upload has in hands is left alone, and what looks wrong is looked at a
//! second time.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock;
use crate::db::images::StatusChange;
use crate::db::locations::{LocationStatus, Placed};
use crate::db::{self, Db, DbError};
use crate::stores::{KeptObject, Store, StoreError, StoredObject, Stores};
use glasshouse_shared::image::Status;

/// How long what was set aside can be brought back.
pub const QUARANTINE: Duration = Duration::from_hours(7 * 24);
/// Images in these have data that is still coming: it need not be recorded yet.
const AT_WORK: &[Status] = &[Status::Saving, Status::Importing, Status::Uploading];

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// An image has a location at which there is nothing.
    Missing { image_id: String, url: String },
    /// What is stored is not as long as the image.
    WrongSize { image_id: String, url: String, recorded_bytes: u64, stored_bytes: u64 },
    /// A location could not be looked at.
    Unreadable { image_id: String, url: String, why: String },
    /// Data that belongs to no image.
    Stray { store: String, object: StoredObject },
    /// Data that waits for more, of an upload that there is not.
    Abandoned { store: String, object: KeptObject },
    /// An upload that waits for more, and whose store has less than it acknowledged.
    LostUpload { image_id: String, recorded_bytes: u64, stored_bytes: u64 },
}

#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("{0}")]
    Database(#[from] DbError),
    #[error("the store {store} cannot be listed: {error}")]
    Store { store: String, error: StoreError },
}

/// Looks at every location and every object.
pub async fn audit(db: &Db, stores: &Stores) -> Result<Vec<Finding>, AuditError> {
    // Objects first: whatever is found was claimed by an image before, and the claim or its outcome is in the rows.
    let mut objects = Vec::new();
    for store in stores.iter() {
        let listed = store.backend().list().await;
        let listed = listed.map_err(|error| AuditError::Store { store: store.id.clone(), error })?;
        objects.push((store, listed));
    }
    let unfinished = unfinished(db, stores).await?;
    let (placed, at_work) =
        db.read(|conn| Ok((db::locations::placed(conn)?, db::images::with_status(conn, AT_WORK)?))).await?;
    let mut findings = Vec::new();
    for (store, place) in in_reach(stores, &placed) {
        findings.extend(look(store, place).await);
    }
    let findings = still_recorded(db, findings).await?;
    let claimed: HashSet<&str> = placed.iter().map(|place| place.location.url.as_str()).collect();
    let strays = objects.into_iter().flat_map(|(store, objects)| {
        let is_stray = |object: &StoredObject| {
            let coming =
                at_work.iter().any(|id| store.backend().location(id).is_ok_and(|url| url == object.url));
            !coming && !claimed.contains(object.url.as_str())
        };
        let strays: Vec<_> = objects.into_iter().filter(is_stray).collect();
        strays.into_iter().map(|object| Finding::Stray { store: store.id.clone(), object })
    });
    Ok(findings.into_iter().chain(strays).chain(unfinished).collect())
}

/// What stores keep for uploads in pieces against the records of these.
async fn unfinished(db: &Db, stores: &Stores) -> Result<Vec<Finding>, AuditError> {
    let mut findings = Vec::new();
    for store in stores.iter() {
        let failed = |error| AuditError::Store { store: store.id.clone(), error };
        let kept = store.backend().list_kept().await.map_err(failed)?;
        let mut open = db.read(|conn| db::uploads::open(conn)).await?;
        open.retain(|upload| upload.store == store.id);
        for object in &kept {
            if open.iter().all(|upload| upload.image_id != object.id) {
                findings.push(Finding::Abandoned { store: store.id.clone(), object: object.clone() });
            }
        }
        // Those that went on since the store was listed have more than was seen.
        let kept = store.backend().list_kept().await.map_err(failed)?;
        for upload in open {
            let stored_bytes = match kept.iter().find(|object| object.id == upload.image_id) {
                Some(object) => object.size_bytes,
                // All of it may have come, and only the record of that may be missing.
                None => match store.backend().location(&upload.image_id) {
                    Ok(url) => store.backend().size(&url).await.unwrap_or(0),
                    Err(_) => 0,
                },
            };
            if stored_bytes < upload.offset_bytes {
                let (image_id, recorded_bytes) = (upload.image_id, upload.offset_bytes);
                findings.push(Finding::LostUpload { image_id, recorded_bytes, stored_bytes });
            }
        }
    }
    Ok(findings)
}

/// The locations that are in use, each with its store. One of a store that is not configured here is somebody else's.
pub fn in_reach<'a>(
    stores: &'a Stores,
    placed: &'a [Placed],
) -> impl Iterator<Item = (&'a Store, &'a Placed)> {
    let active = placed.iter().filter(|place| place.location.status == LocationStatus::Active);
    active.filter_map(|place| {
        let store = stores.for_location(&place.location.url, place.location.store_id())?;
        Some((store, place))
    })
}

async fn look(store: &Store, place: &Placed) -> Option<Finding> {
    let Placed { image_id, location, size_bytes, .. } = place;
    let (image_id, url) = (image_id.clone(), location.url.clone());
    match (store.backend().size(&url).await, *size_bytes) {
        (Ok(stored_bytes), Some(recorded_bytes)) if stored_bytes != recorded_bytes => {
            Some(Finding::WrongSize { image_id, url, recorded_bytes, stored_bytes })
        }
        (Ok(_), _) => None,
        (Err(StoreError::NotFound), _) => Some(Finding::Missing { image_id, url }),
        (Err(error), _) => Some(Finding::Unreadable { image_id, url, why: error.to_string() }),
    }
}

/// Without those whose location was deleted since: its bytes went with it.
async fn still_recorded(db: &Db, findings: Vec<Finding>) -> Result<Vec<Finding>, DbError> {
    if findings.is_empty() {
        return Ok(findings);
    }
    let placed = db.read(|conn| db::locations::placed(conn)).await?;
    let is_recorded = |finding: &Finding| match finding {
        Finding::Missing { url, .. } | Finding::WrongSize { url, .. } | Finding::Unreadable { url, .. } => {
            placed
                .iter()
                .any(|place| place.location.url == *url && place.location.status == LocationStatus::Active)
        }
        Finding::Stray { .. } | Finding::Abandoned { .. } | Finding::LostUpload { .. } => true,
    };
    Ok(findings.into_iter().filter(is_recorded).collect())
}

/// Sets strays aside; pieces of no upload, and what was set aside long ago, go for good. Answers how many of each.
///
/// Data that is missing cannot be made: only a backup has it.
pub async fn repair(
    stores: &Stores,
    findings: &[Finding],
    now: Timestamp,
) -> Result<(usize, usize), AuditError> {
    let failed = |store: &Store, error| AuditError::Store { store: store.id.clone(), error };
    let (mut set_aside, mut removed) = (0, 0);
    for store in stores.iter() {
        removed += store.backend().purge(now - QUARANTINE).await.map_err(|error| failed(store, error))?;
        for finding in findings {
            if let Finding::Abandoned { store: id, object } = finding
                && *id == store.id
            {
                match store.backend().discard(&object.id).await {
                    Ok(()) => removed += 1,
                    Err(StoreError::NotFound | StoreError::Duplicate) => {}
                    Err(error) => return Err(failed(store, error)),
                }
            }
            let Finding::Stray { store: id, object } = finding else { continue };
            if *id != store.id {
                continue;
            }
            match store.backend().set_aside(&object.url, now).await {
                Ok(()) => set_aside += 1,
                // Its own upload or delete came first.
                Err(StoreError::NotFound) => {}
                Err(error) => return Err(failed(store, error)),
            }
        }
    }
    Ok((set_aside, removed))
}

/// Deactivates the active images of which no whole copy is left; answers which. Their records stay as they are, so that
/// `reactivate` brings them back with their data.
///
/// A copy that cannot be looked at may be whole, and one in a store that is not configured here may be as well.
pub async fn deactivate_lost(db: &Db, findings: &[Finding]) -> Result<Vec<String>, AuditError> {
    let lost: HashSet<&str> = findings.iter().filter_map(lost_url).collect();
    let placed = db.read(|conn| db::locations::placed(conn)).await?;
    let active = placed.iter().filter(|place| place.location.status == LocationStatus::Active);
    let (lost, rest): (Vec<_>, Vec<_>) = active.partition(|place| lost.contains(place.location.url.as_str()));
    let rest: HashSet<&str> = rest.iter().map(|place| place.image_id.as_str()).collect();
    let candidates: BTreeSet<&str> = lost.iter().map(|place| place.image_id.as_str()).collect();
    let mut deactivated = Vec::new();
    for id in candidates.into_iter().filter(|id| !rest.contains(id)) {
        let wanted = id.to_owned();
        let change = StatusChange::to(Status::Deactivated);
        let done = db.write(move |conn| {
            db::images::set_status(conn, &wanted, &[Status::Active], &change, clock::now())
        });
        match done.await {
            Ok(()) => deactivated.push(id.to_owned()),
            // Deactivated before, or deleted since.
            Err(DbError::Stale | DbError::Missing) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(deactivated)
}

fn lost_url(finding: &Finding) -> Option<&str> {
    match finding {
        Finding::Missing { url, .. } | Finding::WrongSize { url, .. } => Some(url),
        Finding::Unreadable { .. }
        | Finding::Stray { .. }
        | Finding::Abandoned { .. }
        | Finding::LostUpload { .. } => None,
    }
}
