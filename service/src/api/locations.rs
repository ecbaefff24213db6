//! `/v2/images/{image_id}/locations`.

use http::StatusCode;
use serde_json::Value;

use super::reply::Reply;
use super::request::Request;
use super::{attributes, view};
use crate::error::Error;
use crate::images;

/// Lists where the data of an image lies.
pub async fn list(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let found = images::locations::list(&request.app, &request.context, request.param("image_id")).await?;
    Ok(Reply::json(StatusCode::OK, &Value::Array(found.iter().map(view::location).collect())))
}

/// Takes a location for a queued image; what becomes of it is seen in the image and in its tasks.
pub async fn add(request: Request) -> Result<Reply, Error> {
    let id = request.param("image_id").to_owned();
    let Request { app, context, body, .. } = request;
    let new = attributes::new_location(&body.json().await?)?;
    images::locations::add::add(&app, &context, &id, new).await?;
    Ok(Reply::empty(StatusCode::ACCEPTED))
}
