//! Uploads in pieces: what came stays, whatever breaks in between, and the whole is what was sent.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use glasshouse_tests::clients::sha512_of;
use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::http::{Answer, Api, Call};
use glasshouse_tests::images;
use glasshouse_tests::keystone::{ADMIN, Keystone, MEMBER, STRANGER};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{service, wait};
use serde_json::{Value, json};

mod client;
mod crash;

on_both_databases!(
    an_image_goes_in_in_pieces,
    a_piece_that_begins_elsewhere_is_told_where_to_begin,
    what_a_broken_connection_brought_stays,
    whoever_asks_cuts_off_what_is_still_arriving,
    all_of_it_with_the_first_call,
    a_wrong_digest_of_the_whole_leaves_nothing,
    a_wrong_digest_of_a_piece_does_not_count,
    lies_about_the_length_are_refused,
    a_dangerous_image_ends_its_upload,
    an_upload_is_nobody_elses,
    a_cancelled_upload_leaves_nothing,
    a_deleted_image_takes_its_upload_along,
    another_upload_of_the_image_is_refused_meanwhile,
    calls_that_make_no_sense_are_400_and_415,
    where_uploads_begin_is_told,
);

const SHA512_OF_HELLO: &str =
    "sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:";
const SHA256_OF_HELLO: &str = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";

fn raw_image(api: &Api) -> String {
    api.create_image(&json!({"name": "pieces", "disk_format": "raw", "container_format": "bare"}))
}

fn record(api: &Api, id: &str) -> Value {
    api.get(&format!("/v2/images/{id}")).expect(200).json()
}

fn creation(api: &Api, id: &str) -> Call {
    api.call("POST", &format!("/v2/images/{id}/uploads")).header("upload-complete", "?0")
}

/// The path of what an answer says was made.
fn path_of(api: &Api, answer: &Answer) -> String {
    let location = answer.header("location").expect("a location");
    location.strip_prefix(api.base()).expect("an address of the same service").to_owned()
}

pub(super) fn begin(api: &Api, id: &str) -> String {
    let answer = creation(api, id).send().expect(201);
    assert_eq!((answer.header("upload-offset"), answer.header("upload-complete")), (Some("0"), Some("?0")));
    path_of(api, &answer)
}

pub(super) fn piece(api: &Api, path: &str, offset: usize, is_last: bool) -> Call {
    api.call("PATCH", path)
        .header("content-type", "application/partial-upload")
        .header("upload-offset", &offset.to_string())
        .header("upload-complete", if is_last { "?1" } else { "?0" })
}

pub(super) fn ask(api: &Api, path: &str) -> Answer {
    let answer = api.call("HEAD", path).send().expect(204);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer
}

pub(super) fn offset(answer: &Answer) -> usize {
    answer.header("upload-offset").expect("an offset").parse().expect("a number")
}

/// Sends the head of a piece of `declared` bytes over a bare socket, then some of it.
pub(super) fn begin_piece(
    api: &Api,
    token: &str,
    path: &str,
    (at, declared): (usize, usize),
    sent: &[u8],
) -> TcpStream {
    let address = api.base().trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: {address}\r\nX-Auth-Token: {token}\r\n\
         Content-Type: application/partial-upload\r\nUpload-Offset: {at}\r\nUpload-Complete: ?0\r\n\
         Content-Length: {declared}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).expect("the head is taken");
    socket.write_all(sent).expect("the data is taken");
    socket.flush().expect("sent");
    socket
}

/// What the store holds of an image under whatever name.
fn files_of(controller: &Deployment, id: &str) -> Vec<(String, u64)> {
    let entries = fs::read_dir(controller.store()).expect("the store").flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            Some((name.clone(), entry.metadata().ok()?.len())).filter(|_| name.contains(id))
        })
        .collect()
}

/// The image is as if nothing had been tried, and takes data now.
fn assert_nothing_is_left(controller: &Deployment, api: &Api, id: &str) {
    wait::until_true("the image back in queued", wait::STEP, || record(api, id)["status"] == "queued");
    wait::until_true("an empty store", wait::STEP, || files_of(controller, id).is_empty());
    let now = record(api, id);
    assert_eq!((&now["size"], &now["os_hash_value"]), (&Value::Null, &Value::Null));
    assert_eq!(listed(api, id), json!([]));
    api.upload(id, "good").expect(204);
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).text(), "good");
}

fn listed(api: &Api, id: &str) -> Value {
    api.get(&format!("/v2/images/{id}/uploads")).expect(200).json()["uploads"].clone()
}

fn an_image_goes_in_in_pieces(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let file = images::small_qcow2();
    let data = fs::read(&file).expect("the image");
    let id = api.create_image(&json!({"disk_format": "qcow2", "container_format": "bare"}));
    let made = creation(&api, &id).header("upload-length", &data.len().to_string()).send().expect(201);
    let limit = made.header("upload-limit").expect("limits");
    assert!(limit.contains("max-size=1099511627776") && limit.contains("max-age=86"), "{limit}");
    let path = path_of(&api, &made);
    assert_eq!(record(&api, &id)["status"], "saving");
    let mut at = 0;
    let pieces: Vec<&[u8]> = data.chunks(data.len() / 5 + 1).collect();
    for (number, bytes) in pieces.iter().enumerate() {
        let is_last = number + 1 == pieces.len();
        let answer = piece(&api, &path, at, is_last).bytes(*bytes).send().expect(204);
        at += bytes.len();
        let complete = if is_last { "?1" } else { "?0" };
        assert_eq!((offset(&answer), answer.header("upload-complete")), (at, Some(complete)));
        let asked = ask(&api, &path);
        assert_eq!((offset(&asked), asked.header("upload-complete")), (at, Some(complete)));
        assert_eq!(asked.header("upload-length"), Some(data.len().to_string().as_str()));
    }
    let image = record(&api, &id);
    assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(data.len())));
    assert_eq!(image["os_hash_value"], json!(sha512_of(&file)));
    assert_eq!(image["virtual_size"], json!(images::virtual_size_bytes(&file, "qcow2")));
    assert!(api.get(&format!("/v2/images/{id}/file")).expect(200).body == data);
    assert_eq!(files_of(controller, &id), [(id.clone(), data.len() as u64)]);
    let more = piece(&api, &path, at, true).send().expect(400);
    assert_eq!(more.json()["type"], "https://iana.org/assignments/http-problem-types#completed-upload");
    // Its end is forgotten, the image is not.
    api.delete(&path).expect(204);
    api.call("HEAD", &path).send().expect(404);
    assert_eq!(record(&api, &id)["status"], "active");
}

fn a_piece_that_begins_elsewhere_is_told_where_to_begin(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = raw_image(&api);
    let path = begin(&api, &id);
    piece(&api, &path, 0, false).bytes("0123").send().expect(204);
    for wrong in [0, 3, 5] {
        let answer = piece(&api, &path, wrong, false).bytes("x").send().expect(409);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.header("upload-offset"), Some("4"));
        let problem = answer.json();
        assert_eq!(
            problem["type"],
            "https://iana.org/assignments/http-problem-types#mismatching-upload-offset"
        );
        assert_eq!((&problem["expected-offset"], &problem["provided-offset"]), (&json!(4), &json!(wrong)));
    }
    // Who sends everything before it reads hears it too.
    let token = controller.keystone.token(MEMBER);
    let much = vec![0x5a; 32 << 20];
    let mut socket = begin_piece(&api, &token, &path, (5, much.len()), &much);
    let mut start = [0; 12];
    socket.read_exact(&mut start).expect("an answer");
    assert_eq!(start, *b"HTTP/1.1 409");
    piece(&api, &path, 4, true).bytes("4567").send().expect(204);
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).text(), "01234567");
}

fn what_a_broken_connection_brought_stays(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let token = controller.keystone.token(MEMBER);
    let file = images::small_qcow2();
    let data = fs::read(&file).expect("the image");
    let half = data.len() / 2;
    let id = api.create_image(&json!({"disk_format": "qcow2", "container_format": "bare"}));
    let path = begin(&api, &id);
    let sent = data.get(..half).expect("half");
    drop(begin_piece(&api, &token, &path, (0, data.len()), sent));
    // The list asks without cutting anything off.
    wait::until_true("what was sent", wait::STEP, || listed(&api, &id)[0]["offset"] != 0);
    let at = offset(&ask(&api, &path));
    assert!(at <= half, "{at} of {half}");
    piece(&api, &path, at, true).bytes(data.get(at..).expect("the rest")).send().expect(204);
    assert_eq!(record(&api, &id)["os_hash_value"], json!(sha512_of(&file)));
}

fn whoever_asks_cuts_off_what_is_still_arriving(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let token = controller.keystone.token(MEMBER);
    let id = raw_image(&api);
    let path = begin(&api, &id);
    let mut lost = Vec::new();
    // The connections stand as ever; nothing but the question tells that their client has gone.
    let at = wait::until("the first half", wait::STEP, || {
        lost.push(begin_piece(&api, &token, &path, (0, 8), b"half"));
        wait::until_true("a piece under way", wait::STEP, || !files_of(controller, &id).is_empty());
        let at = offset(&ask(&api, &path));
        (at > 0).then_some(at)
    });
    assert_eq!(at, 4);
    piece(&api, &path, 4, true).bytes("rest").send().expect(204);
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).text(), "halfrest");
    drop(lost);
}

fn all_of_it_with_the_first_call(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let call = |id: &str, complete: &str| {
        api.call("POST", &format!("/v2/images/{id}/uploads")).header("upload-complete", complete)
    };
    let id = raw_image(&api);
    let whole = call(&id, "?1").header("content-type", "application/octet-stream").bytes("hello");
    assert_eq!(whole.send().expect(204).header("upload-complete"), Some("?1"));
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).text(), "hello");

    let id = raw_image(&api);
    let first = call(&id, "?0").header("content-type", "application/octet-stream").bytes("hel");
    let first = first.send().expect(201);
    assert_eq!(first.header("upload-offset"), Some("3"));
    piece(&api, &path_of(&api, &first), 3, true).bytes("lo").send().expect(204);
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).text(), "hello");

    let id = raw_image(&api);
    call(&id, "?1").send().expect(204);
    assert_eq!((&record(&api, &id)["status"], &record(&api, &id)["size"]), (&json!("active"), &json!(0)));
}

fn a_wrong_digest_of_the_whole_leaves_nothing(controller: &Deployment) {
    let api = controller.api(MEMBER);
    for at_the_end in [false, true] {
        let id = raw_image(&api);
        let mut call = creation(&api, &id);
        if !at_the_end {
            call = call.header("repr-digest", SHA512_OF_HELLO);
        }
        let path = path_of(&api, &call.send().expect(201));
        piece(&api, &path, 0, false).bytes("hell").send().expect(204);
        let mut last = piece(&api, &path, 4, true).bytes("!");
        if at_the_end {
            last = last.header("repr-digest", SHA256_OF_HELLO);
        }
        let answer = last.send().expect(400);
        assert_eq!(answer.header("upload-complete"), Some("?1"), "it is about the whole");
        assert!(answer.text().contains("digest"), "{}", answer.text());
        api.call("HEAD", &path).send().expect(404);
        assert_nothing_is_left(controller, &api, &id);
    }
    let id = raw_image(&api);
    let path = path_of(&api, &creation(&api, &id).header("repr-digest", SHA256_OF_HELLO).send().expect(201));
    piece(&api, &path, 0, false).bytes("hell").send().expect(204);
    piece(&api, &path, 4, true).header("repr-digest", SHA512_OF_HELLO).bytes("o").send().expect(204);
    assert_eq!(record(&api, &id)["status"], "active");
}

fn a_wrong_digest_of_a_piece_does_not_count(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = raw_image(&api);
    let path = begin(&api, &id);
    piece(&api, &path, 0, false).bytes("01").send().expect(204);
    let wrong = piece(&api, &path, 2, false).header("content-digest", SHA256_OF_HELLO).bytes("hallo");
    assert!(wrong.send().expect(400).text().contains("sha-256"));
    assert_eq!(offset(&ask(&api, &path)), 2);
    piece(&api, &path, 2, true).header("content-digest", SHA256_OF_HELLO).bytes("hello").send().expect(204);
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).text(), "01hello");
}

fn lies_about_the_length_are_refused(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = raw_image(&api);
    let path = path_of(&api, &creation(&api, &id).header("upload-length", "5").send().expect(201));
    let refused = |call: Call| {
        let problem = call.send().expect(400).json();
        assert_eq!(
            problem["type"],
            "https://iana.org/assignments/http-problem-types#inconsistent-upload-length"
        );
    };
    refused(piece(&api, &path, 0, false).header("upload-length", "6").bytes("0"));
    refused(piece(&api, &path, 0, true).bytes("0123"));
    refused(piece(&api, &path, 0, false).bytes("012345"));
    assert_eq!(offset(&ask(&api, &path)), 0, "each was refused before any of it was taken");
    let scratch = Scratch::new("pieces");
    let file = scratch.join("piece");
    // Of unknown length: only the data itself can tell.
    fs::write(&file, "012").expect("a file");
    refused(piece(&api, &path, 0, true).file(&file));
    assert_eq!(offset(&ask(&api, &path)), 3, "what came is right so far");
    fs::write(&file, "345").expect("a file");
    refused(piece(&api, &path, 3, false).file(&file));
    api.call("HEAD", &path).send().expect(404);
    assert_nothing_is_left(controller, &api, &id);
}

fn a_dangerous_image_ends_its_upload(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = api.create_image(&json!({"disk_format": "qcow2", "container_format": "bare"}));
    let path = begin(&api, &id);
    piece(&api, &path, 0, false).bytes(vec![b'x'; 700_000]).send().expect(204);
    let answer = piece(&api, &path, 700_000, true).send().expect(415);
    assert_eq!(answer.header("upload-complete"), Some("?1"));
    assert!(answer.text().to_lowercase().contains("qcow2"), "{}", answer.text());
    wait::until_true("the image back in queued", wait::STEP, || record(&api, &id)["status"] == "queued");
    assert_eq!(files_of(controller, &id), []);
}

fn an_upload_is_nobody_elses(controller: &Deployment) {
    let (api, admin) = (controller.api(MEMBER), controller.api(ADMIN));
    let stranger = controller.api(STRANGER);
    let id = raw_image(&api);
    admin
        .patch(
            &format!("/v2/images/{id}"),
            &json!([{"op": "replace", "path": "/visibility", "value": "public"}]),
        )
        .expect(200);
    let path = begin(&api, &id);
    // The image can be seen by everybody, the upload cannot.
    stranger.get(&format!("/v2/images/{id}")).expect(200);
    stranger.call("HEAD", &path).send().expect(404);
    piece(&stranger, &path, 0, false).bytes("x").send().expect(404);
    stranger.delete(&path).expect(404);
    let hidden = raw_image(&api);
    let other = begin(&api, &hidden);
    stranger.call("HEAD", &other).send().expect(404);
    stranger
        .call("POST", &format!("/v2/images/{hidden}/uploads"))
        .header("upload-complete", "?0")
        .send()
        .expect(404);
    // An upload is found under its own image only.
    let upload_id = other.rsplit('/').next().expect("an id");
    api.call("HEAD", &format!("/v2/images/{id}/uploads/{upload_id}")).send().expect(404);
    api.without_token().call("HEAD", &path).send().expect(401);
    piece(&api, &path, 0, true).bytes("mine").send().expect(204);
    assert_eq!(stranger.get(&format!("/v2/images/{id}/file")).expect(200).text(), "mine");
}

fn a_cancelled_upload_leaves_nothing(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = raw_image(&api);
    let path = begin(&api, &id);
    piece(&api, &path, 0, false).bytes("0123").send().expect(204);
    assert_eq!(files_of(controller, &id), [(format!("{id}.unfinished"), 4)]);
    api.delete(&path).expect(204);
    api.delete(&path).expect(404);
    piece(&api, &path, 4, true).bytes("4").send().expect(404);
    assert_nothing_is_left(controller, &api, &id);
}

fn a_deleted_image_takes_its_upload_along(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let token = controller.keystone.token(MEMBER);
    for arriving in [false, true] {
        let id = raw_image(&api);
        let path = begin(&api, &id);
        piece(&api, &path, 0, false).bytes("0123").send().expect(204);
        let socket = arriving.then(|| begin_piece(&api, &token, &path, (4, 8), b"half"));
        api.delete(&format!("/v2/images/{id}")).expect(204);
        api.call("HEAD", &path).send().expect(404);
        piece(&api, &path, 4, true).bytes("4").send().expect(404);
        wait::until_true("an empty store", wait::STEP, || files_of(controller, &id).is_empty());
        drop(socket);
    }
}

fn another_upload_of_the_image_is_refused_meanwhile(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = raw_image(&api);
    let path = begin(&api, &id);
    let answer = api.upload(&id, "plain").expect(409);
    assert!(answer.text().contains("from saving to saving"), "{}", answer.text());
    creation(&api, &id).send().expect(409);
    let open = listed(&api, &id);
    assert_eq!((&open[0]["offset"], &open[0]["length"]), (&json!(0), &Value::Null));
    assert!(path.ends_with(open[0]["id"].as_str().expect("an id")), "{open}");
    piece(&api, &path, 0, true).bytes("pieces").send().expect(204);
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).text(), "pieces");
    assert_eq!(listed(&api, &id), json!([]));
    creation(&api, &id).send().expect(409);
}

fn calls_that_make_no_sense_are_400_and_415(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = raw_image(&api);
    let uploads = format!("/v2/images/{id}/uploads");
    api.call("POST", &uploads).send().expect(400);
    api.call("POST", &uploads).header("upload-complete", "yes").send().expect(400);
    creation(&api, &id).header("upload-length", "-1").send().expect(400);
    creation(&api, &id).header("content-type", "text/plain").bytes("x").send().expect(415);
    assert_eq!(record(&api, &id)["status"], "queued");
    let path = begin(&api, &id);
    let typed = |media_type: &str| api.call("PATCH", &path).header("content-type", media_type);
    let answer = typed("application/octet-stream").send().expect(415);
    assert_eq!(answer.header("accept-patch"), Some("application/partial-upload"));
    typed("application/partial-upload").header("upload-complete", "?0").send().expect(400);
    typed("application/partial-upload").header("upload-offset", "0").send().expect(400);
    let without_formats = api.create_image(&json!({}));
    creation(&api, &without_formats).send().expect(400);
    api.call("HEAD", &format!("{uploads}/{}", "x".repeat(300))).send().expect(404);
    api.call("PUT", &path).send().expect(405);
}

fn where_uploads_begin_is_told(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = raw_image(&api);
    let options = api.call("OPTIONS", &format!("/v2/images/{id}/uploads")).send().expect(200);
    assert_eq!(options.header("accept-patch"), Some("application/partial-upload"));
    assert_eq!(options.header("upload-limit"), Some("max-size=1099511627776, max-age=86400"));
    assert_eq!(api.call("OPTIONS", "/v2/images").send().expect(200).header("accept-patch"), None);
    let versions = api.without_token().get("/versions").expect(200);
    assert_eq!(versions.header("glasshouse-features"), Some("resumable-upload"));
}

fn with(name: &str, database: fn(&Scratch) -> Database, extra: &str) -> Deployment {
    let scratch = Scratch::new(name);
    let database = database(&scratch);
    Deployment::start_with(scratch, database, Keystone::shared(), extra)
}

fn sqlite(scratch: &Scratch) -> Database {
    Database::sqlite_in(scratch.path())
}

fn mariadb(_: &Scratch) -> Database {
    Database::mariadb()
}

#[test]
fn what_nobody_goes_on_with_expires_on_sqlite() {
    what_nobody_goes_on_with_expires(&with("expiry-sqlite", sqlite, EXPIRES_SOON));
}

#[test]
fn what_nobody_goes_on_with_expires_on_mariadb() {
    what_nobody_goes_on_with_expires(&with("expiry-mariadb", mariadb, EXPIRES_SOON));
}

const EXPIRES_SOON: &str = "[glasshouse]\nupload_expiry = 5\n";

fn what_nobody_goes_on_with_expires(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = raw_image(&api);
    let answer = creation(&api, &id).header("content-type", "application/octet-stream").bytes("0123").send();
    let path = path_of(&api, &answer.expect(201));
    wait::until_true("the upload gone", wait::STEP, || api.call("HEAD", &path).send().status == 404);
    assert_nothing_is_left(controller, &api, &id);
}

#[test]
fn open_uploads_count_against_the_quota_and_the_cap_on_sqlite() {
    open_uploads_count(&with("quota-sqlite", sqlite, ""));
}

#[test]
fn open_uploads_count_against_the_quota_and_the_cap_on_mariadb() {
    open_uploads_count(&with("quota-mariadb", mariadb, ""));
}

/// The options stand in a section that the file has already: they come through the environment of its own service.
fn open_uploads_count(controller: &Deployment) {
    let text = fs::read_to_string(&controller.configuration).expect("the configuration");
    let limits = "[DEFAULT]\nimage_size_cap = 60\nuser_storage_quota = 100\n";
    let text = text.replacen("[DEFAULT]\n", limits, 1);
    let port = glasshouse_tests::process::free_port();
    let old = format!("bind_port = {}\n", controller.service.port);
    let text = text.replace(&old, &format!("bind_port = {port}\n"));
    let scratch = Scratch::new("quota");
    let configuration = scratch.join("glance-api.conf");
    fs::write(&configuration, text).expect("a configuration");
    let limited = service::Service::start_serve(&configuration, port);
    let api = limited.api().with_token(&controller.keystone.token(MEMBER));

    let id = raw_image(&api);
    creation(&api, &id).header("upload-length", "61").send().expect(413);
    assert_eq!(record(&api, &id)["status"], "queued");
    let first = path_of(&api, &creation(&api, &id).header("upload-length", "60").send().expect(201));
    // 40 are left to the project, whether the 60 came or not.
    let other = raw_image(&api);
    creation(&api, &other).header("upload-length", "41").send().expect(413);
    api.upload(&other, vec![1; 41]).expect(413);
    let second = begin(&api, &other);
    piece(&api, &second, 0, false).bytes(vec![1; 41]).send().expect(413);
    piece(&api, &second, 0, false).bytes(vec![1; 30]).send().expect(204);
    // Of unknown length, and more than is left: nothing of it stays.
    let file = scratch.join("piece");
    fs::write(&file, [1; 11]).expect("a file");
    piece(&api, &second, 30, false).file(&file).send().expect(413);
    assert_nothing_is_left(controller, &controller.api(MEMBER), &other);
    controller.api(MEMBER).delete(&format!("/v2/images/{other}")).expect(204);
    piece(&api, &first, 0, true).bytes(vec![1; 60]).send().expect(204);
    assert_eq!(record(&api, &id)["size"], 60);
}
