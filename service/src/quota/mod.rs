//! What a project uses and what it may use.

use crate::app::App;
use crate::context::Context;
use crate::db;
use crate::error::Error;

const MIB: u64 = 1024 * 1024;

/// How much of one thing is used, and how much of it there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    pub name: &'static str,
    pub usage: u64,
    pub limit: u64,
}

/// The limits that hold for the caller's project. Nothing when the operator set none.
pub async fn usage(app: &App, ctx: &Context) -> Result<Vec<Usage>, Error> {
    let (Some(limit), Some(project)) = (app.limits.user_storage_quota, ctx.project_id.clone()) else {
        return Ok(Vec::new());
    };
    let used = app.db.read(move |conn| db::images::usage_bytes(conn, &project, None)).await?;
    Ok(vec![Usage { name: "image_size_total", usage: used / MIB, limit: limit / MIB }])
}
