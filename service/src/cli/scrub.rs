//! `scrub`: the stored bytes against their digests. May run beside services, and from a timer.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::ExitCode;
use super::out::Out;
use super::runtime;
use super::upkeep::{self, Site};
use crate::clock;
use crate::config::{Sources, UpkeepConfig};
use crate::db;
use crate::images::audit::AuditError;
use crate::images::scrub::{Entry, Order, Outcome, report, scrub};

const MIB: u64 = 1 << 20;

#[derive(Debug, Clone, Copy, Args)]
pub struct Options {
    /// MiB to read in each second instead of `[glasshouse] scrub_rate`; 0 = as fast as it goes.
    #[arg(long, value_name = "MIB")]
    rate: Option<u64>,
    /// Leave out what was verified in this many days.
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    older_than: u32,
    /// Verify nothing; list what was found last.
    #[arg(long, conflicts_with_all = ["rate", "older_than"])]
    report: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(sources: &Sources, options: Options, out: &mut Out) -> ExitCode {
    upkeep::run(sources, out, async move |site, out| {
        site.db.write(db::own_tables).await?;
        let seen = if options.report {
            let entries = report(&site.db, &site.stores).await?;
            Seen { entries, ..Seen::default() }
        } else {
            verify(&site, options, out).await?
        };
        tell(&seen, options, out);
        let trouble = seen.entries.iter().any(|entry| outcome(entry).is_some_and(Outcome::is_trouble));
        Ok(if trouble { ExitCode::Wrong } else { ExitCode::Ok })
    })
}

/// What a run looked at.
#[derive(Default)]
struct Seen {
    entries: Vec<Entry>,
    read_bytes: u64,
}

async fn verify(site: &Site, options: Options, out: &mut Out<'_>) -> Result<Seen, AuditError> {
    let mut seen = Seen::default();
    let days = Duration::from_hours(24 * u64::from(options.older_than));
    let rate_bytes = options.rate.map_or(site.upkeep, UpkeepConfig::of_rate).scrub_rate_bytes;
    let order = Order { rate_bytes, before: clock::now() - days };
    let mut told = |entry, read_bytes| {
        seen.entries.push(entry);
        seen.read_bytes += read_bytes;
    };
    let stopped = tokio::select! {
        done = scrub(&site.db, &site.stores, order, &mut told) => {
            done?;
            false
        }
        _ = runtime::asked_to_end() => true,
    };
    if stopped {
        out.remark("asked to end; the next run goes on where this one stopped");
    }
    Ok(seen)
}

fn outcome(entry: &Entry) -> Option<Outcome> {
    entry.last.as_ref().map(|last| last.outcome)
}

fn tell(seen: &Seen, options: Options, out: &mut Out) {
    if options.json {
        out.say(seen.entries.iter().map(document).collect::<Value>());
        return;
    }
    for entry in &seen.entries {
        // A run names what is wrong, a report everything.
        if options.report || outcome(entry).is_some_and(Outcome::is_trouble) {
            out.say(sentence(entry));
        }
    }
    let count = |wanted| seen.entries.iter().filter(|entry| outcome(entry) == wanted).count();
    let trouble = seen.entries.iter().filter(|entry| outcome(entry).is_some_and(Outcome::is_trouble)).count();
    let (sound, bare, never) = (count(Some(Outcome::Sound)), count(Some(Outcome::NoDigest)), count(None));
    let all = seen.entries.len();
    if options.report {
        out.say(format_args!(
            "{all} locations: {sound} sound, {trouble} in trouble, {bare} without a digest, {never} never verified"
        ));
    } else {
        let mebibytes = seen.read_bytes / MIB;
        out.say(format_args!(
            "{all} locations verified, {mebibytes} MiB read: {sound} sound, {trouble} in trouble, {bare} without a digest"
        ));
    }
}

fn document(entry: &Entry) -> Value {
    let last = entry.last.as_ref();
    json!({
        "image_id": entry.image_id,
        "store": entry.store,
        "outcome": last.map(|last| last.outcome.as_str()),
        "expected": last.and_then(|last| last.expected.as_ref()),
        "found": last.and_then(|last| last.found.as_ref()),
        "verified_at": last.map(|last| last.verified_at.to_string()),
    })
}

fn sentence(entry: &Entry) -> String {
    let place = format!("image {}, store {}", entry.image_id, entry.store);
    let Some(last) = &entry.last else { return format!("{place}: never verified") };
    let (expected, found) =
        (last.expected.as_deref().unwrap_or("nothing"), last.found.as_deref().unwrap_or("nothing"));
    let words = match last.outcome {
        Outcome::Sound => "sound".to_owned(),
        Outcome::NoDigest => "no digest is recorded".to_owned(),
        Outcome::Missing => "nothing is stored".to_owned(),
        Outcome::Unreadable => format!("cannot be read: {found}"),
        Outcome::Damaged | Outcome::WrongSize => format!("stored is {found}, recorded is {expected}"),
    };
    format!("{place}: {words} ({})", last.verified_at)
}
