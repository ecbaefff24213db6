//! `/v2/images/{image_id}/locations`.

use http::StatusCode;
use serde_json::Value;

use super::reply::Reply;
use super::request::Request;
use super::view;
use crate::error::Error;
use crate::images;

/// Lists where the data of an image lies.
pub async fn list(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let found = images::locations::list(&request.app, &request.context, request.param("image_id")).await?;
    Ok(Reply::json(StatusCode::OK, &Value::Array(found.iter().map(view::location).collect())))
}
