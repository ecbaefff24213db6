//! The JSON-patch operations that change an image (API reference: "Update image", media type v2.1).
//!
//! Only what the API knows of JSON patch: `add`, `replace`, `remove`, on one attribute at a time.

use serde::Serialize;
use serde_json::Value;

/// Media type of a body made of [`PatchOp`]s.
pub const MEDIA_TYPE: &str = "application/openstack-images-v2.1-json-patch";

/// One change of one attribute or custom property.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum PatchOp {
    /// Sets a property whether it exists or not.
    Add {
        /// Where, as a JSON pointer.
        path: String,
        /// What.
        value: Value,
    },
    /// Changes something that exists; all base attributes do.
    Replace {
        /// Where, as a JSON pointer.
        path: String,
        /// What.
        value: Value,
    },
    /// Takes a custom property away.
    Remove {
        /// Where, as a JSON pointer.
        path: String,
    },
}

impl PatchOp {
    /// Sets a property.
    pub fn add(key: &str, value: impl Into<Value>) -> Self {
        Self::Add { path: pointer(key), value: value.into() }
    }

    /// Changes an attribute.
    pub fn replace(key: &str, value: impl Into<Value>) -> Self {
        Self::Replace { path: pointer(key), value: value.into() }
    }

    /// Takes a property away.
    pub fn remove(key: &str) -> Self {
        Self::Remove { path: pointer(key) }
    }
}

/// The pointer to a key of the document: property names may hold `/` and `~`.
fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_written_as_the_api_reads_them() {
        let patch = [
            PatchOp::replace("name", "cirros"),
            PatchOp::add("a/b~c", "x"),
            PatchOp::remove("os_distro"),
            PatchOp::replace("owner", Value::Null),
        ];
        let expected = serde_json::json!([
            {"op": "replace", "path": "/name", "value": "cirros"},
            {"op": "add", "path": "/a~1b~0c", "value": "x"},
            {"op": "remove", "path": "/os_distro"},
            {"op": "replace", "path": "/owner", "value": null},
        ]);
        assert_eq!(serde_json::to_value(patch).unwrap(), expected);
    }
}
