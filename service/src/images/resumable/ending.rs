//! How uploads end that do not become the data of an image: cancelled, expired, overtaken by a delete, forgotten.

use std::collections::HashSet;

use crate::app::App;
use crate::clock;
use crate::db::connection::Connection;
use crate::db::images::StatusChange;
use crate::db::uploads::{self, UploadRecord};
use crate::db::{self, DbError};
use crate::error::Error;
use crate::stores::{Store, StoreError};
use glasshouse_shared::image::Status;

/// Puts the image back into `queued` and removes what came. The upload that is complete only goes from the record.
pub(super) async fn end(app: &App, record: &UploadRecord) -> Result<(), Error> {
    let ended = record.clone();
    let done = app.db.write(move |conn| {
        uploads::delete(conn, &ended.id)?;
        put_back(conn, &ended)
    });
    match done.await {
        // Somebody else ended it.
        Ok(()) | Err(DbError::Stale) => {}
        Err(error) => return Err(error.into()),
    }
    discard(app, record).await;
    Ok(())
}

fn put_back(conn: &mut dyn Connection, record: &UploadRecord) -> Result<(), DbError> {
    if record.is_complete {
        return Ok(());
    }
    db::reservations::release(conn, &record.image_id)?;
    let change = StatusChange::to_queued();
    match db::images::set_status(conn, &record.image_id, &[Status::Saving], &change, clock::now()) {
        // It was deleted.
        Err(DbError::Stale | DbError::Missing) => Ok(()),
        other => other,
    }
}

/// Removes what came of an upload. A writer that is still at it removes it itself, as it can record nothing more.
async fn discard(app: &App, record: &UploadRecord) {
    if record.is_complete {
        return;
    }
    let Some(store) = app.stores.get(&record.store) else { return };
    match store.backend().discard(&record.image_id).await {
        Ok(()) | Err(StoreError::NotFound | StoreError::Duplicate) => {}
        Err(error) => {
            tracing::error!(image_id = record.image_id, %error, "data of an upload that ended could not be removed");
        }
    }
}

/// What is left of the uploads of an image that was deleted: their records went with it.
pub async fn abandon(app: &App, records: &[UploadRecord]) {
    for record in records {
        app.uploads.forget(&record.id);
        discard(app, record).await;
    }
}

/// Ends what nobody went on with in time; answers how many.
pub async fn end_expired(app: &App) -> Result<usize, Error> {
    let now = clock::now();
    let expired = app.db.read(move |conn| uploads::expired(conn, now)).await?;
    let mut ended = 0;
    for record in expired {
        let row = record.clone();
        let done = app.db.write(move |conn| {
            uploads::delete_expired(conn, &row.id, now)?;
            put_back(conn, &row)
        });
        match done.await {
            Ok(()) => {}
            // Its client came back, or another node was quicker.
            Err(DbError::Stale) => continue,
            Err(error) => return Err(error.into()),
        }
        app.uploads.forget(&record.id);
        discard(app, &record).await;
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
