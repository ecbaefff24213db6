//! Update the record of an image: a list of changes, all of them or none.

use crate::app::App;
use crate::clock;
use crate::context::Context;
use crate::db::connection::Connection;
use crate::db::images::ImageRecord;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::attribute::Attribute;
use crate::images::create::{counted_properties, enforce_visibility, within_limit};
use crate::images::locations::change::LocationChange;
use crate::images::protection::Operation;
use crate::images::{Visible, delete, load, locations, not_found};
use crate::policy::Rule;
use crate::quota::Grant;
use glasshouse_shared::image::{Image, Status};

/// One operation of a PATCH, already checked against the schema.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Attribute(AttributeChange),
    Locations(LocationChange),
}

/// An operation on an attribute or a property.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeChange {
    /// `add`: sets, whether the attribute is there or not.
    Add(Attribute),
    /// `add` of the first media type: 409 when a property of that name is there already.
    AddNew(Attribute),
    /// `replace`: 409 when no property of that name is there.
    Replace(Attribute),
    /// `remove` of a custom property: 409 when it is not there.
    Remove { key: String },
    /// `remove` of what every image has: always 403.
    RemoveBase { key: String },
}

/// Applies `changes` in their order and saves once. An empty list changes nothing, not even `updated_at`.
pub async fn update(app: &App, ctx: &Context, id: &str, changes: Vec<Change>) -> Result<Visible, Error> {
    let mut visible = load(app, ctx, id).await?;
    if changes.is_empty() {
        return Ok(visible);
    }
    // The locations have rules of their own.
    if !changes.iter().all(|change| matches!(change, Change::Locations(_))) {
        visible.enforce(app, ctx, Rule::ModifyImage)?;
    }
    let before = visible.record.clone();
    let mut removed = Vec::new();
    for change in changes {
        match change {
            Change::Locations(change) => {
                locations::change::apply(app, ctx, change, &mut visible, &mut removed).await?;
            }
            Change::Attribute(change) => {
                let image = &mut visible.record.image;
                let visibility = image.visibility;
                apply(app, ctx, change, image)?;
                // Each step counts, not only where they end.
                if image.visibility != visibility {
                    enforce_visibility(app, ctx, image)?;
                }
            }
        }
    }
    let limits = limits(app, ctx, &before, &visible.record);
    // What the caller may not read is in neither state, and so stays as it is.
    let record = visible.record.clone();
    let saved = app.db.write(move |conn| save(conn, &before, &record, &limits));
    visible.record = saved.await.map_err(|error| match error {
        DbError::Missing => not_found(id),
        DbError::Stale => Error::Conflict(format!(
            "Image {id} changed its status meanwhile. Please read it again and retry."
        )),
        other => other.into(),
    })?;
    for location in removed {
        // Two entries of one address, with other metadata, are one place.
        if !visible.record.locations.iter().any(|kept| kept.url == location.url) {
            delete::remove_bytes(app, id, &location).await;
        }
    }
    visible.prepare(app, ctx);
    Ok(visible)
}

/// What the image has to be within once it is saved; `None` also where nothing was added.
struct Limits {
    tags: Option<u32>,
    properties: Option<u32>,
    locations: Option<u32>,
    bytes: Option<Grant>,
}

fn limits(app: &App, ctx: &Context, before: &ImageRecord, after: &ImageRecord) -> Limits {
    let (old, new) = (&before.image, &after.image);
    let has_new_key = new.properties.keys().any(|key| !old.properties.contains_key(key));
    let has_new_location = after.locations.iter().any(|location| location.id.is_none());
    let quota = Grant::of_storage(app, ctx.project_id.as_deref(), old.owner.as_deref());
    Limits {
        tags: app.limits.image_tag_quota.filter(|_| new.tags != old.tags),
        properties: app.limits.image_property_quota.filter(|_| has_new_key),
        locations: app.limits.image_location_quota.filter(|_| has_new_location),
        bytes: quota.filter(|_| has_new_location),
    }
}

/// Saves what changed, and looks at what came of it together with what others changed at the same time.
fn save(
    conn: &mut dyn Connection,
    before: &ImageRecord,
    record: &ImageRecord,
    limits: &Limits,
) -> Result<ImageRecord, DbError> {
    let Limits { tags, properties, locations, bytes } = limits;
    let id = &record.image.id;
    if let Some(quota) = bytes {
        quota.lock(conn)?;
    }
    let saved = db::images::save_changes(conn, before, record, &[before.image.status], clock::now())?;
    if tags.or(*properties).or(*locations).is_none() && bytes.is_none() {
        return Ok(saved);
    }
    let ImageRecord { image, locations: places } = db::images::get(conn, id)?.ok_or(DbError::Missing)?;
    within_limit("tags", image.tags.len(), *tags)?;
    within_limit("properties", counted_properties(&image.properties), *properties)?;
    within_limit("locations", places.len(), *locations)?;
    if let Some(quota) = bytes {
        // All copies are taken to be as long as the first one.
        quota.check(conn, id, image.size.unwrap_or_default().saturating_mul(places.len() as u64))?;
    }
    Ok(saved)
}

fn apply(app: &App, ctx: &Context, change: AttributeChange, image: &mut Image) -> Result<(), Error> {
    match change {
        AttributeChange::Add(attribute) => {
            check(app, ctx, &attribute, image)?;
            attribute.apply(image);
        }
        AttributeChange::AddNew(attribute) => {
            if let Attribute::Property { key, .. } = &attribute
                && image.properties.contains_key(key)
            {
                return Err(Error::Conflict(format!("Property {key} already present.")));
            }
            check(app, ctx, &attribute, image)?;
            attribute.apply(image);
        }
        AttributeChange::Replace(attribute) => {
            if let Attribute::Property { key, .. } = &attribute
                && !image.properties.contains_key(key)
            {
                return Err(missing_property(key));
            }
            check(app, ctx, &attribute, image)?;
            attribute.apply(image);
        }
        AttributeChange::RemoveBase { key } => {
            return Err(Error::Forbidden(format!("Property {key} may not be removed.")));
        }
        AttributeChange::Remove { key } => {
            if !image.properties.contains_key(&key) {
                return Err(missing_property(&key));
            }
            app.protections.enforce(&app.enforcer, ctx, &key, Operation::Delete)?;
            image.properties.remove(&key);
        }
    }
    Ok(())
}

/// Rules on single attributes that hold whatever operation sets them.
fn check(app: &App, ctx: &Context, attribute: &Attribute, image: &Image) -> Result<(), Error> {
    match attribute {
        Attribute::Owner(_) if !ctx.is_admin => {
            Err(Error::Forbidden("You are not permitted to modify 'owner' on this image.".to_owned()))
        }
        Attribute::DiskFormat(_) | Attribute::ContainerFormat(_)
            if !matches!(image.status, Status::Queued | Status::Importing) =>
        {
            let name = if matches!(attribute, Attribute::DiskFormat(_)) {
                "disk_format"
            } else {
                "container_format"
            };
            Err(Error::Forbidden(format!("Attribute {name} can be only replaced for a queued image.")))
        }
        Attribute::Property { key, .. } => {
            let is_there = image.properties.contains_key(key);
            let operation = if is_there { Operation::Update } else { Operation::Create };
            app.protections.enforce(&app.enforcer, ctx, key, operation)
        }
        _ => Ok(()),
    }
}

fn missing_property(key: &str) -> Error {
    Error::Conflict(format!("Property {key} does not exist."))
}
