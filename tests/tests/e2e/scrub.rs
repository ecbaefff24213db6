//! `glasshouse-service scrub` beside a service at work.

use std::fs;
use std::os::unix::fs::FileExt as _;

use glasshouse_tests::alone::Alone;
use glasshouse_tests::clients::sha512_of;
use glasshouse_tests::http::Api;
use glasshouse_tests::process::{Finished, Process, Signal};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{service, wait};
use serde_json::{Value, json};

#[test]
fn damage_is_found_and_kept_for_the_report_on_sqlite() {
    damage_is_found_and_kept_for_the_report(&Alone::on_sqlite("scrub-sqlite"));
}

#[test]
fn damage_is_found_and_kept_for_the_report_on_mariadb() {
    damage_is_found_and_kept_for_the_report(&Alone::on_mariadb("scrub-mariadb"));
}

#[test]
fn a_run_that_was_ended_goes_on_with_what_is_left_on_sqlite() {
    a_run_that_was_ended_goes_on_with_what_is_left(&Alone::on_sqlite("scrub-ended-sqlite"));
}

#[test]
fn a_run_that_was_ended_goes_on_with_what_is_left_on_mariadb() {
    a_run_that_was_ended_goes_on_with_what_is_left(&Alone::on_mariadb("scrub-ended-mariadb"));
}

#[test]
fn an_image_that_is_deleted_meanwhile_is_no_damage() {
    let site = Alone::on_sqlite("scrub-deleted");
    let (api, folder) = (site.api(), Scratch::new("scrub-deleted"));
    let first = active(&api, b"small");
    let second = active(&api, &vec![0; 3 << 20]);
    let mut slow = slow_scrub(&site, &folder, &first);
    api.delete(&format!("/v2/images/{second}")).expect(204);
    assert!(slow.wait_for_end().success(), "{}{}", slow.output(), slow.log());
    assert!(slow.output().ends_with("0 in trouble, 0 without a digest\n"), "{}", slow.output());
    let left: Vec<_> = report(&site, 0).iter().map(|entry| entry["image_id"].clone()).collect();
    assert_eq!(left, [json!(first)]);
}

fn scrub(site: &Alone, options: &[&str]) -> Finished {
    let file = site.configuration.to_string_lossy();
    service::run(&[&["scrub", "--config-file", &file], options].concat())
}

#[track_caller]
fn said(ended: Finished, code: i32) -> String {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    ended.stdout
}

fn report(site: &Alone, code: i32) -> Vec<Value> {
    let text = said(scrub(site, &["--report", "--json"]), code);
    serde_json::from_str(&text).expect("a JSON list")
}

fn active(api: &Api, data: &[u8]) -> String {
    let id = api.create_image(&json!({"disk_format": "raw", "container_format": "bare"}));
    api.upload(&id, data).expect(204);
    id
}

fn damage_is_found_and_kept_for_the_report(site: &Alone) {
    let (api, store) = (site.api(), site.store());
    let data = b"some data that will not stay as it is";
    let [sound, flipped, cut, lost] = [(); 4].map(|()| active(&api, data));
    let never = said(scrub(site, &["--report"]), 0);
    assert!(
        never.contains("4 locations: 0 sound, 0 in trouble, 0 without a digest, 4 never verified"),
        "{never}"
    );
    let clean = said(scrub(site, &[]), 0);
    assert_eq!(clean, "4 locations verified, 0 MiB read: 4 sound, 0 in trouble, 0 without a digest\n");

    let before = api.get(&format!("/v2/images/{flipped}")).expect(200).json();
    let file = fs::OpenOptions::new().write(true).open(store.join(&flipped)).expect("the file");
    file.write_all_at(b"S", 0).expect("flipped");
    fs::write(store.join(&cut), &data[..10]).expect("cut");
    fs::remove_file(store.join(&lost)).expect("removed");
    let recent = said(scrub(site, &["--older-than", "1"]), 0);
    assert!(recent.starts_with("0 locations verified"), "{recent}");

    let found = scrub(site, &["--rate", "0"]);
    let (expected, stored) =
        (before["os_hash_value"].as_str().expect("a digest"), sha512_of(&store.join(&flipped)));
    for word in [expected, &stored, &flipped, "store=\"file\""] {
        assert!(found.stderr.contains(word), "no {word:?} in the log:\n{}", found.stderr);
    }
    let text = said(found, 1);
    for words in [
        format!("image {flipped}, store file: stored is sha512:{stored}, recorded is sha512:{expected} ("),
        format!("image {cut}, store file: stored is 10 bytes, recorded is {} bytes (", data.len()),
        format!("image {lost}, store file: nothing is stored ("),
        "4 locations verified, 0 MiB read: 1 sound, 3 in trouble, 0 without a digest\n".to_owned(),
    ] {
        assert!(text.contains(&words), "no {words:?} in:\n{text}");
    }
    assert!(!text.contains(&sound), "{text}");
    assert_eq!(
        api.get(&format!("/v2/images/{flipped}")).expect(200).json(),
        before,
        "the record stays as it was"
    );

    let kept = report(site, 1);
    let of = |id: &str| kept.iter().find(|entry| entry["image_id"] == id).expect("an entry");
    let outcomes = [&sound, &flipped, &cut, &lost].map(|id| of(id)["outcome"].clone());
    assert_eq!(outcomes, ["sound", "damaged", "wrong_size", "missing"]);
    assert_eq!(of(&flipped)["expected"], format!("sha512:{expected}"));
    assert_eq!(of(&flipped)["found"], format!("sha512:{stored}"));
    assert!(
        kept.iter().all(|entry| entry["store"] == "file" && entry["verified_at"].is_string()),
        "{kept:?}"
    );

    file.write_all_at(&data[..1], 0).expect("mended");
    for id in [&cut, &lost] {
        api.delete(&format!("/v2/images/{id}")).expect(204);
    }
    let mended = said(scrub(site, &[]), 0);
    assert!(mended.contains("2 locations verified, 0 MiB read: 2 sound"), "{mended}");
    assert_eq!(report(site, 0).len(), 2);
}

/// A scrub at a MiB for each second, after the first image.
fn slow_scrub(site: &Alone, folder: &Scratch, first: &str) -> Process {
    let mut command = service::command();
    command.args(["scrub", "--rate", "1", "--config-file"]).arg(&site.configuration);
    let mut process = Process::start("scrub", command, folder.path());
    process.wait_until("the first image", wait::STEP, || {
        report(site, 0).iter().any(|entry| entry["image_id"] == first && entry["outcome"] == "sound")
    });
    process
}

fn a_run_that_was_ended_goes_on_with_what_is_left(site: &Alone) {
    let (api, folder) = (site.api(), Scratch::new("scrub-ended"));
    let first = active(&api, b"small");
    // A hole: quickly sent, and a minute to verify.
    let second = active(&api, &vec![0; 64 << 20]);
    let mut slow = slow_scrub(site, &folder, &first);
    slow.signal(Signal::TERM);
    assert!(slow.wait_for_end().success());
    assert!(slow.log().contains("asked to end"), "{}", slow.log());
    assert!(slow.output().starts_with("1 locations verified"), "{}", slow.output());
    let rest = said(scrub(site, &["--rate", "0", "--json"]), 0);
    let rest: Vec<Value> = serde_json::from_str(&rest).expect("a JSON list");
    let order: Vec<_> = rest.iter().map(|entry| entry["image_id"].as_str().expect("an id")).collect();
    assert_eq!(order, [&second, &first], "what was never verified comes first");
}
