//! List images: one page.

use std::collections::BTreeMap;

use crate::app::App;
use crate::context::Context;
use crate::db::{self, DbError, Scope};
use crate::error::Error;
use crate::images::Visible;
use crate::policy::{Rule, Target};
use glasshouse_shared::image::Visibility;
use glasshouse_shared::listing::ListQuery;

/// One page of images and whether another may follow.
pub struct Page {
    pub images: Vec<Visible>,
    /// The id of the last row, when the page was full.
    pub next_marker: Option<String>,
}

/// The page that `query` asks for. Its limit is filled in and capped here.
pub async fn list(app: &App, ctx: &Context, query: &mut ListQuery) -> Result<Page, Error> {
    let mut about = Target::new();
    if let Some(project) = &ctx.project_id {
        about = about.set("project_id", project.as_str());
    }
    app.enforcer.enforce(ctx, Rule::GetImages, &about)?;
    let limit = query.limit.unwrap_or(app.limits.page_size_default).min(app.limits.page_size_max);
    query.limit = Some(limit);
    let scope = Scope { is_admin: ctx.is_admin, project_id: ctx.project_id.clone() };
    let (wanted, counts) = (query.clone(), app.db.counts());
    let listed = app.db.read_briefly(move |conn| db::images::list(conn, &wanted, &scope, &counts)).await;
    let records = listed.map_err(|error| match error {
        DbError::UnknownMarker(_) => {
            Error::BadRequest("Invalid marker. Image could not be found.".to_owned())
        }
        other => other.into(),
    })?;
    let is_full = limit > 0 && records.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let last = records.last().map(|record| record.image.id.clone());
    let images: Vec<Visible> = records
        .into_iter()
        .map(|record| Visible {
            member_id: member_id(&record, ctx),
            record,
            hidden: BTreeMap::new(),
            shows_locations: true,
        })
        .filter(|visible| {
            app.enforcer.allows(
                ctx,
                Rule::GetImage,
                &Target::of_image(visible.image(), visible.member_id.as_deref()),
            )
        })
        .map(|mut visible| {
            visible.prepare(app, ctx);
            visible
        })
        .collect();
    let next_marker = last.filter(|_| is_full && !images.is_empty());
    Ok(Page { images, next_marker })
}

/// A shared image of another project is only listed because it is shared with the caller.
fn member_id(record: &db::images::ImageRecord, ctx: &Context) -> Option<String> {
    let image = &record.image;
    let foreign = image.visibility == Visibility::Shared && image.owner != ctx.project_id && !ctx.is_admin;
    ctx.project_id.clone().filter(|_| foreign)
}
