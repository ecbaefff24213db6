//! The HTTP face: the table of contents, in the order of the API reference, and the one place that names warp.

use http::Method;

use crate::policy::Rule;

mod actions;
mod activity;
mod admission;
mod attributes;
mod body;
mod conduit;
mod cors;
mod digest;
mod dispatch;
mod fault;
mod greeting;
mod health;
mod html;
mod image_data;
mod images;
mod info;
mod locations;
mod members;
mod openapi;
mod patch;
mod reply;
mod request;
mod route;
mod schemas;
pub mod server;
mod tags;
mod tasks;
pub mod threads;
mod uploads;
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
        &[
            Rule::ModifyImage,
            Rule::PublicizeImage,
            Rule::CommunitizeImage,
            Rule::SetImageLocation,
            Rule::DeleteImageLocation,
        ],
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
        Method::POST,
        "/v2/images/{image_id}/uploads",
        uploads::create,
        &[Rule::UploadImage],
        "own",
        "Begin an upload in pieces"
    ),
    route!(
        Method::GET,
        "/v2/images/{image_id}/uploads",
        uploads::list,
        &[Rule::UploadImage],
        "own",
        "List the open uploads of an image"
    ),
    route!(
        Method::HEAD,
        "/v2/images/{image_id}/uploads/{upload_id}",
        uploads::describe,
        &[Rule::UploadImage],
        "own",
        "Tell how far an upload has come"
    ),
    route!(
        Method::PATCH,
        "/v2/images/{image_id}/uploads/{upload_id}",
        uploads::append,
        &[Rule::UploadImage],
        "own",
        "Append a piece to an upload"
    ),
    route!(
        Method::DELETE,
        "/v2/images/{image_id}/uploads/{upload_id}",
        uploads::cancel,
        &[Rule::UploadImage],
        "own",
        "Cancel an upload"
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
    route!(
        Method::POST,
        "/v2/images/{image_id}/locations",
        locations::add,
        &[Rule::AddImageLocation],
        "2.17",
        "Add a location to an image"
    ),
    route!(
        Method::GET,
        "/v2/images/{image_id}/locations",
        locations::list,
        &[Rule::FetchImageLocation],
        "2.17",
        "List the locations of an image"
    ),
    route!(
        Method::GET,
        "/v2/images/{image_id}/tasks",
        tasks::of_image,
        &[Rule::GetImage],
        "2.12",
        "List the tasks of an image"
    ),
    route!(
        Method::POST,
        "/v2/images/{image_id}/actions/deactivate",
        actions::deactivate,
        &[Rule::Deactivate],
        "2.3",
        "Deactivate an image"
    ),
    route!(
        Method::POST,
        "/v2/images/{image_id}/actions/reactivate",
        actions::reactivate,
        &[Rule::Reactivate],
        "2.3",
        "Reactivate an image"
    ),
    route!(
        Method::GET,
        "/v2/images/{image_id}/members",
        members::list,
        &[Rule::GetMembers, Rule::GetMember],
        "2.1",
        "List the members of an image"
    ),
    route!(
        Method::POST,
        "/v2/images/{image_id}/members",
        members::create,
        &[Rule::AddMember],
        "2.1",
        "Share an image with a project"
    ),
    route!(
        Method::GET,
        "/v2/images/{image_id}/members/{member_id}",
        members::show,
        &[Rule::GetMember],
        "2.1",
        "Show a member of an image"
    ),
    route!(
        Method::PUT,
        "/v2/images/{image_id}/members/{member_id}",
        members::update,
        &[Rule::GetMember, Rule::ModifyMember],
        "2.1",
        "Accept or reject an image"
    ),
    route!(
        Method::DELETE,
        "/v2/images/{image_id}/members/{member_id}",
        members::delete,
        &[Rule::GetMember, Rule::DeleteMember],
        "2.1",
        "Stop sharing an image with a project"
    ),
    route!(Method::GET, "/v2/info/import", info::import, &[], "2.6", "Show the import methods"),
    route!(Method::GET, "/v2/info/stores", info::stores, &[], "2.8", "List the stores"),
    route!(
        Method::GET,
        "/v2/info/stores/detail",
        info::stores_detail,
        &[Rule::StoresInfoDetail],
        "2.15",
        "List the stores with their properties"
    ),
    route!(
        Method::GET,
        "/v2/info/usage",
        info::usage,
        &[],
        "2.13",
        "Show what the project uses of its limits"
    ),
    route!(Method::GET, "/v2/schemas/image", schemas::show, &[], "2.0", "Show the image schema"),
    route!(
        Method::GET,
        "/v2/schemas/images",
        schemas::show,
        &[],
        "2.0",
        "Show the schema of a list of images"
    ),
    route!(Method::GET, "/v2/schemas/member", schemas::show, &[], "2.1", "Show the member schema"),
    route!(
        Method::GET,
        "/v2/schemas/members",
        schemas::show,
        &[],
        "2.1",
        "Show the schema of a list of members"
    ),
    route!(Method::GET, "/v2/schemas/task", schemas::show, &[], "2.2", "Show the task schema"),
    route!(Method::GET, "/v2/schemas/tasks", schemas::show, &[], "2.2", "Show the schema of a list of tasks"),
    route!(
        Method::GET,
        "/v2/schemas/metadefs/namespace",
        schemas::show,
        &[],
        "2.2",
        "Show the schema of a metadata namespace"
    ),
    route!(
        Method::GET,
        "/v2/schemas/metadefs/namespaces",
        schemas::show,
        &[],
        "2.2",
        "Show the schema of a list of namespaces"
    ),
    route!(
        Method::GET,
        "/v2/schemas/metadefs/resource_type",
        schemas::show,
        &[],
        "2.2",
        "Show the schema of a metadata resource type"
    ),
    route!(
        Method::GET,
        "/v2/schemas/metadefs/resource_types",
        schemas::show,
        &[],
        "2.2",
        "Show the schema of a list of resource types"
    ),
    route!(
        Method::GET,
        "/v2/schemas/metadefs/property",
        schemas::show,
        &[],
        "2.2",
        "Show the schema of a metadata property"
    ),
    route!(
        Method::GET,
        "/v2/schemas/metadefs/properties",
        schemas::show,
        &[],
        "2.2",
        "Show the schema of a list of properties"
    ),
    route!(
        Method::GET,
        "/v2/schemas/metadefs/object",
        schemas::show,
        &[],
        "2.2",
        "Show the schema of a metadata object"
    ),
    route!(
        Method::GET,
        "/v2/schemas/metadefs/objects",
        schemas::show,
        &[],
        "2.2",
        "Show the schema of a list of objects"
    ),
    route!(
        Method::GET,
        "/v2/schemas/metadefs/tag",
        schemas::show,
        &[],
        "2.2",
        "Show the schema of a metadata tag"
    ),
    route!(
        Method::GET,
        "/v2/schemas/metadefs/tags",
        schemas::show,
        &[],
        "2.2",
        "Show the schema of a list of tags"
    ),
];

/// The calls that ask a policy rule, for the pages about rules.
pub fn calls_of(rule: Rule) -> Vec<String> {
    let asking = ROUTES.iter().filter(|route| route.rules.contains(&rule));
    asking.map(|route| format!("{} {}", route.method, route.path)).collect()
}

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
