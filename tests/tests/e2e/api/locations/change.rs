//! PATCH /v2/images/{id} on `/locations`.

use glasshouse_tests::deployment::Site;
use glasshouse_tests::http::{Answer, Api};
use glasshouse_tests::keystone::{ADMIN, MEMBER, READER, STRANGER};
use glasshouse_tests::web::{Page, WebServer};
use serde_json::{Value, json};

use super::super::{active, queued, record};
use super::on_the_web;

on_every_site!(where_locations_are_not_shown_they_are_not_changed);

on_every_site_with_locations!(
    a_location_makes_a_queued_image_active,
    digests_that_come_with_a_location_are_taken_over,
    digests_that_cannot_be_are_refused,
    more_locations_come_and_go,
    all_locations_are_given_at_once_or_only_their_metadata_changes,
    a_location_that_breaks_a_rule_is_refused,
    a_change_that_does_not_fit_the_image_is_refused,
    who_may_change_locations,
);

fn patch(api: &Api, id: &str, operations: &Value) -> Answer {
    api.patch(&format!("/v2/images/{id}"), operations)
}

fn named(url: &str) -> Value {
    json!({"url": url, "metadata": {}})
}

fn addition(at: &str, location: &Value) -> Value {
    json!([{"op": "add", "path": format!("/locations/{at}"), "value": location}])
}

fn replacement(locations: &Value) -> Value {
    json!([{"op": "replace", "path": "/locations", "value": locations}])
}

fn removal(at: &str) -> Value {
    json!([{"op": "remove", "path": format!("/locations/{at}")}])
}

/// The addresses of the locations that a document shows.
fn urls(image: &Value) -> Vec<&str> {
    let locations = image["locations"].as_array().expect("a list");
    locations.iter().map(|location| location["url"].as_str().expect("an address")).collect()
}

fn where_locations_are_not_shown_they_are_not_changed(site: &Site) {
    let api = site.api(ADMIN);
    let id = queued(&api);
    for operations in [
        addition("-", &named("http://127.0.0.1/x")),
        replacement(&json!([named("http://127.0.0.1/x")])),
        removal("0"),
    ] {
        patch(&api, &id, &operations).expect(403);
    }
    let image = record(&api, &id);
    assert_eq!((&image["status"], image.get("locations")), (&json!("queued"), None));
}

fn a_location_makes_a_queued_image_active(site: &Site) {
    let api = site.api(MEMBER);
    for at in ["-", "0", "7"] {
        let (id, url) = (queued(&api), on_the_web(b"data"));
        let answer = patch(&api, &id, &addition(at, &named(&url))).expect(200).json();
        assert_eq!((&answer["status"], &answer["size"]), (&json!("active"), &json!(4)));
        assert_eq!(answer["locations"], json!([{"url": url, "metadata": {}}]));
        let image = record(&api, &id);
        assert_eq!((&image["status"], &image["direct_url"]), (&json!("active"), &json!(url)));
        for key in ["os_hash_algo", "os_hash_value", "checksum"] {
            assert_eq!(image[key], Value::Null, "{key}");
        }
        assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).body, b"data");
    }
}

fn digests_that_come_with_a_location_are_taken_over(site: &Site) {
    let api = site.api(MEMBER);
    let digests =
        json!({"checksum": "1".repeat(32), "os_hash_algo": "sha512", "os_hash_value": "2".repeat(128)});
    let (id, url) = (queued(&api), on_the_web(b"data"));
    let location = json!({"url": url, "metadata": {}, "validation_data": digests});
    patch(&api, &id, &addition("-", &location)).expect(200);
    let image = record(&api, &id);
    for key in ["checksum", "os_hash_algo", "os_hash_value"] {
        assert_eq!(image[key], digests[key], "{key}");
    }
    // The same again is no contradiction.
    let location = json!({"url": on_the_web(b"data"), "metadata": {}, "validation_data": digests});
    patch(&api, &id, &addition("-", &location)).expect(200);
}

fn digests_that_cannot_be_are_refused(site: &Site) {
    let api = site.api(MEMBER);
    let (id, url) = (queued(&api), on_the_web(b"data"));
    let with = |digests: &Value| json!({"url": url, "metadata": {}, "validation_data": digests});
    let value = "2".repeat(128);
    for (digests, status) in [
        (json!({"os_hash_algo": "sha256", "os_hash_value": "2".repeat(64)}), 409),
        (json!({"os_hash_algo": "sha512", "os_hash_value": "2".repeat(127)}), 409),
        (json!({"os_hash_algo": "sha512", "os_hash_value": "2".repeat(64)}), 409),
        (json!({"os_hash_algo": "sha512", "os_hash_value": "z".repeat(128)}), 409),
        (json!({"os_hash_algo": "sha512", "os_hash_value": value, "checksum": "z".repeat(32)}), 409),
        (json!({"os_hash_algo": "sha512", "os_hash_value": value, "checksum": "1".repeat(31)}), 400),
        (json!({"os_hash_algo": "sha512", "os_hash_value": "2".repeat(129)}), 400),
        (json!({"os_hash_algo": "sha512"}), 400),
        (json!({"os_hash_value": value}), 400),
        (json!({"os_hash_algo": "sha512", "os_hash_value": value, "more": "x"}), 400),
        (json!({"os_hash_algo": "sha512", "os_hash_value": 2}), 400),
        (json!([]), 400),
    ] {
        let answer = patch(&api, &id, &addition("-", &with(&digests)));
        assert_eq!(answer.status, status, "{digests}: {}", answer.text());
    }
    let good = |digit: &str| json!({"os_hash_algo": "sha512", "os_hash_value": digit.repeat(128)});
    let other = json!({"url": on_the_web(b"data"), "metadata": {}, "validation_data": good("3")});
    patch(&api, &id, &replacement(&json!([with(&good("2")), other]))).expect(409);
    assert_eq!(record(&api, &id)["status"], "queued");
    // An image that has data has its digests, or never will.
    patch(&api, &id, &addition("-", &named(&url))).expect(200);
    patch(&api, &id, &addition("-", &other)).expect(409);
    let hashed = active(&api, b"data");
    patch(&api, &hashed, &addition("-", &other)).expect(409);
}

fn more_locations_come_and_go(site: &Site) {
    let (api, admin) = (site.api(MEMBER), site.api(ADMIN));
    let id = active(&api, b"data");
    let stored = urls(&record(&api, &id))[0].to_owned();
    let (one, two) = (on_the_web(b"data"), on_the_web(b"data"));
    let answer = patch(&api, &id, &addition("0", &named(&one))).expect(200).json();
    assert_eq!(urls(&answer), [one.as_str(), &stored]);
    // Their order is that in which they came.
    assert_eq!(urls(&record(&api, &id)), [stored.as_str(), &one]);
    patch(&api, &id, &addition("-", &named(&one))).expect(400);
    let labelled = json!({"url": two, "metadata": {"rack": "a", "list": ["b", {"c": "d"}]}});
    patch(&api, &id, &addition("1", &labelled)).expect(200);
    let image = record(&api, &id);
    assert_eq!(urls(&image), [stored.as_str(), &one, &two]);
    assert_eq!(image["locations"][2]["metadata"], labelled["metadata"]);
    // No more than the operator allows.
    patch(&api, &id, &addition("-", &named(&on_the_web(b"data")))).expect(413);
    for at in ["3", "99999999999999999999", "x", "-1"] {
        patch(&admin, &id, &removal(at)).expect(400);
    }
    let answer = patch(&admin, &id, &removal("0")).expect(200).json();
    assert_eq!(urls(&answer), [one.as_str(), &two]);
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).body, b"data");
    patch(&admin, &id, &removal("-")).expect(200);
    assert_eq!(urls(&record(&api, &id)), [one.as_str()]);
    patch(&admin, &id, &removal("0")).expect(403);
    assert_eq!(record(&api, &id)["status"], "active");
}

fn all_locations_are_given_at_once_or_only_their_metadata_changes(site: &Site) {
    let api = site.api(MEMBER);
    let (one, two, three) = (on_the_web(b"data"), on_the_web(b"data"), on_the_web(b"data"));
    let id = queued(&api);
    patch(&api, &id, &replacement(&json!([]))).expect(403);
    patch(&api, &id, &replacement(&json!([named(&one), named(&one)]))).expect(400);
    let four = json!([named(&one), named(&two), named(&three), named(&on_the_web(b"data"))]);
    patch(&api, &id, &replacement(&four)).expect(413);
    assert_eq!(record(&api, &id)["status"], "queued");
    let answer = patch(&api, &id, &replacement(&json!([named(&one), named(&two)]))).expect(200).json();
    assert_eq!((urls(&answer), &answer["status"]), (vec![one.as_str(), &two], &json!("active")));
    assert_eq!(answer["size"], 4);
    for others in
        [json!([named(&three)]), json!([named(&one)]), json!([named(&one), named(&two), named(&three)])]
    {
        patch(&api, &id, &replacement(&others)).expect(400);
    }
    let labelled = json!([{"url": one, "metadata": {"rack": "a"}}, {"url": two, "metadata": {}}]);
    patch(&api, &id, &replacement(&labelled)).expect(200);
    assert_eq!(record(&api, &id)["locations"], labelled);
    patch(&api, &id, &replacement(&json!([]))).expect(403);
    // Administrators no more than others.
    patch(&site.api(ADMIN), &id, &replacement(&json!([named(&three)]))).expect(400);
}

fn a_location_that_breaks_a_rule_is_refused(site: &Site) {
    let (api, web) = (site.api(MEMBER), WebServer::shared());
    let id = queued(&api);
    let port = web.port;
    let good = on_the_web(b"data");
    let mut bad: Vec<Value> = vec![
        json!(null),
        json!("x"),
        json!({}),
        json!({"url": good}),
        json!({"metadata": {}}),
        json!({"url": 5, "metadata": {}}),
        json!({"url": good, "metadata": []}),
        json!({"url": format!("{good}?{}", "x".repeat(255)), "metadata": {}}),
    ];
    for url in [
        "",
        "none",
        "file:///etc/hostname",
        "filesystem:///etc/hostname",
        "swift+config://ref/container/object",
        "rbd://pool/image",
        "http://127.0.0.1:1/x",
        "http://169.254.169.254/x",
        &format!("http://localhost:{port}/x"),
        &format!("http://2130706433:{port}/x"),
        &format!("http://127.0.0.1:{port}/nowhere"),
        &on_the_web(b""),
        &web.serve(Page::Unmeasured(b"data".to_vec())),
        &web.serve(Page::Status(500)),
    ] {
        bad.push(named(url));
    }
    for location in bad {
        for operations in [addition("-", &location), replacement(&json!([location]))] {
            let answer = patch(&api, &id, &operations);
            assert_eq!(answer.status, 400, "{operations}: {}", answer.text());
        }
    }
    for at in ["x", "-1", "1.0", "--"] {
        patch(&api, &id, &addition(at, &named(&good))).expect(400);
    }
    for path in ["/locations", "/locations/0/url", "/locations/"] {
        for op in ["add", "remove"] {
            patch(&api, &id, &json!([{"op": op, "path": path, "value": named(&good)}])).expect(400);
        }
    }
    patch(&api, &id, &json!([{"op": "replace", "path": "/locations/0", "value": named(&good)}])).expect(400);
    assert_eq!(record(&api, &id)["status"], "queued");
    // All or nothing.
    let both = json!([
        {"op": "replace", "path": "/name", "value": "changed"},
        {"op": "add", "path": "/locations/-", "value": named("http://127.0.0.1:1/x")},
    ]);
    patch(&api, &id, &both).expect(400);
    assert_ne!(record(&api, &id)["name"], "changed");
}

fn a_change_that_does_not_fit_the_image_is_refused(site: &Site) {
    let (api, admin) = (site.api(MEMBER), site.api(ADMIN));
    let url = on_the_web(b"data");
    let bare = api.create_image(&json!({"name": "without formats"}));
    for operations in [addition("-", &named(&url)), replacement(&json!([named(&url)]))] {
        patch(&api, &bare, &operations).expect(400);
    }
    assert_eq!(record(&api, &bare)["status"], "queued");
    patch(&admin, &queued(&api), &removal("0")).expect(409);
    let closed = active(&api, b"data");
    api.call("POST", &format!("/v2/images/{closed}/actions/deactivate")).send().expect(204);
    for operations in [addition("-", &named(&url)), replacement(&json!([named(&url)])), removal("0")] {
        patch(&admin, &closed, &operations).expect(409);
    }
    // Where the data of a closed image lies, only administrators read.
    assert_eq!(record(&api, &closed)["locations"], json!([]));
    assert_eq!(record(&admin, &closed)["locations"].as_array().map(Vec::len), Some(1));
}

fn who_may_change_locations(site: &Site) {
    let api = site.api(MEMBER);
    let id = active(&api, b"data");
    let url = on_the_web(b"data");
    for operations in [addition("-", &named(&url)), replacement(&json!([named(&url)])), removal("0")] {
        patch(&site.anonymous(), &id, &operations).expect(401);
        patch(&site.api(READER), &id, &operations).expect(403);
        patch(&site.api(STRANGER), &id, &operations).expect(404);
    }
    patch(&api, &id, &addition("-", &named(&url))).expect(200);
    // To remove is for administrators.
    patch(&api, &id, &removal("0")).expect(403);
    assert_eq!(urls(&record(&api, &id)).len(), 2);
}
