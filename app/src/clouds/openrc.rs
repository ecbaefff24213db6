//! openrc files: the assignments of a shell script, read and never run.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Cloud, Places, Problem, Settings, Source, read_text};

/// A value of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    /// Only running the script would tell it.
    Unknown(&'static str),
}

const ASKED: &str = "the file asks for it when it is sourced";
const COMMAND: &str = "the file takes it from a command, and commands are not run";
const ELSEWHERE: &str = "the file takes it from a variable that it does not set";

pub(super) fn read(path: &Path, places: &Places) -> Result<Cloud, Problem> {
    let variables = variables(&read_text(path)?);
    let mut settings = Settings::default();
    for (name, value) in &variables {
        let Some(name) = name.strip_prefix("OS_").map(str::to_ascii_lowercase) else { continue };
        settings = match value {
            Value::Text(text) => settings.set(&name, text),
            Value::Unknown(reason) => settings.unknown(&name, reason),
        };
    }
    if !variables.keys().any(|name| name.starts_with("OS_")) {
        let message = "sets no variable that begins with OS_".to_owned();
        return Err(Problem { file: path.to_owned(), line: None, message });
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = stem.trim_end_matches("-openrc").to_owned();
    let name =
        settings.get("project_name").map(str::to_owned).filter(|_| stem.is_empty() || stem == "openrc");
    Ok(Cloud::new(name.unwrap_or(stem), Source::Openrc(path.to_owned()), settings, places))
}

fn variables(script: &str) -> BTreeMap<String, Value> {
    let mut variables = BTreeMap::new();
    for line in script.lines() {
        let words = Words { rest: line.trim_start(), variables: &variables }.collect::<Vec<_>>();
        let mut words = words.into_iter().peekable();
        // An assignment of something unknown is an unknown word.
        let first = match words.peek() {
            Some(Value::Text(first)) => first.clone(),
            Some(Value::Unknown(_)) => String::new(),
            None => continue,
        };
        match first.as_str() {
            "unset" => {
                for word in words {
                    if let Value::Text(name) = word {
                        variables.remove(&name);
                    }
                }
            }
            // read -sr OS_PASSWORD_INPUT
            "read" => {
                for word in words.skip(1) {
                    if let Value::Text(name) = word
                        && is_name(&name)
                    {
                        variables.insert(name, Value::Unknown(ASKED));
                    }
                }
            }
            _ => {
                for (name, value) in assignments(line, &variables) {
                    variables.insert(name, value);
                }
            }
        }
    }
    variables
}

/// The assignments of a line that is nothing but assignments, with or without `export` before them.
fn assignments(line: &str, variables: &BTreeMap<String, Value>) -> Vec<(String, Value)> {
    let mut rest = line.trim_start();
    for keyword in ["export ", "declare -x "] {
        rest = rest.strip_prefix(keyword).unwrap_or(rest).trim_start();
    }
    let mut found = Vec::new();
    while let Some((name, after)) = rest.split_once('=') {
        if !is_name(name) {
            break;
        }
        let mut words = Words { rest: after, variables };
        // Nothing behind the equals sign is an empty value, not the next word.
        let empty = after.is_empty() || after.starts_with([' ', '\t', ';', '#']);
        let value = if empty {
            Value::Text(String::new())
        } else {
            words.next().unwrap_or(Value::Text(String::new()))
        };
        found.push((name.to_owned(), value));
        rest = words.rest.trim_start_matches([' ', '\t', ';']);
        rest = rest.strip_prefix("export ").unwrap_or(rest).trim_start();
    }
    found
}

fn is_name(word: &str) -> bool {
    let starts = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The words of a line as a shell splits them, with variables replaced.
struct Words<'a> {
    rest: &'a str,
    variables: &'a BTreeMap<String, Value>,
}

impl Iterator for Words<'_> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.rest = self.rest.trim_start_matches([' ', '\t', ';']);
        if self.rest.is_empty() || self.rest.starts_with('#') {
            self.rest = "";
            return None;
        }
        let mut text = String::new();
        let mut unknown = None;
        let mut quoted = false;
        while let Some(next) = self.rest.chars().next() {
            if !quoted && matches!(next, ' ' | '\t' | ';') {
                break;
            }
            self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
            match next {
                '\'' if !quoted => {
                    let (inside, after) = self.rest.split_once('\'').unwrap_or((self.rest, ""));
                    text.push_str(inside);
                    self.rest = after;
                }
                '"' => quoted = !quoted,
                '\\' => self.escaped(quoted, &mut text),
                '`' => {
                    unknown = Some(COMMAND);
                    self.rest = self.rest.split_once('`').map_or("", |(_, after)| after);
                }
                '$' => match self.variable() {
                    Value::Text(value) => text.push_str(&value),
                    Value::Unknown(reason) => unknown = Some(reason),
                },
                _ => text.push(next),
            }
        }
        Some(unknown.map_or(Value::Text(text), Value::Unknown))
    }
}

impl Words<'_> {
    /// Within double quotes a backslash only protects what would mean something there.
    fn escaped(&mut self, quoted: bool, text: &mut String) {
        let Some(next) = self.rest.chars().next() else { return };
        if quoted && !matches!(next, '"' | '\\' | '$' | '`') {
            text.push('\\');
        }
        text.push(next);
        self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
    }

    /// What stands behind a dollar sign.
    fn variable(&mut self) -> Value {
        if self.rest.starts_with('(') {
            self.rest = self.rest.split_once(')').map_or("", |(_, after)| after);
            return Value::Unknown(COMMAND);
        }
        let name = if let Some((inside, after)) =
            self.rest.strip_prefix('{').and_then(|rest| rest.split_once('}'))
        {
            self.rest = after;
            inside
        } else {
            let end =
                self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
            let (name, after) = self.rest.split_at(end);
            self.rest = after;
            name
        };
        if name.is_empty() {
            return Value::Text("$".to_owned());
        }
        self.variables.get(name).cloned().unwrap_or(Value::Unknown(ELSEWHERE))
    }
}
