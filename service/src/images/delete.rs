//! Delete an image: its record first, then its bytes.

use std::sync::Arc;

use crate::app::App;
use crate::clock;
use crate::context::Context;
use crate::db::locations::LocationRecord;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::{load, locations, not_found, resumable, status};
use crate::policy::Rule;
use crate::stores::StoreError;
use glasshouse_shared::image::Status;

/// Deletes in every state. 403 for a protected image.
///
/// The row goes first: a crash between the two leaves bytes without a row and never an active image without bytes. The
/// lease that goes with the row says so, and the next start removes them. An upload that is at work notices at its end
/// that the image is gone.
///
/// The work runs in a task of its own: a client that hangs up cannot leave bytes behind.
pub async fn delete(app: Arc<App>, ctx: &Context, id: &str) -> Result<(), Error> {
    let visible = load(&app, ctx, id).await?;
    if visible.image().protected {
        return Err(Error::Forbidden(format!("Image {id} is protected and cannot be deleted.")));
    }
    visible.enforce(&app, ctx, Rule::DeleteImage)?;
    let id = id.to_owned();
    let deleting = tokio::spawn(async move { remove(&app, &id).await });
    deleting.await.map_err(Error::internal)?
}

async fn remove(app: &App, id: &str) -> Result<(), Error> {
    let (wanted, node) = (id.to_owned(), app.node.clone());
    let expected = status::sources(Status::Deleted);
    let deleted = app.db.write(move |conn| {
        db::images::delete(conn, &wanted, &expected, Status::Deleted, clock::now())?;
        let uploads = db::uploads::of_image(conn, &wanted)?;
        db::uploads::delete_of_image(conn, &wanted)?;
        // Not those that the caller saw: an upload may have ended since.
        let locations = db::locations::of_deleted(conn, &wanted)?;
        let has_bytes = !locations.is_empty() || !uploads.is_empty();
        if has_bytes {
            db::leases::acquire(conn, &wanted, &node, clock::now())?;
        }
        Ok((uploads, locations, has_bytes))
    });
    let (uploads, locations, has_bytes) = deleted.await.map_err(|error| match error {
        DbError::Missing | DbError::Stale => not_found(id),
        other => other.into(),
    })?;
    let is_clean = resumable::abandon(app, &uploads).await;
    locations::add::stop(app, id).await;
    if remove_all_bytes(app, id, &locations).await && is_clean && has_bytes {
        forget(app, id).await;
    }
    Ok(())
}

/// Whether nothing is left. A lease that stays lets the next start try again.
pub async fn remove_all_bytes(app: &App, id: &str, locations: &[LocationRecord]) -> bool {
    let mut is_clean = true;
    for location in locations {
        is_clean &= remove_bytes(app, id, location).await;
    }
    is_clean
}

async fn forget(app: &App, id: &str) {
    let wanted = id.to_owned();
    if let Err(error) = app.db.write(move |conn| db::leases::release(conn, &wanted)).await {
        tracing::error!(image_id = id, %error, "the lease of a deleted image could not be given back");
    }
}

/// Whether nothing is left there. The image is gone for its user whatever happens here; what could not be removed is
/// the operator's matter.
pub async fn remove_bytes(app: &App, id: &str, location: &LocationRecord) -> bool {
    let Some(store) = app.stores.for_location(&location.url, location.store_id()) else {
        tracing::warn!(image_id = id, "no configured store can delete this location");
        return true;
    };
    match store.backend().delete(&location.url).await {
        Ok(()) | Err(StoreError::NotFound | StoreError::ReadOnly) => true,
        Err(error) => {
            tracing::error!(image_id = id, store = store.id, %error, "bytes of a deleted image could not be removed");
            false
        }
    }
}
