//! The schemas of metadata definitions: namespaces, resource types, properties, objects, tags.

use serde_json::{Map, Value, json};

use super::page_links;

/// The types that a property may be of; `null` has always been among them.
fn types() -> Value {
    json!(["array", "boolean", "integer", "number", "object", "string", null])
}

pub fn namespace() -> Value {
    let mut document = closed("namespace", namespace_keys());
    put(&mut document, "definitions", definitions_with_property());
    put(&mut document, "required", json!(["namespace"]));
    document
}

pub fn namespaces() -> Value {
    let mut row = closed("namespace", namespace_keys());
    put(&mut row, "required", json!(["namespace"]));
    let mut document = page("namespaces", json!({"type": "array", "items": row}));
    put(&mut document, "definitions", definitions_with_property());
    document
}

pub fn resource_type() -> Value {
    let mut document = closed("resource_type_association", resource_type_keys());
    put(&mut document, "required", json!(["name"]));
    document
}

pub fn resource_types() -> Value {
    page("resource_type_associations", json!({"type": "array", "items": resource_type()}))
}

pub fn property() -> Value {
    let mut document = closed("property", property_keys());
    put(&mut document, "definitions", definitions(true));
    put(&mut document, "required", json!(["type", "title", "name"]));
    document
}

/// The names of the properties are keys here, so that no property need repeat its own.
pub fn properties() -> Value {
    let mut row = closed("property", property_keys());
    put(&mut row, "required", json!(["type", "title"]));
    let mut document = page("properties", json!({"type": "object", "additionalProperties": row}));
    put(&mut document, "definitions", definitions(true));
    document
}

pub fn object() -> Value {
    let mut document = closed("object", object_keys());
    put(&mut document, "definitions", definitions_with_property());
    put(&mut document, "required", json!(["name"]));
    document
}

pub fn objects() -> Value {
    let mut row = closed("object", object_keys());
    put(&mut row, "required", json!(["name"]));
    let mut document = page("objects", json!({"type": "array", "items": row}));
    put(&mut document, "definitions", definitions_with_property());
    document
}

pub fn tag() -> Value {
    let mut document = closed(
        "tag",
        json!({
            "name": {"type": "string", "maxLength": 80},
            "created_at": moment("When the tag was made"),
            "updated_at": moment("When the tag last changed"),
        }),
    );
    put(&mut document, "required", json!(["name"]));
    document
}

pub fn tags() -> Value {
    page("tags", json!({"type": "array", "items": tag()}))
}

/// A document that has these keys and no others.
fn closed(name: &str, keys: Value) -> Value {
    json!({"name": name, "properties": keys, "additionalProperties": false})
}

/// A document of many rows, under the key that is also its name.
fn page(name: &str, rows: Value) -> Value {
    let mut keys = Map::new();
    keys.insert(name.to_owned(), rows);
    for key in ["first", "next", "schema"] {
        keys.insert(key.to_owned(), json!({"type": "string"}));
    }
    json!({"name": name, "properties": keys, "links": page_links()})
}

fn put(document: &mut Value, key: &str, value: Value) {
    if let Some(document) = document.as_object_mut() {
        document.insert(key.to_owned(), value);
    }
}

fn moment(description: &str) -> Value {
    json!({"type": "string", "readOnly": true, "description": description, "format": "date-time"})
}

fn namespace_keys() -> Value {
    json!({
        "namespace": {"type": "string", "description": "The name of the namespace; no other has it", "maxLength": 80},
        "display_name": {"type": "string", "description": "A name for people, for windows that show one", "maxLength": 80},
        "description": {"type": "string", "description": "What the namespace is for", "maxLength": 500},
        "visibility": {"type": "string", "description": "Who sees the namespace", "enum": ["public", "private"]},
        "protected": {"type": "boolean", "description": "Whether the namespace is safe from being deleted"},
        "owner": {"type": "string", "description": "The id of the project that owns the namespace", "maxLength": 255},
        "created_at": moment("When the namespace was made"),
        "updated_at": moment("When the namespace last changed"),
        "schema": {"readOnly": true, "type": "string"},
        "self": {"readOnly": true, "type": "string"},
        "resource_type_associations": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "prefix": {"type": "string"},
                    "properties_target": {"type": "string"},
                },
            },
        },
        "properties": {"$ref": "#/definitions/property"},
        "objects": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "description": {"type": "string"},
                    "required": {"$ref": "#/definitions/stringArray"},
                    "properties": {"$ref": "#/definitions/property"},
                },
            },
        },
        "tags": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
    })
}

fn resource_type_keys() -> Value {
    json!({
        "name": {
            "type": "string", "maxLength": 80,
            "description": "The name of a kind of resource, best the one that it has in Heat, such as OS::Nova::Server",
        },
        "prefix": {
            "type": "string", "maxLength": 80,
            "description": "What is put before the name of each property on resources of this type, with its separator",
        },
        "properties_target": {
            "type": "string", "maxLength": 80,
            "description": "Which of its sets of properties is meant, where a type has several: a volume has its own and those of its image",
        },
        "created_at": moment("When the namespace and the type were joined"),
        "updated_at": moment("When that last changed"),
    })
}

fn object_keys() -> Value {
    json!({
        "name": {"type": "string", "maxLength": 80},
        "description": {"type": "string"},
        "required": {"$ref": "#/definitions/stringArray"},
        "properties": {"$ref": "#/definitions/property"},
        "schema": {"readOnly": true, "type": "string"},
        "self": {"readOnly": true, "type": "string"},
        "created_at": moment("When the object was made"),
        "updated_at": moment("When the object last changed"),
    })
}

/// What describes a property: itself nearly a JSON schema.
fn property_keys() -> Value {
    json!({
        "name": {"type": "string", "maxLength": 80},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "operators": {"type": "array", "items": {"type": "string"}},
        "type": {"type": "string", "enum": types()},
        "required": {"$ref": "#/definitions/stringArray"},
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
        "maxLength": {"$ref": "#/definitions/positiveInteger"},
        "minLength": {"$ref": "#/definitions/positiveIntegerDefault0"},
        "pattern": {"type": "string", "format": "regex"},
        "enum": {"type": "array"},
        "readonly": {"type": "boolean"},
        "default": {},
        "items": {
            "type": "object",
            "properties": {"type": {"type": "string", "enum": types()}, "enum": {"type": "array"}},
        },
        "maxItems": {"$ref": "#/definitions/positiveInteger"},
        "minItems": {"$ref": "#/definitions/positiveIntegerDefault0"},
        "uniqueItems": {"type": "boolean", "default": false},
        "additionalItems": {"type": "boolean"},
    })
}

/// What the keys refer to. A property that requires others must name one at least.
fn definitions(names_one_at_least: bool) -> Value {
    let mut words = json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true});
    if names_one_at_least {
        put(&mut words, "minItems", json!(1));
    }
    json!({
        "positiveInteger": {"type": "integer", "minimum": 0},
        "positiveIntegerDefault0": {"allOf": [{"$ref": "#/definitions/positiveInteger"}, {"default": 0}]},
        "stringArray": words,
    })
}

fn definitions_with_property() -> Value {
    let mut definitions = definitions(false);
    let property = json!({"type": "object", "required": ["title", "type"], "properties": property_keys()});
    put(&mut definitions, "property", json!({"type": "object", "additionalProperties": property}));
    definitions
}
