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
}
