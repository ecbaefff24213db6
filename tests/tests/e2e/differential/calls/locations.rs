//! Locations given, changed and refused, where both sides show them.

use glasshouse_tests::web::{Page, WebServer};
use serde_json::{Value, json};

use super::{id, image, values};
use crate::differential::{Call, EVERYBODY, Who};

/// Data on the web server, the same for both sides.
fn page(path: &str) -> String {
    WebServer::shared().serve_at(&format!("/differential/{path}"), Page::Data(b"data".to_vec()))
}

fn named(url: &str) -> Value {
    json!({"url": url, "metadata": {}})
}

fn create(number: usize) -> Call {
    let document = json!({"id": id(number), "disk_format": "raw", "container_format": "bare"});
    Call::new(Who::Member, "POST", "/v2/images").json(&document)
}

fn show(number: usize) -> Call {
    Call::new(Who::Member, "GET", image(number))
}

/// Every call, in the order in which they are played.
pub fn all() -> Vec<Call> {
    let mut calls = refused_posts();
    calls.extend(patched());
    calls.extend(everybody());
    calls.extend(malformed());
    calls
}

/// What POST refuses at once; nothing here begins any work.
fn refused_posts() -> Vec<Call> {
    let port = WebServer::shared().port;
    let mut calls = vec![create(1), show(1)];
    let path = format!("{}/locations", image(1));
    for value in values() {
        for body in [json!({"url": value}), value.clone()] {
            // The web address of a text that is one would be taken.
            calls.push(Call::new(Who::Member, "POST", path.clone()).json(&body));
        }
        let body = json!({"url": page("post"), "validation_data": value});
        // An empty object says nothing, and the work would begin.
        if value != json!({}) {
            calls.push(Call::new(Who::Member, "POST", path.clone()).json(&body));
        }
        for key in ["os_hash_algo", "os_hash_value"] {
            let mut validation = json!({"os_hash_algo": "md5", "os_hash_value": "0".repeat(32)});
            validation[key] = value.clone();
            let body = json!({"url": page("post"), "validation_data": validation});
            calls.push(Call::new(Who::Member, "POST", path.clone()).json(&body));
        }
    }
    for url in [
        "http://127.0.0.1:1/x".to_owned(),
        "http://127.0.0.1:80/x".to_owned(),
        "http://127.0.0.1:443/x".to_owned(),
        "https://127.0.0.1:99999/x".to_owned(),
        "http://169.254.169.254/x".to_owned(),
        "http://user:word@127.0.0.2/x".to_owned(),
        format!("http://localhost:{port}/x"),
        format!("http://0177.0.0.1:{port}/x"),
        format!("http://[::ffff:127.0.0.1]:{port}/x"),
        "http://no-such-host.invalid/x".to_owned(),
        "ftp://127.0.0.1/x".to_owned(),
        "file:///etc/hostname".to_owned(),
        "cinder://x".to_owned(),
    ] {
        for who in [Who::Member, Who::Admin] {
            calls.push(Call::new(who, "POST", path.clone()).json(&json!({"url": url})));
        }
    }
    for (method, who) in [("PUT", Who::Member), ("PATCH", Who::Member), ("DELETE", Who::Admin)] {
        calls.push(Call::new(who, method, path.clone()));
    }
    calls.push(Call::new(Who::Admin, "GET", path));
    calls.push(show(1));
    calls
}

/// Locations that come, change and go.
fn patched() -> Vec<Call> {
    let mut calls = Vec::new();
    let change = |who, number, operations: Value| Call::new(who, "PATCH", image(number)).patch(&operations);
    let add =
        |at: &str, value: &Value| json!([{"op": "add", "path": format!("/locations/{at}"), "value": value}]);
    let remove = |at: &str| json!([{"op": "remove", "path": format!("/locations/{at}")}]);
    let replace = |value: &Value| json!([{"op": "replace", "path": "/locations", "value": value}]);
    let (one, two, three) = (page("one"), page("two"), page("three"));
    for (number, at) in (100..).zip(["-", "0", "1", "x", "-1", "01", "", "9"]) {
        calls.extend([create(number), change(Who::Member, number, add(at, &named(&one))), show(number)]);
        calls.push(change(Who::Member, number, add(at, &named(&two))));
        calls.push(change(Who::Member, number, add(at, &named(&two))));
        calls.push(change(Who::Admin, number, remove(at)));
        calls.push(show(number));
        calls.push(Call::new(Who::Admin, "GET", format!("{}/locations", image(number))));
        calls.push(change(Who::Admin, number, remove(at)));
        calls.push(change(Who::Admin, number, remove("0")));
        calls.push(Call::new(Who::Member, "GET", format!("{}/file", image(number))));
        calls.push(show(number));
    }
    let lists = [
        json!([]),
        json!([named(&one)]),
        json!([named(&one), named(&two)]),
        json!([named(&one), named(&one)]),
        json!([named(&one), {"url": one, "metadata": {"a": "b"}}]),
        json!([named(&one), named(&two), named(&three), named(&page("four"))]),
        json!([named("file:///etc/hostname")]),
    ];
    for (number, first) in (200..).zip(&lists) {
        calls.extend([create(number), change(Who::Member, number, replace(first)), show(number)]);
        for second in &lists {
            calls.extend([change(Who::Member, number, replace(second)), show(number)]);
        }
    }
    for (number, digest) in (300..).zip([
        json!({"os_hash_algo": "sha512", "os_hash_value": "2".repeat(128)}),
        json!({"os_hash_algo": "sha512", "os_hash_value": "2".repeat(128), "checksum": "1".repeat(32)}),
        json!({"os_hash_algo": "sha256", "os_hash_value": "2".repeat(64)}),
        json!({"os_hash_algo": "sha512", "os_hash_value": "2".repeat(126)}),
        json!({"os_hash_algo": "sha512", "os_hash_value": "x".repeat(128)}),
        json!({"os_hash_algo": "sha512", "os_hash_value": "2".repeat(128), "checksum": "x".repeat(32)}),
    ]) {
        let with = |url: &str| json!({"url": url, "metadata": {}, "validation_data": digest});
        calls.extend([create(number), change(Who::Member, number, add("-", &with(&one))), show(number)]);
        calls.extend([change(Who::Member, number, add("-", &with(&two))), show(number)]);
    }
    let bare = json!({"id": id(400), "name": "without formats"});
    calls.push(Call::new(Who::Member, "POST", "/v2/images").json(&bare));
    calls.extend([change(Who::Member, 400, add("-", &named(&one))), show(400)]);
    calls.extend([change(Who::Member, 400, replace(&json!([named(&one)]))), show(400)]);
    calls
}

/// Everybody tries everything, on a queued image, an active one and a closed one.
fn everybody() -> Vec<Call> {
    let mut calls = Vec::new();
    let url = page("everybody");
    for number in 500..503 {
        calls.push(create(number));
        if number > 500 {
            calls.push(Call::new(Who::Member, "PUT", format!("{}/file", image(number))).data(b"data"));
        }
        if number > 501 {
            calls.push(Call::new(Who::Member, "POST", format!("{}/actions/deactivate", image(number))));
        }
        for who in EVERYBODY {
            let patches = [
                json!([{"op": "remove", "path": "/locations/0"}]),
                json!([{"op": "replace", "path": "/locations", "value": []}]),
                json!([{"op": "add", "path": "/locations/-", "value": named("http://127.0.0.1:1/x")}]),
            ];
            calls.extend(patches.iter().map(|patch| Call::new(who, "PATCH", image(number)).patch(patch)));
            let path = format!("{}/locations", image(number));
            // On the queued one the work would begin.
            let posted = if number == 500 { "http://127.0.0.1:1/x" } else { url.as_str() };
            calls.push(Call::new(who, "POST", path.clone()).json(&json!({"url": posted})));
            if number == 500 {
                calls.push(Call::new(who, "GET", path));
            }
        }
    }
    calls
}

/// Every value where a location should stand.
fn malformed() -> Vec<Call> {
    let mut calls = vec![create(600)];
    let url = page("malformed");
    for value in values() {
        let places = [
            value.clone(),
            json!({"url": value, "metadata": {}}),
            json!({"url": url, "metadata": value}),
            json!({"url": url, "metadata": {}, "validation_data": value}),
        ];
        // What is well formed would make the image active.
        for place in places.iter().filter(|place| place.get("url") != Some(&json!(url)) || !value.is_object())
        {
            for operation in [
                json!({"op": "add", "path": "/locations/-", "value": place}),
                json!({"op": "replace", "path": "/locations", "value": [place]}),
            ] {
                calls.push(Call::new(Who::Member, "PATCH", image(600)).patch(&json!([operation])));
            }
        }
    }
    calls.push(show(600));
    calls
}
