//! PATCH /v2/images/{id}.

use glasshouse_tests::deployment::Site;
use glasshouse_tests::keystone::{ADMIN, MEMBER};
use serde_json::{Value, json};

use super::{active, queued, record, unique};

on_every_site!(
    a_patch_changes_what_it_names_and_answers_the_record,
    patches_that_break_the_rules_are_refused,
    a_patch_with_one_bad_operation_changes_nothing,
    formats_are_fixed_once_there_is_data,
    another_media_type_is_refused_with_those_that_are_taken,
    the_old_media_type_is_understood,
);

fn path(id: &str) -> String {
    format!("/v2/images/{id}")
}

fn a_patch_changes_what_it_names_and_answers_the_record(site: &Site) {
    let api = site.api(MEMBER);
    let id = api.create_image(&json!({"name": "before", "old": "1", "gone": "1", "tags": ["x"]}));
    let name = unique("after");
    let operations = json!([
        {"op": "replace", "path": "/name", "value": name},
        {"op": "replace", "path": "/old", "value": "2"},
        {"op": "add", "path": "/new~1key~0", "value": "3"},
        {"op": "add", "path": "/old", "value": "4"},
        {"op": "remove", "path": "/gone"},
        {"op": "replace", "path": "/tags", "value": ["y", "z"]},
        {"op": "replace", "path": "/min_disk", "value": 3},
        {"op": "replace", "path": "/visibility", "value": "private"},
    ]);
    let answered = api.patch(&path(&id), &operations).expect(200).json();
    let image = record(&api, &id);
    assert_eq!(answered["name"], image["name"]);
    assert_eq!(image["name"], json!(name));
    assert_eq!((&image["old"], &image["new/key~"]), (&json!("4"), &json!("3")));
    assert!(image.get("gone").is_none(), "{image}");
    let mut tags: Vec<&str> =
        image["tags"].as_array().expect("tags").iter().filter_map(Value::as_str).collect();
    tags.sort_unstable();
    assert_eq!(tags, ["y", "z"]);
    assert_eq!((&image["min_disk"], &image["visibility"]), (&json!(3), &json!("private")));
    api.patch(&path(&id), &json!([])).expect(200);
}

fn patches_that_break_the_rules_are_refused(site: &Site) {
    let api = site.api(MEMBER);
    let id = api.create_image(&json!({"name": "rules", "there": "1"}));
    let operation = |op: &str, path: &str, value: Value| json!([{"op": op, "path": path, "value": value}]);
    let cases = [
        (400, json!({"op": "add"})),
        (400, json!(["add"])),
        (400, json!([{"op": "add", "path": "/x"}])),
        (400, json!([{"path": "/x", "value": "1"}])),
        (400, operation("test", "/there", json!("1"))),
        (400, operation("move", "/there", json!("1"))),
        (400, operation("add", "there", json!("1"))),
        (400, operation("add", "/a//b", json!("1"))),
        (400, operation("add", "/a/", json!("1"))),
        (400, operation("add", "/a~2", json!("1"))),
        (400, operation("add", "/a/b", json!("1"))),
        (400, operation("add", "/tags/-", json!("1"))),
        (400, operation("replace", "/name", json!("x".repeat(300)))),
        (400, operation("replace", "/min_ram", json!(-1))),
        (400, operation("add", "/custom", json!(1))),
        (400, operation("replace", "/visibility", json!("everybody"))),
        (403, operation("replace", "/status", json!("active"))),
        (403, operation("replace", "/id", json!("3f2504e0-4f89-41d3-9a0c-0305e82c3301"))),
        (403, operation("replace", "/checksum", json!("0"))),
        (403, operation("replace", "/self", json!("x"))),
        (403, operation("add", "/os_glance_x", json!("1"))),
        (403, json!([{"op": "remove", "path": "/name"}])),
        (403, operation("add", "/locations/-", json!({"url": "http://127.0.0.1/x", "metadata": {}}))),
        (403, operation("replace", "/owner", json!("somebody"))),
        (403, operation("replace", "/visibility", json!("public"))),
        (409, operation("replace", "/missing", json!("1"))),
        (409, json!([{"op": "remove", "path": "/missing"}])),
    ];
    let before = record(&api, &id);
    for (status, operations) in cases {
        let answer = api.patch(&path(&id), &operations);
        assert_eq!(answer.status, status, "{operations}: {}", answer.text());
        assert_eq!(record(&api, &id), before, "{operations} was refused and changed something");
    }
    let given = site
        .api(ADMIN)
        .patch(&path(&id), &json!([{"op": "replace", "path": "/visibility", "value": "public"}]));
    assert_eq!(given.expect(200).json()["visibility"], "public");
}

fn a_patch_with_one_bad_operation_changes_nothing(site: &Site) {
    let api = site.api(MEMBER);
    let id = api.create_image(&json!({"name": "all or nothing"}));
    let operations = json!([
        {"op": "replace", "path": "/name", "value": "changed"},
        {"op": "add", "path": "/custom", "value": "1"},
        {"op": "remove", "path": "/missing"},
    ]);
    api.patch(&path(&id), &operations).expect(409);
    let image = record(&api, &id);
    assert_eq!(image["name"], "all or nothing");
    assert!(image.get("custom").is_none());
}

fn formats_are_fixed_once_there_is_data(site: &Site) {
    let api = site.api(MEMBER);
    let change = json!([{"op": "replace", "path": "/disk_format", "value": "iso"}]);
    let id = queued(&api);
    assert_eq!(api.patch(&path(&id), &change).expect(200).json()["disk_format"], "iso");
    let id = active(&api, b"data");
    api.patch(&path(&id), &change).expect(403);
    assert_eq!(record(&api, &id)["disk_format"], "raw");
}

fn another_media_type_is_refused_with_those_that_are_taken(site: &Site) {
    let api = site.api(MEMBER);
    let id = queued(&api);
    for media in ["application/json", "application/json-patch+json", "text/plain"] {
        let answer =
            api.call("PATCH", &path(&id)).header("content-type", media).bytes("[]").send().expect(415);
        assert_eq!(
            super::listed(&answer, "accept-patch"),
            ["application/openstack-images-v2.0-json-patch", "application/openstack-images-v2.1-json-patch"]
        );
    }
}

fn the_old_media_type_is_understood(site: &Site) {
    let api = site.api(MEMBER);
    let id = api.create_image(&json!({"name": "old style", "there": "1"}));
    let send = |operations: &Value| {
        let call = api
            .call("PATCH", &path(&id))
            .header("content-type", "application/openstack-images-v2.0-json-patch");
        call.bytes(operations.to_string()).send()
    };
    let changed = send(&json!([{"replace": "/name", "value": "new"}, {"add": "/more", "value": "2"}]))
        .expect(200)
        .json();
    assert_eq!((&changed["name"], &changed["more"]), (&json!("new"), &json!("2")));
    send(&json!([{"add": "/there", "value": "2"}])).expect(409);
}
