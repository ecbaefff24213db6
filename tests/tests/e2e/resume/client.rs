//! The client that the window uses: through breaking connections, started anew, and against a service that knows no
//! uploads in pieces.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use glasshouse_shared::client::{
    Client, ClientError, Credentials, Domain, ErrorKind, Method, Named, Progress, Secret, Upload,
};
use glasshouse_shared::image::Image;
use glasshouse_tests::clients::sha512_of;
use glasshouse_tests::deployment::{Deployment, Site};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::keystone::MEMBER;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{images, wait};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{listed, raw_image, record, sqlite, with};

on_both_databases!(
    a_connection_that_breaks_again_and_again_is_gone_on_with,
    a_client_that_is_started_anew_goes_on,
);

/// A relay to a service whose first connections with much data break.
struct Relay {
    url: String,
    broken: Arc<AtomicU32>,
}

impl Relay {
    /// Each of the first `breaks` connections that carry more than `after_bytes` is cut there.
    fn to(address: &str, breaks: u32, after_bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (broken, address) = (Arc::new(AtomicU32::new(0)), address.to_owned());
        let count = Arc::clone(&broken);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&address) else { continue };
                let (mut from, mut to) =
                    (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
                thread::spawn(move || std::io::copy(&mut from, &mut to));
                let count = Arc::clone(&count);
                thread::spawn(move || forward(client, server, (breaks, after_bytes), &count));
            }
        });
        Self { url, broken }
    }
}

/// An error on either side is the end of both.
fn forward(mut client: TcpStream, mut server: TcpStream, (breaks, after): (u32, usize), broken: &AtomicU32) {
    let mut buffer = vec![0; 1 << 16];
    let mut passed = 0;
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        passed += count;
        if server.write_all(buffer.get(..count).unwrap_or_default()).is_err() {
            break;
        }
        if passed > after && broken.load(Ordering::SeqCst) < breaks {
            broken.fetch_add(1, Ordering::SeqCst);
            break;
        }
    }
    let _ = client.shutdown(std::net::Shutdown::Both);
    let _ = server.shutdown(std::net::Shutdown::Both);
}

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

async fn connect(site: &Site, image_endpoint: &str) -> Client {
    let method = Method::Password {
        user: Named::name(MEMBER.name, Domain::default()),
        password: Secret::new(MEMBER.password),
        project: Some(Named::name(MEMBER.project, Domain::default())),
    };
    let mut credentials = Credentials::new(site.keystone.auth_url().parse().expect("an address"), method);
    credentials.image_endpoint = Some(image_endpoint.parse().expect("an address"));
    Client::connect(credentials).await.expect("a connection")
}

/// An upload on a thread of its own.
fn upload_beside(
    site: Site,
    id: String,
    file: PathBuf,
    progress: Progress,
) -> thread::JoinHandle<Result<Image, ClientError>> {
    thread::spawn(move || {
        runtime().block_on(async {
            let client = connect(&site, &site.url).await;
            client.upload(&id, Upload::file(&file), &progress).await
        })
    })
}

fn assert_is_file(image: &Image, file: &Path) {
    assert_eq!(image.status.as_str(), "active");
    assert_eq!(image.os_hash_value.as_deref(), Some(sha512_of(file).as_str()));
}

fn a_connection_that_breaks_again_and_again_is_gone_on_with(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let file = images::installer_disk();
    let size = file.metadata().expect("the image").len();
    let relay = Relay::to(controller.service.url().trim_start_matches("http://"), 3, 10 << 20);
    let id = raw_image(&api);
    let progress = Progress::new();
    let image = runtime().block_on(async {
        let client = connect(&controller.site(), &relay.url).await;
        client.upload(&id, Upload::file(&file), &progress).await.expect("an upload")
    });
    assert_is_file(&image, &file);
    assert_eq!(relay.broken.load(Ordering::SeqCst), 3);
    assert_eq!((progress.bytes(), progress.total_bytes()), (size, Some(size)));

    // And back again, by Range with If-Range.
    let relay = Relay::to(controller.service.url().trim_start_matches("http://"), 0, 0);
    let scratch = Scratch::new("resumed-download");
    let to = scratch.join("back.raw");
    let part = scratch.join("back.raw.part");
    fs::write(&part, fs::read(&file).expect("the image").get(..5000).expect("a beginning")).expect("a part");
    let verified = runtime().block_on(async {
        let client = connect(&controller.site(), &relay.url).await;
        client.download(&id, &to, &Progress::new()).await.expect("a download")
    });
    assert_eq!((verified.size_bytes, verified.resumed_bytes), (size, 5000));
    assert_eq!(sha512_of(&to), sha512_of(&file));
}

fn a_client_that_is_started_anew_goes_on(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let file = images::installer_disk();
    let id = raw_image(&api);
    let progress = Progress::new();
    let stopped = upload_beside(controller.site(), id.clone(), file.clone(), progress.clone());
    wait::until_true("some of the file sent", wait::STEP, || {
        progress.bytes() > 1 << 20 || stopped.is_finished()
    });
    progress.cancel();
    let outcome = stopped.join().expect("a thread");
    let Err(error) = outcome else {
        // It was quicker than the hand on the button: there is nothing to go on with.
        assert_eq!(record(&api, &id)["os_hash_value"], json!(sha512_of(&file)));
        return;
    };
    assert_eq!(error.kind, ErrorKind::Cancelled);
    let at = wait::until("what came is recorded", wait::STEP, || {
        let at = listed(&api, &id)[0]["offset"].as_u64().expect("an open upload");
        (at > 0).then_some(at)
    });
    assert!(at < file.metadata().expect("the image").len());
    let image = runtime().block_on(async {
        let client = connect(&controller.site(), &controller.service.url()).await;
        client.upload(&id, Upload::file(&file), &Progress::new()).await.expect("the rest")
    });
    assert_is_file(&image, &file);
}

#[test]
fn another_file_of_the_same_length_is_not_mixed_in() {
    let controller = with("resume-other-file", sqlite, "");
    let api = controller.api(MEMBER);
    let id = raw_image(&api);
    let call = api.call("POST", &format!("/v2/images/{id}/uploads")).header("upload-complete", "?0");
    let call = call.header("upload-length", "10").header("content-type", "application/octet-stream");
    call.bytes("01234").send().expect(201);
    let scratch = Scratch::new("other-file");
    let file = scratch.join("other.raw");
    fs::write(&file, "abcdefghij").expect("a file");
    let error = runtime().block_on(async {
        let client = connect(&controller.site(), &controller.service.url()).await;
        client.upload(&id, Upload::file(&file), &Progress::new()).await.expect_err("two files in one")
    });
    assert_eq!(error.status, Some(400), "{}", error.report());
    assert_eq!((&record(&api, &id)["status"], &record(&api, &id)["size"]), (&json!("queued"), &Value::Null));
}

#[test]
fn the_service_is_killed_and_comes_back_while_the_client_sends() {
    let mut controller = with("resume-client-crash", sqlite, "");
    let api = controller.api(MEMBER);
    let file = images::installer_disk();
    let id = raw_image(&api);
    let progress = Progress::new();
    let sending = upload_beside(controller.site(), id.clone(), file.clone(), progress.clone());
    wait::until_true("some of the file sent", wait::STEP, || {
        progress.bytes() > 4 << 20 || sending.is_finished()
    });
    controller.crash_and_restart();
    let image = sending.join().expect("a thread").expect("the upload goes on");
    assert_is_file(&image, &file);
    assert_eq!(sha512_of(&controller.store().join(&id)), sha512_of(&file));
}

#[test]
fn against_the_real_glance_it_sends_one_put() {
    let site = Glance::shared().site();
    let api = site.api(MEMBER);
    let file = images::small_qcow2();
    let id = api.create_image(&json!({"disk_format": "qcow2", "container_format": "bare"}));
    let image = runtime().block_on(async {
        let client = connect(&site, &site.url).await;
        client.upload(&id, Upload::file(&file), &Progress::new()).await.expect("an upload")
    });
    assert_is_file(&image, &file);
    let scratch = Scratch::new("glance-download");
    let to = scratch.join("back.qcow2");
    fs::write(
        scratch.join("back.qcow2.part"),
        fs::read(&file).expect("the image").get(..5000).expect("some"),
    )
    .expect("a part");
    let verified = runtime().block_on(async {
        let client = connect(&site, &site.url).await;
        client.download(&id, &to, &Progress::new()).await.expect("a download")
    });
    assert_eq!(verified.resumed_bytes, 5000);
    assert_eq!(sha512_of(&to), sha512_of(&file));
}
