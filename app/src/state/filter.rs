//! The search line: free words and `key:value` tokens, all of which must hold.

use glasshouse_shared::image::Image;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    /// Part of the name or the beginning of the id.
    Word(String),
    Status(String),
    Visibility(String),
    Format(String),
    Tag(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter(Vec<Term>);

impl Filter {
    /// An unknown key is taken as a plain word, since names contain colons too.
    pub fn parse(text: &str) -> Self {
        let term = |word: &str| {
            let word = word.to_lowercase();
            match word.split_once(':') {
                Some(("status", value)) => Term::Status(value.to_owned()),
                Some(("vis" | "visibility", value)) => Term::Visibility(value.to_owned()),
                Some(("format", value)) => Term::Format(value.to_owned()),
                Some(("tag", value)) => Term::Tag(value.to_owned()),
                _ => Term::Word(word),
            }
        };
        Self(text.split_whitespace().map(term).collect())
    }

    pub fn matches(&self, image: &Image) -> bool {
        self.0.iter().all(|term| match term {
            Term::Word(word) => {
                image.name.as_deref().is_some_and(|name| name.to_lowercase().contains(word))
                    || image.id.to_lowercase().starts_with(word)
            }
            Term::Status(value) => image.status.as_str().starts_with(value),
            Term::Visibility(value) => image.visibility.as_str().starts_with(value),
            Term::Format(value) => image.disk_format.as_deref().unwrap_or_default().starts_with(value),
            Term::Tag(value) => image.tags.iter().any(|tag| tag.to_lowercase() == *value),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use glasshouse_shared::image::{Status, Visibility};

    use super::*;

    #[test]
    fn every_term_must_hold() {
        let image = Image {
            id: "7f3c0000-0000-0000-0000-000000000000".into(),
            name: Some("Ubuntu 24.04 日本語".into()),
            status: Status::Active,
            visibility: Visibility::Public,
            protected: false,
            hidden: false,
            owner: None,
            disk_format: Some("qcow2".into()),
            container_format: Some("bare".into()),
            min_disk_gb: 0,
            min_ram_mb: 0,
            tags: BTreeSet::from(["LTS".into()]),
            size: None,
            virtual_size: None,
            checksum: None,
            os_hash_algo: None,
            os_hash_value: None,
            created_at: "2026-11-01T00:00:00Z".parse().unwrap(),
            updated_at: "2026-11-01T00:00:00Z".parse().unwrap(),
            properties: BTreeMap::new(),
        };
        for (text, expected) in [
            ("", true),
            ("ubuntu", true),
            ("日本", true),
            ("7f3c", true),
            ("vis:pub status:active format:qcow tag:lts UBU", true),
            ("vis:private ubuntu", false),
            ("tag:l", false),
            ("release:24", false),
        ] {
            assert_eq!(Filter::parse(text).matches(&image), expected, "{text}");
        }
    }
}
