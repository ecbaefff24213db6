//! Deactivate an image, so that only administrators read its data, and reactivate it.

use crate::app::App;
use crate::clock;
use crate::context::Context;
use crate::db::images::StatusChange;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::{load, not_found, status};
use crate::policy::Rule;
use glasshouse_shared::image::Status;

/// Closes the data of an active image; nothing happens to one that is deactivated already.
pub async fn deactivate(app: &App, ctx: &Context, id: &str) -> Result<(), Error> {
    switch(app, ctx, id, Rule::Deactivate, Status::Deactivated).await
}

/// Opens the data again; nothing happens to an image that is active.
pub async fn reactivate(app: &App, ctx: &Context, id: &str) -> Result<(), Error> {
    switch(app, ctx, id, Rule::Reactivate, Status::Active).await
}

async fn switch(app: &App, ctx: &Context, id: &str, rule: Rule, to: Status) -> Result<(), Error> {
    let visible = load(app, ctx, id).await?;
    visible.enforce(app, ctx, rule)?;
    let from = visible.image().status;
    if from == to {
        return Ok(());
    }
    // Both actions are about the data of an image that has some; what else leads to `active` is not asked for here.
    if !matches!(from, Status::Active | Status::Deactivated) || !status::may_move(from, to) {
        let word = if to == Status::Active { "reactivate" } else { "deactivate" };
        return Err(Error::Forbidden(format!("Not allowed to {word} image in status '{from}'")));
    }
    let wanted = id.to_owned();
    let change = StatusChange::to(to);
    let switched =
        app.db.write(move |conn| db::images::set_status(conn, &wanted, &[from], &change, clock::now()));
    switched.await.map_err(|error| match error {
        DbError::Missing => not_found(id),
        DbError::Stale => Error::Conflict(format!(
            "Image {id} changed its status meanwhile. Please read it again and retry."
        )),
        other => other.into(),
    })
}
