//! The locations of an image: who reads them, and how one comes and goes without an upload.

use crate::app::App;
use crate::context::Context;
pub use crate::db::locations::LocationRecord as Location;
use crate::error::Error;
use crate::images::load;
use crate::policy::Rule;

pub mod add;
pub mod change;
pub mod hash;
mod outside;

/// Where the data lies. The image must be in reach of the caller's own project.
pub async fn list(app: &App, ctx: &Context, id: &str) -> Result<Vec<Location>, Error> {
    let visible = load(app, ctx, id).await?;
    visible.enforce(app, ctx, Rule::FetchImageLocation)?;
    Ok(visible.shown_locations().to_vec())
}
