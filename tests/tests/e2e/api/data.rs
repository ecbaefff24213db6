//! PUT and GET of /v2/images/{id}/file.

use glasshouse_tests::clients::{md5_of, sha512_of};
use glasshouse_tests::deployment::Site;
use glasshouse_tests::images;
use glasshouse_tests::keystone::{ADMIN, MEMBER, READER, STRANGER};
use serde_json::{Value, json};

use super::{active, queued, record};

on_every_site!(
    every_disk_format_comes_back_unharmed_with_its_virtual_size,
    the_answer_to_a_download_carries_length_kind_and_digest,
    an_image_without_data_has_no_content,
    parts_of_an_image_can_be_asked_for,
    ranges_that_cannot_be_served_are_refused,
    an_upload_needs_its_content_type,
    an_upload_needs_both_formats,
    a_second_upload_is_a_conflict,
    an_empty_upload_makes_an_active_image,
    a_declared_size_must_hold,
    reading_is_for_members_and_writing_for_the_owner,
);

fn file(id: &str) -> String {
    format!("/v2/images/{id}/file")
}

fn every_disk_format_comes_back_unharmed_with_its_virtual_size(site: &Site) {
    let api = site.api(MEMBER);
    for (format, path) in images::every_format() {
        let id =
            api.create_image(&json!({"name": format, "disk_format": format, "container_format": "bare"}));
        api.upload_file(&id, &path).expect(204);
        let image = record(&api, &id);
        let bytes = std::fs::read(&path).expect("the image");
        assert_eq!(
            (&image["status"], &image["size"]),
            (&json!("active"), &json!(bytes.len())),
            "{}",
            path.display()
        );
        assert_eq!((&image["checksum"], &image["os_hash_algo"]), (&json!(md5_of(&path)), &json!("sha512")));
        assert_eq!(image["os_hash_value"], json!(sha512_of(&path)));
        if !matches!(format, "iso" | "raw" | "vhd") {
            let virtual_size = images::virtual_size_bytes(&path, format);
            assert_eq!(image["virtual_size"], json!(virtual_size), "{}", path.display());
        }
        let back = api.get(&file(&id)).expect(200).body;
        assert!(back == bytes, "{} came back changed", path.display());
        api.delete(&format!("/v2/images/{id}")).expect(204);
    }
}

fn the_answer_to_a_download_carries_length_kind_and_digest(site: &Site) {
    let api = site.api(MEMBER);
    let answer = api.get(&file(&active(&api, b"hello"))).expect(200);
    assert_eq!(answer.body, b"hello");
    assert_eq!(answer.header("content-length"), Some("5"));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    // Hexadecimal, not the base64 of the standard: clients compare it with `checksum`.
    assert_eq!(answer.header("content-md5"), Some("5d41402abc4b2a76b9719d911017c592"));
}

fn an_image_without_data_has_no_content(site: &Site) {
    let api = site.api(MEMBER);
    let answer = api.get(&file(&queued(&api))).expect(204);
    assert!(answer.body.is_empty());
}

fn parts_of_an_image_can_be_asked_for(site: &Site) {
    let api = site.api(MEMBER);
    let id = active(&api, b"0123456789");
    for (range, part, content_range) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=4-", "456789", "bytes 4-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let answer = api.call("GET", &file(&id)).header("range", range).send().expect(206);
        assert_eq!(answer.text(), part, "{range}");
        assert_eq!(answer.header("content-range"), Some(content_range));
        assert_eq!(answer.header("content-length"), Some(part.len().to_string().as_str()));
    }
}

fn ranges_that_cannot_be_served_are_refused(site: &Site) {
    let api = site.api(MEMBER);
    let id = active(&api, b"0123456789");
    for (range, status) in
        [("bytes=10-", 416), ("bytes=5-2", 416), ("lines=0-1", 416), ("bytes=x", 416), ("bytes=0-1,3-4", 400)]
    {
        api.call("GET", &file(&id)).header("range", range).send().expect(status);
    }
}

fn an_upload_needs_its_content_type(site: &Site) {
    let api = site.api(MEMBER);
    let id = queued(&api);
    api.call("PUT", &file(&id)).bytes("data").send().expect(415);
    api.call("PUT", &file(&id)).header("content-type", "application/json").bytes("data").send().expect(415);
    assert_eq!(record(&api, &id)["status"], "queued");
    let call = api.call("PUT", &file(&id)).header("content-type", "application/octet-stream; charset=binary");
    call.bytes("data").send().expect(204);
}

fn an_upload_needs_both_formats(site: &Site) {
    let api = site.api(MEMBER);
    let id = api.create_image(&json!({"disk_format": "raw"}));
    api.upload(&id, "data").expect(400);
    assert_eq!(record(&api, &id)["status"], "queued");
}

fn a_second_upload_is_a_conflict(site: &Site) {
    let api = site.api(MEMBER);
    let id = active(&api, b"first");
    api.upload(&id, "second").expect(409);
    assert_eq!(api.get(&file(&id)).expect(200).text(), "first");
    assert_eq!(record(&api, &id)["size"], 5);
}

fn an_empty_upload_makes_an_active_image(site: &Site) {
    let api = site.api(MEMBER);
    let image = record(&api, &active(&api, b""));
    assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(0)));
    assert_eq!(image["checksum"], "d41d8cd98f00b204e9800998ecf8427e");
}

fn a_declared_size_must_hold(site: &Site) {
    let api = site.api(MEMBER);
    for declared in ["3", "5", "many"] {
        let id = queued(&api);
        let call = api.call("PUT", &file(&id)).header("content-type", "application/octet-stream");
        call.header("x-openstack-image-size", declared).bytes("four").send().expect(400);
        let image = record(&api, &id);
        assert_eq!((&image["status"], &image["size"]), (&json!("queued"), &Value::Null), "{declared}");
    }
}

fn reading_is_for_members_and_writing_for_the_owner(site: &Site) {
    let id = site.api(ADMIN).create_image(
        &json!({"name": "public", "visibility": "public", "disk_format": "raw", "container_format": "bare"}),
    );
    site.api(STRANGER).upload(&id, "data").expect(403);
    site.api(ADMIN).upload(&id, "data").expect(204);
    assert_eq!(site.api(STRANGER).get(&file(&id)).expect(200).text(), "data");
    site.api(READER).get(&file(&id)).expect(403);
    let private = queued(&site.api(MEMBER));
    site.api(STRANGER).upload(&private, "data").expect(404);
    site.api(STRANGER).get(&file(&private)).expect(404);
}
