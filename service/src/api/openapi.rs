//! `/openapi.json`: the whole API as an OpenAPI 3.1 document, made from the route table.
//!
//! Paths, methods, policy rules and versions come from [`ROUTES`]; what goes in and what comes out of each call stands
//! in the table here, and a test holds the two together.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::reply::Reply;
use super::route::Route;
use super::{ROUTES, schemas};
use crate::config::ImagesConfig;

/// What a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// A JSON document of this schema.
    Document(&'static str),
    Patch,
    Data,
    /// What begins an upload, and the first piece if it comes along.
    Begin,
    /// A piece of the data.
    Piece,
}

/// What a call answers when it succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gives {
    NoContent,
    /// Nothing yet: the work goes on.
    Accepted,
    /// A JSON document of this schema.
    Document(&'static str),
    /// The same for something that is new.
    Created(&'static str),
    Data,
    /// What the answer with the data would be headed with.
    Headers,
    /// The address of a new upload.
    Upload,
}

use Gives::{Created, NoContent};
use Takes::Nothing;

/// Every path and method with what goes in and what comes out, in the order of [`ROUTES`].
const CALLS: &[(&str, &str, Takes, Gives)] = &[
    ("GET", "/v2/images", Nothing, Gives::Document("images")),
    ("POST", "/v2/images", Takes::Document("image_new"), Created("image")),
    ("GET", "/v2/images/{image_id}", Nothing, Gives::Document("image")),
    ("PATCH", "/v2/images/{image_id}", Takes::Patch, Gives::Document("image")),
    ("DELETE", "/v2/images/{image_id}", Nothing, NoContent),
    ("PUT", "/v2/images/{image_id}/file", Takes::Data, NoContent),
    ("GET", "/v2/images/{image_id}/file", Nothing, Gives::Data),
    ("HEAD", "/v2/images/{image_id}/file", Nothing, Gives::Headers),
    ("POST", "/v2/images/{image_id}/uploads", Takes::Begin, Gives::Upload),
    ("GET", "/v2/images/{image_id}/uploads", Nothing, Gives::Document("object")),
    ("HEAD", "/v2/images/{image_id}/uploads/{upload_id}", Nothing, NoContent),
    ("PATCH", "/v2/images/{image_id}/uploads/{upload_id}", Takes::Piece, NoContent),
    ("DELETE", "/v2/images/{image_id}/uploads/{upload_id}", Nothing, NoContent),
    ("PUT", "/v2/images/{image_id}/tags/{tag}", Nothing, NoContent),
    ("DELETE", "/v2/images/{image_id}/tags/{tag}", Nothing, NoContent),
    ("POST", "/v2/images/{image_id}/locations", Takes::Document("location_new"), Gives::Accepted),
    ("GET", "/v2/images/{image_id}/locations", Nothing, Gives::Document("locations")),
    ("GET", "/v2/images/{image_id}/tasks", Nothing, Gives::Document("object")),
    ("POST", "/v2/images/{image_id}/actions/deactivate", Nothing, NoContent),
    ("POST", "/v2/images/{image_id}/actions/reactivate", Nothing, NoContent),
    ("GET", "/v2/images/{image_id}/members", Nothing, Gives::Document("members")),
    ("POST", "/v2/images/{image_id}/members", Takes::Document("member_new"), Gives::Document("member")),
    ("GET", "/v2/images/{image_id}/members/{member_id}", Nothing, Gives::Document("member")),
    (
        "PUT",
        "/v2/images/{image_id}/members/{member_id}",
        Takes::Document("member_status"),
        Gives::Document("member"),
    ),
    ("DELETE", "/v2/images/{image_id}/members/{member_id}", Nothing, NoContent),
    ("GET", "/v2/info/import", Nothing, Gives::Document("object")),
    ("GET", "/v2/info/stores", Nothing, Gives::Document("object")),
    ("GET", "/v2/info/stores/detail", Nothing, Gives::Document("object")),
    ("GET", "/v2/info/usage", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/image", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/images", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/member", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/members", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/task", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/tasks", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/metadefs/namespace", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/metadefs/namespaces", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/metadefs/resource_type", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/metadefs/resource_types", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/metadefs/property", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/metadefs/properties", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/metadefs/object", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/metadefs/objects", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/metadefs/tag", Nothing, Gives::Document("object")),
    ("GET", "/v2/schemas/metadefs/tags", Nothing, Gives::Document("object")),
];

/// Query parameters of the list of images: (name, type, may be repeated). Any other name filters by a property.
const LIST_PARAMETERS: &[(&str, &str, bool)] = &[
    ("limit", "integer", false),
    ("marker", "string", false),
    ("sort", "string", false),
    ("sort_key", "string", true),
    ("sort_dir", "string", true),
    ("name", "string", false),
    ("id", "string", false),
    ("status", "string", false),
    ("container_format", "string", false),
    ("disk_format", "string", false),
    ("visibility", "string", false),
    ("member_status", "string", false),
    ("owner", "string", false),
    ("protected", "string", false),
    ("os_hidden", "string", false),
    ("checksum", "string", false),
    ("os_hash_value", "string", false),
    ("created_at", "string", false),
    ("updated_at", "string", false),
    ("size_min", "integer", false),
    ("size_max", "integer", false),
    ("tag", "string", true),
];

/// Shows the document; it says nothing that a token would have to guard.
pub fn show(base_url: &str, rules: &ImagesConfig) -> Reply {
    Reply::json(StatusCode::OK, &document(base_url, rules))
}

/// The whole document.
fn document(base_url: &str, rules: &ImagesConfig) -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let item = paths.entry(route.path).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(item) = item {
            item.insert(route.method.as_str().to_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "OpenStack Image API",
            "version": "2",
            "summary": "Images for virtual machines: their records, their data, and who may use them.",
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {
                "type": "apiKey", "in": "header", "name": "X-Auth-Token",
                "description": "A token of the identity service",
            }},
            "schemas": components(rules),
            "responses": {"refusal": refusal()},
        },
    })
}

fn operation(route: &Route) -> Value {
    let call =
        CALLS.iter().find(|(method, path, ..)| *path == route.path && *method == route.method.as_str());
    let (takes, gives) = call.map_or((Nothing, NoContent), |(_, _, takes, gives)| (*takes, *gives));
    let rules: Vec<&str> = route.rules.iter().map(|rule| rule.name()).collect();
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.purpose,
        "parameters": parameters(route, takes),
        "responses": responses(gives),
        "x-openstack-since": route.since,
        "x-openstack-policy-rules": rules,
    });
    if let (Some(body), Value::Object(operation)) = (request_body(takes), &mut operation) {
        operation.insert("requestBody".to_owned(), body);
    }
    operation
}

/// `get_images_image_id_file`
fn operation_id(route: &Route) -> String {
    let path: String = route.path.trim_start_matches("/v2/").replace(['/', '-'], "_");
    format!("{}_{}", route.method.as_str().to_lowercase(), path.replace(['{', '}'], ""))
}

fn parameters(route: &Route, takes: Takes) -> Vec<Value> {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = names
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    if route.path == "/v2/images" && route.method == http::Method::GET {
        parameters.extend(LIST_PARAMETERS.iter().map(|(name, kind, repeated)| {
            let one = json!({"type": kind});
            let schema = if *repeated { json!({"type": "array", "items": one}) } else { one };
            json!({"name": name, "in": "query", "required": false, "schema": schema})
        }));
    }
    for (name, kind, required) in headers(takes) {
        let schema = json!({"type": kind});
        parameters.push(json!({"name": name, "in": "header", "required": required, "schema": schema}));
    }
    parameters
}

/// Headers that a call takes beside the usual: (name, type, required).
fn headers(takes: Takes) -> &'static [(&'static str, &'static str, bool)] {
    match takes {
        Nothing | Takes::Document(_) | Takes::Patch => &[],
        Takes::Data => {
            &[("X-OpenStack-Image-Size", "integer", false), ("X-Image-Meta-Store", "string", false)]
        }
        Takes::Begin => &[
            ("Upload-Complete", "string", true),
            ("Upload-Length", "integer", false),
            ("Repr-Digest", "string", false),
            ("X-Image-Meta-Store", "string", false),
        ],
        Takes::Piece => &[
            ("Upload-Offset", "integer", true),
            ("Upload-Complete", "string", true),
            ("Upload-Length", "integer", false),
            ("Content-Digest", "string", false),
            ("Repr-Digest", "string", false),
        ],
    }
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn request_body(takes: Takes) -> Option<Value> {
    let bytes = json!({"schema": {"type": "string", "format": "binary"}});
    let content = match takes {
        Nothing => return None,
        Takes::Begin => {
            return Some(json!({"required": false, "content": {"application/octet-stream": bytes}}));
        }
        Takes::Piece => json!({"application/partial-upload": bytes}),
        Takes::Document(schema) => json!({"application/json": {"schema": reference(schema)}}),
        Takes::Patch => {
            json!({"application/openstack-images-v2.1-json-patch": {"schema": reference("image_patch")}})
        }
        Takes::Data => json!({"application/octet-stream": bytes}),
    };
    Some(json!({"required": true, "content": content}))
}

fn responses(gives: Gives) -> Value {
    let document = |words: &str, schema: &str| json!({"description": words, "content": {"application/json": {"schema": reference(schema)}}});
    let data = |words: &str| {
        let schema = json!({"type": "string", "format": "binary"});
        json!({"description": words, "content": {"application/octet-stream": {"schema": schema}}})
    };
    let mut responses = Map::new();
    let mut answer = |status: &str, response: Value| responses.insert(status.to_owned(), response);
    match gives {
        NoContent => {
            answer("204", json!({"description": "Done"}));
        }
        Gives::Accepted => {
            answer("202", json!({"description": "The work has begun"}));
        }
        Gives::Document(schema) => {
            answer("200", document("The document", schema));
        }
        Created(schema) => {
            answer("201", document("The document of what is new", schema));
        }
        Gives::Data => {
            answer("200", data("All data"));
            answer("204", json!({"description": "There is no data"}));
            answer("206", data("The part that was asked for"));
            answer("304", json!({"description": "The client has the data"}));
        }
        Gives::Upload => {
            let text = json!({"schema": {"type": "string"}});
            let headers = json!({"Location": text, "Upload-Offset": text, "Upload-Limit": text});
            answer("201", json!({"description": "The address of the upload", "headers": headers}));
            answer("204", json!({"description": "All data came with the call"}));
        }
        Gives::Headers => {
            answer("200", json!({"description": "Length and entity tag of the data"}));
            answer("204", json!({"description": "There is no data"}));
            answer("304", json!({"description": "The client has the data"}));
        }
    }
    for status in ["4XX", "501", "503"] {
        answer(status, json!({"$ref": "#/components/responses/refusal"}));
    }
    Value::Object(responses)
}

/// Every refusal: its form follows `Accept`.
fn refusal() -> Value {
    let text = json!({"schema": {"type": "string"}});
    let error = json!({
        "type": "object",
        "properties": {
            "code": {"type": "integer"},
            "title": {"type": "string"},
            "message": {"type": "string"},
        },
        "required": ["code", "title", "message"],
    });
    let nested = json!({"type": "object", "properties": {"error": error}, "required": ["error"]});
    json!({
        "description": "Why the call was refused",
        "content": {"application/json": {"schema": nested}, "text/html": text, "text/plain": text},
    })
}

fn components(rules: &ImagesConfig) -> Value {
    let word =
        |name: &str| json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name]});
    let step = json!({
        "type": "object",
        "properties": {
            "op": {"enum": ["add", "replace", "remove"]},
            "path": {"type": "string"},
            "value": {},
        },
        "required": ["op", "path"],
    });
    let location = json!({
        "type": "object",
        "properties": {"url": {"type": "string"}, "metadata": {"type": "object"}},
        "required": ["url", "metadata"],
    });
    let mut components = json!({
        "object": {"type": "object"},
        "location_new": location_new(),
        "locations": {"type": "array", "items": location},
        "image_new": {"type": "object"},
        "image_patch": {"type": "array", "items": step},
        "member_new": word("member"),
        "member_status": word("status"),
    });
    if let Value::Object(components) = &mut components {
        for name in ["image", "images", "member", "members"] {
            if let Some(schema) = schemas::document(&format!("/v2/schemas/{name}"), rules) {
                components.insert(name.to_owned(), plain(schema));
            }
        }
    }
    components
}

fn location_new() -> Value {
    let digest = json!({
        "type": "object",
        "properties": {
            "os_hash_algo": {"enum": ["sha1", "sha256", "sha512", "md5"]},
            "os_hash_value": {"type": "string", "maxLength": 128},
        },
        "dependentRequired": {"os_hash_algo": ["os_hash_value"], "os_hash_value": ["os_hash_algo"]},
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {"url": {"type": "string"}, "validation_data": digest},
        "required": ["url"],
    })
}

/// A schema without what only the Image API knows: its own name, its links and who defined a property.
fn plain(schema: Value) -> Value {
    match schema {
        Value::Object(members) => {
            let is_document =
                members.get("name").is_some_and(Value::is_string) && members.contains_key("properties");
            let members = members.into_iter().filter(|(key, value)| match key.as_str() {
                "name" | "links" => !is_document,
                "is_base" => !value.is_boolean(),
                _ => true,
            });
            let mut kept: Map<String, Value> = members.map(|(key, value)| (key, plain(value))).collect();
            if is_document {
                kept.insert("type".to_owned(), json!("object"));
            }
            Value::Object(kept)
        }
        Value::Array(values) => Value::Array(values.into_iter().map(plain).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::attributes::tests::rules;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let routed: Vec<(&str, &str)> =
            ROUTES.iter().map(|route| (route.method.as_str(), route.path)).collect();
        let described: Vec<(&str, &str)> = CALLS.iter().map(|(method, path, ..)| (*method, *path)).collect();
        assert_eq!(described, routed);
        let document = document("http://controller:9292", &rules());
        let mut served = BTreeSet::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for method in item.as_object().expect("operations").keys() {
                served.insert((method.to_uppercase(), path.clone()));
            }
        }
        let routed: BTreeSet<_> =
            routed.into_iter().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
        assert_eq!(served, routed);
    }

    #[test]
    fn no_two_operations_have_one_id() {
        let ids: BTreeSet<String> = ROUTES.iter().map(operation_id).collect();
        assert_eq!(ids.len(), ROUTES.len());
        assert!(ids.contains("get_images_image_id_file"), "{ids:?}");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document("http://controller:9292", &rules());
        let text = document.to_string();
        for (position, _) in text.match_indices("\"#/") {
            let pointer = &text[position + 2..];
            let pointer = &pointer[..pointer.find('"').expect("the end of the text")];
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn path_parameters_are_named_as_in_the_path() {
        let document = document("http://controller:9292", &rules());
        let operation = &document["paths"]["/v2/images/{image_id}/members/{member_id}"]["put"];
        let names: Vec<&str> = operation["parameters"]
            .as_array()
            .expect("parameters")
            .iter()
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert_eq!(names, ["image_id", "member_id"]);
        assert_eq!(operation["x-openstack-policy-rules"], json!(["get_member", "modify_member"]));
        assert_eq!(document["components"]["schemas"]["image"]["type"], "object");
        assert_eq!(document["components"]["schemas"]["image"]["properties"]["name"]["maxLength"], 255);
    }
}
