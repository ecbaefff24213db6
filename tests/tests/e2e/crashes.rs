//! Killed without warning at random moments of a mixed load, and started again: what was answered is there, and nothing
//! else is.
//!
//! The moments and the load are drawn from a seed that is printed. `tests/run crashes 500 [SEED]` does it 500 times.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use glasshouse_tests::alone::Alone;
use glasshouse_tests::http::Api;
use glasshouse_tests::service;
use serde_json::json;

use client::{Client, Note};
use known::{Found, Known, Said};

mod client;
mod known;

/// On both databases together.
const CRASHES: u32 = 20;
const CLIENTS: usize = 6;
/// Answers before the kill, at most.
const ANSWERS_MAX: usize = 40;
/// Images that live through the following crashes as well.
const SURVIVORS: usize = 6;

#[test]
fn killed_at_random_moments_it_keeps_its_word_on_sqlite() {
    crashes(Alone::on_sqlite("crashes-sqlite"));
}

#[test]
fn killed_at_random_moments_it_keeps_its_word_on_mariadb() {
    crashes(Alone::on_mariadb("crashes-mariadb"));
}

fn crashes(mut controller: Alone) {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seed = number("GLASSHOUSE_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    let count = number("GLASSHOUSE_CRASHES").unwrap_or(CRASHES.into()).div_ceil(2);
    let mut rng = Rng::with_seed(seed);
    let mut survivors: Vec<Known> = Vec::new();
    for crash in 1..=count {
        eprintln!("crash {crash} of {count}, GLASSHOUSE_CRASH_SEED={seed}");
        let mut known = load_and_kill(&mut controller, &mut rng);
        known.append(&mut survivors);
        controller.restart();
        let api = controller.api();
        assert_checked(&controller);
        let images: Vec<_> = known.iter().map(|image| image.verify(&api)).collect();
        assert_nothing_else(&controller, &api, &images);
        survivors = keep_some(&api, known, images);
    }
}

/// Runs the load until the service was killed in the midst of it.
fn load_and_kill(controller: &mut Alone, rng: &mut Rng) -> Vec<Known> {
    let api = controller.api();
    let (answered, killed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (reached, kill) = mpsc::channel();
    let kill_at = rng.usize(1..=ANSWERS_MAX);
    let moment = Duration::from_micros(rng.u64(..60_000));
    let note = |answer, status| match answer {
        Ok(answer) => {
            let answer = glasshouse_tests::http::Answer::expect(answer, status);
            if answered.fetch_add(1, Ordering::SeqCst) + 1 == kill_at {
                reached.send(()).expect("the killer waits");
            }
            Some(answer)
        }
        Err(error) => {
            assert!(killed.load(Ordering::SeqCst), "a connection broke before the kill: {error:?}");
            None
        }
    };
    let note: &Note = &note;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let mut client = Client { api: api.clone(), rng: rng.fork(), note, known: Vec::new() };
                scope.spawn(move || {
                    while client.step().is_some() {}
                    client.known
                })
            })
            .collect();
        kill.recv().expect("clients at work");
        // Nothing is waited for: the moment itself was drawn.
        thread::sleep(moment);
        killed.store(true, Ordering::SeqCst);
        controller.service.process.kill();
        clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
    })
}

/// No other file, no image on its way, and `fsck` agrees.
fn assert_nothing_else(controller: &Alone, api: &Api, images: &[Found]) {
    let files: BTreeSet<String> = fs::read_dir(controller.store())
        .expect("the store")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let active = images.iter().flatten().filter(|image| image["status"] == "active");
    let active: BTreeSet<String> =
        active.map(|image| image["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(files, active, "what lies in the store is what the active images have");
    let saving = api.get("/v2/images?status=saving&visibility=all").expect(200).json();
    assert_eq!(saving["images"], json!([]), "an image is stuck");
    assert_checked(controller);
}

fn assert_checked(controller: &Alone) {
    let file = controller.configuration.to_string_lossy();
    let checked = service::run(&["fsck", "--config-file", &file]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
}

/// What came back into `queued` takes data again; most images go, so that the next checks stay short.
fn keep_some(api: &Api, known: Vec<Known>, images: Vec<Found>) -> Vec<Known> {
    let mut kept = Vec::new();
    for (mut known, image) in known.into_iter().zip(images) {
        let Some(image) = image else { continue };
        if image["status"] == "queued" {
            api.upload(&known.id, known.data.clone()).expect(204);
        }
        if kept.len() < SURVIVORS {
            let mark = image["mark"].as_str().map(|mark| mark.parse().expect("a mark"));
            (known.upload, known.mark, known.asked_mark, known.delete) =
                (Some(Said::Answered), mark, None, None);
            kept.push(known);
        } else {
            api.delete(&format!("/v2/images/{}", known.id)).expect(204);
        }
    }
    kept
}
