//! `glasshouse-service fsck` beside a service at work.

use std::fs;

use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::keystone::{Keystone, MEMBER};
use glasshouse_tests::process::Finished;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::service;
use serde_json::json;

#[test]
fn fsck_on_sqlite() {
    let scratch = Scratch::new("fsck-sqlite");
    let database = Database::sqlite_in(scratch.path());
    lost_and_stray_data_is_found(&Deployment::start(scratch, database, Keystone::shared()));
}

#[test]
fn fsck_on_mariadb() {
    let scratch = Scratch::new("fsck-mariadb");
    lost_and_stray_data_is_found(&Deployment::start(scratch, Database::mariadb(), Keystone::shared()));
}

fn fsck(site: &Deployment, options: &[&str]) -> Finished {
    let file = site.configuration.to_string_lossy();
    service::run(&[&["fsck", "--config-file", &file], options].concat())
}

#[track_caller]
fn assert_said(ended: &Finished, code: i32, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    for word in words {
        assert!(ended.stdout.contains(word), "no {word:?} in:\n{}", ended.stdout);
    }
}

fn lost_and_stray_data_is_found(site: &Deployment) {
    let api = site.api(MEMBER);
    let image = || api.create_image(&json!({"disk_format": "raw", "container_format": "bare"}));
    let [kept, lost, cut, coming] = [image(), image(), image(), image()];
    for id in [&kept, &lost, &cut] {
        api.upload(id, "data").expect(204);
    }
    let _upload = api.begin_upload(&coming, 1000, b"some");
    let clean = fsck(site, &[]);
    assert_said(&clean, 0, &["0 locations without their data, 0 objects without an image"]);

    let store = site.store();
    fs::remove_file(store.join(&lost)).expect("removed");
    fs::write(store.join(&cut), "dat").expect("cut");
    fs::write(store.join("stray"), "nobody's").expect("written");
    let found = fsck(site, &[]);
    let (missing, wrong) = (format!("image {lost}: nothing is stored"), format!("image {cut}: "));
    let counted = "2 locations without their data, 1 objects without an image";
    assert_said(&found, 1, &[&missing, &wrong, "has 3 bytes, not 4", "/stray of 8 bytes", counted]);
    assert!(!found.stdout.contains(&kept), "{}", found.stdout);
    assert!(store.join("stray").exists(), "nothing is touched without --repair");

    assert_said(&fsck(site, &["--repair"]), 1, &["1 objects set aside, 0 removed"]);
    assert!(!store.join("stray").exists());
    let aside: Vec<_> = fs::read_dir(store.join(".quarantine")).expect("set aside").flatten().collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read_to_string(aside[0].path()).expect("still there"), "nobody's");
    fs::write(store.join(".quarantine/old.1000"), "old").expect("written");
    assert_said(&fsck(site, &["--repair"]), 1, &["0 objects set aside, 1 removed"]);
    assert!(!store.join(".quarantine/old.1000").exists());
    assert_eq!(api.get(&format!("/v2/images/{kept}/file")).expect(200).text(), "data");
    lost_images_are_deactivated(site, &kept, [&lost, &cut]);
}

fn lost_images_are_deactivated(site: &Deployment, kept: &str, lost: [&str; 2]) {
    let api = site.api(MEMBER);
    let record = |id: &str| api.get(&format!("/v2/images/{id}")).expect(200).json();
    let before = lost.map(record);
    assert_eq!(fsck(site, &["--deactivate-lost"]).status.code(), Some(2), "only together with --repair");
    let deactivated = lost.map(|id| format!("image {id}: deactivated"));
    let words: Vec<_> = deactivated.iter().map(String::as_str).collect();
    assert_said(&fsck(site, &["--repair", "--deactivate-lost"]), 1, &words);
    let again = fsck(site, &["--repair", "--deactivate-lost"]);
    assert_said(&again, 1, &["2 locations without their data"]);
    assert!(!again.stdout.contains("deactivated"), "{}", again.stdout);
    assert_eq!(record(kept)["status"], "active");
    for (id, before) in lost.iter().zip(before) {
        let now = record(id);
        assert_eq!(now["status"], "deactivated");
        for key in ["size", "checksum", "os_hash_value", "name", "owner"] {
            assert_eq!(now[key], before[key], "{key} in {now}");
        }
        fs::write(site.store().join(id), "data").expect("brought back");
        api.call("POST", &format!("/v2/images/{id}/actions/reactivate")).send().expect(204);
        assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).text(), "data");
    }
    assert_said(&fsck(site, &[]), 0, &["0 locations without their data"]);
}
