//! Who may name whom: the arrows of ARCHITECTURE.md as one table, and the reader that checks the tree against it.
//!
//! It reads paths (`use` trees and paths in code) and string literals, not types: enough to show a wrong arrow with its
//! file and line. Test modules are not looked at, for a test may know more than the code it tests.

pub mod locked;
pub mod rules;
pub mod shared_items;
pub mod source;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rules::{Forbidden, RULES, Rule};
use source::Source;

/// A line that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    pub file: String,
    pub line: usize,
    pub text: String,
    pub rule: &'static str,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n    {}", self.file, self.line, self.text.trim(), self.rule)
    }
}

/// Everything in the tree that breaks a rule.
pub fn breaches(root: &Path) -> Vec<Breach> {
    let mut found = Vec::new();
    for path in rust_files(root) {
        let text = fs::read_to_string(root.join(&path)).expect("a source file");
        found.extend(breaches_in(&path, &text));
    }
    found
}

/// What breaks a rule in one file, given by its path from the root.
pub fn breaches_in(path: &str, text: &str) -> Vec<Breach> {
    let rules: Vec<&Rule> = RULES.iter().filter(|rule| rule.applies_to(path)).collect();
    if rules.is_empty() {
        return Vec::new();
    }
    let source = Source::read(path, text);
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for rule in rules {
        for line in offending_lines(&source, &rule.forbidden) {
            let text = lines.get(line.saturating_sub(1)).copied().unwrap_or_default().to_owned();
            found.push(Breach { file: path.to_owned(), line, text, rule: rule.says });
        }
    }
    found
}

fn offending_lines(source: &Source, forbidden: &Forbidden) -> Vec<usize> {
    let mut lines: Vec<usize> = match forbidden {
        Forbidden::Path(path) => {
            let wanted: Vec<&str> = path.split("::").collect();
            let starts = |segments: &[String]| {
                segments.len() >= wanted.len()
                    && segments.iter().zip(&wanted).all(|(have, want)| have == want)
            };
            source.paths.iter().filter(|(_, segments)| starts(segments)).map(|(line, _)| *line).collect()
        }
        Forbidden::Word(word) => {
            source.words.iter().filter(|(_, have)| have == word).map(|(line, _)| *line).collect()
        }
        Forbidden::SqlText => {
            source.strings.iter().filter(|(_, text)| is_sql(text)).map(|(line, _)| *line).collect()
        }
    };
    lines.dedup();
    lines
}

/// Whether a text begins like a statement; English sentences that begin with the same verb are in lower case.
fn is_sql(text: &str) -> bool {
    const OPENINGS: [&str; 9] = [
        "SELECT ",
        "INSERT INTO ",
        "UPDATE ",
        "DELETE FROM ",
        "CREATE TABLE",
        "CREATE INDEX",
        "ALTER TABLE ",
        "DROP TABLE ",
        "PRAGMA ",
    ];
    OPENINGS.iter().any(|opening| text.trim_start().starts_with(opening))
}

/// The sizes of the tree's files: (path, lines).
pub fn file_lengths(root: &Path) -> Vec<(String, usize)> {
    let length = |path: &String| fs::read_to_string(root.join(path)).expect("a source file").lines().count();
    rust_files(root).into_iter().map(|path| (path.clone(), length(&path))).collect()
}

/// Every Rust file of the workspace, as paths from the root with `/` between their parts.
pub fn rust_files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for member in ["app", "service", "shared", "tests"] {
        collect(&root.join(member), &mut found);
    }
    let mut paths: Vec<String> = found
        .iter()
        .map(|path| path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned())
        .collect();
    paths.sort();
    paths
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}
