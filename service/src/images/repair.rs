//! What a dead process left behind: rows in `saving` and `importing`, bytes without a location, partial files, and
//! data that was only half read.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::db::images::StatusChange;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::locations;
use crate::stores::StoreError;
use glasshouse_shared::image::Status;

/// How often a node says that its uploads are alive.
pub const HEARTBEAT: Duration = Duration::from_secs(20);
/// A lease that was not renewed for so long belongs to a dead node.
const LEASE_TTL: Duration = Duration::from_secs(90);

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

/// Bytes that were committed to a store, but not to the database, go first: the next upload needs their place.
/// An image that is active already only lacks what is known of its data.
async fn put_back(app: &Arc<App>, id: &str) -> Result<(), Error> {
    let wanted = id.to_owned();
    let record = app.db.read(move |conn| db::images::get(conn, &wanted)).await?;
    if let Some(record) = &record
        && matches!(record.image.status, Status::Active | Status::Deactivated)
    {
        return locations::hash::resume(app, record.clone()).await;
    }
    locations::add::abandon(app, id, "The service ended before the location was added.").await?;
    if record.is_some_and(|record| record.image.status == Status::Saving && record.locations.is_empty()) {
        for store in app.stores.iter() {
            let Ok(url) = store.backend().location(id) else { continue };
            match store.backend().delete(&url).await {
                Ok(()) | Err(StoreError::NotFound) => {}
                Err(error) => {
                    tracing::error!(image_id = id, %error, "bytes of an interrupted upload could not be removed");
                }
            }
        }
    }
    back_to_queued(app, id).await
}

/// saving or importing → queued, and the lease goes. Nothing is left to do for an image that was deleted while its data arrived.
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

/// Renews the leases of this node and looks after those of silent ones, for ever; the caller ends it by dropping it.
pub async fn heartbeat(app: &Arc<App>) {
    let mut ticks = tokio::time::interval(HEARTBEAT);
    loop {
        ticks.tick().await;
        let node = app.node.clone();
        if let Err(error) = app.db.write(move |conn| db::leases::renew(conn, &node, clock::now())).await {
            tracing::error!(%error, "the leases of uploads could not be renewed");
        }
        if let Err(error) = repair_silent(app).await {
            tracing::error!(%error, "interrupted uploads of other nodes could not be put back");
        }
    }
}
