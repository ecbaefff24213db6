//! Upload the data of an image: queued → saving → active, or back to queued with nothing left behind.

use std::sync::Arc;

use crate::app::App;
use crate::clock;
use crate::context::Context;
use crate::db::images::StatusChange;
use crate::db::locations::{self, LocationRecord};
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::digests::SentDigests;
pub use crate::images::pump::{Body, BodyError as UploadBodyError};
use crate::images::pump::{BodyError, Limit, Moved, Order, PumpError, Pumped, Stages, pump};
use crate::images::{delete, load, not_found, repair};
use crate::policy::Rule;
use crate::quota::Room;
use crate::stores::{Backend, Store, StoreError, Writer};
use glasshouse_shared::format::{Accepted, Refusal, Rules, Verdict, judge};
use glasshouse_shared::image::{Image, Status};

/// The data and what the client says of it.
pub struct Upload {
    pub body: Body,
    /// Length in bytes that the client announced.
    pub size_bytes: Option<u64>,
    /// Id of the store that the client wants.
    pub store: Option<String>,
    /// What the client says that the digests of the data are.
    pub digests: SentDigests,
}

/// Stores the data of the image `id`.
///
/// The work runs in a task of its own: a client that hangs up cannot leave half a state.
pub async fn upload(app: Arc<App>, ctx: &Context, id: &str, upload: Upload) -> Result<(), Error> {
    let visible = load(&app, ctx, id).await?;
    visible.enforce(&app, ctx, Rule::UploadImage)?;
    let image = visible.record.image;
    check_state(&image)?;
    let store_id = wanted_store(&app, upload.store.as_deref())?;
    check_cap(&app, upload.size_bytes)?;
    let room = Room::of(&app, ctx, &image).await?;
    let arrival = Arrival { body: upload.body, size_bytes: upload.size_bytes, room, digests: upload.digests };
    let saving = tokio::spawn(async move { save(app, image, (&store_id, arrival)).await });
    saving.await.map_err(Error::internal)?
}

/// The data once it may come.
struct Arrival {
    body: Body,
    size_bytes: Option<u64>,
    room: Room,
    digests: SentDigests,
}

pub(super) fn check_state(image: &Image) -> Result<(), Error> {
    if image.status != Status::Queued {
        return Err(wrong_status(image.status));
    }
    for (name, value) in [("disk_format", &image.disk_format), ("container_format", &image.container_format)]
    {
        if value.is_none() {
            return Err(Error::BadRequest(format!("Property {name} must be set prior to saving data.")));
        }
    }
    Ok(())
}

pub(super) fn wrong_status(from: Status) -> Error {
    Error::Conflict(format!("Image status transition from {from} to saving is not allowed"))
}

pub(super) fn wanted_store(app: &App, wanted: Option<&str>) -> Result<String, Error> {
    let store = match wanted.filter(|_| app.stores.is_multi()) {
        Some(id) => {
            app.stores.get(id).ok_or_else(|| Error::BadRequest(format!("Store {id:?} is not configured.")))?
        }
        None => app.stores.default_store().ok_or_else(|| Error::internal("no store is configured"))?,
    };
    Ok(store.id.clone())
}

/// 413 when the announced size is beyond the cap on one image.
pub(super) fn check_cap(app: &App, declared: Option<u64>) -> Result<(), Error> {
    let cap = app.limits.image_size_cap;
    match declared.filter(|declared| *declared > cap) {
        Some(declared) => Err(too_long(declared, cap)),
        None => Ok(()),
    }
}

pub(super) fn too_long(wanted: u64, maximum: u64) -> Error {
    Error::TooLarge(format!("The image is {wanted} bytes long; {maximum} bytes are allowed at the moment."))
}

/// Claims the image, stores the data, and undoes everything when that fails.
async fn save(app: Arc<App>, image: Image, (store_id, arrival): (&str, Arrival)) -> Result<(), Error> {
    let store = app.stores.get(store_id).ok_or_else(|| Error::internal("a store vanished"))?;
    let (image, left) = claim(&app, &image.id, (arrival.room.clone(), arrival.size_bytes)).await?;
    // It was in queued: whoever still wants to put it back has nothing to do any more.
    app.jobs.cancel(&image.id);
    let limit = Limit { declared: arrival.size_bytes, maximum: left.min(app.limits.image_size_cap) };
    match transfer(&app, &image, store, (arrival, limit)).await {
        Ok(()) => Ok(()),
        Err(error) => {
            repair::back_to_queued_in_time(&app, &image.id).await;
            Err(error)
        }
    }
}

/// queued → saving together with the lease that says which node is at work, and with the place in the quota. Answers
/// the image as it is from then on, whose formats cannot change any more, and how many bytes there is room for.
async fn claim(app: &App, id: &str, (room, declared): (Room, Option<u64>)) -> Result<(Image, u64), Error> {
    let (wanted, node) = (id.to_owned(), app.node.clone());
    let claimed = app.db.write(move |conn| {
        let left = room.reserve(conn, &wanted, declared)?;
        db::images::set_status(
            conn,
            &wanted,
            &[Status::Queued],
            &StatusChange::to(Status::Saving),
            clock::now(),
        )?;
        room.check_arriving(conn)?;
        db::leases::acquire(conn, &wanted, &node, clock::now())?;
        Ok((db::images::get(conn, &wanted)?.ok_or(DbError::Missing)?.image, left))
    });
    claimed.await.map_err(|error| match error {
        DbError::Stale => wrong_status(Status::Saving),
        DbError::Missing => not_found(id),
        other => other.into(),
    })
}

/// The image is ours and has no location, so what lies under its id already belongs to nobody: it is a leftover of a
/// crash, or of Glance, and goes. An upload that another process is writing stays, and is a duplicate again.
async fn open(
    backend: &dyn Backend,
    id: &str,
    size_bytes: Option<u64>,
) -> Result<Box<dyn Writer>, StoreError> {
    match backend.writer(id, size_bytes).await {
        Err(StoreError::Duplicate) => {
            remove_stray(backend, id).await?;
            backend.writer(id, size_bytes).await
        }
        opened => opened,
    }
}

/// Removes what lies under the id of an image that is ours and has no location.
pub(super) async fn remove_stray(backend: &dyn Backend, id: &str) -> Result<(), StoreError> {
    match backend.delete(&backend.location(id)?).await {
        Ok(()) => tracing::warn!(image_id = id, "bytes that belonged to no image were removed"),
        Err(StoreError::NotFound) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn transfer(
    app: &App,
    image: &Image,
    store: &Store,
    (arrival, limit): (Arrival, Limit),
) -> Result<(), Error> {
    let Arrival { body, room, digests, .. } = arrival;
    let hashes = digests.to_compute(&app.images.hashing_algorithm).map_err(Error::internal)?;
    let stages = Stages::new(hashes);
    let order = Order { limit, stages, content: Vec::new(), stops_when_unsafe: stops_when_unsafe(image) };
    let mut writer = open(store.backend(), &image.id, limit.declared).await.map_err(store_error)?;
    match pump(body, order, &mut *writer).await {
        Ok(Moved { stages, .. }) => {
            let whole = Whole { writer, stages, hold: Hold::Lease, room };
            settle(app, image, store, whole, |computed| digests.verify(computed)).await
        }
        Err(interrupted) => {
            writer.cancel().await;
            Err(pump_error(interrupted.error))
        }
    }
}

/// Only what is in no container is looked into.
pub(super) fn stops_when_unsafe(image: &Image) -> bool {
    image.container_format.as_deref() == Some("bare")
}

/// What keeps an image in `saving`.
#[derive(Debug, Clone)]
pub(super) enum Hold {
    /// The lease of this node.
    Lease,
    /// The resumable upload of this id.
    Upload(String),
}

/// Data of which every byte has arrived.
pub(super) struct Whole {
    pub writer: Box<dyn Writer>,
    pub stages: Stages,
    pub hold: Hold,
    pub room: Room,
}

/// Verifies, judges, commits and activates; a refusal leaves nothing in the store. `verify` is given every digest that
/// was computed, under its name in `os_hash_algo`.
pub(super) async fn settle(
    app: &App,
    image: &Image,
    store: &Store,
    whole: Whole,
    verify: impl FnOnce(&[(&str, &str)]) -> Result<(), Error>,
) -> Result<(), Error> {
    let Whole { writer, stages, hold, room } = whole;
    let names = stages.algorithms();
    let pumped = stages.finish();
    let values = pumped.hashes.iter().map(String::as_str);
    let mut computed: Vec<_> = names.into_iter().zip(values).collect();
    computed.push(("md5", &pumped.checksum));
    let accepted = match verify(&computed).and_then(|()| inspect(app, image, &pumped.verdict)) {
        Ok(accepted) => accepted,
        Err(error) => {
            writer.cancel().await;
            return Err(error);
        }
    };
    let url = writer.commit().await.map_err(store_error)?;
    let metadata =
        if app.stores.is_multi() { LocationRecord::metadata_of(&store.id) } else { serde_json::Map::new() };
    let location = LocationRecord::active(url, metadata);
    let change = active(app, pumped, &accepted);
    match activate(app, &image.id, (&location, change), (&hold, room)).await {
        Ok(()) => Ok(()),
        // What a resumable upload brought can be had again: only the record is missing.
        Err(error @ (Error::Internal(_) | Error::Unavailable { .. })) if matches!(hold, Hold::Upload(_)) => {
            Err(error)
        }
        Err(error) => match is_active(app, &image.id).await {
            // The bytes there are another upload's, which came while this one was given up.
            Ok(true) if matches!(error, Error::Gone(_)) => Err(error),
            // The database could not tell that it had done it.
            Ok(true) => Ok(()),
            Ok(false) => {
                delete::remove_bytes(app, &image.id, &location).await;
                Err(error)
            }
            // Should the image be active, these are its bytes; if not, they go with its next upload.
            Err(_) => Err(error),
        },
    }
}

async fn is_active(app: &App, id: &str) -> Result<bool, DbError> {
    let wanted = id.to_owned();
    let record = app.db.read(move |conn| db::images::get(conn, &wanted)).await?;
    Ok(record.is_some_and(|record| record.image.status != Status::Saving && !record.locations.is_empty()))
}

/// The bytes against the declared formats; a refusal leaves nothing behind.
pub(super) fn inspect(app: &App, image: &Image, verdict: &Verdict) -> Result<Accepted, Error> {
    let rules = Rules {
        require_match: app.images.require_format_match,
        vmdk_allowed_types: app.images.vmdk_allowed_types.clone(),
        gpt_nonfatal: app.images.gpt_checks_nonfatal.clone(),
    };
    let (disk, container) =
        (image.disk_format.as_deref().unwrap_or(""), image.container_format.as_deref().unwrap_or(""));
    judge(verdict, disk, container, &rules).map_err(|refusal| unsupported(&refusal))
}

pub(super) fn unsupported(refusal: &Refusal) -> Error {
    Error::UnsupportedMedia {
        media_type: "application/octet-stream".to_owned(),
        message: sentence(&refusal.to_string()),
        accept_patch: None,
    }
}

/// A reason as a sentence for people.
fn sentence(reason: &str) -> String {
    let mut characters = reason.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

/// Everything that is known of the data.
fn active(app: &App, pumped: Pumped, accepted: &Accepted) -> StatusChange {
    StatusChange {
        to: Status::Active,
        size: Some(Some(pumped.size_bytes)),
        virtual_size: Some(accepted.virtual_size_bytes),
        checksum: Some(Some(pumped.checksum)),
        os_hash_algo: Some(Some(app.images.hashing_algorithm.clone())),
        os_hash_value: Some(pumped.hashes.into_iter().next()),
    }
}

/// saving → active with the location, and what held the image goes, in one transaction.
async fn activate(
    app: &App,
    id: &str,
    (location, change): (&LocationRecord, StatusChange),
    (hold, room): (&Hold, Room),
) -> Result<(), Error> {
    let (wanted, location) = (id.to_owned(), location.clone());
    let (node, hold) = (app.node.clone(), hold.clone());
    let done = app.db.write(move |conn| {
        let now = clock::now();
        room.settle(conn, &wanted, change.size.flatten().unwrap_or_default())?;
        db::images::set_status(conn, &wanted, &[Status::Saving], &change, now)?;
        locations::add(conn, &wanted, &location.url, &location.metadata, now)?;
        match &hold {
            Hold::Lease => db::leases::finish(conn, &wanted, &node),
            Hold::Upload(upload_id) => db::uploads::complete(conn, upload_id, &wanted),
        }
    });
    done.await.map_err(|error| match error {
        DbError::Stale | DbError::Missing => Error::Gone(format!(
            "Image {id} could not be found after upload. The image may have been deleted during the upload."
        )),
        other => other.into(),
    })
}

pub(super) fn pump_error(error: PumpError) -> Error {
    match error {
        PumpError::Body(BodyError::Silent) => {
            Error::BadRequest("The sender was silent for too long.".to_owned())
        }
        PumpError::Body(BodyError::Broken(_)) => {
            Error::BadRequest("The connection broke before all data arrived.".to_owned())
        }
        PumpError::NotAsDeclared { declared, received } => Error::BadRequest(format!(
            "The image data does not have the announced size: {declared} bytes announced, {received} received."
        )),
        PumpError::OverMaximum { maximum } => Error::TooLarge(format!(
            "The image is longer than the {maximum} bytes that are allowed at the moment."
        )),
        PumpError::Unsafe(failure) => unsupported(&Refusal::Unsafe(vec![failure])),
        PumpError::Store(error) => store_error(error),
        error @ (PumpError::Stage(_) | PumpError::Digest) => Error::internal(error),
    }
}

pub(super) fn store_error(error: StoreError) -> Error {
    match error {
        StoreError::Full(source) => Error::StoreFull(source),
        // NotFound: the folder of the store went away.
        StoreError::Denied { .. } | StoreError::NotFound => Error::Unavailable {
            message: "The store refuses to be written to.".to_owned(),
            source: Some(Box::new(error)),
        },
        StoreError::Duplicate => Error::Conflict("Another upload of this image is at work.".to_owned()),
        StoreError::ReadOnly => Error::Gone("The store takes no data.".to_owned()),
        StoreError::Unreachable(_) | StoreError::Other(_) => Error::Unavailable {
            message: "The store failed to keep the data. Please try again later.".to_owned(),
            source: Some(Box::new(error)),
        },
        StoreError::BadLocation(_) | StoreError::WrongSize { .. } => Error::internal(error),
    }
}
