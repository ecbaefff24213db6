//! The schemas of a member and of the members of an image.

use serde_json::{Value, json};

use super::{ID_PATTERN, link};

pub fn one() -> Value {
    json!({
        "name": "member",
        "properties": {
            "member_id": {"type": "string", "description": "The id of the project that the image is shared with"},
            "image_id": {"type": "string", "description": "The id of the image", "pattern": ID_PATTERN},
            "created_at": {"type": "string", "description": "When the image was first shared with the project"},
            "updated_at": {"type": "string", "description": "When the membership last changed"},
            "status": {
                "type": "string", "description": "What the project answered to the offer",
                "enum": ["pending", "accepted", "rejected"],
            },
            "schema": {"readOnly": true, "type": "string"},
        },
    })
}

pub fn list() -> Value {
    json!({
        "name": "members",
        "properties": {
            "members": {"type": "array", "items": one()},
            "schema": {"type": "string"},
        },
        "links": [link("describedby", "schema")],
    })
}
