//! `/v2/images/{image_id}/tags/{tag}`.

use super::reply::Reply;
use super::request::Request;
use crate::error::Error;
use crate::images;

/// Adds a tag to an image; idempotent.
pub async fn add(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    images::tags::add(&request.app, &request.context, request.param("image_id"), request.param("tag"))
        .await?;
    Ok(Reply::no_content())
}

/// Removes a tag from an image.
pub async fn remove(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    images::tags::remove(&request.app, &request.context, request.param("image_id"), request.param("tag"))
        .await?;
    Ok(Reply::no_content())
}
