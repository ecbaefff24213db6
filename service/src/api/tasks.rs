//! `/v2/images/{image_id}/tasks`.

use http::StatusCode;
use serde_json::{Value, json};

use super::reply::Reply;
use super::request::Request;
use super::view;
use crate::error::Error;
use crate::images;

/// Lists the tasks that are about one image.
pub async fn of_image(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let tasks = images::tasks::list(&request.app, &request.context, request.param("image_id")).await?;
    let documents: Vec<Value> = tasks.iter().map(view::task_of_image).collect();
    Ok(Reply::json(StatusCode::OK, &json!({ "tasks": documents })))
}
