use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::{Reply, Request, answer, head, json as reply};
use super::{HELLO, ID, connected, image, limits};
use crate::client::digest::Digests;
use crate::client::{Client, ErrorKind, Phase, Progress, Upload};

const MEBIBYTE: usize = 1 << 20;

fn folder_with(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.raw");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Bytes that no two pieces of have in common.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from((index * 31 + index / 251) % 253).unwrap()).collect()
}

fn with_digests(bytes: &[u8]) -> Value {
    let mut digests = Digests::new("sha512");
    digests.update(bytes);
    let sums = digests.finish();
    json!({"size": bytes.len(), "checksum": sums.md5, "os_hash_algo": "sha512", "os_hash_value": sums.strong.unwrap().1})
}

fn show(status: &str, changes: Value) -> Reply {
    reply("200 OK", &image(status, changes))
}

enum Asked {
    File,
    Record,
}

fn asked(request: &Request) -> Asked {
    if is_file(request) { Asked::File } else { Asked::Record }
}

fn is_file(request: &Request) -> bool {
    request.line.ends_with("/file")
}

#[tokio::test]
async fn an_upload_sends_the_file_and_compares_what_arrived() {
    let bytes = pattern(3 * MEBIBYTE + 17);
    let (_folder, path) = folder_with(&bytes);
    let stored = with_digests(&bytes);
    let (server, client) = connected(move |request| match asked(request) {
        Asked::File => Reply::Answer(answer("204 No Content", &[], "")),
        Asked::Record => show("active", stored.clone()),
    })
    .await;
    let progress = Progress::new();
    let done = client.upload(ID, Upload::file(&path), &progress).await.unwrap();
    assert_eq!(done.size, Some(bytes.len() as u64));
    assert_eq!((progress.bytes(), progress.total_bytes()), (bytes.len() as u64, Some(bytes.len() as u64)));
    assert_eq!(progress.phase(), Phase::Verifying);
    let put = server.seen().into_iter().find(is_file).unwrap();
    assert_eq!(put.line, format!("PUT /image/v2/images/{ID}/file"));
    assert!(put.body == bytes, "the bytes arrive as they are in the file");
    assert_eq!(put.headers["content-type"], "application/octet-stream");
    assert_eq!(put.headers["x-openstack-image-size"], bytes.len().to_string());
    assert_eq!(put.headers["content-length"], bytes.len().to_string());
}

#[tokio::test]
async fn an_upload_whose_token_is_refused_is_sent_again_with_a_new_one() {
    let bytes = pattern(MEBIBYTE + 1);
    let (_folder, path) = folder_with(&bytes);
    let stored = with_digests(&bytes);
    let server = super::login::cloud(move |request| match asked(request) {
        Asked::File if request.headers["x-auth-token"] == "token-1" => {
            Reply::Drain { answer: answer("401 Unauthorized", &[], "") }
        }
        Asked::File => Reply::Answer(answer("204 No Content", &[], "")),
        Asked::Record => show("active", stored.clone()),
    })
    .await;
    let credentials = super::login::password(server.url.join("/identity").unwrap());
    let client = Client::connect_within(credentials, limits()).await.unwrap();
    let progress = Progress::new();
    client.upload(ID, Upload::file(&path), &progress).await.unwrap();
    assert_eq!(progress.bytes(), bytes.len() as u64, "the first attempt is not counted");
    let put = server.seen().into_iter().rfind(is_file).unwrap();
    assert!(put.body == bytes);
}

#[tokio::test]
async fn an_empty_file_is_uploaded_as_one() {
    let (_folder, path) = folder_with(b"");
    let stored = with_digests(b"");
    let (server, client) = connected(move |request| match asked(request) {
        Asked::File => Reply::Answer(answer("204 No Content", &[], "")),
        Asked::Record => show("active", stored.clone()),
    })
    .await;
    client.upload(ID, Upload::file(&path), &Progress::new()).await.unwrap();
    assert_eq!(server.seen().into_iter().find(is_file).unwrap().headers["content-length"], "0");
}

#[tokio::test]
async fn other_bytes_in_the_store_are_corrupt_and_both_digests_are_named() {
    let (_folder, path) = folder_with(HELLO);
    let wrong = with_digests(b"something else");
    let theirs = wrong["os_hash_value"].as_str().unwrap().to_owned();
    let ours = with_digests(HELLO)["os_hash_value"].as_str().unwrap().to_owned();
    let (_server, client) = connected(move |request| match asked(request) {
        Asked::File => Reply::Answer(answer("204 No Content", &[], "")),
        Asked::Record => show("active", wrong.clone()),
    })
    .await;
    let error = client.upload(ID, Upload::file(&path), &Progress::new()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.message.contains(&ours) && error.message.contains(&theirs), "{error}");
    assert!(error.left_behind.unwrap().contains("cannot be trusted"));
}

/// Uploads this file to a server that answers before it has all of it.
async fn early(
    path: &Path,
    make: impl Fn(Vec<u8>) -> Reply + Send + Sync + 'static,
    status: &'static str,
) -> crate::client::ClientError {
    let (_server, client) = connected(move |request| match asked(request) {
        Asked::File => {
            let headers = [("content-type", "text/plain"), ("x-openstack-request-id", "req-early")];
            make(answer(status, &headers, "the reason of the service"))
        }
        Asked::Record => show("queued", json!({})),
    })
    .await;
    client.upload(ID, Upload::file(path), &Progress::new()).await.unwrap_err()
}

#[tokio::test]
async fn an_answer_that_comes_while_the_client_still_sends_is_reported_as_that_answer() {
    let (_folder, path) = folder_with(&vec![7; 8 * MEBIBYTE]);
    let statuses = [
        ("409 Conflict", ErrorKind::Conflict),
        ("413 Payload Too Large", ErrorKind::TooLarge),
        ("415 Unsupported Media Type", ErrorKind::UnsupportedMedia),
    ];
    for (status, kind) in statuses {
        let error = early(&path, |answer| Reply::Drain { answer }, status).await;
        assert_eq!((error.kind, error.message.as_str()), (kind, "the reason of the service"));
        assert_eq!(error.request_id.as_deref(), Some("req-early"));
        assert_eq!(
            error.left_behind.unwrap().as_ref(),
            format!("image {ID} is on the server in status queued")
        );
    }
}

/// Two threads, so that the connection is cut while the client writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_not_lost_when_the_server_slams_the_door_behind_it() {
    let (_folder, path) = folder_with(&vec![7; 8 * MEBIBYTE]);
    for after_bytes in (0..60).map(|round| round * 131_071) {
        let error =
            early(&path, move |answer| Reply::Cut { after_bytes, answer }, "413 Payload Too Large").await;
        assert_eq!(error.kind, ErrorKind::TooLarge, "after {after_bytes} bytes: {error}");
        assert_eq!(error.message, "the reason of the service");
    }
}

#[tokio::test]
async fn a_file_that_is_missing_is_said_before_anything_is_sent() {
    let (server, client) = connected(|_| show("queued", json!({}))).await;
    let error = client.upload(ID, Upload::file("/nonexistent/disk.raw"), &Progress::new()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Local(std::io::ErrorKind::NotFound));
    assert_eq!(error.message, "/nonexistent/disk.raw does not exist");
    assert!(!server.seen().iter().any(is_file));
}

#[tokio::test]
async fn a_cancelled_upload_says_what_is_left() {
    let (_folder, path) = folder_with(&pattern(MEBIBYTE));
    let progress = Progress::new();
    let cancel = progress.clone();
    let (_server, client) = connected(move |request| match asked(request) {
        // Cancelled as soon as the head is there; the answer never comes.
        Asked::File => {
            cancel.cancel();
            Reply::Drain { answer: Vec::new() }
        }
        Asked::Record => show("saving", json!({})),
    })
    .await;
    let error = client.upload(ID, Upload::file(&path), &progress).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert_eq!(error.left_behind.unwrap().as_ref(), format!("image {ID} is on the server in status saving"));
}

fn part(to: &Path) -> PathBuf {
    to.with_extension("raw.part")
}

fn range_start(request: &Request) -> usize {
    let range =
        request.headers.get("range").map(|range| range.trim_start_matches("bytes=").trim_end_matches('-'));
    range.map_or(0, |start| start.parse().unwrap())
}

/// Serves ranges as the service does.
fn ranged(request: &Request, bytes: &[u8]) -> Reply {
    let start = range_start(request);
    let total = bytes.len();
    if start == 0 {
        return Reply::Answer(answer("200 OK", &[], bytes));
    }
    let range = format!("bytes {start}-{}/{total}", total - 1);
    Reply::Answer(answer("206 Partial Content", &[("content-range", &range)], &bytes[start..]))
}

#[tokio::test]
async fn a_download_is_verified_before_it_gets_its_name() {
    let bytes = pattern(2 * MEBIBYTE + 5);
    let (folder, to) = folder_with(b"old");
    let (data, stored) = (bytes.clone(), with_digests(&bytes));
    let (_server, client) = connected(move |request| match asked(request) {
        Asked::File => ranged(request, &data),
        Asked::Record => show("active", stored.clone()),
    })
    .await;
    let progress = Progress::new();
    let done = client.download(ID, &to, &progress).await.unwrap();
    assert_eq!(done.digest.unwrap().0, "sha512");
    assert_eq!((done.size_bytes, done.resumed_bytes), (bytes.len() as u64, 0));
    assert!(std::fs::read(&to).unwrap() == bytes);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no .part file stays");
}

#[tokio::test]
async fn a_download_that_breaks_off_is_continued_where_it_broke() {
    let bytes = pattern(MEBIBYTE);
    let (_folder, to) = folder_with(b"");
    let (data, stored) = (bytes.clone(), with_digests(&bytes));
    let tries = Arc::new(AtomicUsize::new(0));
    let (server, client) = connected(move |request| match asked(request) {
        Asked::File if tries.fetch_add(1, Ordering::SeqCst) == 0 => {
            let mut broken = head("200 OK", &[], data.len());
            broken.extend_from_slice(&data[..100_000]);
            Reply::Answer(broken)
        }
        Asked::File => ranged(request, &data),
        Asked::Record => show("active", stored.clone()),
    })
    .await;
    let done = client.download(ID, &to, &Progress::new()).await.unwrap();
    assert_eq!(done.size_bytes, bytes.len() as u64);
    assert!(std::fs::read(&to).unwrap() == bytes);
    let gets: Vec<usize> = server.seen().iter().filter(|request| is_file(request)).map(range_start).collect();
    assert_eq!(gets, [0, 100_000]);
}

#[tokio::test]
async fn a_part_file_of_an_earlier_attempt_is_continued() {
    let bytes = pattern(MEBIBYTE);
    let (_folder, to) = folder_with(b"");
    std::fs::write(part(&to), &bytes[..4_096]).unwrap();
    let (data, stored) = (bytes.clone(), with_digests(&bytes));
    let (_server, client) = connected(move |request| match asked(request) {
        Asked::File => ranged(request, &data),
        Asked::Record => show("active", stored.clone()),
    })
    .await;
    let done = client.download(ID, &to, &Progress::new()).await.unwrap();
    assert_eq!((done.size_bytes, done.resumed_bytes), (bytes.len() as u64, 4_096));
    assert!(std::fs::read(&to).unwrap() == bytes);
}

#[tokio::test]
async fn a_service_without_ranges_sends_everything_again() {
    let (_folder, to) = folder_with(b"");
    std::fs::write(part(&to), b"hello gl").unwrap();
    let stored = with_digests(HELLO);
    let (_server, client) = connected(move |request| match asked(request) {
        Asked::File => Reply::Answer(answer("200 OK", &[], HELLO)),
        Asked::Record => show("active", stored.clone()),
    })
    .await;
    let done = client.download(ID, &to, &Progress::new()).await.unwrap();
    assert_eq!((done.size_bytes, done.resumed_bytes), (HELLO.len() as u64, 0));
    assert_eq!(std::fs::read(&to).unwrap(), HELLO);
}

#[tokio::test]
async fn wrong_bytes_keep_their_part_name_and_the_next_attempt_starts_anew() {
    let (_folder, to) = folder_with(b"old");
    let stored = with_digests(HELLO);
    let tries = Arc::new(AtomicUsize::new(0));
    let (_server, client) = connected(move |request| match asked(request) {
        Asked::File if tries.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::Answer(answer("200 OK", &[], b"jello glasshouse\n"))
        }
        Asked::File => ranged(request, HELLO),
        Asked::Record => show("active", stored.clone()),
    })
    .await;
    let error = client.download(ID, &to, &Progress::new()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.message.contains(with_digests(HELLO)["os_hash_value"].as_str().unwrap()), "{error}");
    assert_eq!(std::fs::read(part(&to)).unwrap(), b"jello glasshouse\n");
    assert_eq!(std::fs::read(&to).unwrap(), b"old", "the old file is untouched");
    client.download(ID, &to, &Progress::new()).await.unwrap();
    assert_eq!(std::fs::read(&to).unwrap(), HELLO);
    assert!(!part(&to).exists());
}

#[tokio::test]
async fn an_image_without_data_is_said_in_words() {
    let (folder, to) = folder_with(b"");
    let (_server, client) = connected(|request| match asked(request) {
        Asked::File => Reply::Answer(answer("204 No Content", &[], "")),
        Asked::Record => show("queued", json!({})),
    })
    .await;
    let error = client.download(ID, &to, &Progress::new()).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::NotFound, Some(204)));
    assert_eq!(error.message, "the image has no data, its status is queued");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no empty .part file stays");
}

#[tokio::test]
async fn a_full_disk_is_said_in_words() {
    let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = crate::client::ClientError::local(&error, "download image x", Path::new("/data/x.part"));
    assert_eq!(error.message, "the disk is full while writing /data/x.part");
}

#[tokio::test]
async fn a_service_that_falls_silent_ends_the_download_after_bounded_tries() {
    let (_folder, to) = folder_with(b"");
    let stored = with_digests(HELLO);
    let (server, client) = connected(move |request| match asked(request) {
        Asked::File => Reply::Answer(head("200 OK", &[], HELLO.len())),
        Asked::Record => show("active", stored.clone()),
    })
    .await;
    let error = client.download(ID, &to, &Progress::new()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transport);
    assert_eq!(server.seen().iter().filter(|request| is_file(request)).count(), 4);
}
