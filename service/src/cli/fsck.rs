//! `fsck`: rows without data, and data without rows. May run beside services.

use clap::Args;

use super::out::Out;
use super::{ExitCode, upkeep};
use crate::clock;
use crate::config::Sources;
use crate::db::Db;
use crate::images::audit::{self, AuditError, Finding};
use crate::stores::Stores;

#[derive(Debug, Clone, Copy, Args)]
pub struct Options {
    /// Set data without an image aside, into `.quarantine` in its store; it is removed a week later.
    #[arg(long)]
    repair: bool,
    /// Deactivate active images of which no whole copy is left. Nothing of the record is lost: `reactivate` brings the
    /// image back once its data is there again.
    #[arg(long, requires = "repair")]
    deactivate_lost: bool,
}

pub fn run(sources: &Sources, options: Options, out: &mut Out) -> ExitCode {
    upkeep::run(sources, out, async move |site, out| look(&site.db, &site.stores, options, out).await)
}

async fn look(db: &Db, stores: &Stores, options: Options, out: &mut Out<'_>) -> Result<ExitCode, AuditError> {
    let findings = audit::audit(db, stores).await?;
    for finding in &findings {
        out.say(sentence(finding));
    }
    let is_stray = |finding: &&Finding| matches!(finding, Finding::Stray { .. } | Finding::Abandoned { .. });
    let strays = findings.iter().filter(is_stray).count();
    let lost = findings.len() - strays;
    out.say(format_args!("{lost} locations without their data, {strays} objects without an image"));
    if !options.repair {
        return Ok(if findings.is_empty() { ExitCode::Ok } else { ExitCode::Wrong });
    }
    let (set_aside, removed) = audit::repair(stores, &findings, clock::now()).await?;
    let days = audit::QUARANTINE.as_secs() / 86_400;
    out.say(format_args!(
        "{set_aside} objects set aside, {removed} removed that were set aside {days} days ago or belonged to no upload"
    ));
    if options.deactivate_lost {
        for image_id in audit::deactivate_lost(db, &findings).await? {
            out.say(format_args!("image {image_id}: deactivated"));
        }
    }
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
        Finding::Abandoned { store, object } => {
            format!("store {store}: {} bytes for image {} belong to no upload", object.size_bytes, object.id)
        }
        Finding::LostUpload { image_id, recorded_bytes, stored_bytes } => {
            format!("image {image_id}: of {recorded_bytes} uploaded bytes {stored_bytes} are in the store")
        }
    }
}
