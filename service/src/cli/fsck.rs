//! `fsck`: rows without data, and data without rows. May run beside services.

use std::sync::Arc;

use super::out::Out;
use super::{ExitCode, logging, runtime};
use crate::clock;
use crate::config::{Config, Sources, interpret};
use crate::doctor::{Patience, open_database};
use crate::images::audit::{self, AuditError, Finding};
use crate::outbound::Filter;
use crate::stores::Stores;

pub fn run(sources: &Sources, repair: bool, out: &mut Out) -> ExitCode {
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
        look(config, repair, out).await.unwrap_or_else(|error| {
            out.remark(format_args!("FAILED: {error}"));
            match error {
                AuditError::Database(_) => ExitCode::Database,
                AuditError::Store { .. } => ExitCode::Store,
            }
        })
    })
}

async fn look(config: Config, repair: bool, out: &mut Out<'_>) -> Result<ExitCode, AuditError> {
    let db = open_database(config.database, Patience::Once).await?;
    let stores = Stores::open(&config.stores, &Arc::new(Filter::new(&config.outbound)))
        .map_err(|error| AuditError::Store { store: config.stores.default.clone(), error })?;
    let findings = audit::audit(&db, &stores).await?;
    for finding in &findings {
        out.say(sentence(finding));
    }
    let strays = findings.iter().filter(|finding| matches!(finding, Finding::Stray { .. })).count();
    let lost = findings.len() - strays;
    out.say(format_args!("{lost} locations without their data, {strays} objects without an image"));
    if !repair {
        return Ok(if findings.is_empty() { ExitCode::Ok } else { ExitCode::Wrong });
    }
    let (set_aside, removed) = audit::repair(&stores, &findings, clock::now()).await?;
    let days = audit::QUARANTINE.as_secs() / 86_400;
    out.say(format_args!(
        "{set_aside} objects set aside, {removed} removed that were set aside {days} days ago"
    ));
    Ok(if lost == 0 { ExitCode::Ok } else { ExitCode::Wrong })
}

fn sentence(finding: &Finding) -> String {
    match finding {
        Finding::Missing { image_id, url } => format!("image {image_id}: nothing is stored at {url}"),
        Finding::WrongSize { image_id, url, recorded_bytes, stored_bytes } => {
            format!("image {image_id}: {url} has {stored_bytes} bytes, not {recorded_bytes}")
        }
        Finding::Unreadable { image_id, url, why } => {
            format!("image {image_id}: {url} cannot be read: {why}")
        }
        Finding::Stray { store, object } => {
            format!("store {store}: {} of {} bytes belongs to no image", object.url, object.size_bytes)
        }
    }
}
