//! The whole repertoire of the unchanged clients, run on ours and on the real Glance, step by step.
//!
//! A driver in Python runs one client many times in one process and writes down what came of each step. Here both
//! transcripts are judged: each step must end as its driver wants it, on both sides, and both sides must have said the
//! same. Sentences of errors are ours to choose; what stands before them, and what they must name, is not. That no
//! command, method or option of a client is forgotten is looked up in the client itself.

mod not_yet;
mod sites;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use glasshouse_tests::process;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{tools, wait};
use serde::Deserialize;
use serde_json::Value;
use sites::{Material, Side};

const DIFFERENCES: &str = include_str!("../../../../docs/differences.md");

/// What a driver printed.
#[derive(Debug, Deserialize)]
struct Transcript {
    offered: BTreeSet<String>,
    used: BTreeSet<String>,
    steps: Vec<Step>,
}

/// What came of one call, and what was wanted.
#[derive(Debug, Deserialize)]
struct Step {
    call: String,
    status: i64,
    out: String,
    err: String,
    /// A part of the errors; without one, the step must succeed.
    fails: Option<String>,
    shows: Vec<String>,
    hides: Vec<String>,
    /// The output is prose of the service or goes on changing: it is not compared.
    loose: bool,
    /// A part of the row of docs/differences.md that tells why the outputs differ, as they then must.
    known: Option<String>,
}

#[test]
fn the_glance_client_does_its_whole_repertoire_as_on_the_real_glance() {
    compare("glance", include_str!("glance.py"), 200);
}

#[test]
fn the_openstack_client_does_its_whole_repertoire_as_on_the_real_glance() {
    compare("openstack", include_str!("openstack.py"), 120);
}

#[test]
fn the_sdk_does_its_whole_repertoire_as_on_the_real_glance() {
    compare("sdk", include_str!("sdk.py"), 150);
}

/// The drivers share the sites and list what they find there: one at a time.
static TURN: Mutex<()> = Mutex::new(());

fn compare(client: &str, source: &str, steps_min: usize) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let material = Material::new();
    let (ours, theirs) = thread::scope(|scope| {
        let theirs = scope.spawn(|| play((client, source), sites::theirs(), &material));
        (
            play((client, source), sites::ours(), &material),
            theirs.join().expect("a transcript of the real Glance"),
        )
    });
    let mut complaints = Vec::new();
    for (side, transcript) in [(sites::ours(), &ours), (sites::theirs(), &theirs)] {
        assert!(transcript.steps.len() >= steps_min, "{} steps on {}", transcript.steps.len(), side.name);
        complaints.extend(transcript.steps.iter().filter_map(|step| step.complaint(side.name)));
    }
    complaints.extend(ours.steps.iter().zip(&theirs.steps).filter_map(|(own, their)| own.difference(their)));
    complaints.extend(not_yet::forgotten(client, &ours.offered, &ours.used));
    assert!(complaints.is_empty(), "{} complaints:\n\n{}", complaints.len(), complaints.join("\n\n"));
}

/// Runs a driver on one side.
fn play((client, source): (&str, &str), side: &Side, material: &Material) -> Transcript {
    side.empty();
    let home = Scratch::new("home");
    let told = home.join("told.json");
    fs::write(&told, side.told(material, &home).to_string()).expect("the driver's file");
    let driver = home.join("driver.py");
    fs::write(&driver, source).expect("the driver");
    fs::write(home.join("transcript.py"), include_str!("transcript.py")).expect("what drivers share");
    let mut command = Command::new(tools::environment_program("clients", "python"));
    command.args(["-W", "ignore"]).arg(driver).arg(&told).current_dir(home.path()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", home.path()).env("LANG", "C.UTF-8").env("COLUMNS", "400").env("PYTHONHASHSEED", "0");
    let said = process::run_well(command, wait::START * 2);
    // Left for who wants to read what the clients print.
    let transcript = tools::artefacts("repertoire").join(format!("{client}-{}.json", side.name));
    fs::write(transcript, &said.stdout).expect("the transcript");
    serde_json::from_str(&said.stdout)
        .unwrap_or_else(|e| panic!("{client} on {}: {e}: {}", side.name, said.stderr))
}

impl Step {
    /// What is not as its driver wants it.
    fn complaint(&self, side: &str) -> Option<String> {
        let ends = match &self.fails {
            None => self.status == 0,
            Some(words) => self.status != 0 && self.err.contains(words),
        };
        let missing = self.shows.iter().find(|part| !self.out.contains(*part));
        let surplus = self.hides.iter().find(|part| self.out.contains(*part));
        let is_well = ends && missing.is_none() && surplus.is_none();
        (!is_well).then(|| {
            let wanted = format!("fails {:?}, missing {missing:?}, surplus {surplus:?}", self.fails);
            format!("{} on {side}: {wanted}\n{}", self.call, self.shown())
        })
    }

    /// How ours differs from what the real Glance made of the same call.
    fn difference(&self, their: &Self) -> Option<String> {
        let same_output = match &self.known {
            _ if self.loose => true,
            None => is_same_output(&self.out, &their.out),
            Some(row) => !is_same_output(&self.out, &their.out) && DIFFERENCES.contains(row.as_str()),
        };
        let is_same = self.call == their.call
            && self.status == their.status
            && same_output
            && without_sentences(&self.err) == without_sentences(&their.err);
        (!is_same)
            .then(|| format!("{}\nours:\n{}\nthe real Glance:\n{}", self.call, self.shown(), their.shown()))
    }

    fn shown(&self) -> String {
        format!("status {}\n{}\n{}", self.status, self.out, self.err)
    }
}

/// The keys of JSON have no order.
fn is_same_output(own: &str, their: &str) -> bool {
    match (serde_json::from_str::<Value>(own), serde_json::from_str::<Value>(their)) {
        (Ok(own), Ok(their)) => own == their,
        _ => own == their,
    }
}

/// Errors without the sentences of the service, which are ours to choose: what follows the colon after
/// `HTTP 404 Not Found`, and the comma after the address in `404: Client Error for url: http://…`.
fn without_sentences(err: &str) -> String {
    // The client shows the schema that a value does not fit, with the words of the service.
    let lines = err.lines().filter(|line| !line.trim().is_empty() && !line.contains("'description':"));
    let shortened = lines.map(|line| {
        let of_glance = line.split_once("HTTP ").and_then(|(head, rest)| {
            let (title, _) = rest.split_once(':')?;
            Some(format!("{head}HTTP {title}"))
        });
        let of_the_sdk = || {
            let (head, rest) = line.split_once(" Error for url:")?;
            let (url, _) = rest.split_once(',')?;
            Some(format!("{head} Error for url:{url}"))
        };
        of_glance.or_else(of_the_sdk).unwrap_or_else(|| line.to_owned())
    });
    shortened.collect::<Vec<_>>().join("\n")
}

#[test]
fn sentences_of_errors_are_not_compared() {
    for (line, rest) in [
        ("HTTP 404 Not Found: no image: here", "HTTP 404 Not Found"),
        ("Cannot. (HTTP 403 Forbidden: never)", "Cannot. (HTTP 403 Forbidden"),
        ("X:404:Client Error for url:http://a/v2/b,no, none", "X:404:Client Error for url:http://a/v2/b"),
        ("Failed to delete 1 of 1 images.", "Failed to delete 1 of 1 images."),
    ] {
        assert_eq!(without_sentences(line), rest);
    }
}
