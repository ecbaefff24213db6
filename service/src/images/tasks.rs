//! The tasks that were about one image.

use crate::app::App;
use crate::clock;
use crate::context::Context;
use crate::db;
pub use crate::db::tasks::TaskRecord as Task;
use crate::error::Error;
use crate::images::load;

/// Those of the caller's project; an administrator sees all of them.
pub async fn list(app: &App, ctx: &Context, id: &str) -> Result<Vec<Task>, Error> {
    let visible = load(app, ctx, id).await?;
    let wanted = visible.image().id.clone();
    let mut tasks = app.db.read_briefly(move |conn| db::tasks::of_image(conn, &wanted, clock::now())).await?;
    tasks.retain(|task| ctx.is_admin || ctx.project_id.as_ref() == Some(&task.owner));
    Ok(tasks)
}
