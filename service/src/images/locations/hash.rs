//! Read the data of a location, for its digests and to look into it. The data stays where it is.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::add;
use crate::app::App;
use crate::clock;
use crate::db::images::{ImageRecord, StatusChange};
use crate::db::locations::LocationRecord;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::pump::{BodyError, Limit, Nowhere, Order, PumpError, Pumped, Stages, pump};
use crate::images::upload::{inspect, stops_when_unsafe, unsupported};
use crate::stores::StoreError;
use glasshouse_shared::checksum::HashDigest;
use glasshouse_shared::format::Refusal;
use glasshouse_shared::image::{Image, Status};

/// Between two attempts at reading; a server that is away is seldom back at once.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of data that was read and found good.
pub struct Hashed {
    pub size_bytes: u64,
    pub virtual_size: Option<u64>,
    pub checksum: String,
    pub algorithm: String,
    pub value: String,
}

/// Why data was not found good.
pub enum Unhashed {
    /// It is not what the image says, or dangerous. Its digests, if all of it was read.
    Refused { error: Error, digests: Option<(String, String)> },
    /// It could not be read.
    Unread(Error),
}

impl From<Unhashed> for Error {
    fn from(unhashed: Unhashed) -> Self {
        match unhashed {
            Unhashed::Refused { error, .. } | Unhashed::Unread(error) => error,
        }
    }
}

/// Reads all of it, and again when that fails, as often as the operator says.
pub async fn read(
    app: &App,
    image: &Image,
    location: &LocationRecord,
    algorithm: &str,
) -> Result<Hashed, Unhashed> {
    let mut attempts = 1;
    loop {
        let error = match read_once(app, image, location, algorithm).await {
            Ok(pumped) => return judged(app, image, algorithm, pumped),
            Err(PumpError::Unsafe(failure)) => {
                let error = unsupported(&Refusal::Unsafe(vec![failure]));
                return Err(Unhashed::Refused { error, digests: None });
            }
            Err(error) => error,
        };
        tracing::warn!(image_id = image.id, attempts, %error, "the data of a location could not be read");
        if attempts >= app.images.location_attempts || matches!(error, PumpError::Store(StoreError::NotFound))
        {
            let message = "The data of the location could not be read.".to_owned();
            return Err(Unhashed::Unread(Error::Unavailable { message, source: Some(Box::new(error)) }));
        }
        tokio::time::sleep(PAUSE * attempts).await;
        attempts += 1;
    }
}

async fn read_once(
    app: &App,
    image: &Image,
    location: &LocationRecord,
    algorithm: &str,
) -> Result<Pumped, PumpError> {
    let store = app.stores.for_location(&location.url, location.store_id()).ok_or(StoreError::NotFound)?;
    let digest = HashDigest::new(algorithm).map_err(|error| StoreError::Other(error.into()))?;
    let bytes = store.backend().reader(&location.url, image.size, None).await?;
    let limit = Limit { declared: image.size, maximum: u64::MAX };
    let stages = Stages::new(vec![digest]);
    let order = Order { limit, stages, content: Vec::new(), stops_when_unsafe: stops_when_unsafe(image) };
    let body = bytes.map(|frame| frame.map_err(|error| BodyError::Broken(error.into()))).boxed();
    let moved = pump(body, order, &mut Nowhere).await;
    moved.map(|moved| moved.stages.finish()).map_err(|interrupted| interrupted.error)
}

fn judged(app: &App, image: &Image, algorithm: &str, pumped: Pumped) -> Result<Hashed, Unhashed> {
    let value = pumped.hashes.into_iter().next().unwrap_or_default();
    match inspect(app, image, &pumped.verdict) {
        Ok(accepted) => Ok(Hashed {
            size_bytes: pumped.size_bytes,
            virtual_size: accepted.virtual_size_bytes,
            checksum: pumped.checksum,
            algorithm: algorithm.to_owned(),
            value,
        }),
        Err(error) => Err(Unhashed::Refused { error, digests: Some((pumped.checksum, value)) }),
    }
}

/// Gives an image that is active already the digests of its data, and closes it when the data turns out to be bad.
/// The lease of the image ends here.
pub async fn complete(app: &App, record: &ImageRecord, algorithm: &str) -> Result<(), Error> {
    let image = &record.image;
    let location = record.locations.first().ok_or_else(|| Error::internal("the image has no location"))?;
    let read = read(app, image, location, algorithm).await;
    let mut change = StatusChange::to(Status::Active);
    match &read {
        Ok(hashed) => {
            change.virtual_size = Some(hashed.virtual_size);
            change.checksum = Some(Some(hashed.checksum.clone()));
            change.os_hash_value = Some(Some(hashed.value.clone()));
        }
        Err(Unhashed::Refused { digests: Some((checksum, value)), .. }) => {
            change.to = Status::Deactivated;
            change.checksum = Some(Some(checksum.clone()));
            change.os_hash_value = Some(Some(value.clone()));
        }
        Err(Unhashed::Refused { digests: None, .. }) => {
            change.to = Status::Deactivated;
            change.os_hash_algo = Some(None);
        }
        Err(Unhashed::Unread(_)) => change.os_hash_algo = Some(None),
    }
    settle(app, &image.id, change).await?;
    read.map(|_| ()).map_err(Error::from)
}

/// Writes what came out, whether the image is open or was closed meanwhile, and gives the lease back.
async fn settle(app: &App, id: &str, change: StatusChange) -> Result<(), Error> {
    let (wanted, node) = (id.to_owned(), app.node.clone());
    let settled = app.db.write(move |conn| {
        let now = clock::now();
        db::leases::finish(conn, &wanted, &node)?;
        match db::images::set_status(conn, &wanted, &[Status::Active], &change, now) {
            Err(DbError::Stale) => {
                let closed = StatusChange { to: Status::Deactivated, ..change.clone() };
                db::images::set_status(conn, &wanted, &[Status::Deactivated], &closed, now)
            }
            done => done,
        }
    });
    settled.await.map_err(|error| match error {
        DbError::Stale | DbError::Missing => Error::Gone(format!("Image {id} was deleted meanwhile.")),
        other => other.into(),
    })
}

/// Goes on with an image that is under a lease although it is active: whoever was reading its data ended.
pub async fn resume(app: &Arc<App>, record: ImageRecord) -> Result<(), Error> {
    let (id, node) = (record.image.id.clone(), app.node.clone());
    let tasks = app.db.write(move |conn| {
        db::leases::acquire(conn, &id, &node, clock::now())?;
        db::tasks::unfinished(conn, &id, add::TASK)
    });
    let tasks = tasks.await?;
    let (worker, image_id) = (Arc::clone(app), record.image.id.clone());
    app.jobs.start(&image_id, async move {
        let algorithm = record.image.os_hash_algo.clone();
        let algorithm = algorithm.unwrap_or_else(|| worker.images.hashing_algorithm.clone());
        let done = complete(&worker, &record, &algorithm).await;
        add::finish(&worker, &record.image.id, &tasks, &done).await;
    });
    Ok(())
}
