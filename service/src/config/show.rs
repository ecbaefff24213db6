//! What is in effect, as a file that could be read again, with secrets masked and the origin of each line.

use std::fmt::Write as _;

use super::database_url::masked;
use super::files::Sources;
use super::options::{self, IDENTITY_SECTION, Kind, Opt, STORE_SECTION, Status};
use super::reader::{Reader, option_of, parse_list};

/// All options that have an effect, by section; defaults too.
pub fn show(sources: &Sources) -> String {
    let mut text = String::new();
    for file in sources.files() {
        let _ = writeln!(text, "# read: {}", file.display());
    }
    for file in &sources.absent {
        let _ = writeln!(text, "# not there: {}", file.display());
    }
    let mut reader = Reader::new(&sources.settings);
    let mut sections: Vec<(String, &str)> = Vec::new();
    for option in options::all().iter().filter(|option| option.status == Status::Used) {
        if !sections.iter().any(|(section, _)| section == option.section) {
            sections.push((option.section.to_owned(), option.section));
        }
    }
    let backends =
        reader.written("DEFAULT", "enabled_backends").map(|written| written.text).unwrap_or_default();
    let ids = parse_list(&backends);
    sections.extend(
        ids.iter().filter_map(|pair| Some((pair.split_once(':')?.0.trim().to_owned(), STORE_SECTION))),
    );
    if let Some(login) = reader.written(IDENTITY_SECTION, "auth_section") {
        sections.push((login.text, IDENTITY_SECTION));
    }
    for (section, table) in sections {
        let _ = writeln!(text, "\n[{section}]");
        for option in
            options::all().iter().filter(|option| option.section == table && option.status == Status::Used)
        {
            line(&mut text, &mut reader, &section, option);
        }
    }
    text
}

fn line(text: &mut String, reader: &mut Reader, section: &str, option: &Opt) {
    let name = option.name;
    let written = reader.written(section, name);
    let (value, origin) = match (&written, option.default) {
        (Some(written), _) => (written.text.as_str(), format!("# {}", written.origin)),
        (None, Some(default)) => (default, "# default".to_owned()),
        (None, None) => {
            let _ = writeln!(text, "# {name} is not set");
            return;
        }
    };
    let kind = option_of(section, name).map_or(option.kind, |option| option.kind);
    let shown = match kind {
        Kind::Secret => "***".to_owned(),
        Kind::SecretUrl => masked(value),
        _ => value.replace('\n', "\n    ").replace('$', "$$"),
    };
    let _ = writeln!(text, "{origin}\n{name} = {shown}");
}
