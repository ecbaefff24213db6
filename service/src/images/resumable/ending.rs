//! How uploads end that do not become the data of an image: cancelled, expired, overtaken by a delete, forgotten.

use std::collections::HashSet;
use std::sync::Arc;

use crate::app::App;
use crate::clock;
use crate::db::connection::Connection;
use crate::db::uploads::{self, UploadRecord};
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::repair;
use crate::stores::{Backend, Store, StoreError};

/// Removes what came and puts the image back into `queued`. The upload that is complete only goes from the record.
pub(super) async fn end(app: &Arc<App>, record: &UploadRecord) -> Result<(), Error> {
    let (ended, node) = (record.clone(), app.node.clone());
    let done = app.db.write(move |conn| {
        uploads::delete(conn, (&ended.id, ended.is_complete))?;
        take_over(conn, &ended, &node)
    });
    match done.await {
        Ok(()) => put_back(app, record).await,
        // Somebody else ended or completed it.
        Err(DbError::Stale) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// What held the image in `saving` was the record; now it is a lease of ours, until nothing is left of the upload.
fn take_over(conn: &mut dyn Connection, record: &UploadRecord, node: &str) -> Result<(), DbError> {
    if record.is_complete {
        return Ok(());
    }
    db::reservations::release(conn, &record.image_id)?;
    db::leases::acquire(conn, &record.image_id, node, clock::now())
}

async fn put_back(app: &Arc<App>, record: &UploadRecord) {
    if record.is_complete {
        return;
    }
    discard(app, record).await;
    repair::back_to_queued_in_time(app, &record.image_id).await;
}

/// Removes what came of an upload that is open no more: what waited for more, and what a process had committed that died
/// before it could tell. A writer that is still at it removes it itself, as it can record nothing more. Answers whether
/// nothing is left.
async fn discard(app: &App, record: &UploadRecord) -> bool {
    let Some(store) = app.stores.get(&record.store) else { return true };
    match discard_in(store.backend(), &record.image_id).await {
        Ok(()) | Err(StoreError::NotFound | StoreError::Duplicate) => true,
        Err(error) => {
            tracing::error!(image_id = record.image_id, %error, "data of an upload that ended could not be removed");
            false
        }
    }
}

async fn discard_in(backend: &dyn Backend, id: &str) -> Result<(), StoreError> {
    match backend.discard(id).await {
        Err(StoreError::NotFound) => backend.delete(&backend.location(id)?).await,
        other => other,
    }
}

/// Removes what is left of the uploads of an image that was deleted: their records went with it. Answers whether nothing
/// is left.
pub async fn abandon(app: &App, records: &[UploadRecord]) -> bool {
    let mut is_clean = true;
    for record in records.iter().filter(|record| !record.is_complete) {
        app.uploads.forget(&record.id);
        is_clean &= discard(app, record).await;
    }
    is_clean
}

/// Ends what nobody went on with in time; answers how many.
pub async fn end_expired(app: &Arc<App>) -> Result<usize, Error> {
    let now = clock::now();
    let expired = app.db.read(move |conn| uploads::expired(conn, now)).await?;
    let mut ended = 0;
    for record in expired {
        let (row, node) = (record.clone(), app.node.clone());
        let done = app.db.write(move |conn| {
            uploads::delete_expired(conn, (&row.id, row.is_complete), now)?;
            take_over(conn, &row, &node)
        });
        match done.await {
            Ok(()) => {}
            // Its client came back, or another node was quicker.
            Err(DbError::Stale) => continue,
            Err(error) => return Err(error.into()),
        }
        app.uploads.forget(&record.id);
        put_back(app, &record).await;
        if !record.is_complete {
            tracing::info!(image_id = record.image_id, upload_id = record.id, "an upload expired");
            ended += 1;
        }
    }
    Ok(ended)
}

/// Removes what stores keep for uploads that there are not: a crash or a delete by another program left it.
pub async fn discard_strays(app: &App) {
    for store in app.stores.iter() {
        match discard_strays_of(app, store).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(store = store.id, count, "removed data of uploads that ended"),
            Err(error) => {
                tracing::error!(store = store.id, error, "data of uploads that ended could not be removed");
            }
        }
    }
}

async fn discard_strays_of(app: &App, store: &Store) -> Result<usize, String> {
    // The store first: an upload has its record before it has any data.
    let kept = store.backend().list_kept().await.map_err(|error| error.to_string())?;
    if kept.is_empty() {
        return Ok(0);
    }
    let open = app.db.read(|conn| uploads::open(conn)).await.map_err(|error| error.to_string())?;
    let expected: HashSet<&str> = open
        .iter()
        .filter(|record| record.store == store.id)
        .map(|record| record.image_id.as_str())
        .collect();
    let mut removed = 0;
    for object in kept.iter().filter(|object| !expected.contains(object.id.as_str())) {
        match store.backend().discard(&object.id).await {
            Ok(()) => removed += 1,
            Err(StoreError::NotFound | StoreError::Duplicate) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(removed)
}
