//! What a dead process left behind: rows in `saving` and `importing`, bytes without a location, bytes of deleted images,
//! partial files, and data that was only half read.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::db::images::StatusChange;
use crate::db::locations::LocationRecord;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::{delete, locations, resumable};
use glasshouse_shared::image::Status;

/// How often a node says that its uploads are alive.
pub const HEARTBEAT: Duration = Duration::from_secs(20);
/// How often stores are searched for what belongs to no upload.
const SWEEP: Duration = Duration::from_hours(1);
/// A lease that was not renewed for so long belongs to a dead node.
const LEASE_TTL: Duration = Duration::from_secs(90);

/// Between two attempts at putting an image back while the database is in trouble; doubled each time.
const RELEASE_PAUSE: Duration = Duration::from_millis(500);
const RELEASE_PAUSE_MAX: Duration = Duration::from_secs(15);

/// The statuses of an image whose data is on its way, under a lease.
const AT_WORK: [Status; 2] = [Status::Saving, Status::Importing];

/// Puts back what uploads of this node's previous process, and of nodes that are silent, left in `saving`.
/// Runs before the service listens; answers how many images were put back.
pub async fn repair_at_start(app: &Arc<App>) -> Result<usize, Error> {
    sweep(app).await;
    let node = app.node.clone();
    let deadline = clock::now() - LEASE_TTL;
    let stale = app.db.read(move |conn| db::leases::stale(conn, &node, deadline)).await?;
    put_all_back(app, &stale).await?;
    resumable::end_expired(app).await?;
    resumable::discard_strays(app).await;
    Ok(stale.len())
}

/// Puts back what nodes that fell silent left in `saving`: they may never start again, or under another name.
async fn repair_silent(app: &Arc<App>) -> Result<(), Error> {
    let node = app.node.clone();
    let deadline = clock::now() - LEASE_TTL;
    let silent = app.db.read(move |conn| db::leases::silent(conn, &node, deadline)).await?;
    let mut ours = Vec::new();
    for id in silent {
        let (wanted, node) = (id.clone(), app.node.clone());
        let taken =
            app.db.write(move |conn| db::leases::take_over(conn, &wanted, (&node, clock::now()), deadline));
        match taken.await {
            Ok(()) => ours.push(id),
            // It was not dead, or another node was quicker.
            Err(DbError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if !ours.is_empty() {
        sweep(app).await;
        put_all_back(app, &ours).await?;
    }
    Ok(())
}

async fn put_all_back(app: &Arc<App>, ids: &[String]) -> Result<(), Error> {
    for id in ids {
        put_back(app, id).await?;
    }
    if !ids.is_empty() {
        tracing::warn!(count = ids.len(), "put images of interrupted uploads back into queued");
    }
    Ok(())
}

async fn sweep(app: &App) {
    for store in app.stores.iter() {
        match store.backend().sweep().await {
            Ok(0) => {}
            Ok(count) => {
                tracing::warn!(store = store.id, count, "removed partial files of interrupted uploads");
            }
            Err(error) => {
                tracing::error!(store = store.id, %error, "partial files could not be swept");
            }
        }
    }
}

/// Bytes go first: those that were committed to a store but not to the database, because the next upload needs their
/// place, and those of an image that was deleted.
///
/// An image that is active already only lacks what is known of its data.
async fn put_back(app: &Arc<App>, id: &str) -> Result<(), Error> {
    let wanted = id.to_owned();
    let read = app.db.read(move |conn| match db::images::get(conn, &wanted)? {
        Some(record) => Ok((Some(record), Vec::new())),
        None => Ok((None, db::locations::of_deleted(conn, &wanted)?)),
    });
    let (record, deleted) = read.await?;
    if let Some(record) = &record
        && matches!(record.image.status, Status::Active | Status::Deactivated)
    {
        return locations::hash::resume(app, record.clone()).await;
    }
    locations::add::abandon(app, id, "The service ended before the location was added.").await?;
    let is_gone = record.is_none();
    let is_clean = match record {
        Some(record) if record.image.status != Status::Saving || !record.locations.is_empty() => true,
        _ => {
            delete::remove_all_bytes(app, id, &deleted).await
                && delete::remove_all_bytes(app, id, &own_places(app, id)).await
        }
    };
    // The bytes of a deleted image are nobody's business but ours: the lease stays until they are gone.
    if is_gone && !is_clean { Ok(()) } else { back_to_queued(app, id).await }
}

/// Where an upload of this image puts its bytes: in each store that takes any.
fn own_places(app: &App, id: &str) -> Vec<LocationRecord> {
    let urls = app.stores.iter().filter_map(|store| Some((store, store.backend().location(id).ok()?)));
    urls.map(|(store, url)| LocationRecord::active(url, LocationRecord::metadata_of(&store.id))).collect()
}

/// saving or importing → queued, and the lease goes. Nothing is left to do for an image that was deleted while its data
/// arrived.
pub async fn back_to_queued(app: &App, id: &str) -> Result<(), Error> {
    let wanted = id.to_owned();
    let put_back = app.db.write(move |conn| {
        db::leases::release(conn, &wanted)?;
        let change = StatusChange::to_queued();
        match db::images::set_status(conn, &wanted, &AT_WORK, &change, clock::now()) {
            Err(DbError::Stale | DbError::Missing) => Ok(()),
            other => other,
        }
    });
    Ok(put_back.await?)
}

/// A database in trouble must not keep the image in `saving`: it is asked again until it is well. Should this process end
/// before, the next start repairs the row.
pub async fn back_to_queued_in_time(app: &Arc<App>, id: &str) {
    let Err(error) = back_to_queued(app, id).await else { return };
    tracing::error!(image_id = id, %error, "an image could not be put back into queued, and will be later");
    let (worker, image_id) = (Arc::clone(app), id.to_owned());
    app.jobs.start(id, async move {
        let mut pause = RELEASE_PAUSE;
        while back_to_queued(&worker, &image_id).await.is_err() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RELEASE_PAUSE_MAX);
        }
        tracing::info!(image_id, "an image was put back into queued");
    });
}

/// Renews the leases of this node, looks after those of silent ones and ends what expired, for ever; the caller ends it
/// by dropping it.
pub async fn heartbeat(app: &Arc<App>) {
    let mut sweeps = tokio::time::interval(SWEEP);
    // The first one is due at once, and was at the start.
    sweeps.tick().await;
    let mut ticks = tokio::time::interval(HEARTBEAT);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = sweeps.tick() => {
                resumable::discard_strays(app).await;
                continue;
            }
        }
        let node = app.node.clone();
        if let Err(error) = app.db.write(move |conn| db::leases::renew(conn, &node, clock::now())).await {
            tracing::error!(%error, "the leases of uploads could not be renewed");
        }
        if let Err(error) = repair_silent(app).await {
            tracing::error!(%error, "interrupted uploads of other nodes could not be put back");
        }
        if let Err(error) = resumable::end_expired(app).await {
            tracing::error!(%error, "uploads that expired could not be ended");
        }
    }
}
