//! The names that the program can be called by, and the spellings that come with them.

use std::ffi::OsString;
use std::path::Path;

/// The command line as `glasshouse-service` would have it.
pub fn translated(arguments: Vec<OsString>) -> Vec<OsString> {
    let program = arguments.first().map(Path::new).and_then(Path::file_stem).unwrap_or_default();
    match program.to_str() {
        Some("glance-api") => with_command("serve", arguments),
        Some("glance-manage") => with_command("db", one_word(arguments)),
        _ => arguments,
    }
}

fn with_command(command: &str, mut arguments: Vec<OsString>) -> Vec<OsString> {
    let rest = arguments.split_off(arguments.len().min(1));
    let name = OsString::from("glasshouse-service");
    [name, command.into()].into_iter().chain(rest).collect()
}

/// `db_sync`, `db sync` → `sync`: the first word that is no option.
fn one_word(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let mut skip = true;
    let place = arguments.iter().position(|argument| {
        let text = argument.to_string_lossy();
        let is_word = !skip && !text.starts_with('-');
        skip = matches!(text.as_ref(), "--config-file" | "--config-dir");
        is_word
    });
    let Some(place) = place else { return arguments };
    let Some(word) = arguments.get_mut(place) else { return arguments };
    let text = word.to_string_lossy().into_owned();
    if text == "db" {
        arguments.remove(place);
    } else if let Some(command) = text.strip_prefix("db_") {
        *word = command.into();
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        let translated = translated(text.split(' ').map(OsString::from).collect());
        translated.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn glance_manage_has_two_spellings() {
        assert_eq!(line("/usr/bin/glance-manage db_sync"), "glasshouse-service db sync");
        assert_eq!(line("glance-manage db sync"), "glasshouse-service db sync");
        assert_eq!(line("glance-manage db_version"), "glasshouse-service db version");
        assert_eq!(
            line("glance-manage --config-file /db db_check"),
            "glasshouse-service db --config-file /db check"
        );
        assert_eq!(line("glance-manage"), "glasshouse-service db");
    }

    #[test]
    fn glance_api_serves() {
        assert_eq!(line("glance-api --config-file /x"), "glasshouse-service serve --config-file /x");
        assert_eq!(line("glasshouse-service db sync"), "glasshouse-service db sync");
    }
}
