//! The image record of the Images API v2 (API reference: "Images", the image schema).
//!
//! Plain data with public fields. How it becomes a JSON document is the service's `api::view`; how a document
//! becomes a record is [`Image`]'s `Deserialize` (unknown keys are custom properties).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

mod wire;

/// Where an image stands in its life (API reference: "Image statuses").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// The record exists, its data does not.
    Queued,
    /// Data is being uploaded straight into a store.
    Saving,
    /// Data is being uploaded into the staging area.
    Uploading,
    /// An import is at work.
    Importing,
    /// The data is there and may be read.
    Active,
    /// The data is there; only an administrator may read it.
    Deactivated,
    /// Deleted, its data waits for the scrubber.
    PendingDelete,
    /// Deleted.
    Deleted,
    /// A relic of the first API: an upload that failed.
    Killed,
}

/// Who may see an image (API reference: "Image visibility").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everybody lists and reads it.
    Public,
    /// Everybody may read it; only who asks for community images lists it.
    Community,
    /// Its owner and the members it was shared with.
    Shared,
    /// Its owner alone.
    Private,
}

/// A word that is not one of the API's for a [`Status`] or a [`Visibility`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown word {0:?}")]
pub struct UnknownWord(pub String);

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order of the API reference.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word on the wire and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $type {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word { $($word => Ok(Self::$variant),)+ _ => Err(UnknownWord(word.to_owned())) }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(Status {
    Queued = "queued",
    Saving = "saving",
    Uploading = "uploading",
    Importing = "importing",
    Active = "active",
    Deactivated = "deactivated",
    PendingDelete = "pending_delete",
    Deleted = "deleted",
    Killed = "killed",
});

words!(Visibility { Public = "public", Community = "community", Shared = "shared", Private = "private" });

/// An image: its attributes and its custom properties, without its data.
///
/// `disk_format` and `container_format` are words and not enums because an operator's configuration decides
/// which are accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// 8-4-4-4-12 hexadecimal digits, kept in the case in which they were given.
    pub id: String,
    /// At most 255 characters; not unique.
    pub name: Option<String>,
    /// Where it stands in its life.
    pub status: Status,
    /// Who may see it.
    pub visibility: Visibility,
    /// A protected image cannot be deleted.
    pub protected: bool,
    /// `os_hidden`: left out of lists unless asked for.
    pub hidden: bool,
    /// The project that owns it.
    pub owner: Option<String>,
    /// `qcow2`, `raw`, …
    pub disk_format: Option<String>,
    /// `bare`, `ovf`, …
    pub container_format: Option<String>,
    /// Smallest disk that it can be booted from, in GB.
    pub min_disk_gb: u32,
    /// Smallest memory that it can be booted with, in MB.
    pub min_ram_mb: u32,
    /// Each at most 255 characters.
    pub tags: BTreeSet<String>,
    /// Length of the data in bytes, once known.
    pub size: Option<u64>,
    /// Size in bytes of the disk that a guest sees, once known.
    pub virtual_size: Option<u64>,
    /// MD5 of the data, 32 hexadecimal digits.
    pub checksum: Option<String>,
    /// Name of the second digest, `sha512` unless configured otherwise.
    pub os_hash_algo: Option<String>,
    /// The second digest of the data in hexadecimal digits.
    pub os_hash_value: Option<String>,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When the record last changed.
    pub updated_at: Timestamp,
    /// Custom properties.
    pub properties: BTreeMap<String, String>,
}
