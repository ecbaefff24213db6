//! What `fsck` and `scrub` have in common: the database and the stores of the configuration, opened once.

use std::sync::Arc;

use super::out::Out;
use super::{ExitCode, logging, runtime};
use crate::config::{Config, Sources, UpkeepConfig, interpret};
use crate::db::Db;
use crate::doctor::{Patience, open_database};
use crate::images::audit::AuditError;
use crate::outbound::Filter;
use crate::stores::Stores;

/// What the configuration names.
pub struct Site {
    pub db: Db,
    pub stores: Stores,
    pub upkeep: UpkeepConfig,
}

/// Runs `work` on it. What is wrong with any of it ends the command with a sentence and its number.
pub fn run(
    sources: &Sources,
    out: &mut Out,
    work: impl AsyncFnOnce(Site, &mut Out) -> Result<ExitCode, AuditError>,
) -> ExitCode {
    logging::start_on_terminal();
    let (config, problems) = interpret(sources);
    for problem in &problems {
        out.remark(format_args!("{}: {problem}", problem.severity));
    }
    let Some(config) = config else {
        out.remark("FAILED: nothing was looked at");
        return ExitCode::Configuration;
    };
    runtime::run(Some(1), out, async move |out| {
        let done = match open(config).await {
            Ok(site) => work(site, out).await,
            Err(error) => Err(error),
        };
        done.unwrap_or_else(|error| {
            out.remark(format_args!("FAILED: {error}"));
            match error {
                AuditError::Database(_) => ExitCode::Database,
                AuditError::Store { .. } => ExitCode::Store,
            }
        })
    })
}

async fn open(config: Config) -> Result<Site, AuditError> {
    let db = open_database(config.database, Patience::Once).await?;
    let stores = Stores::open(&config.stores, &Arc::new(Filter::new(&config.outbound)))
        .map_err(|error| AuditError::Store { store: config.stores.default.clone(), error })?;
    Ok(Site { db, stores, upkeep: config.upkeep })
}
