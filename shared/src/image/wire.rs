//! An image document read from the wire.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::{Image, Status, Visibility};

/// Computed attributes that the service adds to a document; they are no properties.
const COMPUTED: &[&str] = &["self", "file", "schema", "direct_url", "locations", "stores"];

#[derive(Deserialize)]
struct Document {
    id: String,
    name: Option<String>,
    status: String,
    visibility: String,
    #[serde(default)]
    protected: bool,
    #[serde(default)]
    os_hidden: bool,
    owner: Option<String>,
    disk_format: Option<String>,
    container_format: Option<String>,
    #[serde(default)]
    min_disk: u32,
    #[serde(default)]
    min_ram: u32,
    #[serde(default)]
    tags: BTreeSet<String>,
    size: Option<u64>,
    virtual_size: Option<u64>,
    checksum: Option<String>,
    os_hash_algo: Option<String>,
    os_hash_value: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Document::deserialize(deserializer)?;
        let status: Status = document.status.parse().map_err(de::Error::custom)?;
        let visibility: Visibility = document.visibility.parse().map_err(de::Error::custom)?;
        Ok(Self {
            id: document.id,
            name: document.name,
            status,
            visibility,
            protected: document.protected,
            hidden: document.os_hidden,
            owner: document.owner,
            disk_format: document.disk_format,
            container_format: document.container_format,
            min_disk_gb: document.min_disk,
            min_ram_mb: document.min_ram,
            tags: document.tags,
            size: document.size,
            virtual_size: document.virtual_size,
            checksum: document.checksum,
            os_hash_algo: document.os_hash_algo,
            os_hash_value: document.os_hash_value,
            created_at: document.created_at,
            updated_at: document.updated_at,
            properties: properties(document.others),
        })
    }
}

/// Custom properties are strings on the wire; anything else is one service's extension and is left out.
fn properties(others: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    others
        .into_iter()
        .filter(|(key, _)| !COMPUTED.contains(&key.as_str()))
        .filter_map(|(key, value)| match value {
            Value::String(text) => Some((key, text)),
            _ => None,
        })
        .collect()
}
