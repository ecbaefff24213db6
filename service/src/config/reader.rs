//! Texts into values. Every text that cannot be read becomes a problem and the default stands in, so that one run
//! finds them all.

use std::path::PathBuf;

use url::Url;

use super::options::{self, IDENTITY_SECTION, Kind, Opt, STORE_SECTION};
use super::problem::{Problem, Severity};
use super::settings::{Origin, Settings, SubstitutionError, Written};

/// Reads options out of the settings and gathers what is wrong.
pub struct Reader<'a> {
    pub settings: &'a Settings,
    pub problems: Vec<Problem>,
}

/// The table row that a section and a name lead to, where a section of a store or of a login has a name of its own.
pub fn option_of(section: &str, name: &str) -> Option<&'static Opt> {
    [section, STORE_SECTION, IDENTITY_SECTION].into_iter().find_map(|table| options::find(table, name))
}

impl<'a> Reader<'a> {
    pub fn new(settings: &'a Settings) -> Self {
        Self { settings, problems: Vec::new() }
    }

    /// What was written, filled in; `None` where nothing or an empty text was.
    pub fn written(&mut self, section: &str, name: &str) -> Option<Written> {
        let option = option_of(section, name)?;
        let mut written = self.settings.written(section, option)?;
        match self.settings.substitute(&written.text, section) {
            Ok(text) => text.trim().clone_into(&mut written.text),
            Err(error) => {
                let (what, mend) = match error {
                    SubstitutionError::Unknown(name)
                        if matches!(option.kind, Kind::Secret | Kind::SecretUrl) =>
                    {
                        // The name may be a part of the password: it is not repeated.
                        let _ = name;
                        (
                            "a $ in it is read as the name of an option".to_owned(),
                            "write $$ for each $".to_owned(),
                        )
                    }
                    SubstitutionError::Unknown(name) => (
                        format!("${name} names no option"),
                        "write $$ for a $ that is meant as such".to_owned(),
                    ),
                    SubstitutionError::Circular(name) => {
                        (format!("${name} leads back to itself"), String::new())
                    }
                };
                self.error(&written, what, mend);
                return None;
            }
        }
        (!written.text.is_empty()).then_some(written)
    }

    /// The text, or the default of the table.
    pub fn text(&mut self, section: &str, name: &str) -> Option<String> {
        let default = || option_of(section, name)?.default.map(str::to_owned);
        self.written(section, name).map(|written| written.text).or_else(default)
    }

    /// Parses the text; what does not parse is a problem, and the default stands in.
    pub fn parse<T>(
        &mut self,
        section: &str,
        name: &str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if let Some(written) = self.written(section, name) {
            if let Some(value) = parse(&written.text) {
                return Some(value);
            }
            let shown = shown(section, name, &written.text);
            self.error(
                &written,
                format!("{shown} is not {wanted}"),
                format!("write {}", example(section, name, wanted)),
            );
        }
        let default = option_of(section, name)?.default?;
        parse(default)
    }

    pub fn boolean(&mut self, section: &str, name: &str) -> bool {
        self.parse(section, name, "True or False", parse_boolean).unwrap_or(false)
    }

    /// A whole number from `least` on.
    pub fn integer(&mut self, section: &str, name: &str, least: i64) -> i64 {
        let wanted = format!("a whole number from {least} on");
        let parse = |text: &str| text.trim_start_matches('+').parse().ok().filter(|number| *number >= least);
        self.parse(section, name, &wanted, parse).unwrap_or(least)
    }

    /// A whole number from 0 on that fits the type.
    pub fn number<N: TryFrom<i64> + Default>(&mut self, section: &str, name: &str) -> N {
        let parse = |text: &str| N::try_from(text.trim_start_matches('+').parse().ok()?).ok();
        self.parse(section, name, "a whole number in its range", parse).unwrap_or_default()
    }

    pub fn list(&mut self, section: &str, name: &str) -> Vec<String> {
        // An empty text is an empty list here and not the default.
        let emptied = option_of(section, name)
            .and_then(|option| self.settings.written(section, option))
            .is_some_and(|written| written.text.trim().is_empty());
        if emptied {
            return Vec::new();
        }
        self.text(section, name).map(|text| parse_list(&text)).unwrap_or_default()
    }

    pub fn path(&mut self, section: &str, name: &str) -> Option<PathBuf> {
        self.text(section, name).map(PathBuf::from)
    }

    pub fn url(&mut self, section: &str, name: &str) -> Option<Url> {
        self.parse(section, name, "an address such as http://controller:5000", parse_url)
    }

    pub fn error(&mut self, written: &Written, what: impl Into<String>, mend: impl Into<String>) {
        self.problems.push(problem(Severity::Error, written, what, mend));
    }

    pub fn warn(&mut self, written: &Written, what: impl Into<String>, mend: impl Into<String>) {
        self.problems.push(problem(Severity::Warning, written, what, mend));
    }

    /// An error about what is not written anywhere.
    pub fn absent(&mut self, section: &str, option: &str, what: impl Into<String>, mend: impl Into<String>) {
        self.problems.push(Problem {
            severity: Severity::Error,
            file: None,
            line: None,
            section: section.to_owned(),
            option: option.to_owned(),
            what: what.into(),
            mend: mend.into(),
        });
    }
}

fn shown(section: &str, name: &str, text: &str) -> String {
    let secret = option_of(section, name).is_some_and(|o| matches!(o.kind, Kind::Secret | Kind::SecretUrl));
    if secret { "the value".to_owned() } else { format!("\"{text}\"") }
}

/// A problem at the place where something was written.
pub fn problem(
    severity: Severity,
    written: &Written,
    what: impl Into<String>,
    mend: impl Into<String>,
) -> Problem {
    let (file, line, what) = match &written.origin {
        Origin::File { path, line } => (Some(path.to_path_buf()), Some(*line), what.into()),
        Origin::Environment { variable } => {
            (None, None, format!("{} (from the variable {variable})", what.into()))
        }
    };
    let (section, option) = (written.section.clone(), written.key.clone());
    Problem { severity, file, line, section, option, what, mend: mend.into() }
}

/// What an option has in the files, filled in, for who asks about one alone.
pub fn written(sources: &super::Sources, section: &str, name: &str) -> Option<Written> {
    Reader::new(&sources.settings).written(section, name)
}

fn example(section: &str, name: &str, wanted: &str) -> String {
    match option_of(section, name).and_then(|option| option.default) {
        Some(default) if !default.is_empty() => format!("{wanted}, such as `{name} = {default}`"),
        _ => wanted.to_owned(),
    }
}

pub fn parse_boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// `a,b`, `[a,b]`, over several lines.
pub fn parse_list(text: &str) -> Vec<String> {
    let inner = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let entries = inner.split(',').map(|entry| entry.trim().trim_matches(['"', '\'']).to_owned());
    entries.filter(|entry| !entry.is_empty()).collect()
}

pub fn parse_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_with_and_without_brackets() {
        for text in ["[a, b]", "a,b", "a,\nb,", "'a',\"b\""] {
            assert_eq!(parse_list(text), ["a", "b"], "{text}");
        }
        assert!(parse_list("[]").is_empty());
    }

    #[test]
    fn booleans_have_the_words_of_oslo_and_no_others() {
        assert_eq!(parse_boolean("YES"), Some(true));
        assert_eq!(parse_boolean("off"), Some(false));
        assert_eq!(parse_boolean("maybe"), None);
    }

    #[test]
    fn an_address_needs_a_scheme_and_a_host() {
        assert!(parse_url("http://controller:5000/v3").is_some());
        assert!(parse_url("controller:5000").is_none());
        assert!(parse_url("ftp://controller").is_none());
    }
}
