//! The service is killed without warning, and its memory is watched.

use std::fs;

use glasshouse_tests::clients::sha512_of;
use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::images;
use glasshouse_tests::keystone::{Keystone, MEMBER};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::wait;
use serde_json::json;

const LIMIT_BYTES: u64 = 64 << 20;

#[test]
fn killed_in_mid_upload_and_started_again_on_sqlite() {
    let scratch = Scratch::new("crash-sqlite");
    let database = Database::sqlite_in(scratch.path());
    killed_in_mid_upload(Deployment::start(scratch, database, Keystone::shared()));
}

#[test]
fn killed_in_mid_upload_and_started_again_on_mariadb() {
    killed_in_mid_upload(Deployment::start(
        Scratch::new("crash-mariadb"),
        Database::mariadb(),
        Keystone::shared(),
    ));
}

fn killed_in_mid_upload(mut controller: Deployment) {
    let api = controller.api(MEMBER);
    let kept = api.create_image(&json!({"disk_format": "raw", "container_format": "bare"}));
    api.upload(&kept, "kept").expect(204);
    let id = api.create_image(&json!({"disk_format": "qcow2", "container_format": "bare"}));
    let path = format!("/v2/images/{id}");
    let data = fs::read(images::qcow2()).expect("the image");
    let half = data.get(..data.len() / 2).expect("half");
    let socket = api.begin_upload(&id, data.len() as u64, half);
    wait::until_true("data of the upload in the store", wait::STEP, || {
        let sizes = fs::read_dir(controller.store()).expect("the store").flatten();
        api.get(&path).json()["status"] == "saving"
            && sizes.filter_map(|entry| entry.metadata().ok()).any(|file| file.len() >= 1 << 20)
    });
    controller.crash_and_restart();
    drop(socket);

    wait::until_true("the image back in queued", wait::STEP, || api.get(&path).json()["status"] == "queued");
    let names: Vec<String> = fs::read_dir(controller.store())
        .expect("the store")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, std::slice::from_ref(&kept), "only the finished image is in the store");
    let saving = api.get("/v2/images?status=saving&visibility=all").expect(200).json();
    assert_eq!(saving["images"], json!([]), "no image is stuck");
    assert_eq!(api.get(&format!("/v2/images/{kept}/file")).expect(200).text(), "kept");
    api.upload_file(&id, &images::qcow2()).expect(204);
    assert_eq!(api.get(&path).expect(200).json()["os_hash_value"], json!(sha512_of(&images::qcow2())));
}

#[test]
fn two_gibibytes_go_in_and_out_within_64_mebibytes_of_memory() {
    let scratch = Scratch::new("memory");
    let database = Database::sqlite_in(scratch.path());
    let controller = Deployment::start(scratch, database, Keystone::shared());
    let api = controller.api(MEMBER);
    let file = images::sparse_2_gib();
    let size = file.metadata().expect("the image").len();
    assert!(size > 1 << 31);
    let id = api.create_image(&json!({"disk_format": "raw", "container_format": "bare"}));
    api.upload_file(&id, &file).expect(204);
    let image = api.get(&format!("/v2/images/{id}")).expect(200).json();
    assert_eq!((&image["size"], &image["os_hash_value"]), (&json!(size), &json!(sha512_of(&file))));
    let after_upload = controller.service.process.peak_memory_bytes();
    assert!(after_upload < LIMIT_BYTES, "{} MiB at the peak of the upload", after_upload >> 20);

    let (status, bytes) = api.call("GET", &format!("/v2/images/{id}/file")).send_and_count();
    assert_eq!((status, bytes), (200, size));
    let after_download = controller.service.process.peak_memory_bytes();
    assert!(after_download < LIMIT_BYTES, "{} MiB at the peak of the download", after_download >> 20);
    assert_eq!(sha512_of(&controller.store().join(&id)), image["os_hash_value"]);
}

#[test]
fn asked_to_end_it_finishes_the_upload_under_way_and_waits_for_nobody_else() {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    let scratch = Scratch::new("graceful");
    let database = Database::sqlite_in(scratch.path());
    let mut controller = Deployment::start(scratch, database, Keystone::shared());
    let api = controller.api(MEMBER);
    let id = api.create_image(&json!({"disk_format": "raw", "container_format": "bare"}));
    let mut socket = api.begin_upload(&id, 8, b"half");
    let path = format!("/v2/images/{id}");
    wait::until_true("the upload under way", wait::STEP, || api.get(&path).json()["status"] == "saving");
    let port = controller.service.port;
    // Nothing; half a head; a whole request that was answered; half of the next one behind it.
    let request = "GET /healthcheck HTTP/1.1\r\nHost: controller\r\n\r\n";
    let mut others =
        ["", "GET /v2/images HTTP/1.1\r\nHost:", request, &format!("{request}GET /v2")].map(|said| {
            let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
            socket.set_read_timeout(Some(wait::STEP)).expect("a limit");
            socket.write_all(said.as_bytes()).expect("taken");
            if said.contains("healthcheck") {
                let mut answer = [0; 12];
                socket.read_exact(&mut answer).expect("an answer");
                assert_eq!(&answer, b"HTTP/1.1 200");
            }
            socket
        });
    controller.service.process.signal(glasshouse_tests::process::Signal::TERM);
    wait::until_true("a closed door", wait::STEP, || !glasshouse_tests::process::is_listening(port));
    for other in &mut others {
        // To its end, which comes while the upload is still waited for.
        other.read_to_end(&mut Vec::new()).expect("the end of the connection");
    }
    socket.write_all(b"rest").expect("the rest is taken");
    socket.set_read_timeout(Some(wait::STEP)).expect("a limit");
    let mut answer = vec![0; 12];
    socket.read_exact(&mut answer).expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 204");
    drop(socket);
    assert!(controller.service.process.wait_for_end().success());
    assert_eq!(fs::read(controller.store().join(&id)).expect("the data"), b"halfrest");
}
