//! What a project uses and what it may use.
//!
//! The limits are Keystone's where `use_keystone_limits` says so, else `user_storage_quota`, which the upload keeps to.
//! They are checked and not reserved, as Glance does it: what is on its way at the same time may pass together.

use crate::app::App;
use crate::auth::keystone::Trouble;
use crate::context::Context;
use crate::db;
use crate::error::Error;

/// Sizes are counted in these.
const MIB: u64 = 1024 * 1024;

/// What Keystone may limit, by the names that operators register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    ImageSizeTotal,
    ImageStageTotal,
    ImageCountTotal,
    ImageCountUploading,
}

impl Resource {
    pub const ALL: [Self; 4] =
        [Self::ImageSizeTotal, Self::ImageStageTotal, Self::ImageCountTotal, Self::ImageCountUploading];

    pub fn name(self) -> &'static str {
        match self {
            Self::ImageSizeTotal => "image_size_total",
            Self::ImageStageTotal => "image_stage_total",
            Self::ImageCountTotal => "image_count_total",
            Self::ImageCountUploading => "image_count_uploading",
        }
    }

    async fn used(self, app: &App, project: &str) -> Result<u64, Error> {
        let project = project.to_owned();
        let used = app.db.read(move |conn| match self {
            Self::ImageSizeTotal => Ok(db::usage::claimed_bytes(conn, &project, None)? / MIB),
            Self::ImageStageTotal => Ok(db::usage::staged_bytes(conn, &project)? / MIB),
            Self::ImageCountTotal => db::usage::image_count(conn, &project),
            Self::ImageCountUploading => db::usage::arriving_images(conn, &project),
        });
        Ok(used.await?)
    }
}

/// How much of one thing is used, and how much of it there may be; a negative limit is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    pub name: &'static str,
    pub usage: u64,
    pub limit: i64,
}

/// The limits that hold for the caller's project. Nothing when the operator set none.
pub async fn usage(app: &App, ctx: &Context) -> Result<Vec<Usage>, Error> {
    let Some(project) = &ctx.project_id else { return Ok(Vec::new()) };
    let Some(reader) = &app.keystone_limits else { return storage_usage(app, project).await };
    let limits = reader.limits_of(project).await.map_err(unreadable)?;
    let mut all = Vec::new();
    for resource in Resource::ALL {
        let (name, usage) = (resource.name(), resource.used(app, project).await?);
        all.push(Usage { name, usage, limit: limits.of(name) });
    }
    Ok(all)
}

async fn storage_usage(app: &App, project: &str) -> Result<Vec<Usage>, Error> {
    let Some(limit) = app.limits.user_storage_quota else { return Ok(Vec::new()) };
    let resource = Resource::ImageSizeTotal;
    let limit = i64::try_from(limit / MIB).map_err(Error::internal)?;
    Ok(vec![Usage { name: resource.name(), usage: resource.used(app, project).await?, limit }])
}

/// 413 when the caller's project would have more than Keystone grants it, with `more` on top of what it has. An image
/// of somebody else counts for the caller too: it is the project of the request that pays.
pub async fn enforce(app: &App, ctx: &Context, resource: Resource, more: u64) -> Result<(), Error> {
    // A token without a project owns nothing; what it may do at all is the policy's matter.
    let (Some(reader), Some(project)) = (&app.keystone_limits, &ctx.project_id) else { return Ok(()) };
    let limit = reader.limits_of(project).await.map_err(unreadable)?.of(resource.name());
    let Ok(limit) = u64::try_from(limit) else { return Ok(()) };
    let used = resource.used(app, project).await?;
    if used.saturating_add(more) <= limit {
        return Ok(());
    }
    let name = resource.name();
    Err(Error::TooLarge(format!(
        "Project {project} is over a limit for [Resource {name} is over limit of {limit} due to current usage {used} \
         and delta {more}]"
    )))
}

/// [`enforce`] for data of this size, or of a size that nobody knows yet.
pub async fn enforce_size(
    app: &App,
    ctx: &Context,
    resource: Resource,
    size_bytes: Option<u64>,
) -> Result<(), Error> {
    enforce(app, ctx, resource, size_bytes.unwrap_or_default() / MIB).await
}

fn unreadable(trouble: Trouble) -> Error {
    let message =
        "The limits of the project cannot be read at the moment. Please try again later.".to_owned();
    Error::Unavailable { message, source: Some(Box::new(trouble)) }
}
