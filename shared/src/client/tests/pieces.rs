//! Uploads in pieces and downloads that go on, against a server that plays a script.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::{Reply, Request, Server, answer, head, json as reply};
use super::{ID, image, limits, v2};
use crate::client::digest::Digests;
use crate::client::{Client, Credentials, ErrorKind, Progress, Upload};

const MEBIBYTE: usize = 1 << 20;
const UPLOAD: &str = "0c0ffee0-1111-4222-8333-444444444444";

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from((index * 31 + index / 251) % 253).unwrap()).collect()
}

fn folder_with(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.raw");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn stored(status: &str, bytes: &[u8]) -> Reply {
    let mut digests = Digests::new("sha512");
    digests.update(bytes);
    let sums = digests.finish();
    let known = json!({"size": bytes.len(), "checksum": sums.md5, "os_hash_algo": "sha512", "os_hash_value": sums.strong.unwrap().1});
    reply("200 OK", &image(status, known))
}

/// A service that says that it takes pieces, and a client that is connected to it.
async fn connected(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Server, Client) {
    let server = Server::start(move |request| match request.line.as_str() {
        "GET /image/" => {
            let features =
                [("content-type", "application/json"), ("glasshouse-features", "a, resumable-upload")];
            Reply::Answer(answer("300 Multiple Choices", &features, v2().to_string()))
        }
        _ => handler(request),
    })
    .await;
    let credentials = Credentials::without_identity(server.url.join("/image").unwrap());
    let client = Client::connect_within(credentials, limits()).await.unwrap();
    (server, client)
}

fn created() -> Reply {
    let location = format!("http://inside/v2/images/{ID}/uploads/{UPLOAD}");
    Reply::Answer(answer("201 Created", &[("location", &location)], ""))
}

fn state(offset: usize, complete: &str) -> Reply {
    let fields = [("upload-offset", &*offset.to_string()), ("upload-complete", complete)];
    Reply::Answer(answer("204 No Content", &fields, ""))
}

fn broken(after_bytes: usize) -> Reply {
    Reply::Cut { after_bytes, answer: Vec::new() }
}

fn pieces(server: &Server) -> Vec<Request> {
    server.seen().into_iter().filter(|request| request.line.starts_with("PATCH")).collect()
}

#[tokio::test]
async fn an_upload_that_breaks_goes_on_where_the_service_says() {
    let bytes = pattern(3 * MEBIBYTE + 17);
    let (_folder, path) = folder_with(&bytes);
    let (asked, sent, whole) = (AtomicUsize::new(0), AtomicUsize::new(0), bytes.clone());
    let (server, client) = connected(move |request| match request.line.split(' ').next() {
        Some("POST") => created(),
        Some("HEAD") => match asked.fetch_add(1, Ordering::SeqCst) {
            0 => state(0, "?0"),
            _ => state(MEBIBYTE, "?0"),
        },
        Some("PATCH") => match sent.fetch_add(1, Ordering::SeqCst) {
            0 => broken(2 * MEBIBYTE),
            _ => state(3 * MEBIBYTE + 17, "?0"),
        },
        _ => stored("queued", &whole),
    })
    .await;
    let progress = Progress::new();
    client.upload(ID, Upload::file(&path), &progress).await.unwrap();
    let size = bytes.len() as u64;
    assert_eq!((progress.bytes(), progress.total_bytes()), (size, Some(size)));
    let made = server.seen().into_iter().find(|request| request.line.starts_with("POST")).unwrap();
    assert_eq!(made.line, format!("POST /image/v2/images/{ID}/uploads"));
    assert_eq!(
        (&*made.headers["upload-complete"], &*made.headers["upload-length"]),
        ("?0", &*size.to_string())
    );
    let pieces = pieces(&server);
    let line = format!("PATCH /image/v2/images/{ID}/uploads/{UPLOAD}");
    assert!(pieces.iter().all(|piece| piece.line == line), "{:?}", server.lines());
    let offsets: Vec<_> = pieces.iter().map(|piece| piece.headers["upload-offset"].as_str()).collect();
    assert_eq!(offsets, ["0", "1048576", &*size.to_string()]);
    assert!(pieces[1].body == bytes[MEBIBYTE..], "the rest, as it is in the file");
    assert_eq!(pieces[1].headers["content-type"], "application/partial-upload");
    assert_eq!(
        (&*pieces[1].headers["upload-complete"], &*pieces[2].headers["upload-complete"]),
        ("?0", "?1")
    );
    assert!(pieces[2].body.is_empty() && pieces[2].headers["repr-digest"].starts_with("sha-512=:"));
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for() {
    let bytes = pattern(1000);
    let (_folder, path) = folder_with(&bytes);
    let (asked, sent, whole) = (AtomicUsize::new(0), AtomicUsize::new(0), bytes.clone());
    let (server, client) = connected(move |request| match request.line.split(' ').next() {
        Some("POST") => created(),
        Some("HEAD") => match asked.fetch_add(1, Ordering::SeqCst) {
            0 => state(0, "?0"),
            _ => state(1000, "?1"),
        },
        Some("PATCH") => match sent.fetch_add(1, Ordering::SeqCst) {
            0 => state(1000, "?0"),
            _ => broken(0),
        },
        _ => stored("queued", &whole),
    })
    .await;
    client.upload(ID, Upload::file(&path), &Progress::new()).await.unwrap();
    assert_eq!(pieces(&server).len(), 2);
}

#[tokio::test]
async fn a_service_that_stays_away_is_not_asked_for_ever() {
    let (_folder, path) = folder_with(&pattern(1000));
    let (server, client) = connected(|request| match request.line.split(' ').next() {
        Some("POST") => created(),
        Some("HEAD") => state(0, "?0"),
        Some("PATCH") => broken(10),
        Some("GET") if request.line.ends_with("/uploads") => reply("200 OK", &json!({"uploads": []})),
        _ => reply("200 OK", &image("saving", json!({}))),
    })
    .await;
    let error = client.upload(ID, Upload::file(&path), &Progress::new()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transport, "{}", error.report());
    assert!(error.left_behind.as_ref().is_some_and(|left| left.contains("goes on from there")));
    assert_eq!(pieces(&server).len(), 4, "one, and three more");
}

#[tokio::test]
async fn what_the_service_refuses_is_not_sent_again() {
    let (_folder, path) = folder_with(&pattern(1000));
    let (server, client) = connected(|request| match request.line.split(' ').next() {
        Some("POST") => created(),
        Some("HEAD") => state(0, "?0"),
        Some("PATCH") => Reply::Answer(answer("415 Unsupported Media Type", &[], "no qcow2")),
        _ => reply("200 OK", &image("queued", json!({}))),
    })
    .await;
    let error = client.upload(ID, Upload::file(&path), &Progress::new()).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::UnsupportedMedia, Some(415)));
    assert_eq!(pieces(&server).len(), 1);
}

#[tokio::test]
async fn a_client_that_begins_anew_goes_on_with_its_own_upload() {
    let bytes = pattern(2 * MEBIBYTE);
    let (_folder, path) = folder_with(&bytes);
    let (ended, whole) = (AtomicUsize::new(0), bytes.clone());
    let (server, client) = connected(move |request| match request.line.split(' ').next() {
        Some("HEAD") => state(MEBIBYTE, "?0"),
        Some("PATCH") => {
            ended.fetch_add(1, Ordering::SeqCst);
            state(2 * MEBIBYTE, "?0")
        }
        Some("GET") if request.line.ends_with("/uploads") => {
            let uploads = json!([{"id": "other", "offset": 5, "length": 9, "max_age": 1},
                {"id": UPLOAD, "offset": MEBIBYTE, "length": 2 * MEBIBYTE, "max_age": 1}]);
            reply("200 OK", &json!({"uploads": uploads}))
        }
        _ if ended.load(Ordering::SeqCst) == 0 => stored("saving", &whole),
        _ => stored("active", &whole),
    })
    .await;
    client.upload(ID, Upload::file(&path), &Progress::new()).await.unwrap();
    assert!(!server.lines().iter().any(|line| line.starts_with("POST")), "{:?}", server.lines());
    assert!(pieces(&server)[0].body == bytes[MEBIBYTE..]);
}

#[tokio::test]
async fn a_service_that_knows_no_pieces_after_all_gets_one_put() {
    let bytes = pattern(1000);
    let (_folder, path) = folder_with(&bytes);
    let whole = bytes.clone();
    let (server, client) = connected(move |request| match request.line.split(' ').next() {
        Some("POST") => reply("404 Not Found", &Value::Null),
        Some("PUT") => Reply::Answer(answer("204 No Content", &[], "")),
        _ => stored("queued", &whole),
    })
    .await;
    client.upload(ID, Upload::file(&path), &Progress::new()).await.unwrap();
    let put = server.seen().into_iter().find(|request| request.line.starts_with("PUT")).unwrap();
    assert!(put.body == bytes);
}

#[tokio::test]
async fn a_download_goes_on_only_with_the_same_data() {
    let bytes = pattern(1000);
    let folder = tempfile::tempdir().unwrap();
    let (asked, whole) = (AtomicUsize::new(0), bytes.clone());
    let (server, client) = connected(move |request| {
        if !request.line.ends_with("/file") {
            return stored("active", &whole);
        }
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => {
                let mut cut = head("200 OK", &[("etag", "\"one\"")], 1000);
                cut.extend_from_slice(&whole[..400]);
                Reply::Cut { after_bytes: 0, answer: cut }
            }
            // It has other data now: all of it is sent.
            _ => Reply::Answer(answer("200 OK", &[("etag", "\"two\"")], &whole)),
        }
    })
    .await;
    let to = folder.path().join("disk.raw");
    client.download(ID, &to, &Progress::new()).await.unwrap();
    assert!(std::fs::read(&to).unwrap() == bytes);
    let asked: Vec<_> = server.seen().into_iter().filter(|request| request.line.ends_with("/file")).collect();
    assert_eq!(asked[0].headers.get("if-range"), None);
    assert_eq!((&*asked[1].headers["range"], &*asked[1].headers["if-range"]), ("bytes=400-", "\"one\""));
}
