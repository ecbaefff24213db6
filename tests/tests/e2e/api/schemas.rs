//! GET /v2/schemas/image and images.

use glasshouse_tests::deployment::Site;
use glasshouse_tests::keystone::READER;
use serde_json::json;

on_every_site!(the_image_schema_says_what_an_image_is, the_list_schema_says_what_a_list_is);

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
