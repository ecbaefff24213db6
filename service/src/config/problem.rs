//! What is wrong with the configuration: where it stands, what it is, and the line that mends it.

use std::fmt;
use std::path::PathBuf;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing needs to be done.
    Note,
    /// Works, but not as the file says or not for long.
    Warning,
    /// The service does not start with it.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that is wrong, or will be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    pub severity: Severity,
    pub file: Option<PathBuf>,
    pub line: Option<u32>,
    pub section: String,
    /// Empty where the section or the file itself is meant.
    pub option: String,
    pub what: String,
    /// What to write or to type; empty where nothing needs to be done.
    pub mend: String,
}

impl Problem {
    /// `[section] option`, or less where less is known.
    pub fn place(&self) -> String {
        match (self.section.as_str(), self.option.as_str()) {
            ("", option) => option.to_owned(),
            (section, "") => format!("[{section}]"),
            (section, option) => format!("[{section}] {option}"),
        }
    }

    /// One sentence without the mend: file and line, option, what is wrong.
    pub fn sentence(&self) -> String {
        let mut text = String::new();
        if let Some(file) = &self.file {
            text.push_str(&file.display().to_string());
            if let Some(line) = self.line {
                text.push(':');
                text.push_str(&line.to_string());
            }
            text.push_str(": ");
        }
        let place = self.place();
        if !place.is_empty() {
            text.push_str(&place);
            text.push_str(": ");
        }
        text.push_str(&self.what);
        text
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())?;
        if !self.mend.is_empty() {
            write!(f, "; {}", self.mend)?;
        }
        Ok(())
    }
}
