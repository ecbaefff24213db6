//! One attribute of an image as a client may set it, already of the right type.

use std::collections::BTreeSet;

use glasshouse_shared::image::{Image, Visibility};

/// What create and update may change; everything else is read-only.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    Name(Option<String>),
    Visibility(Visibility),
    Protected(bool),
    Hidden(bool),
    Owner(Option<String>),
    DiskFormat(Option<String>),
    ContainerFormat(Option<String>),
    MinDisk(u32),
    MinRam(u32),
    Tags(BTreeSet<String>),
    Property { key: String, value: String },
}

impl Attribute {
    pub fn apply(self, image: &mut Image) {
        match self {
            Self::Name(name) => image.name = name,
            Self::Visibility(visibility) => image.visibility = visibility,
            Self::Protected(protected) => image.protected = protected,
            Self::Hidden(hidden) => image.hidden = hidden,
            Self::Owner(owner) => image.owner = owner.filter(|owner| !owner.is_empty()),
            Self::DiskFormat(format) => image.disk_format = format,
            Self::ContainerFormat(format) => image.container_format = format,
            Self::MinDisk(gigabytes) => image.min_disk_gb = gigabytes,
            Self::MinRam(megabytes) => image.min_ram_mb = megabytes,
            Self::Tags(tags) => image.tags = tags,
            Self::Property { key, value } => {
                image.properties.insert(key, value);
            }
        }
    }
}
