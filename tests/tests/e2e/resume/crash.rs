//! The service is killed while an upload is open, and goes on where what is durable ends.

use std::fs;

use glasshouse_tests::clients::sha512_of;
use glasshouse_tests::deployment::Deployment;
use glasshouse_tests::keystone::MEMBER;
use glasshouse_tests::{images, service, wait};
use serde_json::json;

use super::{
    ask, assert_nothing_is_left, begin, begin_piece, files_of, listed, mariadb, offset, piece, raw_image,
    record, sqlite, with,
};

#[test]
fn killed_in_the_middle_of_a_piece_it_keeps_what_was_durable_on_sqlite() {
    killed_in_the_middle_of_a_piece(with("resume-crash-sqlite", sqlite, ""));
}

#[test]
fn killed_in_the_middle_of_a_piece_it_keeps_what_was_durable_on_mariadb() {
    killed_in_the_middle_of_a_piece(with("resume-crash-mariadb", mariadb, ""));
}

fn killed_in_the_middle_of_a_piece(mut controller: Deployment) {
    let api = controller.api(MEMBER);
    let token = controller.keystone.token(MEMBER);
    let file = images::installer_disk();
    let data = fs::read(&file).expect("the image");
    let id = raw_image(&api);
    let path = begin(&api, &id);
    piece(&api, &path, 0, false).bytes(data.get(..1000).expect("a piece")).send().expect(204);
    let most = data.get(1000..data.len() - 1000).expect("most of it");
    let socket = begin_piece(&api, &token, &path, (1000, data.len() - 1000), most);
    let acknowledged = wait::until("more that is durable", wait::STEP, || {
        let at = listed(&api, &id)[0]["offset"].as_u64().expect("an offset");
        (at > 1000).then_some(at)
    });
    controller.crash_and_restart();
    drop(socket);

    assert_eq!(record(&api, &id)["status"], "saving");
    let at = offset(&ask(&api, &path));
    assert!(at as u64 >= acknowledged && at < data.len(), "{at}, {acknowledged} were acknowledged");
    let rest = data.get(at..).expect("the rest");
    let (first, second) = rest.split_at(rest.len() / 2);
    piece(&api, &path, at, false).bytes(first).send().expect(204);
    // Between two pieces nothing is in anybody's hands but the store's.
    controller.crash_and_restart();
    assert_eq!(offset(&ask(&api, &path)), at + first.len());
    piece(&api, &path, at + first.len(), true).bytes(second).send().expect(204);
    let image = record(&api, &id);
    assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(data.len())));
    assert_eq!(image["os_hash_value"], json!(sha512_of(&file)));
    assert_eq!(sha512_of(&controller.store().join(&id)), sha512_of(&file));
    assert_eq!(files_of(&controller, &id), [(id.clone(), data.len() as u64)]);
}

#[test]
fn killed_before_the_last_word_it_goes_on_or_leaves_nothing_on_sqlite() {
    killed_before_the_last_word(with("resume-committed-sqlite", sqlite, ""));
}

#[test]
fn killed_before_the_last_word_it_goes_on_or_leaves_nothing_on_mariadb() {
    killed_before_the_last_word(with("resume-committed-mariadb", mariadb, ""));
}

/// The data has its own name in the store already, and the record does not know.
fn killed_before_the_last_word(mut controller: Deployment) {
    let api = controller.api(MEMBER);
    let uploads = [(); 3].map(|()| {
        let id = raw_image(&api);
        let path = begin(&api, &id);
        piece(&api, &path, 0, false).bytes("all of it").send().expect(204);
        let file = controller.store().join(&id);
        fs::rename(file.with_extension("unfinished"), file).expect("what a commit does");
        (id, path)
    });
    controller.crash_and_restart();
    let configuration = controller.configuration.to_string_lossy().into_owned();
    let checked = service::run(&["fsck", "--config-file", &configuration]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");

    let [(gone_on, first), (cancelled, second), (deleted, _)] = &uploads;
    assert_eq!(offset(&ask(&api, first)), 9);
    piece(&api, first, 9, true).bytes("").send().expect(204);
    assert_eq!(record(&api, gone_on)["status"], "active");
    assert_eq!(api.get(&format!("/v2/images/{gone_on}/file")).expect(200).body, b"all of it");
    api.delete(second).expect(204);
    assert_nothing_is_left(&controller, &api, cancelled);
    api.delete(&format!("/v2/images/{deleted}")).expect(204);
    assert_eq!(files_of(&controller, deleted), []);
}

#[test]
fn what_belongs_to_no_upload_is_found_and_removed() {
    let mut controller = with("resume-strays", sqlite, "");
    let api = controller.api(MEMBER);
    let id = raw_image(&api);
    let path = begin(&api, &id);
    piece(&api, &path, 0, false).bytes("0123").send().expect(204);
    let stray = "11111111-2222-4333-8444-555555555555";
    let stray_file = controller.store().join(format!("{stray}.unfinished"));
    fs::write(&stray_file, "left behind").expect("a stray");
    let configuration = controller.configuration.to_string_lossy().into_owned();
    let fsck =
        |more: &[&str]| service::run(&[&["fsck", "--config-file", configuration.as_str()], more].concat());
    let found = fsck(&[]);
    assert!(
        found.stdout.contains(&format!("11 bytes for image {stray} belong to no upload")),
        "{}",
        found.stdout
    );
    assert!(!found.stdout.contains(&id), "the open upload is well: {}", found.stdout);
    fsck(&["--repair"]);
    assert!(!stray_file.exists());
    fs::write(&stray_file, "left behind").expect("a stray");
    controller.crash_and_restart();
    assert!(!stray_file.exists(), "the start removes it as well");
    assert_eq!(offset(&ask(&api, &path)), 4);

    // A store that lost what it acknowledged ends the upload, and says so.
    let kept = controller.store().join(format!("{id}.unfinished"));
    fs::write(&kept, "01").expect("a shorter file");
    let found = fsck(&[]);
    assert!(
        found.stdout.contains(&format!("image {id}: of 4 uploaded bytes 2 are in the store")),
        "{}",
        found.stdout
    );
    piece(&api, &path, 4, true).bytes("4").send().expect(410);
    wait::until_true("the image back in queued", wait::STEP, || record(&api, &id)["status"] == "queued");
    assert_eq!(files_of(&controller, &id), []);
}
