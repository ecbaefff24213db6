//! What is said about names rather than values: unknown sections and options, old names, what has no effect, what
//! stands in a comment or in a second file.

use std::collections::HashSet;
use std::path::Path;

use super::database_url;
use super::files::Sources;
use super::ini::{self, Entry};
use super::options::{self, IDENTITY_SECTION, Opt, STORE_SECTION, Status};
use super::problem::{Problem, Severity};
use super::reader::{Reader, parse_list};

/// Options whose silent absence would open what was closed, lose what was kept or cheat a client.
const NEVER_WITHOUT: [(&str, &str, &str); 4] = [
    ("DEFAULT", "cert_file", "the listener would speak without encryption"),
    ("DEFAULT", "ca_file", "the listener would take clients without a certificate"),
    ("DEFAULT", "metadata_encryption_key", "the addresses of existing images could not be read"),
    ("DEFAULT", "allow_anonymous_access", "callers without a token would be refused"),
];

/// Names of all lines of all files.
pub fn names(sources: &Sources) -> Vec<Problem> {
    let backends = backends(sources);
    let mut problems = Vec::new();
    let mut unknown_sections = HashSet::new();
    for file in &sources.settings.files {
        for entry in &file.parsed.entries {
            let place = Place { file: &file.path, entry };
            let table = table_section(&entry.section, &backends, sources);
            match table {
                Some(table) => problems.extend(place.name(table)),
                None => {
                    if unknown_sections.insert(entry.section.clone()) {
                        problems.push(place.unknown_section());
                    }
                }
            }
        }
    }
    problems
}

/// The section of the table that a section of the file is read by; `None` where nobody reads it.
fn table_section<'s>(section: &'s str, backends: &[String], sources: &Sources) -> Option<&'s str> {
    if options::has_section(section) {
        return Some(section);
    }
    if backends.iter().any(|id| id == section) {
        return Some(STORE_SECTION);
    }
    let is_login =
        sources.settings.written_all(IDENTITY_SECTION, "auth_section").iter().any(|w| w.text == section);
    is_login.then_some(IDENTITY_SECTION)
}

/// Ids of `enabled_backends`.
fn backends(sources: &Sources) -> Vec<String> {
    let written = Reader::new(&sources.settings).written("DEFAULT", "enabled_backends");
    let pairs = parse_list(&written.map(|written| written.text).unwrap_or_default());
    pairs.iter().filter_map(|pair| Some(pair.split_once(':')?.0.trim().to_owned())).collect()
}

struct Place<'a> {
    file: &'a Path,
    entry: &'a Entry,
}

impl Place<'_> {
    fn problem(&self, severity: Severity, what: impl Into<String>, mend: impl Into<String>) -> Problem {
        Problem {
            severity,
            file: Some(self.file.to_owned()),
            line: Some(self.entry.line),
            section: self.entry.section.clone(),
            option: self.entry.key.clone(),
            what: what.into(),
            mend: mend.into(),
        }
    }

    fn unknown_section(&self) -> Problem {
        let mend = match options::nearest_section(&self.entry.section) {
            Some(near) => format!("write [{near}] if that is meant"),
            None => "remove it if nothing else reads it".to_owned(),
        };
        let mut problem = self.problem(Severity::Warning, "nobody reads this section", mend);
        problem.option = String::new();
        problem
    }

    fn name(&self, table: &str) -> Option<Problem> {
        if table.starts_with("glance.store.") {
            let mend = "move its lines to [glance_store] or to the section of a store";
            return Some(self.problem(Severity::Warning, "nobody reads this section", mend));
        }
        if let Some(option) = options::find(table, &self.entry.key)
            && (!matches!(option.status, Status::Gone(_))
                || options::find_by_old_name(table, &self.entry.key).is_none())
        {
            return self.known(option);
        }
        if let Some(option) = options::find_by_old_name(table, &self.entry.key) {
            return Some(self.old_name(option));
        }
        let mend = match options::nearest(table, &self.entry.key) {
            Some(near) => format!("write {near} if that is meant"),
            None => "remove the line if nothing else reads it".to_owned(),
        };
        Some(self.problem(Severity::Warning, "nobody reads this option", mend))
    }

    fn known(&self, option: &Opt) -> Option<Problem> {
        let value = self.entry.value.trim();
        match option.status {
            Status::Used | Status::Accepted => None,
            Status::Gone(mend) => {
                Some(self.problem(Severity::Warning, "no release of today reads this option", mend))
            }
            // What is set to its default asks for nothing.
            Status::Missing
                if value.is_empty() || option.default.is_some_and(|d| d.eq_ignore_ascii_case(value)) =>
            {
                None
            }
            Status::Missing => {
                let grave = NEVER_WITHOUT
                    .iter()
                    .find(|(section, name, _)| (*section, *name) == (option.section, option.name));
                Some(match grave {
                    Some((_, _, why)) => self.problem(
                        Severity::Error,
                        format!("this version does not have this option, and {why}"),
                        "remove the line if that is acceptable",
                    ),
                    None => self.problem(
                        Severity::Warning,
                        "this version does not have this option, so it has no effect",
                        "",
                    ),
                })
            }
        }
    }

    fn old_name(&self, option: &Opt) -> Problem {
        let moved = self.entry.section != option.section && self.entry.section != STORE_SECTION;
        let place =
            if moved { format!("[{}] {}", option.section, option.name) } else { option.name.to_owned() };
        let what = match option.status {
            Status::Missing => "an old name, of an option that this version does not have",
            _ => "an old name; it is still read",
        };
        // `notification_driver = noop` asks for nothing, under either name.
        if option.status == Status::Missing && option.default == Some(self.entry.value.trim()) {
            return self.problem(
                Severity::Warning,
                "an old name",
                format!("write {place} or remove the line"),
            );
        }
        self.problem(Severity::Warning, what, format!("write {place}"))
    }
}

/// SQLite, or nothing, while an address of a MySQL stands in a comment or in a section where nobody looks.
pub fn forgotten_database(sources: &Sources, has_sqlite: bool) -> Vec<Problem> {
    let is_server = |entry: &Entry| {
        let names = ["connection", "sql_connection"];
        names.contains(&entry.key.as_str())
            && (entry.value.starts_with("mysql") || entry.value.starts_with("mariadb"))
    };
    let instead = if has_sqlite { "SQLite is used" } else { "no database is set" };
    let mut problems = Vec::new();
    for file in &sources.settings.files {
        for entry in file.parsed.commented.iter().filter(|entry| is_server(entry)) {
            let what = format!(
                "{instead}, while this line, {}, stands in a comment",
                database_url::masked(&entry.value)
            );
            let mend = if entry.section == "database" {
                "remove the # if it is meant".to_owned()
            } else {
                "remove the # and put the line below [database] if it is meant".to_owned()
            };
            problems.push(Place { file: &file.path, entry }.problem(Severity::Warning, what, mend));
        }
        let elsewhere = |entry: &&Entry| {
            is_server(entry)
                && options::find_by_old_name(&entry.section, &entry.key).is_none()
                && entry.section != "database"
        };
        for entry in file.parsed.entries.iter().filter(elsewhere) {
            let what = format!(
                "{instead}, while this line, {}, stands where nobody reads it",
                database_url::masked(&entry.value)
            );
            problems.push(Place { file: &file.path, entry }.problem(
                Severity::Warning,
                what,
                "move the line below [database]",
            ));
        }
    }
    problems
}

/// `glance-registry.conf` beside the main file: not needed, and confusing when it names another database.
pub fn registry(sources: &Sources) -> Option<Problem> {
    let main = sources.main_file()?;
    let path = main.with_file_name("glance-registry.conf");
    let bytes = std::fs::read(&path).ok()?;
    let parsed = ini::parse(&String::from_utf8_lossy(&bytes));
    let connection = options::find("database", "connection")?;
    let theirs = parsed.entries.iter().rev().find(|entry| {
        let pair = (entry.section.as_str(), entry.key.as_str());
        pair == ("database", "connection") || connection.aliases.contains(&pair)
    });
    let ours = Reader::new(&sources.settings).written("database", "connection");
    let ours_text = ours.as_ref().map_or("nothing", |written| written.text.as_str());
    let differing = theirs.filter(|entry| {
        let parse = |text: &str| database_url::parse(text).ok().map(|parsed| parsed.url);
        entry.value != ours_text && (parse(&entry.value).is_none() || parse(&entry.value) != parse(ours_text))
    });
    let (line, what) = match differing {
        Some(entry) => {
            let here =
                ours.as_ref().map_or("nothing".to_owned(), |written| database_url::masked(&written.text));
            let what = format!(
                "the registry is no longer needed, and this file names another database than {}: {} here, {here} there; \
                 only the latter is used",
                main.display(),
                database_url::masked(&entry.value),
            );
            (Some(entry), what)
        }
        None => (None, "the registry is no longer needed, and nobody reads this file".to_owned()),
    };
    Some(Problem {
        severity: if line.is_some() { Severity::Warning } else { Severity::Note },
        file: Some(path),
        line: line.map(|entry| entry.line),
        section: line.map_or(String::new(), |entry| entry.section.clone()),
        option: line.map_or(String::new(), |entry| entry.key.clone()),
        what,
        mend: if line.is_some() {
            format!("see that {} names the right one, then remove the file", main.display())
        } else {
            "remove the file".to_owned()
        },
    })
}
