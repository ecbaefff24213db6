//! `/v2/images/{image_id}/actions/…`

use super::reply::Reply;
use super::request::Request;
use crate::error::Error;
use crate::images;

/// Closes the data of an image to all but administrators.
pub async fn deactivate(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    images::actions::deactivate(&request.app, &request.context, request.param("image_id")).await?;
    Ok(Reply::no_content())
}

/// Opens the data of a deactivated image again.
pub async fn reactivate(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    images::actions::reactivate(&request.app, &request.context, request.param("image_id")).await?;
    Ok(Reply::no_content())
}
