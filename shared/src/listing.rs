//! Which images a list asks for: filters, order, marker and limit (API reference: "List images").
//!
//! Parsed from a query string and printed back to one. What the caller may see is not decided here.

use jiff::Timestamp;

use crate::image::Visibility;

mod parse;
#[cfg(test)]
mod tests;

/// The query of `GET /v2/images`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListQuery {
    /// As asked for; capping it is the business of who answers.
    pub limit: Option<u32>,
    /// Id of the last image of the page before.
    pub marker: Option<String>,
    /// What was asked for, without the tie-breakers; see [`ListQuery::order`].
    pub sort: Vec<(SortKey, Direction)>,
    /// Of the tie-breakers: the only direction that was asked for; `None` when there was none, or several.
    pub tie_breaker: Option<Direction>,
    /// All of them must hold.
    pub filters: Vec<Filter>,
    /// `None` leaves out community images of others.
    pub visibility: Option<VisibilityFilter>,
    /// Of the memberships through which shared images are listed.
    pub member_status: MemberStatus,
    /// `true` lists hidden images only, `false` those that are not.
    pub hidden: bool,
    /// Custom properties and their exact values; all of them must hold.
    pub properties: Vec<(String, String)>,
    /// All of them must be there.
    pub tags: Vec<String>,
    /// What was parsed, in its order, so that links keep it. Nothing but the links reads it.
    pairs: Vec<(String, String)>,
}

/// One condition on an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// The attribute is one of these words.
    Word(WordKey, Vec<String>),
    /// The attribute compared with a number.
    Number(NumberKey, NumberOperator, i64),
    /// The attribute, to the second, compared with a time.
    Time(TimeKey, TimeOperator, Timestamp),
    /// `protected`
    Protected(bool),
}

/// What a list can be restricted to by `visibility`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisibilityFilter {
    /// Every image that the caller may see.
    All,
    /// Only images of this visibility.
    Only(Visibility),
}

macro_rules! keys {
    ($(#[$meta:meta])* $type:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type { $(#[doc = concat!("`", $word, "`")] $(#[$variant_meta])* $variant),+ }

        impl $type {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in a query string.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of this word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

keys!(
    /// What a list can be sorted by.
    SortKey {
        Name = "name",
        Status = "status",
        ContainerFormat = "container_format",
        DiskFormat = "disk_format",
        Size = "size",
        Id = "id",
        CreatedAt = "created_at",
        UpdatedAt = "updated_at",
    }
);

keys!(
    /// In which direction a list is sorted.
    Direction { Ascending = "asc", Descending = "desc" }
);

keys!(
    /// Attributes that are compared as words.
    WordKey {
        Name = "name",
        Id = "id",
        Status = "status",
        ContainerFormat = "container_format",
        DiskFormat = "disk_format",
        Owner = "owner",
        Checksum = "checksum",
        OsHashAlgo = "os_hash_algo",
        OsHashValue = "os_hash_value",
    }
);

keys!(
    /// Attributes that are compared as numbers.
    NumberKey { Size = "size", VirtualSize = "virtual_size", MinDisk = "min_disk", MinRam = "min_ram" }
);

keys!(
    /// Attributes that are compared as times.
    TimeKey { CreatedAt = "created_at", UpdatedAt = "updated_at" }
);

keys!(
    /// How a time is compared.
    TimeOperator {
        Greater = "gt",
        GreaterOrEqual = "gte",
        Less = "lt",
        LessOrEqual = "lte",
        Equal = "eq",
        NotEqual = "neq",
    }
);

keys!(
    /// Memberships through which a shared image is listed.
    #[derive(Default)]
    MemberStatus {
        #[default]
        Accepted = "accepted",
        Pending = "pending",
        Rejected = "rejected",
        /// Whatever their status.
        All = "all",
    }
);

/// How a number is compared: `size=`, `size_min=`, `size_max=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberOperator {
    /// Exactly this number.
    Equal,
    /// This number or more.
    AtLeast,
    /// This number or less.
    AtMost,
}

/// Why a query string is refused. The text is for the client and names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ListError(pub String);

impl ListQuery {
    /// Reads a query string, without its `?`.
    pub fn parse(raw_query: &str) -> Result<Self, ListError> {
        parse::parse(raw_query)
    }

    /// The whole order: what was asked for, then `created_at` and `id`, so that no two
    /// images are equal. Nothing after `id` can matter, and no key comes twice.
    pub fn order(&self) -> Vec<(SortKey, Direction)> {
        let direction = self.tie_breaker.unwrap_or(Direction::Descending);
        let tie_breakers = [(SortKey::CreatedAt, direction), (SortKey::Id, direction)];
        let mut order: Vec<(SortKey, Direction)> = Vec::new();
        for (key, direction) in self.sort.iter().copied().chain(tie_breakers) {
            if !order.iter().any(|(known, _)| *known == key) {
                order.push((key, direction));
            }
            if key == SortKey::Id {
                break;
            }
        }
        order
    }

    /// The same query for the page after this image.
    pub fn after(&self, image_id: &str) -> Self {
        Self { marker: Some(image_id.to_owned()), ..self.clone() }
    }

    /// The same query for the first page.
    pub fn from_start(&self) -> Self {
        Self { marker: None, ..self.clone() }
    }

    /// Prints what was parsed, with repeated keys, and with the marker that this query has now.
    pub fn to_query(&self) -> String {
        let mut printed = form_urlencoded::Serializer::new(String::new());
        for (key, value) in self.pairs.iter().filter(|(key, _)| key != "marker") {
            printed.append_pair(key, value);
        }
        if let Some(marker) = &self.marker {
            printed.append_pair("marker", marker);
        }
        printed.finish()
    }
}
