//! Create an image: the record, without data.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::App;
use crate::clock;
use crate::context::Context;
use crate::db::images::ImageRecord;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::Visible;
use crate::images::attribute::Attribute;
use crate::images::protection::Operation;
use crate::policy::{Rule, Target};
use crate::quota::{Grant, Resource};
use glasshouse_shared::image::{Image, Status, Visibility};

/// Properties of such names are the service's own.
const RESERVED_PREFIX: &str = "os_glance";

/// What a client may say of an image that it creates; already checked against the schema.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct NewImage {
    pub id: Option<String>,
    pub attributes: Vec<Attribute>,
}

impl NewImage {
    fn names_owner(&self) -> bool {
        self.attributes.iter().any(|attribute| matches!(attribute, Attribute::Owner(_)))
    }

    fn visibility(&self) -> Option<Visibility> {
        self.attributes.iter().find_map(|attribute| match attribute {
            Attribute::Visibility(visibility) => Some(*visibility),
            _ => None,
        })
    }
}

pub async fn create(app: &App, ctx: &Context, new: NewImage) -> Result<Visible, Error> {
    let record = ImageRecord { image: image_of(ctx, new.clone()), locations: Vec::new() };
    enforce_add(app, ctx, &new, &record.image)?;
    let owner = record.image.owner.as_deref();
    let grant = Grant::of_keystone(app, ctx, owner, Resource::ImageCountTotal).await?;
    within("tags", record.image.tags.len(), app.limits.image_tag_quota)?;
    within("properties", counted_properties(&record.image.properties), app.limits.image_property_quota)?;
    for key in record.image.properties.keys() {
        app.protections.enforce(&app.enforcer, ctx, key, Operation::Create)?;
    }
    let inserted = record.clone();
    let done = app.db.write(move |conn| {
        if let Some(grant) = &grant {
            grant.lock(conn)?;
            grant.check(conn, "", 1)?;
        }
        db::images::insert(conn, &inserted)
    });
    done.await.map_err(|error| match error {
        DbError::Duplicate => Error::Conflict(format!("Image ID {} already exists!", record.image.id)),
        other => other.into(),
    })?;
    let mut visible = Visible { record, member_id: None, hidden: BTreeMap::new(), shows_locations: true };
    visible.prepare(app, ctx);
    Ok(visible)
}

fn image_of(ctx: &Context, new: NewImage) -> Image {
    let now = clock::now();
    let owner = if new.names_owner() { None } else { ctx.project_id.clone() };
    let mut image = Image {
        id: new.id.unwrap_or_else(clock::fresh_id),
        name: None,
        status: Status::Queued,
        visibility: Visibility::Shared,
        protected: false,
        hidden: false,
        owner,
        disk_format: None,
        container_format: None,
        min_disk_gb: 0,
        min_ram_mb: 0,
        tags: BTreeSet::new(),
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        created_at: now,
        updated_at: now,
        properties: BTreeMap::new(),
    };
    new.attributes.into_iter().for_each(|attribute| attribute.apply(&mut image));
    image
}

/// The target says who asks and who shall own; a visibility that was not given counts as private here, although
/// the record gets `shared`.
fn enforce_add(app: &App, ctx: &Context, new: &NewImage, image: &Image) -> Result<(), Error> {
    let visibility = new.visibility().unwrap_or(Visibility::Private);
    let mut about = Target::new().set("visibility", visibility.as_str());
    if let Some(project) = &ctx.project_id {
        about = about.set("project_id", project.as_str());
    }
    if let Some(owner) = &image.owner {
        about = about.set("owner", owner.as_str());
    }
    app.enforcer.enforce(ctx, Rule::AddImage, &about)?;
    enforce_visibility(app, ctx, image)
}

/// To publish an image, and to offer it to the community, needs a right of its own.
pub fn enforce_visibility(app: &App, ctx: &Context, image: &Image) -> Result<(), Error> {
    let rule = match image.visibility {
        Visibility::Public => Rule::PublicizeImage,
        Visibility::Community => Rule::CommunitizeImage,
        Visibility::Shared | Visibility::Private => return Ok(()),
    };
    app.enforcer.enforce(ctx, rule, &Target::of_image(image, None))
}

/// 413 when there are more than the operator allows.
pub fn within(what: &str, count: usize, maximum: Option<u32>) -> Result<(), Error> {
    within_limit(what, count, maximum).map_err(Error::from)
}

/// The same inside of a transaction, which ends without a trace.
pub fn within_limit(what: &str, count: usize, maximum: Option<u32>) -> Result<(), DbError> {
    match maximum {
        Some(maximum) if count > usize::try_from(maximum).unwrap_or(usize::MAX) => {
            Err(DbError::OverLimit(format!(
                "The limit has been exceeded on the number of allowed image {what}. Attempted: {count}, Maximum: {maximum}"
            )))
        }
        _ => Ok(()),
    }
}

/// How many properties count to `image_property_quota`: those that a client may set.
pub fn counted_properties(properties: &BTreeMap<String, String>) -> usize {
    properties.keys().filter(|key| !key.starts_with(RESERVED_PREFIX)).count()
}
