//! The schemas of a task and of a page of tasks.

use serde_json::{Value, json};

use super::{ID_PATTERN, link};

/// What only the document of a single task has.
const DETAILS: &[&str] = &["input", "result", "message"];

pub fn one() -> Value {
    json!({
        "name": "task",
        "properties": {
            "id": {"description": "The id of the task", "pattern": ID_PATTERN, "type": "string"},
            "type": {
                "description": "What kind of work it is",
                "enum": ["import", "api_image_import", "location_import"], "type": "string",
            },
            "status": {
                "description": "How far the work has come",
                "enum": ["pending", "processing", "success", "failure"], "type": "string",
            },
            "input": {"description": "What the work was asked for with", "type": ["null", "object"]},
            "result": {"description": "What came of the work", "type": ["null", "object"]},
            "owner": {"description": "The id of the project that asked for the work", "type": "string"},
            "message": {"description": "Words for people, mostly on why the work failed", "type": "string"},
            "image_id": {"description": "The id of the image that the work is about", "type": "string"},
            "request_id": {"description": "The id of the request that began the work", "type": "string"},
            "user_id": {"description": "The id of the user who asked for the work", "type": "string"},
            "expires_at": {"description": "From when on the task may be forgotten", "type": ["null", "string"]},
            "created_at": {"description": "When the work was asked for", "type": "string"},
            "updated_at": {"description": "When the task last changed", "type": "string"},
            "self": {"readOnly": true, "type": "string"},
            "schema": {"readOnly": true, "type": "string"},
        },
    })
}

pub fn page() -> Value {
    let mut row = one();
    if let Some(properties) = row.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|key, _| !DETAILS.contains(&key.as_str()));
    }
    json!({
        "name": "tasks",
        "properties": {
            "tasks": {"type": "array", "items": row},
            "schema": {"type": "string"},
        },
        "links": [link("describedby", "schema")],
    })
}
