//! `/v2/schemas/…`: what the documents of the API look like, for clients that build their options from it.
//!
//! The documents are data: one table of paths, one handler.

use http::StatusCode;
use serde_json::{Value, json};

use super::reply::Reply;
use super::request::Request;
use crate::config::ImagesConfig;
use crate::error::Error;

mod image;
mod members;
mod metadefs;
mod tasks;

/// A path and the document behind it.
type Schema = (&'static str, fn(&ImagesConfig) -> Value);

const SCHEMAS: &[Schema] = &[
    ("/v2/schemas/image", image::one),
    ("/v2/schemas/images", image::page),
    ("/v2/schemas/member", |_| members::one()),
    ("/v2/schemas/members", |_| members::list()),
    ("/v2/schemas/task", |_| tasks::one()),
    ("/v2/schemas/tasks", |_| tasks::page()),
    ("/v2/schemas/metadefs/namespace", |_| metadefs::namespace()),
    ("/v2/schemas/metadefs/namespaces", |_| metadefs::namespaces()),
    ("/v2/schemas/metadefs/resource_type", |_| metadefs::resource_type()),
    ("/v2/schemas/metadefs/resource_types", |_| metadefs::resource_types()),
    ("/v2/schemas/metadefs/property", |_| metadefs::property()),
    ("/v2/schemas/metadefs/properties", |_| metadefs::properties()),
    ("/v2/schemas/metadefs/object", |_| metadefs::object()),
    ("/v2/schemas/metadefs/objects", |_| metadefs::objects()),
    ("/v2/schemas/metadefs/tag", |_| metadefs::tag()),
    ("/v2/schemas/metadefs/tags", |_| metadefs::tags()),
];

/// Shows the schema of a document.
pub async fn show(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let schema = document(request.route_path, &request.app.images)
        .ok_or_else(|| Error::internal("a route of schemas has no schema"))?;
    Ok(Reply::json(StatusCode::OK, &schema))
}

/// The document behind a path.
pub fn document(path: &str, rules: &ImagesConfig) -> Option<Value> {
    SCHEMAS.iter().find(|(known, _)| *known == path).map(|(_, schema)| schema(rules))
}

const ID_PATTERN: &str =
    "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";

/// A link of a schema: `rel` and the key of the document that holds the address.
fn link(relation: &str, key: &str) -> Value {
    json!({"rel": relation, "href": format!("{{{key}}}")})
}

/// The links of a document that comes in pages.
fn page_links() -> Value {
    json!([link("first", "first"), link("next", "next"), link("describedby", "schema")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ROUTES;

    #[test]
    fn every_route_of_schemas_has_its_document() {
        let routed: Vec<&str> =
            ROUTES.iter().map(|route| route.path).filter(|path| path.starts_with("/v2/schemas/")).collect();
        let known: Vec<&str> = SCHEMAS.iter().map(|(path, _)| *path).collect();
        assert_eq!(routed, known);
    }

    #[test]
    fn references_inside_a_schema_lead_somewhere() {
        for document in [
            metadefs::namespace(),
            metadefs::namespaces(),
            metadefs::property(),
            metadefs::properties(),
            metadefs::object(),
            metadefs::objects(),
        ] {
            let definitions = document["definitions"].as_object().expect("definitions");
            let text = document.to_string();
            for (position, _) in text.match_indices("#/definitions/") {
                let name = text[position..].trim_start_matches("#/definitions/");
                let name = &name[..name.find('"').expect("the end of the text")];
                assert!(definitions.contains_key(name), "{name} in {}", document["name"]);
            }
        }
    }
}
