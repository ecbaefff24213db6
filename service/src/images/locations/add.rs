//! Add a location to a queued image: queued → importing → active. The answer comes before the work is done; what
//! became of it is in a task.

use std::sync::Arc;
use std::time::Duration;

use glasshouse_shared::checksum::HashDigest;
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use super::{hash, outside};
use crate::app::App;
use crate::clock;
use crate::context::Context;
use crate::db::images::{ImageRecord, StatusChange};
use crate::db::properties::IMPORT_LOCK;
use crate::db::tasks::{TaskDetails, TaskEnd, TaskRecord};
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::{Visible, delete, load, not_found, repair};
use crate::policy::Rule;
use crate::quota::Grant;
use glasshouse_shared::image::Status;

/// What such tasks are called.
pub const TASK: &str = "location_import";
/// The role of another service of the cloud.
const SERVICE_ROLE: &str = "service";
/// The longest address that a row can hold.
const URL_MAX_BYTES: usize = 65_535;
/// A task that has been silent for so long is dead, and its lock is nobody's.
const DEAD_AFTER: Duration = Duration::from_hours(1);
/// The same for one that never began.
const DEAD_PENDING_AFTER: Duration = Duration::from_hours(2);

/// What a caller wants to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLocation {
    pub url: String,
    pub expected: Option<Expected>,
}

/// What the digest of the data shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// As `os_hash_algo` spells it.
    pub algorithm: String,
    /// Hexadecimal digits, as they were sent.
    pub value: String,
}

/// A location on its way.
struct Addition {
    image_id: String,
    task_id: String,
    project_id: Option<String>,
    new: NewLocation,
}

/// Checks what can be checked at once and begins the rest.
pub async fn add(app: &Arc<App>, ctx: &Context, id: &str, new: NewLocation) -> Result<(), Error> {
    let visible = load(app, ctx, id).await?;
    if visible.image().status != Status::Queued {
        return Err(wrong_status(visible.image().status));
    }
    visible.enforce(app, ctx, Rule::AddImageLocation)?;
    check_caller(app, ctx, &new.url)?;
    check_digits(&new)?;
    if outside::is_web(&new.url) {
        outside::check_address(app, &new.url).await.map_err(|refused| {
            Error::BadRequest(format!("The address of the location does not pass the filter: {refused}."))
        })?;
    }
    app.jobs.check_room().map_err(|full| Error::Unavailable {
        message: "Too many locations are being added at the moment.".to_owned(),
        source: Some(Box::new(full)),
    })?;
    let addition = Addition {
        image_id: visible.image().id.clone(),
        task_id: Uuid::new_v4().to_string(),
        project_id: ctx.project_id.clone(),
        new,
    };
    claim(app, ctx, &visible, &addition).await?;
    let worker = Arc::clone(app);
    app.jobs.start(&visible.image().id, async move { run(&worker, addition).await });
    Ok(())
}

fn wrong_status(status: Status) -> Error {
    Error::Conflict(format!("A location can be added to a queued image only; this one is {status}."))
}

/// 403 for callers that are no service of the cloud, unless the data lies on the web.
fn check_caller(app: &App, ctx: &Context, url: &str) -> Result<(), Error> {
    let is_service = ctx.roles.iter().chain(&ctx.service_roles).any(|role| role == SERVICE_ROLE);
    let is_on_the_web = url.starts_with("http") && app.stores.iter().any(|store| store.kind == "http");
    if is_service || is_on_the_web {
        return Ok(());
    }
    Err(Error::Forbidden(
        "Only other services may add such a location; everybody else needs a web address and an http store."
            .to_owned(),
    ))
}

fn check_digits(new: &NewLocation) -> Result<(), Error> {
    if new.url.len() > URL_MAX_BYTES {
        return Err(Error::BadRequest(format!("url may be at most {URL_MAX_BYTES} bytes long.")));
    }
    let Some(Expected { algorithm, value }) = &new.expected else { return Ok(()) };
    if !is_hexadecimal(value) {
        return Err(Error::BadRequest(format!("os_hash_value ({value}) is not a hexadecimal value.")));
    }
    let wanted = digits_of(algorithm)?;
    if value.len() != wanted {
        return Err(Error::BadRequest(format!(
            "os_hash_value ({value}) does not have the {wanted} digits of {algorithm}."
        )));
    }
    Ok(())
}

pub(super) fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// How many hexadecimal digits a digest has.
pub(super) fn digits_of(algorithm: &str) -> Result<usize, Error> {
    let digest = HashDigest::new(algorithm).map_err(|error| Error::BadRequest(format!("{error}.")))?;
    Ok(digest.finish().len())
}

/// queued → importing with a lease and a task, all or nothing. What is left of a location that was added in vain goes:
/// a queued image has no data.
async fn claim(app: &App, ctx: &Context, visible: &Visible, addition: &Addition) -> Result<(), Error> {
    let now = clock::now();
    let lock =
        visible.image().properties.get(IMPORT_LOCK).or_else(|| visible.hidden.get(IMPORT_LOCK)).cloned();
    let task = new_task(ctx, addition, now);
    let (id, node) = (addition.image_id.clone(), app.node.clone());
    let expires_at = now + app.images.task_time_to_live;
    let left: Vec<i64> = visible.record.locations.iter().filter_map(|location| location.id).collect();
    let claimed = app.db.write(move |conn| {
        if let Some(lock) = &lock {
            break_lock(conn, &id, lock, (now, expires_at))?;
        }
        db::images::set_status(conn, &id, &[Status::Queued], &StatusChange::to(Status::Importing), now)?;
        for location in &left {
            db::locations::delete(conn, &id, *location, db::locations::LocationStatus::Deleted, now)?;
        }
        db::leases::acquire(conn, &id, &node, now)?;
        db::tasks::insert(conn, &task)
    });
    claimed.await.map_err(|error| match error {
        DbError::Stale => Error::Conflict("Another operation on the image is under way.".to_owned()),
        DbError::Missing => not_found(&addition.image_id),
        other => other.into(),
    })?;
    for location in &visible.record.locations {
        delete::remove_bytes(app, &addition.image_id, location).await;
    }
    Ok(())
}

/// Takes the lock of a task that is dead away. `Stale` when the task lives.
fn break_lock(
    conn: &mut dyn db::Connection,
    image_id: &str,
    task_id: &str,
    (now, expires_at): (jiff::Timestamp, jiff::Timestamp),
) -> Result<(), DbError> {
    if let Some((status, last)) = db::tasks::sign_of_life(conn, task_id)? {
        let patience = if status == "pending" { DEAD_PENDING_AFTER } else { DEAD_AFTER };
        if now < last + patience {
            return Err(DbError::Stale);
        }
        let end = TaskEnd::Failure { message: "The lock of the task expired and was taken away.".to_owned() };
        db::tasks::finish(conn, task_id, &end, (now, expires_at))?;
    }
    match db::properties::unlock(conn, image_id, IMPORT_LOCK, task_id) {
        // Somebody else was quicker, with whatever follows.
        Err(DbError::Missing) => Err(DbError::Stale),
        other => other,
    }
}

fn new_task(ctx: &Context, addition: &Addition, now: jiff::Timestamp) -> TaskRecord {
    let Addition { image_id, task_id, project_id, new } = addition;
    let validation = match &new.expected {
        Some(Expected { algorithm, value }) => json!({"os_hash_algo": algorithm, "os_hash_value": value}),
        None => Value::Object(Map::new()),
    };
    let input =
        json!({"image_id": image_id, "loc_url": without_password(&new.url), "validation_data": validation});
    TaskRecord {
        id: task_id.clone(),
        kind: TASK.to_owned(),
        status: "pending".to_owned(),
        owner: project_id.clone().unwrap_or_default(),
        image_id: Some(image_id.clone()),
        request_id: Some(ctx.request_id.clone()),
        user_id: ctx.user_id.clone(),
        expires_at: None,
        created_at: now,
        updated_at: Some(now),
        details: Some(TaskDetails { input, result: Value::Null, message: String::new() }),
    }
}

/// Everybody who sees the tasks of the image reads the address.
fn without_password(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    if parsed.password().is_some() && parsed.set_password(Some("***")).is_ok() {
        return parsed.to_string();
    }
    url.to_owned()
}

async fn run(app: &App, addition: Addition) {
    let task_id = addition.task_id.clone();
    if let Err(error) = app.db.write(move |conn| db::tasks::begin(conn, &task_id, clock::now())).await {
        tracing::error!(image_id = addition.image_id, %error, "a task could not be begun");
    }
    let done = work(app, &addition).await;
    finish(app, &addition.image_id, &[addition.task_id], &done).await;
}

/// The row of the location is written together with the status `active`: there is none to remove when this fails.
async fn work(app: &App, addition: &Addition) -> Result<(), Error> {
    let Addition { image_id, project_id, new, .. } = addition;
    let wanted = image_id.clone();
    let record = app.db.read(move |conn| db::images::get(conn, &wanted)).await?;
    let mut image = record.ok_or_else(|| not_found(image_id))?.image;
    for (name, value) in [("disk_format", &image.disk_format), ("container_format", &image.container_format)]
    {
        if value.is_none() {
            return Err(Error::BadRequest(format!("Property {name} must be set prior to saving data.")));
        }
    }
    let found = outside::find(app, &new.url, Map::new()).await?;
    let quota = Grant::of_storage(app, project_id.as_deref(), image.owner.as_deref());
    check_quota(app, quota.clone(), image_id, found.size_bytes).await?;
    image.size = Some(found.size_bytes);
    let record = ImageRecord { image, locations: vec![found.location] };
    let mut change = StatusChange { size: Some(Some(found.size_bytes)), ..StatusChange::to(Status::Active) };
    match &new.expected {
        Some(expected) if app.images.hash_locations => {
            let hashed = verified(app, &record, expected).await?;
            change.virtual_size = Some(hashed.virtual_size);
            change.checksum = Some(Some(hashed.checksum));
            change.os_hash_algo = Some(Some(hashed.algorithm));
            change.os_hash_value = Some(Some(hashed.value));
            activate(app, &record, change, (Lease::Return, quota)).await
        }
        Some(Expected { algorithm, value }) => {
            change.os_hash_algo = Some(Some(algorithm.clone()));
            change.os_hash_value = Some(Some(value.clone()));
            activate(app, &record, change, (Lease::Return, quota)).await
        }
        None if app.images.hash_locations => {
            let algorithm = app.images.hashing_algorithm.clone();
            change.os_hash_algo = Some(Some(algorithm.clone()));
            activate(app, &record, change, (Lease::Keep, quota)).await?;
            hash::complete(app, &record, &algorithm).await
        }
        None => activate(app, &record, change, (Lease::Return, quota)).await,
    }
}

/// Reads the data and compares. What is not what it should be goes where a store can remove it.
async fn verified(app: &App, record: &ImageRecord, expected: &Expected) -> Result<hash::Hashed, Error> {
    let location = record.locations.first().ok_or_else(|| Error::internal("there is no location"))?;
    let read = hash::read(app, &record.image, location, &expected.algorithm).await;
    let refused = match read {
        Ok(hashed) if hashed.value.eq_ignore_ascii_case(&expected.value) => return Ok(hashed),
        Ok(hashed) => Error::BadRequest(format!(
            "The data does not have the digest that was given: {} is {}, not {}.",
            expected.algorithm, hashed.value, expected.value
        )),
        Err(hash::Unhashed::Refused { error, .. }) => error,
        Err(hash::Unhashed::Unread(error)) => return Err(error),
    };
    delete::remove_bytes(app, &record.image.id, location).await;
    Err(refused)
}

/// What becomes of the lease of an image that is active from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lease {
    Return,
    /// Its data is still to be read.
    Keep,
}

/// Before the data is read, which may take its time; what counts is how it is when the image becomes active.
async fn check_quota(app: &App, quota: Option<Grant>, id: &str, more_bytes: u64) -> Result<(), Error> {
    let Some(quota) = quota else { return Ok(()) };
    let id = id.to_owned();
    Ok(app.db.read(move |conn| quota.check(conn, &id, more_bytes).map(|_| ())).await?)
}

async fn activate(
    app: &App,
    record: &ImageRecord,
    change: StatusChange,
    (lease, quota): (Lease, Option<Grant>),
) -> Result<(), Error> {
    let id = record.image.id.clone();
    let (wanted, locations, node) = (id.clone(), record.locations.clone(), app.node.clone());
    let formats = (record.image.disk_format.clone(), record.image.container_format.clone());
    let done = app.db.write(move |conn| {
        let now = clock::now();
        if let Some(quota) = &quota {
            quota.lock(conn)?;
            quota.check(conn, &wanted, change.size.flatten().unwrap_or_default())?;
        }
        // The data was looked into as these.
        let latest = db::images::get(conn, &wanted)?.ok_or(DbError::Missing)?.image;
        if (latest.disk_format, latest.container_format) != formats {
            return Err(DbError::Stale);
        }
        db::images::set_status(conn, &wanted, &[Status::Importing], &change, now)?;
        for location in &locations {
            db::locations::add(conn, &wanted, &location.url, &location.metadata, now)?;
        }
        // In both cases it must still be ours: another node that took it put the image back.
        db::leases::finish(conn, &wanted, &node)?;
        match lease {
            Lease::Return => Ok(()),
            Lease::Keep => db::leases::acquire(conn, &wanted, &node, now),
        }
    });
    done.await.map_err(|error| match error {
        DbError::Stale | DbError::Missing => {
            Error::Gone(format!("Image {id} was changed or deleted meanwhile."))
        }
        other => other.into(),
    })
}

/// Writes into the tasks how the work ended. An image that did not become active goes back to where it came from.
pub(super) async fn finish(app: &App, image_id: &str, tasks: &[String], done: &Result<(), Error>) {
    if done.is_err()
        && let Err(error) = repair::back_to_queued(app, image_id).await
    {
        tracing::error!(image_id, %error, "an image could not be put back into queued");
    }
    let end = match done {
        Ok(()) => TaskEnd::Success { result: json!({"image_id": image_id}) },
        Err(error) => {
            let source = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(image_id, %error, source, "a location could not be added");
            TaskEnd::Failure { message: error.to_string() }
        }
    };
    if let Err(error) = end_tasks(app, tasks.to_vec(), end).await {
        tracing::error!(image_id, %error, "the end of a task could not be written");
    }
}

async fn end_tasks(app: &App, tasks: Vec<String>, end: TaskEnd) -> Result<(), DbError> {
    let time_to_live = app.images.task_time_to_live;
    let ended = app.db.write(move |conn| {
        let now = clock::now();
        tasks.iter().try_for_each(|task| db::tasks::finish(conn, task, &end, (now, now + time_to_live)))
    });
    ended.await
}

/// Ends the work on an image that was deleted. Another node that is at work on it finds out at the end.
pub async fn stop(app: &App, image_id: &str) {
    if !app.jobs.cancel(image_id) {
        return;
    }
    let mut stopped = abandon(app, image_id, "The image was deleted.").await;
    if stopped.is_ok() {
        let (wanted, node) = (image_id.to_owned(), app.node.clone());
        let released = app.db.write(move |conn| match db::leases::finish(conn, &wanted, &node) {
            Err(DbError::Stale) => Ok(()),
            other => other,
        });
        stopped = released.await.map_err(Error::from);
    }
    if let Err(error) = stopped {
        tracing::error!(image_id, %error, "the work on a deleted image could not be ended");
    }
}

/// Fails the tasks of an image whose work will not go on.
pub async fn abandon(app: &App, image_id: &str, why: &str) -> Result<(), Error> {
    let wanted = image_id.to_owned();
    let tasks = app.db.read(move |conn| db::tasks::unfinished(conn, &wanted, TASK)).await?;
    if !tasks.is_empty() {
        end_tasks(app, tasks, TaskEnd::Failure { message: why.to_owned() }).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(algorithm: &str, value: &str) -> NewLocation {
        let expected = Expected { algorithm: algorithm.to_owned(), value: value.to_owned() };
        NewLocation { url: "http://mirror.example/x".to_owned(), expected: Some(expected) }
    }

    #[test]
    fn a_digest_has_the_digits_of_its_algorithm() {
        for (algorithm, digits) in [("md5", 32), ("sha1", 40), ("sha256", 64), ("sha512", 128)] {
            assert!(check_digits(&new(algorithm, &"A".repeat(digits))).is_ok(), "{algorithm}");
            for wrong in [digits - 1, digits + 1, 0] {
                let refused = check_digits(&new(algorithm, &"a".repeat(wrong)));
                assert!(matches!(refused, Err(Error::BadRequest(text)) if text.contains("digits of")));
            }
        }
        let refused = check_digits(&new("md5", &"g".repeat(32)));
        assert!(matches!(refused, Err(Error::BadRequest(text)) if text.contains("not a hexadecimal")));
    }

    #[test]
    fn a_password_stays_out_of_the_task() {
        assert_eq!(without_password("http://user:word@h/x?y=1"), "http://user:***@h/x?y=1");
        assert_eq!(without_password("http://user@h/x"), "http://user@h/x");
        assert_eq!(without_password("HTTP://h"), "HTTP://h");
    }
}
