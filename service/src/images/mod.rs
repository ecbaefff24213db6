//! What the service does with images: one file for each verb. No HTTP, no SQL.

use std::collections::BTreeMap;

use crate::app::App;
use crate::context::Context;
use crate::db::images::ImageRecord;
use crate::db::locations::LocationRecord;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::policy::{Rule, Target};
use glasshouse_shared::image::{Image, Status, Visibility};

pub mod actions;
pub mod attribute;
pub mod audit;
pub mod create;
pub mod delete;
pub mod digests;
pub mod download;
pub mod list;
pub mod locations;
pub mod members;
pub mod protection;
mod pump;
pub mod repair;
pub mod resumable;
pub mod scrub;
pub mod status;
pub mod stores;
pub mod tags;
pub mod tasks;
pub mod update;
pub mod upload;

/// The longest id that a row can hold.
const ID_MAX_CHARS: usize = 36;

/// An image that the caller may see.
pub struct Visible {
    pub record: ImageRecord,
    /// The caller's project, when the image is shared with it in any member status.
    pub member_id: Option<String>,
    /// Properties that the caller may not read; the record does not have them.
    pub hidden: BTreeMap<String, String>,
    /// Whether the caller may know where the data lies: that of a closed image only administrators may read.
    pub shows_locations: bool,
}

impl Visible {
    pub fn image(&self) -> &Image {
        &self.record.image
    }

    /// The locations that the caller may know of.
    pub fn shown_locations(&self) -> &[LocationRecord] {
        if self.shows_locations { &self.record.locations } else { &[] }
    }

    /// Takes out of the record what the caller may not read, and puts its locations in their order.
    fn prepare(&mut self, app: &App, ctx: &Context) {
        sort_by_weight(app, &mut self.record.locations);
        self.shows_locations = ctx.is_admin || self.record.image.status != Status::Deactivated;
        self.hidden = app.protections.hide(&app.enforcer, ctx, &mut self.record.image);
    }

    /// Refuses with the rule's name; the caller may see the image, so it is 403 and not 404.
    pub fn enforce(&self, app: &App, ctx: &Context, rule: Rule) -> Result<(), Error> {
        app.enforcer.enforce(ctx, rule, &Target::of_image(self.image(), self.member_id.as_deref()))
    }
}

/// Where stores have ids, the copy in the heaviest one comes first: in lists, for positions of a PATCH, and for who
/// reads. Equals stay in their order, and a store that nobody knows weighs nothing.
fn sort_by_weight(app: &App, locations: &mut [LocationRecord]) {
    let weight = |location: &LocationRecord| {
        let store = location.store_id().and_then(|id| app.stores.get(id));
        store.map_or(0, |store| store.weight)
    };
    if app.stores.is_multi() {
        locations.sort_by_key(|location| std::cmp::Reverse(weight(location)));
    }
}

/// The image `id`, if it exists and both the visibility rules and the policy let the caller see it.
pub async fn load(app: &App, ctx: &Context, id: &str) -> Result<Visible, Error> {
    if id.chars().count() > ID_MAX_CHARS {
        return Err(not_found(id));
    }
    let (wanted, project) = (id.to_owned(), ctx.project_id.clone());
    let found = app.db.read_loosely(move |conn| {
        let Some(record) = db::images::get(conn, &wanted)? else { return Ok(None) };
        let stranger = record.image.owner != project && record.image.visibility == Visibility::Shared;
        let member_id = match &project {
            Some(project) if stranger => {
                db::members::status_of(conn, &wanted, project)?.map(|_| project.clone())
            }
            _ => None,
        };
        Ok(Some(Visible { record, member_id, hidden: BTreeMap::new(), shows_locations: true }))
    });
    let mut visible = found.await?.ok_or_else(|| not_found(id))?;
    let seen = is_reachable(&visible, ctx)
        && app.enforcer.allows(
            ctx,
            Rule::GetImage,
            &Target::of_image(visible.image(), visible.member_id.as_deref()),
        );
    if !seen {
        return Err(not_found(id));
    }
    visible.prepare(app, ctx);
    Ok(visible)
}

/// The layer below policy: which rows a project can reach by id at all.
fn is_reachable(visible: &Visible, ctx: &Context) -> bool {
    let image = visible.image();
    ctx.is_admin
        || image.owner.is_none()
        || matches!(image.visibility, Visibility::Public | Visibility::Community)
        || image.owner == ctx.project_id
        || visible.member_id.is_some()
}

pub fn not_found(id: &str) -> Error {
    Error::NotFound(format!("No image found with ID {id}"))
}

/// What a failure of the database means where no use case gives it a meaning of its own.
impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        if let DbError::OverLimit(message) = error {
            return Self::TooLarge(message);
        }
        if let DbError::Unstorable(why) = &error {
            return Self::BadRequest(format!("A value of the request cannot be stored: {why}"));
        }
        if error.is_outage() {
            let message = "The database cannot be reached at the moment. Please try again later.".to_owned();
            return Self::Unavailable { message, source: Some(Box::new(error)) };
        }
        Self::internal(error)
    }
}
