//! POST /v2/images/{id}/locations.

use glasshouse_tests::clients::hexadecimal;
use glasshouse_tests::deployment::Site;
use glasshouse_tests::keystone::{ADMIN, MEMBER, READER, SERVICE, STRANGER};
use glasshouse_tests::wait;
use glasshouse_tests::web::{Page, WebServer};
use ring::digest;
use serde_json::{Value, json};

use super::super::{active, queued, record};
use super::{ended_task, hashed, on_the_web, post};

on_every_site_with_locations!(
    data_on_the_web_becomes_the_data_of_an_image,
    a_digest_that_was_given_is_compared_before_the_image_is_active,
    data_of_another_digest_leaves_the_image_queued,
    who_may_add_a_location,
    a_body_that_breaks_a_rule_is_refused,
    an_address_that_does_not_pass_the_filter_is_refused,
    a_location_goes_to_a_queued_image_only,
    what_is_found_out_later_is_in_the_task,
);

fn digest_of(algorithm: &'static digest::Algorithm, data: &[u8]) -> String {
    hexadecimal(digest::digest(algorithm, data).as_ref())
}

fn data_on_the_web_becomes_the_data_of_an_image(site: &Site) {
    let api = site.api(MEMBER);
    let (id, url) = (queued(&api), on_the_web(b"data of the web"));
    let answer = post(&api, &id, &json!({"url": url})).expect(202);
    assert!(answer.body.is_empty(), "{}", answer.text());
    let image = hashed(&api, &id);
    assert_eq!(image["os_hash_algo"], "sha512");
    assert_eq!(image["os_hash_value"], digest_of(&digest::SHA512, b"data of the web"));
    assert_eq!(image["checksum"], md5(b"data of the web"));
    assert_eq!((&image["size"], &image["direct_url"]), (&json!(15), &json!(url)));
    assert_eq!(image["locations"], json!([{"url": url, "metadata": {}}]));
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).body, b"data of the web");
    let listed = site.api(ADMIN).get(&format!("/v2/images/{id}/locations")).expect(200).json();
    assert_eq!(listed, json!([{"url": url, "metadata": {}}]));
    let task = ended_task(&api, &id);
    assert_eq!((&task["type"], &task["status"]), (&json!("location_import"), &json!("success")));
    assert_eq!(task["input"], json!({"image_id": id, "loc_url": url, "validation_data": {}}));
    assert_eq!((&task["result"], &task["message"]), (&json!({"image_id": id}), &json!("")));
    assert!(task["expires_at"].is_string() && task["request_id"].is_string() && task["user_id"].is_string());
}

fn md5(data: &[u8]) -> String {
    let scratch = glasshouse_tests::scratch::Scratch::new("digest");
    std::fs::write(scratch.join("data"), data).expect("a file");
    glasshouse_tests::clients::md5_of(&scratch.join("data"))
}

fn a_digest_that_was_given_is_compared_before_the_image_is_active(site: &Site) {
    let api = site.api(MEMBER);
    for (algorithm, value) in [
        ("sha256", digest_of(&digest::SHA256, b"good data")),
        ("sha1", digest_of(&digest::SHA1_FOR_LEGACY_USE_ONLY, b"good data")),
        ("md5", md5(b"good data")),
    ] {
        let (id, url) = (queued(&api), on_the_web(b"good data"));
        let validation = json!({"os_hash_algo": algorithm, "os_hash_value": value});
        post(&api, &id, &json!({"url": url, "validation_data": validation})).expect(202);
        let image = hashed(&api, &id);
        assert_eq!((&image["os_hash_algo"], &image["os_hash_value"]), (&json!(algorithm), &json!(value)));
        assert_eq!((&image["checksum"], &image["size"]), (&json!(md5(b"good data")), &json!(9)));
        let task = ended_task(&api, &id);
        assert_eq!((&task["status"], &task["input"]["validation_data"]), (&json!("success"), &validation));
    }
}

fn data_of_another_digest_leaves_the_image_queued(site: &Site) {
    let api = site.api(MEMBER);
    let (id, url) = (queued(&api), on_the_web(b"other data"));
    let validation = json!({"os_hash_algo": "sha256", "os_hash_value": "0".repeat(64)});
    post(&api, &id, &json!({"url": url, "validation_data": validation})).expect(202);
    assert_eq!(ended_task(&api, &id)["status"], "failure");
    // Glance ends the task before it puts the image back.
    let image = wait::until("the image back in queued", wait::STEP, || {
        let image = record(&api, &id);
        (image["status"] == "queued" && image["os_hash_algo"].is_null()).then_some(image)
    });
    for key in ["os_hash_algo", "os_hash_value", "checksum"] {
        assert_eq!(image[key], Value::Null, "{key}");
    }
}

fn who_may_add_a_location(site: &Site) {
    let url = on_the_web(b"data");
    let id = queued(&site.api(MEMBER));
    let path = format!("/v2/images/{id}/locations");
    let body = json!({"url": url});
    site.anonymous().post_json(&path, &body).expect(401);
    site.api(READER).post_json(&path, &body).expect(403);
    site.api(STRANGER).post_json(&path, &body).expect(404);
    // Not even administrators name what is not on the web.
    for person in [MEMBER, ADMIN] {
        for url in ["file:///etc/hostname", "rbd://pool/image", "none", ""] {
            post(&site.api(person), &id, &json!({"url": url})).expect(403);
        }
    }
    assert_eq!(record(&site.api(MEMBER), &id)["status"], "queued");
    assert_eq!(site.api(ADMIN).get(&path).expect(200).json(), json!([]));
    // The role of a service opens other schemes, but never the files of the host.
    let shared = json!({"disk_format": "raw", "container_format": "bare", "visibility": "community"});
    let seen = site.api(MEMBER).create_image(&shared);
    post(&site.api(SERVICE), &seen, &json!({"url": "file:///etc/hostname"})).expect(202);
    wait::until_true("the end of the work", wait::STEP, || {
        let image = record(&site.api(MEMBER), &seen);
        image["status"] == "queued" && image.get("os_glance_import_task").is_none()
    });
    assert_eq!(site.api(ADMIN).get(&format!("/v2/images/{seen}/locations")).expect(200).json(), json!([]));
    site.api(MEMBER)
        .post_json("/v2/images/00000000-0000-4000-8000-000000000000/locations", &body)
        .expect(404);
}

fn a_body_that_breaks_a_rule_is_refused(site: &Site) {
    let api = site.api(MEMBER);
    let (id, url) = (queued(&api), on_the_web(b"data"));
    let with = |validation: Value| json!({"url": url, "validation_data": validation});
    for body in [
        json!({}),
        json!({"url": 5}),
        json!({"url": null}),
        with(json!(null)),
        with(json!([])),
        with(json!({"os_hash_algo": "sha3_256", "os_hash_value": "0".repeat(64)})),
        with(json!({"os_hash_algo": "SHA256", "os_hash_value": "0".repeat(64)})),
        with(json!({"os_hash_algo": "md5"})),
        with(json!({"os_hash_value": "0".repeat(128)})),
        with(json!({"os_hash_algo": "md5", "os_hash_value": 0})),
        with(json!({"os_hash_algo": "md5", "os_hash_value": "0".repeat(32), "checksum": "0".repeat(32)})),
        with(json!({"os_hash_algo": "md5", "os_hash_value": "0".repeat(129)})),
        with(json!({"os_hash_algo": "md5", "os_hash_value": "0".repeat(31)})),
        with(json!({"os_hash_algo": "md5", "os_hash_value": "0".repeat(40)})),
        with(json!({"os_hash_algo": "sha1", "os_hash_value": "z".repeat(40)})),
    ] {
        let answer = post(&api, &id, &body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
    api.call("POST", &format!("/v2/images/{id}/locations")).send().expect(400);
    assert_eq!(record(&api, &id)["status"], "queued");
    assert_eq!(api.get(&format!("/v2/images/{id}/tasks")).expect(200).json(), json!({"tasks": []}));
}

fn an_address_that_does_not_pass_the_filter_is_refused(site: &Site) {
    let api = site.api(MEMBER);
    let id = queued(&api);
    let port = WebServer::shared().port;
    for url in [
        "http://127.0.0.1:1/x".to_owned(),
        "http://127.0.0.1:80/x".to_owned(),
        "http://127.0.0.1:x/x".to_owned(),
        format!("http://127.0.0.2:{port}/x"),
        format!("http://localhost:{port}/x"),
        format!("http://2130706433:{port}/x"),
        format!("http://0x7f000001:{port}/x"),
        format!("http://127.1:{port}/x"),
        format!("http://127.0.0.1.:{port}/x"),
        format!("http://[::1]:{port}/x"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "https://mirror.example/x".to_owned(),
        "http://".to_owned(),
        "http:///x".to_owned(),
    ] {
        let answer = post(&api, &id, &json!({"url": url}));
        assert_eq!(answer.status, 400, "{url}: {}", answer.text());
    }
    assert_eq!(record(&api, &id)["status"], "queued");
}

fn a_location_goes_to_a_queued_image_only(site: &Site) {
    let api = site.api(MEMBER);
    let (id, url) = (active(&api, b"data"), on_the_web(b"data"));
    post(&api, &id, &json!({"url": url})).expect(409);
    // The state of the image is looked at before the right of the caller.
    post(&site.api(READER), &id, &json!({"url": url})).expect(409);
    api.call("POST", &format!("/v2/images/{id}/actions/deactivate")).send().expect(204);
    post(&api, &id, &json!({"url": url})).expect(409);
}

fn what_is_found_out_later_is_in_the_task(site: &Site) {
    let api = site.api(MEMBER);
    let web = WebServer::shared();
    let elsewhere = format!("http://127.0.0.1:{}/nowhere", web.port);
    for (what, url) in [
        ("nothing is there", elsewhere),
        ("nothing is in it", on_the_web(b"")),
        ("its length is not said", web.serve(Page::Unmeasured(b"data".to_vec()))),
        ("the server refuses", web.serve(Page::Status(403))),
        ("a scheme that only begins so", "httpx://127.0.0.1/x".to_owned()),
    ] {
        let id = queued(&api);
        post(&api, &id, &json!({"url": url})).expect(202);
        let task = ended_task(&api, &id);
        assert_eq!(task["status"], "failure", "{what}: {task}");
        let image = record(&api, &id);
        assert_eq!((&image["status"], &image["locations"]), (&json!("queued"), &json!([])), "{what}");
    }
    let bare = api.create_image(&json!({"name": "without formats"}));
    post(&api, &bare, &json!({"url": on_the_web(b"data")})).expect(202);
    assert_eq!(ended_task(&api, &bare)["status"], "failure");
    assert_eq!(record(&api, &bare)["status"], "queued");
}
