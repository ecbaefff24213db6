//! What a project uses and what it may use.
//!
//! The limits are Keystone's where `use_keystone_limits` says so, else `user_storage_quota`. They are read first and
//! counted against inside of the transaction that takes something, so that what comes at the same time cannot pass
//! together. The project that owns the image pays, unless the operator has the caller's pay as Glance does.

use crate::app::App;
use crate::auth::keystone::Trouble;
use crate::context::Context;
use crate::db::connection::Connection;
use crate::db::{self, DbError};
use crate::error::Error;
use glasshouse_shared::image::Image;

/// Keystone has its limits of sizes in these; here every byte counts.
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

    /// What one of Keystone's limit is of ours: bytes, or images.
    fn unit(self) -> u64 {
        match self {
            Self::ImageSizeTotal | Self::ImageStageTotal => MIB,
            Self::ImageCountTotal | Self::ImageCountUploading => 1,
        }
    }

    /// The bytes of one image may be left out.
    fn used(self, conn: &mut dyn Connection, project: &str, except_image: &str) -> Result<u64, DbError> {
        match self {
            Self::ImageSizeTotal => db::usage::claimed_bytes(conn, project, except_image),
            Self::ImageStageTotal => db::usage::staged_bytes(conn, project),
            Self::ImageCountTotal => db::usage::image_count(conn, project),
            Self::ImageCountUploading => db::usage::arriving_images(conn, project),
        }
    }

    async fn shown(self, app: &App, project: &str) -> Result<u64, Error> {
        let project = project.to_owned();
        Ok(app.db.read(move |conn| self.used(conn, &project, "")).await? / self.unit())
    }
}

/// How much of one thing is used, and how much of it there may be; a negative limit is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    pub name: &'static str,
    pub usage: u64,
    pub limit: i64,
}

/// The limits that hold for the caller's project. Nothing when the operator set none. What is reserved for uploads
/// counts as used.
pub async fn usage(app: &App, ctx: &Context) -> Result<Vec<Usage>, Error> {
    let Some(project) = &ctx.project_id else { return Ok(Vec::new()) };
    let Some(reader) = &app.keystone_limits else { return storage_usage(app, project).await };
    let limits = reader.limits_of(project).await.map_err(unreadable)?;
    let mut all = Vec::new();
    for resource in Resource::ALL {
        let (name, usage) = (resource.name(), resource.shown(app, project).await?);
        all.push(Usage { name, usage, limit: limits.of(name) });
    }
    Ok(all)
}

async fn storage_usage(app: &App, project: &str) -> Result<Vec<Usage>, Error> {
    let Some(limit) = app.limits.user_storage_quota else { return Ok(Vec::new()) };
    let resource = Resource::ImageSizeTotal;
    let limit = i64::try_from(limit / MIB).map_err(Error::internal)?;
    Ok(vec![Usage { name: resource.name(), usage: resource.shown(app, project).await?, limit }])
}

/// The project that pays for an image. None pays for an image without an owner, and for a caller without a project;
/// what those may do at all is the policy's matter.
fn payer<'a>(app: &App, caller: Option<&'a str>, owner: Option<&'a str>) -> Option<&'a str> {
    if app.limits.charge_image_owner { owner } else { caller }
}

/// How much of one thing a project may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    resource: Resource,
    project: String,
    /// Bytes, or images.
    maximum: u64,
    is_of_keystone: bool,
}

impl Grant {
    /// What Keystone grants whoever pays for an image of `owner`; `None` without a limit.
    pub async fn of_keystone(
        app: &App,
        ctx: &Context,
        owner: Option<&str>,
        resource: Resource,
    ) -> Result<Option<Self>, Error> {
        let project = payer(app, ctx.project_id.as_deref(), owner);
        let (Some(reader), Some(project)) = (&app.keystone_limits, project) else { return Ok(None) };
        let limit = reader.limits_of(project).await.map_err(unreadable)?.of(resource.name());
        let Ok(limit) = u64::try_from(limit) else { return Ok(None) };
        let maximum = limit.saturating_mul(resource.unit());
        Ok(Some(Self { resource, project: project.to_owned(), maximum, is_of_keystone: true }))
    }

    /// What `user_storage_quota` grants; `None` where it is not set.
    pub fn of_storage(app: &App, caller: Option<&str>, owner: Option<&str>) -> Option<Self> {
        let (maximum, project) = (app.limits.user_storage_quota?, payer(app, caller, owner)?.to_owned());
        Some(Self { resource: Resource::ImageSizeTotal, project, maximum, is_of_keystone: false })
    }

    /// Makes everybody else who counts what the project has wait for the end of this transaction, which has read
    /// nothing yet.
    pub fn lock(&self, conn: &mut dyn Connection) -> Result<(), DbError> {
        db::reservations::lock(conn, &self.project)
    }

    /// `OverLimit` unless there is room for `more` beside all that the project has, one image apart; answers how much
    /// room there is.
    pub fn check(&self, conn: &mut dyn Connection, except_image: &str, more: u64) -> Result<u64, DbError> {
        let used = self.resource.used(conn, &self.project, except_image)?;
        if used.saturating_add(more) <= self.maximum {
            return Ok(self.maximum - used);
        }
        Err(DbError::OverLimit(self.refusal(used, more)))
    }

    fn refusal(&self, used: u64, more: u64) -> String {
        let Self { resource, project, maximum, is_of_keystone } = self;
        if !is_of_keystone {
            return format!(
                "The storage quota of the project is {maximum} bytes: {used} are used, and {more} more are wanted."
            );
        }
        // A part of a unit is one, so that the sum is seen to be too much.
        let (name, unit) = (resource.name(), resource.unit());
        let (limit, used, more) = (maximum / unit, used.div_ceil(unit), more.div_ceil(unit));
        format!(
            "Project {project} is over a limit for [Resource {name} is over limit of {limit} due to current usage \
             {used} and delta {more}]"
        )
    }
}

/// What the data of an image has to fit into.
#[derive(Debug, Clone, Default)]
pub struct Room {
    bytes: Option<Grant>,
    arriving: Option<Grant>,
}

impl Room {
    /// The limits as they are now.
    pub async fn of(app: &App, ctx: &Context, image: &Image) -> Result<Self, Error> {
        let owner = image.owner.as_deref();
        let bytes = match Grant::of_storage(app, ctx.project_id.as_deref(), owner) {
            Some(quota) => Some(quota),
            None => Grant::of_keystone(app, ctx, owner, Resource::ImageSizeTotal).await?,
        };
        let arriving = Grant::of_keystone(app, ctx, owner, Resource::ImageCountUploading).await?;
        Ok(Self { bytes, arriving })
    }

    /// Reserves `declared` bytes for an image, at the beginning of the transaction that claims it; answers how many
    /// bytes there is room for. Of data whose length nobody knows one byte must fit.
    pub fn reserve(
        &self,
        conn: &mut dyn Connection,
        image_id: &str,
        declared: Option<u64>,
    ) -> Result<u64, DbError> {
        if let Some(grant) = self.bytes.as_ref().or(self.arriving.as_ref()) {
            grant.lock(conn)?;
        }
        let Some(grant) = &self.bytes else { return Ok(u64::MAX) };
        let left = grant.check(conn, image_id, declared.unwrap_or(1))?;
        db::reservations::put(conn, image_id, &grant.project, declared.unwrap_or_default())?;
        Ok(left)
    }

    /// `OverLimit` when the images that arrive, with the one that this transaction claimed, are too many.
    pub fn check_arriving(&self, conn: &mut dyn Connection) -> Result<(), DbError> {
        self.arriving.as_ref().map_or(Ok(()), |grant| grant.check(conn, "", 0).map(|_| ()))
    }

    /// How long the data of an image that is claimed may become: what is reserved for it, and what is left beside.
    pub async fn left(&self, app: &App, image_id: &str) -> Result<u64, Error> {
        let Some(grant) = self.bytes.clone() else { return Ok(u64::MAX) };
        let id = image_id.to_owned();
        let left = app.db.read(move |conn| {
            let reserved = db::reservations::of_image(conn, &id)?;
            match grant.check(conn, &id, 1) {
                Ok(left) => Ok(left.max(reserved)),
                // What is promised is kept, whatever else the project has got since.
                Err(DbError::OverLimit(_)) if reserved > 0 => Ok(reserved),
                Err(error) => Err(error),
            }
        });
        Ok(left.await?)
    }

    /// At the beginning of the transaction that makes an image active: `OverLimit` when its data is more than was
    /// reserved, and does not fit.
    pub fn settle(&self, conn: &mut dyn Connection, image_id: &str, size_bytes: u64) -> Result<(), DbError> {
        let Some(grant) = &self.bytes else { return Ok(()) };
        grant.lock(conn)?;
        if size_bytes <= db::reservations::of_image(conn, image_id)? {
            return Ok(());
        }
        grant.check(conn, image_id, size_bytes).map(|_| ())
    }
}

fn unreadable(trouble: Trouble) -> Error {
    let message =
        "The limits of the project cannot be read at the moment. Please try again later.".to_owned();
    Error::Unavailable { message, source: Some(Box::new(trouble)) }
}
