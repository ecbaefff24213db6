//! The files and the environment put together: which text an option has, and where it was written.
//!
//! Later files win, sections merge, `$name` is filled in. What the text means is `reader` and `load`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ini;
use super::options::{self, Opt};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    File { path: Arc<Path>, line: u32 },
    Environment { variable: String },
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { variable } => write!(f, "environment {variable}"),
        }
    }
}

/// The text of an option as written, and the name it was written under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub text: String,
    pub origin: Origin,
    pub section: String,
    pub key: String,
}

/// One file that was read.
#[derive(Debug, Clone)]
pub struct SettingsFile {
    pub path: Arc<Path>,
    pub parsed: ini::Parsed,
}

/// All texts of all files, first file first, and the variables of the environment.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub files: Vec<SettingsFile>,
    pub environment: Environment,
}

/// The variables that matter here. Read once, at the edge; tests write their own.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    pub variables: BTreeMap<String, String>,
}

impl Environment {
    /// The variables of this process.
    pub fn of_this_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { variables }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// `HOME`, or whatever the system calls it.
    pub fn home(&self) -> Option<PathBuf> {
        self.get("HOME").or_else(|| self.get("USERPROFILE")).map(PathBuf::from)
    }
}

/// A `$name` that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubstitutionError {
    Unknown(String),
    Circular(String),
}

/// Deeper than any honest file; a circle passes it at once.
const DEEPEST_SUBSTITUTION: usize = 16;

impl Settings {
    /// The text of an option in a section, under its name or an older one; latest file first.
    pub fn written(&self, section: &str, option: &Opt) -> Option<Written> {
        self.in_environment(section, option.name)
            .or_else(|| self.files.iter().rev().find_map(|file| in_file(file, section, option)))
    }

    /// Every text of a repeatable option, first file first.
    pub fn written_all(&self, section: &str, name: &str) -> Vec<Written> {
        if let Some(one) = self.in_environment(section, name) {
            return vec![one];
        }
        let entries =
            self.files.iter().flat_map(|file| file.parsed.entries.iter().map(move |entry| (file, entry)));
        entries
            .filter(|(_, entry)| entry.section == section && entry.key == name)
            .map(|(file, entry)| as_written(file, entry))
            .collect()
    }

    fn in_environment(&self, section: &str, name: &str) -> Option<Written> {
        let variable = format!("OS_{}__{}", section.replace('-', "_"), name).to_uppercase();
        let text = self.environment.get(&variable)?.to_owned();
        Some(Written {
            text,
            origin: Origin::Environment { variable },
            section: section.to_owned(),
            key: name.to_owned(),
        })
    }

    /// Fills in `$name`, `${name}`, `${group.name}`; `$$` and `\$` are a dollar sign.
    pub fn substitute(&self, text: &str, section: &str) -> Result<String, SubstitutionError> {
        self.substitute_to(text, section, DEEPEST_SUBSTITUTION)
    }

    fn substitute_to(&self, text: &str, section: &str, depth: usize) -> Result<String, SubstitutionError> {
        let text = text.replace("\\$", "$$");
        let mut result = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            result.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                result.push('$');
                rest = after;
            } else if let Some((name, after)) = placeholder(after) {
                let Some(left) = depth.checked_sub(1) else {
                    return Err(SubstitutionError::Circular(name.to_owned()));
                };
                result.push_str(&self.value_of(name, section, left)?);
                rest = after;
            } else {
                // `Password123$@host`: nothing that could be a name follows, so the sign stands for itself.
                result.push('$');
                rest = after;
            }
        }
        result.push_str(rest);
        Ok(result)
    }

    fn value_of(&self, name: &str, section: &str, depth: usize) -> Result<String, SubstitutionError> {
        let candidates = match name.split_once('.') {
            Some((group, option)) => vec![(group, option)],
            None => vec![(section, name), ("DEFAULT", name)],
        };
        for (group, option) in candidates {
            let option = ini::normal(option);
            if let Some(written) = self.written_all(group, &option).pop() {
                return self.substitute_to(&written.text, group, depth);
            }
            if let Some(default) = options::find(group, &option).and_then(|known| known.default) {
                return self.substitute_to(default, group, depth);
            }
        }
        Err(SubstitutionError::Unknown(name.to_owned()))
    }
}

/// The name behind a `$`, and what follows it.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = if let Some(braced) = text.strip_prefix('{') {
        braced.split_once('}')?
    } else {
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
        text.split_at(end.unwrap_or(text.len()))
    };
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    good.then_some((name, rest))
}

fn in_file(file: &SettingsFile, section: &str, option: &Opt) -> Option<Written> {
    let own = [(section, option.name)];
    let old = if section == option.section { option.aliases } else { &[] };
    // An alias that stands in the option's own section follows it wherever that section is read from.
    let moved =
        option.aliases.iter().filter(|(home, _)| section != option.section && *home == option.section);
    let names = own.into_iter().chain(old.iter().copied()).chain(moved.map(|(_, key)| (section, *key)));
    for (section, key) in names {
        let found = file.parsed.entries.iter().rev().find(|e| e.section == section && e.key == key);
        if let Some(entry) = found {
            return Some(as_written(file, entry));
        }
    }
    None
}

fn as_written(file: &SettingsFile, entry: &ini::Entry) -> Written {
    Written {
        text: entry.value.clone(),
        origin: Origin::File { path: Arc::clone(&file.path), line: entry.line },
        section: entry.section.clone(),
        key: entry.key.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(texts: &[&str]) -> Settings {
        let file = |(number, text): (usize, &&str)| SettingsFile {
            path: Arc::from(PathBuf::from(format!("/f{number}.conf"))),
            parsed: ini::parse(text),
        };
        Settings { files: texts.iter().enumerate().map(file).collect(), environment: Environment::default() }
    }

    fn text_of(settings: &Settings, section: &str, name: &str) -> String {
        settings.written(section, options::find(section, name).unwrap()).unwrap().text
    }

    #[test]
    fn the_later_file_and_the_later_line_win_and_sections_merge() {
        let both = settings(&[
            "[DEFAULT]\nbind_port = 1\nbind_host = a\n[database]\n[DEFAULT]\nbind_port = 2\n",
            "[DEFAULT]\nbind_host = b\n",
        ]);
        assert_eq!(text_of(&both, "DEFAULT", "bind_port"), "2");
        assert_eq!(text_of(&both, "DEFAULT", "bind_host"), "b");
    }

    #[test]
    fn an_old_name_in_a_later_file_wins_over_the_new_one_in_an_earlier() {
        let both = settings(&[
            "[keystone_authtoken]\nauth_type = new\n",
            "[keystone_authtoken]\nauth_plugin = old\n",
        ]);
        assert_eq!(text_of(&both, "keystone_authtoken", "auth_type"), "old");
    }

    #[test]
    fn the_environment_wins_over_every_file() {
        let mut one = settings(&["[database]\nconnection = a\n"]);
        one.environment.variables.insert("OS_DATABASE__CONNECTION".into(), "b".into());
        assert_eq!(text_of(&one, "database", "connection"), "b");
    }

    #[test]
    fn repeated_lines_of_a_multi_option_are_all_kept_in_order() {
        let both = settings(&["[glance_store]\nd = 1\nd = 2\n", "[glance_store]\nd = 3\n"]);
        let texts: Vec<String> = both.written_all("glance_store", "d").into_iter().map(|w| w.text).collect();
        assert_eq!(texts, ["1", "2", "3"]);
    }

    #[test]
    fn names_behind_a_dollar_sign_are_filled_in() {
        let one = settings(&["[DEFAULT]\nbase = /data\nx = $base\n[other]\nport = 7\nbase = /own\n"]);
        assert_eq!(one.substitute("$base/images", "DEFAULT").unwrap(), "/data/images");
        assert_eq!(one.substitute("$base/images", "other").unwrap(), "/own/images");
        assert_eq!(one.substitute("${other.port}${x}", "DEFAULT").unwrap(), "7/data");
        assert_eq!(one.substitute("${other.port}", "glance_store").unwrap(), "7");
        assert_eq!(one.substitute("$bind_port", "DEFAULT").unwrap(), "9292");
    }

    #[test]
    fn a_dollar_sign_can_stand_for_itself() {
        let none = Settings::default();
        assert_eq!(
            none.substitute("Password123$@controller", "database").unwrap(),
            "Password123$@controller"
        );
        assert_eq!(none.substitute("end$", "database").unwrap(), "end$");
        assert_eq!(none.substitute("a$$b\\$c", "database").unwrap(), "a$b$c");
    }

    #[test]
    fn a_name_that_leads_nowhere_or_in_a_circle_is_an_error() {
        let one = settings(&["[DEFAULT]\na = $b\nb = $a\n"]);
        assert_eq!(one.substitute("pa$word", "DEFAULT"), Err(SubstitutionError::Unknown("word".into())));
        assert!(matches!(one.substitute("$a", "DEFAULT"), Err(SubstitutionError::Circular(_))));
    }
}
