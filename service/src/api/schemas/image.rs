//! The schemas of an image and of a page of images.

use serde_json::{Value, json};

use super::{ID_PATTERN, link, page_links};
use crate::config::ImagesConfig;

pub fn one(rules: &ImagesConfig) -> Value {
    json!({
        "name": "image",
        "properties": with_custom(image_properties(rules), rules),
        "additionalProperties": {"type": "string"},
        "links": [link("self", "self"), link("enclosure", "file"), link("describedby", "schema")],
    })
}

pub fn page(rules: &ImagesConfig) -> Value {
    json!({
        "name": "images",
        "properties": {
            "images": {"type": "array", "items": one(rules)},
            "first": {"type": "string"},
            "next": {"type": "string"},
            "schema": {"type": "string"},
        },
        "links": page_links(),
    })
}

/// The operator's definitions join; none of them changes an attribute of the service's own.
fn with_custom(mut properties: Value, rules: &ImagesConfig) -> Value {
    if let Value::Object(known) = &mut properties {
        for (name, definition) in &rules.custom_properties {
            let mut definition = definition.clone();
            if let Value::Object(definition) = &mut definition {
                definition.insert("is_base".to_owned(), Value::Bool(false));
            }
            known.entry(name).or_insert(definition);
        }
    }
    properties
}

fn image_properties(rules: &ImagesConfig) -> Value {
    json!({
        "id": {
            "type": "string", "description": "The id of the image, a UUID",
            "pattern": ID_PATTERN,
        },
        "name": {"type": ["null", "string"], "description": "The name of the image, for people", "maxLength": 255},
        "status": {
            "type": "string", "readOnly": true, "description": "Where the image stands in its life",
            "enum": ["queued", "saving", "active", "killed", "deleted", "uploading", "importing", "pending_delete", "deactivated"],
        },
        "visibility": {
            "type": "string", "description": "Who may see the image", "enum": ["community", "public", "private", "shared"],
        },
        "protected": {"type": "boolean", "description": "Whether the image is safe from being deleted"},
        "os_hidden": {"type": "boolean", "description": "Whether the image is left out of lists that do not ask for hidden images"},
        "checksum": {"type": ["null", "string"], "readOnly": true, "description": "The MD5 digest of the data", "maxLength": 32},
        "os_hash_algo": {
            "type": ["null", "string"], "readOnly": true, "description": "The algorithm behind os_hash_value", "maxLength": 64,
        },
        "os_hash_value": {
            "type": ["null", "string"], "readOnly": true,
            "description": "The digest of the data by os_hash_algo, in hexadecimal digits", "maxLength": 128,
        },
        "owner": {"type": ["null", "string"], "description": "The project that owns the image", "maxLength": 255},
        "size": {"type": ["null", "integer"], "readOnly": true, "description": "The length of the data in bytes"},
        "virtual_size": {
            "type": ["null", "integer"], "readOnly": true, "description": "The size in bytes of the disk that a guest sees",
        },
        "container_format": {
            "type": ["null", "string"], "description": "What the disk image is wrapped in", "enum": null_or(&rules.container_formats),
        },
        "disk_format": {"type": ["null", "string"], "description": "The format of the disk image", "enum": null_or(&rules.disk_formats)},
        "created_at": {"type": "string", "readOnly": true, "description": "When the image was created"},
        "updated_at": {"type": "string", "readOnly": true, "description": "When the image last changed"},
        "tags": {
            "type": "array", "description": "Words that the image is found by", "items": {"type": "string", "maxLength": 255},
        },
        "direct_url": {"type": "string", "readOnly": true, "description": "Where the data lies in its store"},
        "min_ram": {"type": "integer", "description": "The memory in MB that is needed to boot the image"},
        "min_disk": {"type": "integer", "description": "The disk space in GB that is needed to boot the image"},
        "self": {"type": "string", "readOnly": true, "description": "The address of this document"},
        "file": {"type": "string", "readOnly": true, "description": "The address of the data"},
        "stores": {"type": "string", "readOnly": true, "description": "The stores that hold the data, separated by commas"},
        "schema": {"type": "string", "readOnly": true, "description": "The address of the schema of this document"},
        "locations": locations(),
    })
}

fn null_or(words: &[String]) -> Value {
    std::iter::once(Value::Null).chain(words.iter().map(|word| json!(word))).collect()
}

fn locations() -> Value {
    json!({
        "type": "array",
        "description": "The addresses of the data in its stores",
        "items": {
            "type": "object",
            "properties": {
                "url": {"type": "string", "maxLength": 255},
                "metadata": {"type": "object"},
                "validation_data": {
                    "description": "Digests of the data, taken over while the image is queued and compared afterwards",
                    "type": "object", "writeOnly": true, "additionalProperties": false,
                    "properties": {
                        "checksum": {"type": "string", "minLength": 32, "maxLength": 32},
                        "os_hash_algo": {"type": "string", "maxLength": 64},
                        "os_hash_value": {"type": "string", "maxLength": 128},
                    },
                    "required": ["os_hash_algo", "os_hash_value"],
                },
            },
            "required": ["url", "metadata"],
        },
    })
}
