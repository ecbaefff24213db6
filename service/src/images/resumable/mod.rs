//! Uploads in pieces: create, ask the offset, append, finish or cancel (draft-ietf-httpbis-resumable-upload-12).
//!
//! The bytes go the way of every upload: same pump, same limits, same verdict, same commit. What is different is only
//! that they may stop in between. An open upload holds its image in `saving` by its row in `glasshouse_uploads`; the
//! offset in that row is what is durable in the store, so that nothing but the digests has to be made anew after a
//! crash.

use std::sync::Arc;

use jiff::Timestamp;

use crate::app::App;
use crate::clock;
use crate::context::Context;
use crate::db::images::StatusChange;
pub use crate::db::uploads::UploadRecord;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::digests::SentDigest;
use crate::images::upload::{check_cap, check_state, wanted_store, wrong_status};
use crate::images::{load, not_found};
use crate::policy::Rule;
use crate::quota::Room;
use glasshouse_shared::image::{Image, Status};

mod append;
mod ending;
mod turn;

pub use append::{Piece, append};
pub use ending::{abandon, discard_strays, end_expired};
pub use turn::Uploads;

/// What a client says of an upload that it begins.
pub struct NewUpload {
    /// Id of the store that it wants.
    pub store: Option<String>,
    /// How long the whole will be.
    pub length_bytes: Option<u64>,
    /// Digests of the whole.
    pub digests: Vec<SentDigest>,
}

/// What every answer tells of an upload.
#[derive(Debug, Clone)]
pub struct State {
    pub record: UploadRecord,
    /// Seconds until it expires, if nothing comes.
    pub max_age_secs: u64,
    /// The largest image that the operator allows.
    pub max_size_bytes: u64,
}

impl State {
    fn of(app: &App, record: UploadRecord) -> Self {
        let left = record.expires_at.as_second().saturating_sub(clock::now().as_second());
        let max_age_secs = u64::try_from(left).unwrap_or_default();
        Self { record, max_age_secs, max_size_bytes: app.limits.image_size_cap }
    }
}

/// Claims a queued image for data that will come in pieces.
pub async fn create(app: &App, ctx: &Context, image_id: &str, new: NewUpload) -> Result<State, Error> {
    let visible = load(app, ctx, image_id).await?;
    visible.enforce(app, ctx, Rule::UploadImage)?;
    let image = visible.record.image;
    check_state(&image)?;
    let store = wanted_store(app, new.store.as_deref())?;
    if app.stores.get(&store).is_none_or(|store| store.read_only) {
        return Err(Error::Gone("The store takes no data.".to_owned()));
    }
    check_cap(app, new.length_bytes)?;
    let room = Room::of(app, ctx, &image).await?;
    let record = UploadRecord {
        id: clock::fresh_id(),
        image_id: image.id,
        project: ctx.project_id.clone(),
        store,
        offset_bytes: 0,
        length_bytes: new.length_bytes,
        is_complete: false,
        expires_at: expiry(app),
        digests: SentDigest::write_all(&new.digests),
    };
    let claimed = record.clone();
    let done = app.db.write(move |conn| {
        let (image_id, length_bytes) = (&claimed.image_id, claimed.length_bytes);
        // What an upload that is complete left; it has nothing reserved.
        db::uploads::delete_of_image(conn, image_id)?;
        room.reserve(conn, image_id, length_bytes)?;
        let change = StatusChange::to(Status::Saving);
        db::images::set_status(conn, image_id, &[Status::Queued], &change, clock::now())?;
        room.check_arriving(conn)?;
        db::uploads::insert(conn, &claimed)
    });
    done.await.map_err(|error| match error {
        DbError::Stale => wrong_status(Status::Saving),
        DbError::Missing => not_found(image_id),
        other => other.into(),
    })?;
    // It was in queued: whoever still wants to put it back has nothing to do any more.
    app.jobs.cancel(&record.image_id);
    Ok(State::of(app, record))
}

/// How far an upload has come. A piece that is still arriving is cut off: whoever asks has given it up.
pub async fn show(app: &App, ctx: &Context, ids: (&str, &str)) -> Result<State, Error> {
    let found = find(app, ctx, ids).await?;
    let turn = app.uploads.turn(&found.record.id).await;
    let record = latest(app, &found.record.id).await?;
    drop(turn);
    Ok(State::of(app, record))
}

/// The open uploads of an image, as far as they are the caller's.
pub async fn list(app: &App, ctx: &Context, image_id: &str) -> Result<Vec<State>, Error> {
    let visible = load(app, ctx, image_id).await?;
    visible.enforce(app, ctx, Rule::UploadImage)?;
    let wanted = visible.record.image.id;
    let records = app.db.read_briefly(move |conn| db::uploads::of_image(conn, &wanted)).await?;
    let is_open = |record: &UploadRecord| !record.is_complete && is_theirs(ctx, record);
    Ok(records.into_iter().filter(is_open).map(|record| State::of(app, record)).collect())
}

/// Ends an upload and forgets what it brought. One that is complete is forgotten, its image stays.
pub async fn cancel(app: &Arc<App>, ctx: &Context, ids: (&str, &str)) -> Result<(), Error> {
    let found = find(app, ctx, ids).await?;
    let turn = app.uploads.turn(&found.record.id).await;
    let record = latest(app, &found.record.id).await?;
    ending::end(app, &record).await?;
    drop(turn);
    app.uploads.forget(&record.id);
    Ok(())
}

/// An upload with its image, for somebody who may go on with it.
struct Found {
    image: Image,
    record: UploadRecord,
}

async fn find(app: &App, ctx: &Context, ids: (&str, &str)) -> Result<Found, Error> {
    let (image_id, upload_id) = ids;
    let visible = load(app, ctx, image_id).await?;
    let wanted = upload_id.to_owned();
    let record = app.db.read_briefly(move |conn| db::uploads::get(conn, &wanted)).await?;
    let fits = |record: &UploadRecord| record.image_id == visible.image().id && is_theirs(ctx, record);
    let record = record.filter(fits).ok_or_else(|| no_upload(upload_id))?;
    visible.enforce(app, ctx, Rule::UploadImage)?;
    Ok(Found { image: visible.record.image, record })
}

/// To everybody else it is as if it were not there, and so is one that expired.
fn is_theirs(ctx: &Context, record: &UploadRecord) -> bool {
    (ctx.is_admin || record.project == ctx.project_id) && record.expires_at > clock::now()
}

/// The record as it is once nobody else can change it.
async fn latest(app: &App, upload_id: &str) -> Result<UploadRecord, Error> {
    let wanted = upload_id.to_owned();
    let record = app.db.read_briefly(move |conn| db::uploads::get(conn, &wanted)).await?;
    record.ok_or_else(|| no_upload(upload_id))
}

fn no_upload(id: &str) -> Error {
    Error::NotFound(format!("No upload found with ID {id}"))
}

/// Until when an upload waits that goes on now.
fn expiry(app: &App) -> Timestamp {
    clock::now() + app.limits.upload_expiry
}
