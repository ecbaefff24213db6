//! What the tests of the state are made of. Not for the tests of the views, which have a library's worth of their own.

use std::collections::{BTreeMap, BTreeSet};

use glasshouse_shared::image::{Image, Status, Visibility};

/// An active private image of the project `p1`, ten bytes long.
pub fn image(id: &str, name: &str) -> Image {
    Image {
        id: id.into(),
        name: Some(name.into()),
        status: Status::Active,
        visibility: Visibility::Private,
        protected: false,
        hidden: false,
        owner: Some("p1".into()),
        disk_format: Some("qcow2".into()),
        container_format: Some("bare".into()),
        min_disk_gb: 0,
        min_ram_mb: 0,
        tags: BTreeSet::new(),
        size: Some(10),
        virtual_size: None,
        checksum: None,
        os_hash_algo: Some("sha512".into()),
        os_hash_value: Some("cafe".into()),
        created_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        updated_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        properties: BTreeMap::new(),
    }
}
