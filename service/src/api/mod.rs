//! The HTTP face: the table of contents, in the order of the API reference, and the one place that names warp.

use http::Method;

use crate::policy::Rule;

mod attributes;
mod body;
mod digest;
mod dispatch;
mod fault;
mod html;
mod image_data;
mod images;
mod patch;
mod reply;
mod request;
mod route;
mod schemas;
pub mod server;
mod tags;
mod validator;
mod versions;
mod view;

pub use dispatch::{Api, Neighbour};
use route::{Route, route};

/// Every route of the service. The router, `Allow`, `docs/api-coverage.md` and the policy-coverage test are made
/// from it.
pub const ROUTES: &[Route] = &[
    //     method          path                                handler               policy rules                since  purpose
    route!(Method::GET, "/v2/images", images::list, &[Rule::GetImages, Rule::GetImage], "2.0", "List images"),
    route!(
        Method::POST,
        "/v2/images",
        images::create,
        &[Rule::AddImage, Rule::PublicizeImage, Rule::CommunitizeImage],
        "2.0",
        "Create an image"
    ),
    route!(Method::GET, "/v2/images/{image_id}", images::show, &[Rule::GetImage], "2.0", "Show an image"),
    route!(
        Method::PATCH,
        "/v2/images/{image_id}",
        images::update,
        &[Rule::ModifyImage, Rule::PublicizeImage, Rule::CommunitizeImage],
        "2.0",
        "Update an image"
    ),
    route!(
        Method::DELETE,
        "/v2/images/{image_id}",
        images::delete,
        &[Rule::DeleteImage],
        "2.0",
        "Delete an image"
    ),
    route!(
        Method::PUT,
        "/v2/images/{image_id}/file",
        image_data::upload,
        &[Rule::UploadImage],
        "2.0",
        "Upload image data"
    ),
    route!(
        Method::GET,
        "/v2/images/{image_id}/file",
        image_data::download,
        &[Rule::DownloadImage],
        "2.0",
        "Download image data"
    ),
    route!(
        Method::HEAD,
        "/v2/images/{image_id}/file",
        image_data::describe,
        &[Rule::DownloadImage],
        "2.0",
        "Tell length and digest of image data"
    ),
    route!(
        Method::PUT,
        "/v2/images/{image_id}/tags/{tag}",
        tags::add,
        &[Rule::ModifyImage],
        "2.0",
        "Add a tag"
    ),
    route!(
        Method::DELETE,
        "/v2/images/{image_id}/tags/{tag}",
        tags::remove,
        &[Rule::ModifyImage],
        "2.0",
        "Remove a tag"
    ),
    route!(Method::GET, "/v2/schemas/image", schemas::image, &[], "2.0", "Show the image schema"),
    route!(
        Method::GET,
        "/v2/schemas/images",
        schemas::images,
        &[],
        "2.0",
        "Show the schema of a list of images"
    ),
];

/// `docs/api-coverage.md`: what is there, from the same table that routes.
pub fn coverage_markdown() -> String {
    let head = "# API coverage\n\nMade from the route table; do not edit.\n\n| since | method | path | purpose | policy rules |\n| --- | --- | --- | --- | --- |\n";
    let rows = ROUTES.iter().map(|route| {
        let rules: Vec<_> = route.rules.iter().map(|rule| rule.name()).collect();
        let rules = if rules.is_empty() { "any valid token".to_owned() } else { rules.join(", ") };
        format!("| {} | {} | `{}` | {} | {rules} |\n", route.since, route.method, route.path, route.purpose)
    });
    std::iter::once(head.to_owned()).chain(rows).collect()
}
