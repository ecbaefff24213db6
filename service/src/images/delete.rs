//! Delete an image: its record first, then its bytes.

use crate::app::App;
use crate::clock;
use crate::context::Context;
use crate::db::locations::LocationRecord;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::{load, locations, not_found, status};
use crate::policy::Rule;
use crate::stores::StoreError;
use glasshouse_shared::image::Status;

/// Deletes in every state. 403 for a protected image.
///
/// The row goes first: a crash between the two leaves bytes without a row, which `fsck` finds, and never an active
/// image without bytes. An upload that is at work notices at its end that the image is gone.
pub async fn delete(app: &App, ctx: &Context, id: &str) -> Result<(), Error> {
    let visible = load(app, ctx, id).await?;
    if visible.image().protected {
        return Err(Error::Forbidden(format!("Image {id} is protected and cannot be deleted.")));
    }
    visible.enforce(app, ctx, Rule::DeleteImage)?;
    let wanted = id.to_owned();
    let expected = status::sources(Status::Deleted);
    let deleted =
        app.db.write(move |conn| db::images::delete(conn, &wanted, &expected, Status::Deleted, clock::now()));
    deleted.await.map_err(|error| match error {
        DbError::Missing | DbError::Stale => not_found(id),
        other => other.into(),
    })?;
    locations::add::stop(app, id).await;
    for location in &visible.record.locations {
        remove_bytes(app, id, location).await;
    }
    Ok(())
}

/// The image is gone for its user whatever happens here; what could not be removed is the operator's matter.
pub async fn remove_bytes(app: &App, id: &str, location: &LocationRecord) {
    let Some(store) = app.stores.for_location(&location.url, location.store_id()) else {
        tracing::warn!(image_id = id, "no configured store can delete this location");
        return;
    };
    match store.backend().delete(&location.url).await {
        Ok(()) | Err(StoreError::NotFound | StoreError::ReadOnly) => {}
        Err(error) => {
            tracing::error!(image_id = id, store = store.id, %error, "bytes of a deleted image could not be removed");
        }
    }
}
