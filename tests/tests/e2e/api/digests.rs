//! Digests that are sent along with the data of an image: headers and trailers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use glasshouse_tests::deployment::Deployment;
use glasshouse_tests::http::Api;
use glasshouse_tests::keystone::{MEMBER, Person};
use serde_json::{Value, json};

use super::{queued, record};

on_both_databases!(
    data_with_its_right_digests_is_stored,
    data_with_a_wrong_digest_is_refused_and_nothing_stays,
    a_digest_that_cannot_be_read_is_refused_before_the_data,
    a_digest_may_come_behind_the_data,
);

/// Of `hello`.
const MD5: &str = "md5=:XUFAKrxLKna5cZ2REBfFkg==:";
const SHA256: &str = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
const SHA512: &str =
    "sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:";

fn file(id: &str) -> String {
    format!("/v2/images/{id}/file")
}

/// The status of an upload of `data` with this field, and the image after it.
fn upload(api: &Api, field: (&str, &str), data: &str) -> (u16, Value, String) {
    let id = queued(api);
    let call = api.call("PUT", &file(&id)).header("content-type", "application/octet-stream");
    let answer = call.header(field.0, field.1).bytes(data).send();
    (answer.status, record(api, &id), answer.text())
}

fn assert_nothing_stays(site: &Deployment, image: &Value) {
    let id = image["id"].as_str().expect("an id");
    assert_eq!(
        (&image["status"], &image["size"], &image["checksum"]),
        (&json!("queued"), &Value::Null, &Value::Null)
    );
    let left = std::fs::read_dir(site.store()).expect("the store").filter_map(Result::ok);
    let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(id)).count();
    assert_eq!(left, 0, "files of {id}");
    let api = site.api(MEMBER);
    api.upload(id, "hello").expect(204);
    assert_eq!(api.get(&file(id)).expect(200).text(), "hello");
}

fn data_with_its_right_digests_is_stored(site: &Deployment) {
    let api = site.api(MEMBER);
    let all = format!("{MD5}, {SHA256}, {SHA512}");
    for field in [("content-digest", SHA256), ("repr-digest", SHA512), ("content-digest", all.as_str())] {
        let (status, image, text) = upload(&api, field, "hello");
        assert_eq!((status, &image["status"]), (204, &json!("active")), "{field:?}: {text}");
    }
    let (status, ..) = upload(&api, ("content-digest", "crc32c=:AAAAAA==:"), "hello");
    assert_eq!(status, 204, "what nobody knows is nobody's business");
}

fn data_with_a_wrong_digest_is_refused_and_nothing_stays(site: &Deployment) {
    let api = site.api(MEMBER);
    for field in [("content-digest", MD5), ("content-digest", SHA256), ("repr-digest", SHA512)] {
        let (status, image, text) = upload(&api, field, "jello");
        assert_eq!(status, 400, "{field:?}: {text}");
        assert!(text.contains("does not have the digest"), "{text}");
        assert_nothing_stays(site, &image);
    }
}

fn a_digest_that_cannot_be_read_is_refused_before_the_data(site: &Deployment) {
    let (status, image, text) = upload(&site.api(MEMBER), ("content-digest", "sha-256=hello"), "hello");
    assert_eq!(status, 400);
    assert!(text.contains("content-digest cannot be understood"), "{text}");
    assert_nothing_stays(site, &image);
}

/// A chunked upload with a trailer; the status of its answer.
fn upload_with_trailer(site: &Deployment, person: Person, id: &str, trailer: &str) -> u16 {
    let api = site.api(person);
    let address = api.base().trim_start_matches("http://").to_owned();
    let token = site.site().keystone.token(person);
    let mut socket = TcpStream::connect(&address).expect("a connection");
    let path = file(id);
    let request = format!(
        "PUT {path} HTTP/1.1\r\nHost: {address}\r\nX-Auth-Token: {token}\r\nTE: trailers\r\n\
         Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\
         Trailer: Content-Digest\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nContent-Digest: {trailer}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

fn a_digest_may_come_behind_the_data(site: &Deployment) {
    let api = site.api(MEMBER);
    let good = queued(&api);
    assert_eq!(upload_with_trailer(site, MEMBER, &good, SHA256), 204);
    assert_eq!(record(&api, &good)["status"], "active");
    let bad = queued(&api);
    let other = SHA256.replace("LPJN", "AAAA");
    assert_eq!(upload_with_trailer(site, MEMBER, &bad, &other), 400);
    assert_nothing_stays(site, &record(&api, &bad));
}
