//! Records made and changed, with every value in every attribute.

use serde_json::{Value, json};

use super::{PATCH, PATCH_2_0, id, image, values};
use crate::differential::{Call, Who};

const ATTRIBUTES: &[&str] = &[
    "name",
    "visibility",
    "protected",
    "os_hidden",
    "owner",
    "disk_format",
    "container_format",
    "min_disk",
    "min_ram",
    "tags",
    "custom",
    "size",
    "virtual_size",
    "status",
    "checksum",
    "created_at",
    "updated_at",
    "self",
    "file",
    "schema",
    "direct_url",
    "stores",
    "location",
    "deleted",
    "deleted_at",
    "locations",
    "os_glance_x",
];

/// One attribute, one value, a record for each.
pub fn creates() -> Vec<Call> {
    let mut calls = Vec::new();
    let mut number = 1000;
    for attribute in ATTRIBUTES {
        for value in values() {
            let mut document = json!({"id": id(number)});
            document[*attribute] = value;
            calls.push(Call::new(Who::Member, "POST", "/v2/images").json(&document));
            number += 1;
        }
    }
    for attribute in ["owner", "visibility"] {
        for value in [json!("someone"), json!(null), json!("public"), json!("")] {
            let mut document = json!({"id": id(number)});
            document[attribute] = value;
            calls.push(Call::new(Who::Admin, "POST", "/v2/images").json(&document));
            number += 1;
        }
    }
    for body in
        ["", "{", "[]", "null", "7", "\"x\"", "{}x", "{\"id\": 7}", "{\"id\": \"x\"}", "{\"id\": null}"]
    {
        for who in [Who::Member, Who::Reader, Who::Nobody] {
            calls.push(
                Call::new(who, "POST", "/v2/images").text(body).header("content-type", "application/json"),
            );
        }
    }
    // The same id again, also after its image was deleted.
    for _ in 0..2 {
        calls.push(Call::new(Who::Member, "POST", "/v2/images").json(&json!({"id": id(8000)})));
    }
    calls.push(Call::new(Who::Member, "DELETE", image(8000)));
    calls.push(Call::new(Who::Member, "POST", "/v2/images").json(&json!({"id": id(8000)})));
    calls
}

/// One operation on one attribute, all on the same image.
pub fn patches() -> Vec<Call> {
    let document = json!({"id": id(5000), "name": "to be changed", "custom": "there"});
    let mut calls = vec![Call::new(Who::Member, "POST", "/v2/images").json(&document)];
    let change = |operation: &Value| Call::new(Who::Member, "PATCH", image(5000)).patch(&json!([operation]));
    for attribute in ATTRIBUTES.iter().copied().chain(["id", "os_hash_algo", "missing"]) {
        let path = format!("/{attribute}");
        for value in values() {
            calls.push(change(&json!({"op": "replace", "path": path, "value": value})));
            if attribute != "owner" {
                calls.push(change(&json!({"op": "add", "path": path, "value": value})));
            }
        }
        calls.push(change(&json!({"op": "remove", "path": path})));
        calls.push(change(&json!({"op": "remove", "path": path})));
    }
    calls.push(Call::new(Who::Member, "GET", image(5000)));
    calls
}

/// Pointers, operations and bodies that break a rule.
pub fn pointers() -> Vec<Call> {
    let document = json!({"id": id(6000), "name": "pointers"});
    let mut calls = vec![Call::new(Who::Member, "POST", "/v2/images").json(&document)];
    for pointer in [
        "",
        "/",
        "a",
        "//a",
        "/a/",
        "/a//b",
        "/a/b",
        "/a/b/c",
        "/a~0b",
        "/a~1b",
        "/a~2",
        "/a~",
        "/ a ",
        "/tags/-",
        "/tags/0",
        "/name/x",
        "/locations/-",
        "/locations/0/1",
    ] {
        for op in ["add", "replace", "remove"] {
            let operations = json!([{"op": op, "path": pointer, "value": "v"}]);
            calls.push(Call::new(Who::Member, "PATCH", image(6000)).patch(&operations));
        }
    }
    for body in [
        "",
        "{}",
        "[",
        "[1]",
        "[[]]",
        "[{}]",
        "[]",
        "null",
        r#"[{"op": "add"}]"#,
        r#"[{"op": "test", "path": "/name", "value": "x"}]"#,
        r#"[{"op": "move", "path": "/a", "from": "/b"}]"#,
        r#"[{"op": "copy", "path": "/a", "from": "/b"}]"#,
        r#"[{"op": "add", "path": "/a"}]"#,
        r#"[{"op": "add", "path": 7, "value": "x"}]"#,
        r#"[{"path": "/a", "value": "x"}]"#,
    ] {
        calls.push(Call::new(Who::Member, "PATCH", image(6000)).text(body).header("content-type", PATCH));
    }
    for body in [
        r#"[{"add": "/old", "value": "1"}]"#,
        r#"[{"add": "/old", "value": "2"}]"#,
        r#"[{"replace": "/old", "value": "3"}]"#,
        r#"[{"remove": "/old"}]"#,
        r#"[{"remove": "/old"}]"#,
        r#"[{"add": "/x", "replace": "/x", "value": "2"}]"#,
        r#"[{"value": "2"}]"#,
        r#"[{"op": "add", "path": "/y", "value": "2"}]"#,
    ] {
        calls.push(Call::new(Who::Member, "PATCH", image(6000)).text(body).header("content-type", PATCH_2_0));
    }
    for kind in [
        "application/json",
        "application/json-patch+json",
        "text/plain",
        "application/openstack-images-v2.2-json-patch",
    ] {
        calls.push(Call::new(Who::Member, "PATCH", image(6000)).text("[]").header("content-type", kind));
    }
    calls.push(Call::new(Who::Member, "GET", image(6000)));
    calls
}
