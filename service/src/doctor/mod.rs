//! What can be looked at before the first request, one file per neighbour. It changes nothing and mends nothing.

mod database;
mod hosts;
mod identity;
mod limits;
mod stores;

use crate::config::{Loaded, Problem, Severity, Sources};

pub use database::{open as open_database, open_failure, schema_finding};

/// Whose fault it is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Neighbour {
    Configuration,
    Database,
    Store,
    Identity,
    Network,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// For programs and for searching; never changes its meaning.
    pub code: &'static str,
    pub severity: Severity,
    pub neighbour: Neighbour,
    /// File, option and what is wrong.
    pub sentence: String,
    /// What to write or to type; empty where nothing needs to be done.
    pub mend: String,
}

impl Finding {
    fn error(
        neighbour: Neighbour,
        code: &'static str,
        sentence: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { code, severity: Severity::Error, neighbour, sentence: sentence.into(), mend: mend.into() }
    }

    fn weighing(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// What the configuration says of itself.
    pub fn of_problem(problem: &Problem) -> Self {
        Self {
            code: "CONFIGURATION",
            severity: problem.severity,
            neighbour: Neighbour::Configuration,
            sentence: problem.sentence(),
            mend: problem.mend.clone(),
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)?;
        if !self.mend.is_empty() {
            write!(f, "; {}", self.mend)?;
        }
        Ok(())
    }
}

/// How long to wait for a neighbour that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// One attempt: somebody is looking on.
    Once,
    /// `max_retries` and `retry_interval`: neighbours may be starting as well.
    AsConfigured,
}

/// Everything that can be looked at. Findings of any weight; an error forbids the start.
pub async fn all_checks(loaded: &Loaded, patience: Patience) -> Vec<Finding> {
    let mut findings = checks_before_listening(loaded, patience).await;
    findings.extend(checks_of_identity(loaded).await);
    findings
}

/// What the service cannot answer anything without.
pub async fn checks_before_listening(loaded: &Loaded, patience: Patience) -> Vec<Finding> {
    let mut findings = hosts::check(loaded).await;
    findings.extend(database::check(loaded, patience).await);
    findings.extend(stores::check(loaded).await);
    findings
}

/// What is asked of Keystone, whose login alone takes longer than all the rest of a start.
pub async fn checks_of_identity(loaded: &Loaded) -> Vec<Finding> {
    let mut findings = identity::check(loaded).await;
    findings.extend(limits::check(loaded).await);
    findings
}

/// `FILE:LINE: [section] option`, for sentences about what an option led to.
pub fn place(sources: &Sources, section: &str, option: &str) -> String {
    let origin = crate::config::written(sources, section, option).map(|written| written.origin.to_string());
    match (origin, sources.main_file()) {
        (Some(origin), _) => format!("{origin}: [{section}] {option}"),
        (None, Some(file)) => format!("{}: [{section}] {option} (its default)", file.display()),
        (None, None) => format!("[{section}] {option}"),
    }
}
