//! The one table of options: every name that a `glance-api.conf` may carry, past and present.
//!
//! From it come the defaults, the warnings about unknown and old names, `config show` and `docs/configure.md`.
//! What an option does is decided where `load` reads it.

mod default;
mod gone;
mod images;
mod markdown;
mod neighbours;
mod stores;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use markdown::markdown;

/// What kind of text an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Never shown.
    Secret,
    Integer,
    Boolean,
    /// `a,b`, in brackets or without.
    List,
    /// `key:value,key:value`
    Mapping,
    /// May be written several times.
    Multi,
    Path,
    Url,
    /// An address with a password in it.
    SecretUrl,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text | Self::Secret => "text",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Mapping => "name:value list",
            Self::Multi => "text, repeatable",
            Self::Path => "path",
            Self::Url | Self::SecretUrl => "URL",
        }
    }
}

/// What becomes of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Has its effect.
    Used,
    /// Known and without effect here, by nature: tuning of a part that does not exist.
    Accepted,
    /// Has an effect in Glance that this version does not have; warned about where it is set.
    Missing,
    /// No release of today reads it; the text says what to write instead.
    Gone(&'static str),
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    pub section: &'static str,
    /// With `_`; a `*` at the end stands for any.
    pub name: &'static str,
    pub kind: Kind,
    pub default: Option<&'static str>,
    /// Older (section, name) pairs that are read as well.
    pub aliases: &'static [(&'static str, &'static str)],
    pub sentence: &'static str,
    pub status: Status,
}

impl Opt {
    /// An option with its effect and without a default.
    const fn new(section: &'static str, name: &'static str, kind: Kind, sentence: &'static str) -> Self {
        Self { section, name, kind, default: None, aliases: &[], sentence, status: Status::Used }
    }

    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn was(mut self, aliases: &'static [(&'static str, &'static str)]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn missing(mut self) -> Self {
        self.status = Status::Missing;
        self
    }
}

/// Names that share one fate and one sentence, separated by blanks.
struct Group {
    section: &'static str,
    names: &'static str,
    status: Status,
    sentence: &'static str,
}

impl Group {
    fn options(&self) -> impl Iterator<Item = Opt> {
        self.names.split_ascii_whitespace().map(|name| Opt {
            section: self.section,
            name,
            kind: if is_secret(name) { Kind::Secret } else { Kind::Text },
            default: None,
            aliases: &[],
            sentence: self.sentence,
            status: self.status,
        })
    }
}

/// Sections that stand for others in the table.
pub const STORE_SECTION: &str = "glance_store";
pub const IDENTITY_SECTION: &str = "keystone_authtoken";
pub const LIMITS_SECTION: &str = "oslo_limit";

static TABLE: LazyLock<Vec<Opt>> = LazyLock::new(|| {
    let single = [default::OPTIONS, neighbours::OPTIONS, stores::OPTIONS, images::OPTIONS];
    let groups = [default::GROUPS, neighbours::GROUPS, stores::GROUPS, images::GROUPS, gone::GROUPS];
    let mut table: Vec<Opt> = single.into_iter().flatten().copied().collect();
    table.extend(groups.into_iter().flatten().flat_map(Group::options));
    table
});

static INDEX: LazyLock<HashMap<(&'static str, &'static str), &'static Opt>> = LazyLock::new(|| {
    let mut index = HashMap::new();
    for option in TABLE.iter() {
        index.entry((option.section, option.name)).or_insert(option);
    }
    index
});

static ALIASES: LazyLock<HashMap<(&'static str, &'static str), &'static Opt>> = LazyLock::new(|| {
    let pairs = TABLE.iter().flat_map(|option| option.aliases.iter().map(move |alias| (*alias, option)));
    pairs.collect()
});

/// Every option, in the order of the page that is made from it.
pub fn all() -> &'static [Opt] {
    &TABLE
}

/// The option of this present name.
pub fn find(section: &str, name: &str) -> Option<&'static Opt> {
    INDEX.get(&(section, name)).copied().or_else(|| {
        let fits = |option: &&Opt| {
            option.section == section
                && option.name.strip_suffix('*').is_some_and(|start| name.starts_with(start))
        };
        TABLE.iter().find(fits)
    })
}

/// The option that has this pair as an older name.
pub fn find_by_old_name(section: &str, name: &str) -> Option<&'static Opt> {
    ALIASES.get(&(section, name)).copied()
}

/// Is there any option in this section?
pub fn has_section(section: &str) -> bool {
    let is_old = || ALIASES.keys().any(|(old, _)| *old == section);
    section.starts_with("glance.store.") || TABLE.iter().any(|option| option.section == section) || is_old()
}

/// Should the value be hidden? Also for names that nobody knows.
pub fn is_secret(name: &str) -> bool {
    ["password", "secret", "_key", "admin_token", "transport_url"].iter().any(|part| name.contains(part))
        && !name.ends_with("key_file")
}

/// The name out of the given ones that looks most like this one, if one does.
fn most_alike<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let alike = |name: &'n str| (strsim::normalized_damerau_levenshtein(written, name), name);
    names
        .map(alike)
        .filter(|(likeness, _)| *likeness >= 0.7)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

/// The known option of this section that looks most like the name, or the section that really has it.
pub fn nearest(section: &str, name: &str) -> Option<String> {
    let elsewhere = || TABLE.iter().find(|option| option.name == name && !is_gone(option));
    let here = TABLE.iter().filter(|option| option.section == section && !is_gone(option));
    if let Some(option) = elsewhere() {
        return Some(format!("[{}] {}", option.section, option.name));
    }
    most_alike(name, here.map(|option| option.name)).map(|name| format!("[{section}] {name}"))
}

/// The known section that looks most like this one.
pub fn nearest_section(section: &str) -> Option<&'static str> {
    let same = TABLE.iter().find(|option| option.section.eq_ignore_ascii_case(section));
    same.map(|option| option.section)
        .or_else(|| most_alike(section, TABLE.iter().map(|option| option.section)))
}

fn is_gone(option: &Opt) -> bool {
    matches!(option.status, Status::Gone(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_twice() {
        let mut seen = std::collections::HashSet::new();
        for option in all() {
            assert!(seen.insert((option.section, option.name)), "[{}] {}", option.section, option.name);
        }
        for (section, name) in ALIASES.keys() {
            assert!(!INDEX.contains_key(&(*section, *name)), "[{section}] {name} is a name and an old name");
        }
    }

    #[test]
    fn every_option_has_a_sentence_and_a_plain_name() {
        for option in all() {
            assert!(option.sentence.ends_with('.'), "[{}] {}", option.section, option.name);
            assert!(
                option.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_*".contains(c))
            );
        }
    }

    #[test]
    fn every_default_fits_its_kind() {
        for option in all() {
            let Some(default) = option.default else { continue };
            match option.kind {
                Kind::Integer => assert!(default.parse::<i64>().is_ok(), "{}", option.name),
                Kind::Boolean => assert!(["True", "False"].contains(&default), "{}", option.name),
                Kind::Url => assert!(url::Url::parse(default).is_ok(), "{}", option.name),
                _ => {}
            }
        }
    }

    #[test]
    fn a_slip_of_the_pen_finds_its_neighbour() {
        assert_eq!(nearest("database", "conection").as_deref(), Some("[database] connection"));
        assert_eq!(nearest("DEFAULT", "connection").as_deref(), Some("[database] connection"));
        assert_eq!(nearest("DEFAULT", "zzzzzz"), None);
        assert_eq!(nearest_section("default"), Some("DEFAULT"));
        assert_eq!(nearest_section("keystone_auth_token"), Some("keystone_authtoken"));
    }

    #[test]
    fn passwords_and_keys_are_secret_and_files_of_keys_are_not() {
        for name in ["password", "application_credential_secret", "s3_store_secret_key", "memcache_password"]
        {
            assert!(is_secret(name), "{name}");
        }
        assert!(!is_secret("key_file"));
        assert!(!is_secret("bind_host"));
    }
}
