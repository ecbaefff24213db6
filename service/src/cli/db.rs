//! `db sync|check|version|expand|migrate|contract`: the tables of the database.

use std::time::Instant;

use clap::Subcommand;

use super::out::Out;
use super::{ExitCode, logging, runtime};
use crate::config::{DatabaseConfig, Severity, Sources, interpret_database};
use crate::db::schema::{self, REVISION, SchemaState, Synced};
use crate::db::{Db, DbError, own_tables};
use crate::doctor::{Patience, open_database, open_failure, schema_finding};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Make the tables that are missing and say which database received them.
    Sync,
    /// Say whether the tables are up to date; 0 yes, 3 expand, 4 migrate, 5 contract is needed.
    Check,
    /// Print the revision of the database.
    Version,
    /// First step of an upgrade; there is none to do at this revision.
    Expand,
    /// Second step of an upgrade; there is none to do at this revision.
    Migrate,
    /// Last step of an upgrade; there is none to do at this revision.
    Contract,
}

pub fn run(sources: &Sources, command: Command, out: &mut Out) -> ExitCode {
    logging::start_on_terminal();
    let (config, problems) = interpret_database(sources);
    for problem in &problems {
        out.remark(format_args!("{}: {problem}", problem.severity));
    }
    let Some(config) = config else {
        out.remark("FAILED: no database was touched");
        return unable(command, ExitCode::Configuration);
    };
    let patience = if command == Command::Check { Patience::Once } else { Patience::AsConfigured };
    runtime::run(Some(1), out, async move |out| {
        let mut end = std::pin::pin!(runtime::asked_to_end());
        let opened = tokio::select! {
            opened = open_database(config.clone(), patience) => opened,
            _ = &mut end => return unable(command, ExitCode::Database),
        };
        let done = match opened {
            Ok(db) => on_database(&db, sources, command, out).await,
            Err(error) => Err(error),
        };
        done.unwrap_or_else(|error| failed(sources, &config, command, &error, out))
    })
}

/// `db check` has numbers of its own, in which 3, 4 and 5 are answers.
fn unable(command: Command, code: ExitCode) -> ExitCode {
    if command == Command::Check { ExitCode::Wrong } else { code }
}

async fn on_database(
    db: &Db,
    sources: &Sources,
    command: Command,
    out: &mut Out<'_>,
) -> Result<ExitCode, DbError> {
    if command == Command::Sync {
        return sync(db, sources, out).await;
    }
    let state = db.read(|conn| schema::state(conn)).await?;
    Ok(match command {
        Command::Check => check(db, &state, out),
        Command::Version => version(&state, out),
        Command::Sync | Command::Expand | Command::Migrate | Command::Contract => {
            step(db, &state, sources, out)
        }
    })
}

async fn sync(db: &Db, sources: &Sources, out: &mut Out<'_>) -> Result<ExitCode, DbError> {
    let begun = Instant::now();
    let synced = db.write(|conn| schema::sync(conn)).await?;
    db.write(own_tables).await?;
    let seconds = begun.elapsed().as_secs_f64();
    // What counts is not what was done but what is there now.
    let after = db.read(|conn| schema::state(conn)).await?;
    if let Some(finding) = schema_finding(sources, &db.description(), &after) {
        out.remark(format_args!("FAILED: {finding}"));
        return Ok(ExitCode::Database);
    }
    out.say(report(&db.description(), &synced, seconds));
    Ok(ExitCode::Ok)
}

fn report(description: &str, synced: &Synced, seconds: f64) -> String {
    let before = revision_of(&synced.before).unwrap_or_else(|| "none".to_owned());
    let done = if synced.created == 0 && matches!(synced.before, SchemaState::Current { .. }) {
        "already current, nothing to do".to_owned()
    } else {
        format!("{} tables made", synced.created)
    };
    format!(
        "database  {description}\nrevision  {before} -> {}\ntables    {} there; {done}\ntime      {seconds:.2} s",
        synced.revision, synced.tables
    )
}

fn revision_of(state: &SchemaState) -> Option<String> {
    match state {
        SchemaState::Current { .. } => Some(REVISION.to_owned()),
        SchemaState::HalfUpgraded { revisions } => Some(revisions.join(", ")),
        SchemaState::Older { revision } | SchemaState::Newer { revision } => Some(revision.clone()),
        SchemaState::Empty | SchemaState::Partial { .. } | SchemaState::Foreign => None,
    }
}

fn version(state: &SchemaState, out: &mut Out) -> ExitCode {
    if let Some(revision) = revision_of(state) {
        out.say(revision);
        return ExitCode::Ok;
    }
    out.remark(format_args!("the database has no revision: {state}"));
    ExitCode::Database
}

fn check(db: &Db, state: &SchemaState, out: &mut Out) -> ExitCode {
    let (sentence, code) = match state {
        SchemaState::Current { .. } => ("it is up to date", ExitCode::Ok),
        SchemaState::Empty | SchemaState::Partial { .. } => {
            ("type `glasshouse-service db sync`", ExitCode::ExpandNeeded)
        }
        SchemaState::Older { .. } => {
            ("upgrade it with Glance's `glance-manage db_sync`", ExitCode::ExpandNeeded)
        }
        SchemaState::HalfUpgraded { revisions } if is_contracting(revisions) => {
            ("type Glance's `glance-manage db_contract`", ExitCode::ContractNeeded)
        }
        SchemaState::HalfUpgraded { .. } => {
            ("type Glance's `glance-manage db_migrate`", ExitCode::MigrateNeeded)
        }
        SchemaState::Newer { .. } => ("a newer release is needed", ExitCode::Wrong),
        SchemaState::Foreign => ("it is not a database of the Image service", ExitCode::Wrong),
    };
    out.say(format_args!("{}: {state}; {sentence}", db.description()));
    code
}

/// Has the contract begun? Each step stands in the version table with its own row.
fn is_contracting(revisions: &[String]) -> bool {
    let newest =
        |kind: &str| revisions.iter().filter(|name| name.contains(kind)).max().cloned().unwrap_or_default();
    newest("contract").starts_with("2024_1")
}

/// A step of a rolling upgrade between releases of Glance: at the newest revision there is nothing to do.
fn step(db: &Db, state: &SchemaState, sources: &Sources, out: &mut Out) -> ExitCode {
    match schema_finding(sources, &db.description(), state) {
        None => {
            out.say(format_args!("{}: {state}; nothing to do", db.description()));
            ExitCode::Ok
        }
        Some(finding) => {
            out.remark(format_args!("FAILED: {finding}"));
            ExitCode::Database
        }
    }
}

fn failed(
    sources: &Sources,
    config: &DatabaseConfig,
    command: Command,
    error: &DbError,
    out: &mut Out,
) -> ExitCode {
    let finding = match error {
        DbError::Unsuitable(state) => schema_finding(sources, "the database", state),
        _ => None,
    };
    let finding = finding.unwrap_or_else(|| open_failure(sources, config, error));
    debug_assert_eq!(finding.severity, Severity::Error);
    out.remark(format_args!("FAILED: {finding}"));
    unable(command, ExitCode::Database)
}
