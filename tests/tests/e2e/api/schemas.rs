//! GET /v2/schemas/….

use glasshouse_tests::deployment::{Deployment, Site};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::keystone::READER;
use serde_json::{Value, json};

on_every_site!(
    the_image_schema_says_what_an_image_is,
    the_list_schema_says_what_a_list_is,
    a_schema_takes_no_body,
);

on_both_databases!(every_schema_has_the_structure_of_glances, the_schemas_of_tasks_take_no_body_either);

/// Every schema that is served.
pub(crate) const NAMES: [&str; 16] = [
    "image",
    "images",
    "member",
    "members",
    "task",
    "tasks",
    "metadefs/namespace",
    "metadefs/namespaces",
    "metadefs/resource_type",
    "metadefs/resource_types",
    "metadefs/property",
    "metadefs/properties",
    "metadefs/object",
    "metadefs/objects",
    "metadefs/tag",
    "metadefs/tags",
];

fn a_schema_takes_no_body(site: &Site) {
    for name in NAMES.into_iter().filter(|name| !name.starts_with("task")) {
        let call = site.api(READER).call("GET", &format!("/v2/schemas/{name}")).json(&json!({}));
        call.send().expect(400);
        site.anonymous().get(&format!("/v2/schemas/{name}")).expect(401);
    }
    site.api(READER).get("/v2/schemas/nothing").expect(404);
    site.api(READER).get("/v2/schemas/metadefs").expect(404);
}

fn the_schemas_of_tasks_take_no_body_either(controller: &Deployment) {
    for path in ["/v2/schemas/task", "/v2/schemas/tasks", "/v2/info/usage"] {
        controller.api(READER).call("GET", path).json(&json!({})).send().expect(400);
    }
}

fn every_schema_has_the_structure_of_glances(controller: &Deployment) {
    for name in NAMES {
        let path = format!("/v2/schemas/{name}");
        let mut ours = controller.api(READER).get(&path).expect(200).json();
        let mut theirs = Glance::shared().site().api(READER).get(&path).expect(200).json();
        for document in [&mut ours, &mut theirs] {
            take_descriptions(document);
        }
        assert_eq!(ours, theirs, "{name}");
    }
}

/// The words are everybody's own.
fn take_descriptions(document: &mut Value) {
    match document {
        Value::Object(members) => {
            // An attribute may be called so as well: then it is no text.
            if members.get("description").is_some_and(Value::is_string) {
                members.remove("description");
            }
            members.values_mut().for_each(take_descriptions);
        }
        Value::Array(values) => values.iter_mut().for_each(take_descriptions),
        _ => {}
    }
}

fn the_image_schema_says_what_an_image_is(site: &Site) {
    let schema = site.api(READER).get("/v2/schemas/image").expect(200).json();
    assert_eq!(
        (&schema["name"], &schema["additionalProperties"]),
        (&json!("image"), &json!({"type": "string"}))
    );
    let properties = schema["properties"].as_object().expect("properties");
    for key in [
        "id",
        "name",
        "status",
        "visibility",
        "protected",
        "os_hidden",
        "checksum",
        "os_hash_algo",
        "os_hash_value",
        "owner",
        "size",
        "virtual_size",
        "container_format",
        "disk_format",
        "created_at",
        "updated_at",
        "tags",
        "direct_url",
        "min_ram",
        "min_disk",
        "self",
        "file",
        "schema",
        "locations",
    ] {
        let property = properties.get(key).unwrap_or_else(|| panic!("no {key}"));
        assert!(property.get("type").is_some(), "{key} has no type: {property}");
    }
    for key in ["status", "size", "checksum", "self", "created_at"] {
        assert_eq!(properties[key]["readOnly"], true, "{key}");
    }
    assert_eq!(properties["name"]["type"], json!(["null", "string"]), "clients check their objects with it");
    assert_eq!(properties["name"]["maxLength"], 255);
    let mut relations: Vec<&str> =
        schema["links"].as_array().expect("links").iter().filter_map(|link| link["rel"].as_str()).collect();
    relations.sort_unstable();
    assert_eq!(relations, ["describedby", "enclosure", "self"]);
}

fn the_list_schema_says_what_a_list_is(site: &Site) {
    let schema = site.api(READER).get("/v2/schemas/images").expect(200).json();
    assert_eq!(schema["name"], "images");
    let keys: Vec<&String> = schema["properties"].as_object().expect("properties").keys().collect();
    for key in ["images", "first", "next", "schema"] {
        assert!(keys.contains(&&key.to_owned()), "{key} in {keys:?}");
    }
    assert_eq!(schema["properties"]["images"]["items"]["name"], "image");
}
