//! Add and remove one tag.

use crate::app::App;
use crate::clock;
use crate::context::Context;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::create::within_limit;
use crate::images::{load, not_found};
use crate::policy::Rule;

const TAG_MAX_CHARS: usize = 255;

/// Adds `tag`; nothing happens when the image has it already.
pub async fn add(app: &App, ctx: &Context, id: &str, tag: &str) -> Result<(), Error> {
    check(tag)?;
    let visible = load(app, ctx, id).await?;
    visible.enforce(app, ctx, Rule::ModifyImage)?;
    if visible.image().tags.contains(tag) {
        return Ok(());
    }
    let (wanted, tag, maximum) = (id.to_owned(), tag.to_owned(), app.limits.image_tag_quota);
    let added = app.db.write(move |conn| {
        let count = db::tags::add(conn, &wanted, &tag, clock::now())?;
        within_limit("tags", count, maximum)
    });
    added.await.map_err(|error| match error {
        DbError::Missing => not_found(id),
        other => other.into(),
    })
}

/// Removes `tag`. 404 when the image does not have it.
pub async fn remove(app: &App, ctx: &Context, id: &str, tag: &str) -> Result<(), Error> {
    let visible = load(app, ctx, id).await?;
    visible.enforce(app, ctx, Rule::ModifyImage)?;
    let (id, tag) = (id.to_owned(), tag.to_owned());
    app.db.write(move |conn| db::tags::remove(conn, &id, &tag, clock::now())).await.map_err(|error| {
        match error {
            DbError::Missing => Error::NotFound("The tag was not found on the image.".to_owned()),
            other => other.into(),
        }
    })
}

fn check(tag: &str) -> Result<(), Error> {
    let length = tag.chars().count();
    if length > TAG_MAX_CHARS {
        let message = format!(
            "Provided object does not match schema 'tag': the tag has {length} characters, {TAG_MAX_CHARS} are allowed"
        );
        return Err(Error::BadRequest(message));
    }
    Ok(())
}
