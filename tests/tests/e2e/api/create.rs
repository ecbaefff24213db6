//! POST /v2/images.

use glasshouse_tests::deployment::Site;
use glasshouse_tests::keystone::{ADMIN, MEMBER, READER};
use serde_json::{Value, json};

use super::{is_time, unique};

on_every_site!(
    a_created_image_is_answered_whole_with_an_absolute_location,
    an_empty_object_makes_an_image_without_a_name,
    what_a_client_may_set_is_kept,
    an_id_of_the_clients_own_is_taken_once_and_never_again,
    bodies_that_break_the_rules_are_refused,
    only_an_administrator_publishes_or_gives_away,
    a_reader_creates_nothing,
);

fn a_created_image_is_answered_whole_with_an_absolute_location(site: &Site) {
    let name = unique("whole");
    let answer = site.api(MEMBER).post_json("/v2/images", &json!({"name": name})).expect(201);
    let image = answer.json();
    let id = image["id"].as_str().expect("an id");
    assert_eq!(answer.header("location"), Some(format!("{}/v2/images/{id}", site.url).as_str()));
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    assert!(answer.header("x-openstack-request-id").is_some_and(|id| id.starts_with("req-")));
    assert!(is_time(&image["created_at"]) && is_time(&image["updated_at"]), "{image}");
    let wanted = json!({
        "name": name, "status": "queued", "visibility": "shared", "protected": false, "os_hidden": false,
        "owner": site.keystone.project_id("demo"), "disk_format": null, "container_format": null,
        "min_disk": 0, "min_ram": 0, "tags": [], "size": null, "virtual_size": null, "checksum": null,
        "os_hash_algo": null, "os_hash_value": null, "self": format!("/v2/images/{id}"),
        "file": format!("/v2/images/{id}/file"), "schema": "/v2/schemas/image",
    });
    for (key, value) in wanted.as_object().expect("an object") {
        assert_eq!(image.get(key), Some(value), "{key} in {image}");
    }
    let keys = image.as_object().expect("an object").len();
    assert_eq!(keys, 22, "nothing but the record: {image}");
}

fn an_empty_object_makes_an_image_without_a_name(site: &Site) {
    let image = site.api(MEMBER).post_json("/v2/images", &json!({})).expect(201).json();
    assert_eq!((&image["name"], &image["status"]), (&Value::Null, &json!("queued")));
}

fn what_a_client_may_set_is_kept(site: &Site) {
    let body = json!({
        "name": "日本語 イメージ", "disk_format": "qcow2", "container_format": "bare", "visibility": "private",
        "protected": true, "os_hidden": true, "min_disk": 7, "min_ram": 2_147_483_647, "tags": ["b", "a", "b"],
        "os_distro": "debian", "a/b:c.d": "", "empty": "",
    });
    let api = site.api(MEMBER);
    let id = api.create_image(&body);
    let mut image = super::record(&api, &id);
    let mut tags: Vec<String> = serde_json::from_value(image["tags"].take()).expect("a list of words");
    tags.sort();
    assert_eq!(tags, ["a", "b"]);
    for (key, value) in body.as_object().expect("an object").iter().filter(|(key, _)| *key != "tags") {
        assert_eq!(image.get(key), Some(value), "{key} in {image}");
    }
}

fn an_id_of_the_clients_own_is_taken_once_and_never_again(site: &Site) {
    let api = site.api(MEMBER);
    let id = format!("{:08x}-1111-4222-8333-{:012x}", std::process::id(), fastrand());
    assert_eq!(api.create_image(&json!({"id": id})), id);
    api.post_json("/v2/images", &json!({"id": id})).expect(409);
    api.delete(&format!("/v2/images/{id}")).expect(204);
    // The id of a deleted image must not come back with other bytes.
    api.post_json("/v2/images", &json!({"id": id})).expect(409);
}

/// A number that differs from call to call.
fn fastrand() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish() & 0xffff_ffff_ffff
}

fn bodies_that_break_the_rules_are_refused(site: &Site) {
    let api = site.api(MEMBER);
    let long = "x".repeat(256);
    let cases = [
        (400, json!({"name": long})),
        (400, json!({"name": "x".repeat(300)})),
        (400, json!({"name": 5})),
        (400, json!({"id": "not-a-uuid"})),
        (400, json!({"min_disk": -1})),
        (400, json!({"min_ram": 2_147_483_648_u64})),
        (400, json!({"min_ram": null})),
        (400, json!({"visibility": "everybody"})),
        (400, json!({"protected": "true"})),
        (400, json!({"disk_format": "floppy"})),
        (400, json!({"container_format": "box"})),
        (400, json!({"custom": 5})),
        (400, json!({"custom": null})),
        (400, json!({"tags": "one"})),
        (400, json!({"tags": [long]})),
        (400, json!({long.clone(): "value"})),
        (403, json!({"status": "active"})),
        (403, json!({"size": 1})),
        (403, json!({"checksum": null})),
        (403, json!({"created_at": "2026-01-01T00:00:00Z"})),
        (403, json!({"self": "/v2/images/x"})),
        (403, json!({"file": "x"})),
        (403, json!({"schema": "x"})),
        (403, json!({"direct_url": "file:///etc/passwd"})),
        (403, json!({"locations": []})),
        (403, json!({"deleted": "true"})),
        (403, json!({"os_glance_import_task": "x"})),
    ];
    for (status, body) in cases {
        let answer = api.post_json("/v2/images", &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    for text in ["", "{", "{\"name\": }", "nonsense"] {
        let answer =
            api.call("POST", "/v2/images").header("content-type", "application/json").bytes(text).send();
        assert_eq!(answer.status, 400, "{text:?}: {}", answer.text());
    }
}

fn only_an_administrator_publishes_or_gives_away(site: &Site) {
    let other = site.keystone.project_id("other");
    for body in [json!({"visibility": "public"}), json!({"owner": other})] {
        site.api(MEMBER).post_json("/v2/images", &body).expect(403);
        let made = site.api(ADMIN).post_json("/v2/images", &body).expect(201).json();
        for (key, value) in body.as_object().expect("an object") {
            assert_eq!(&made[key], value);
        }
    }
    site.api(MEMBER).post_json("/v2/images", &json!({"visibility": "community"})).expect(201);
}

fn a_reader_creates_nothing(site: &Site) {
    site.api(READER).post_json("/v2/images", &json!({"name": unique("reader")})).expect(403);
}
