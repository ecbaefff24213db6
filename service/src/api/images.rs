//! `/v2/images` and `/v2/images/{image_id}`.

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderName, StatusCode};
use serde::Serialize;

use super::reply::Reply;
use super::request::Request;
use super::{attributes, patch, view};
use crate::error::Error;
use crate::images;
use glasshouse_shared::listing::ListQuery;

const IMPORT_METHODS: HeaderName = HeaderName::from_static("openstack-image-import-methods");
const STORE_IDS: HeaderName = HeaderName::from_static("openstack-image-store-ids");

/// Lists the images that the caller may see, a page at a time.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let mut query = ListQuery::parse(&request.query).map_err(|error| Error::BadRequest(error.to_string()))?;
    let asked = query.clone();
    let page = images::list::list(&request.app, &request.context, &mut query).await?;
    let document = PageView {
        images: page.images.iter().map(|visible| view::image(&request.app, visible)).collect(),
        first: link(&asked.from_start()),
        next: page.next_marker.map(|marker| link(&asked.after(&marker))),
        schema: "/v2/schemas/images",
    };
    Ok(Reply::json(StatusCode::OK, &document))
}

/// The document of a list.
#[derive(Serialize)]
struct PageView<'a> {
    images: Vec<view::ImageView<'a>>,
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    schema: &'static str,
}

fn link(query: &ListQuery) -> String {
    let query = query.to_query();
    if query.is_empty() { "/v2/images".to_owned() } else { format!("/v2/images?{query}") }
}

/// Creates the record of an image, in status `queued`.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let Request { app, context, body, base_url, .. } = request;
    let new = attributes::new_image(&body.json().await?, &app.images)?;
    let visible = images::create::create(&app, &context, new).await?;
    let mut reply = Reply::json(StatusCode::CREATED, &view::image(&app, &visible))
        .with(LOCATION, format!("{base_url}/v2/images/{}", visible.image().id));
    if !app.images.import_methods.is_empty() {
        reply = reply.with(IMPORT_METHODS, app.images.import_methods.join(","));
    }
    if app.stores.is_multi() {
        let ids: Vec<&str> = app.stores.iter().map(|store| store.id.as_str()).collect();
        reply = reply.with(STORE_IDS, ids.join(","));
    }
    Ok(reply)
}

/// Shows the record of an image.
pub async fn show(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let visible = images::load(&request.app, &request.context, request.param("image_id")).await?;
    Ok(Reply::json(StatusCode::OK, &view::image(&request.app, &visible)))
}

/// Changes attributes and properties of an image by a JSON patch.
pub async fn update(request: Request) -> Result<Reply, Error> {
    let dialect = patch::Dialect::of(request.header(CONTENT_TYPE.as_str()))?;
    let id = request.param("image_id").to_owned();
    let Request { app, context, body, .. } = request;
    let changes = patch::parse(dialect, &body.json().await?, &app.images)?;
    let visible = images::update::update(&app, &context, &id, changes).await?;
    Ok(Reply::json(StatusCode::OK, &view::image(&app, &visible)))
}

/// Deletes an image and its data.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    images::delete::delete(request.app.clone(), &request.context, request.param("image_id")).await?;
    Ok(Reply::no_content())
}
