//! The lab: made at its first start, the same at the next, on this machine only.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use glasshouse_tests::http::Api;
use glasshouse_tests::process;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::service::{self, Lab};
use serde_json::json;

#[test]
fn its_identity_answers_like_a_keystone() {
    let lab = Lab::start();
    let auth = lab.cloud().auth;
    let identity = Api::new(&auth.auth_url);
    let version = identity.get("/").expect(200).json();
    assert!(version["version"]["id"].as_str().is_some_and(|id| id.starts_with("v3")), "{version}");

    let login = lab.log_in(&auth.password).expect(201);
    let token = login.header("x-subject-token").expect("a token").to_owned();
    let body = login.json();
    assert_eq!(body["token"]["user"]["name"], json!(auth.username));
    assert_eq!(body["token"]["project"]["name"], json!(auth.project_name));
    let catalog = body["token"]["catalog"].as_array().expect("a catalog");
    let image = catalog.iter().find(|entry| entry["type"] == "image").expect("an image service");
    let public =
        image["endpoints"].as_array().expect("endpoints").iter().find(|end| end["interface"] == "public");
    let url = public.expect("a public endpoint")["url"].as_str().expect("a URL");
    assert_eq!(url.trim_end_matches('/'), lab.service.url());

    let mine = identity.with_token(&token);
    let seen = mine.call("GET", "/auth/tokens").header("x-subject-token", &token).send().expect(200).json();
    assert_eq!(seen["token"]["user"], body["token"]["user"]);
    assert_eq!(mine.get("/auth/catalog").expect(200).json()["catalog"], body["token"]["catalog"]);
    lab.log_in("wrong").expect(401);
    lab.service.api().get("/v2/images").expect(401);
    lab.service.api().with_token("made-up").get("/v2/images").expect(401);
}

#[test]
fn it_prints_its_addresses_and_nothing_else_to_standard_output() {
    let lab = Lab::start();
    let said = lab.service.process.output();
    assert!(said.contains(&lab.service.url()), "{said}");
    assert!(!said.contains(&lab.cloud().auth.password), "no password on the screen: {said}");
    assert!(!said.to_lowercase().contains("info"), "logs go to standard error: {said}");
}

#[test]
fn its_secrets_are_for_its_owner_alone() {
    let lab = Lab::start();
    let password = lab.cloud().auth.password;
    let mut holders = Vec::new();
    let mut waiting = vec![lab.data_dir.clone()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let content = fs::read(&path).expect("a file of the lab");
            if content.windows(password.len()).any(|part| part == password.as_bytes()) {
                let mode = entry.metadata().expect("its rights").permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{}", path.display());
                holders.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    holders.sort();
    assert_eq!(holders, ["clouds.yaml", "openrc"], "the password is in clear in these two alone");
}

#[test]
fn it_is_the_same_lab_at_its_next_start() {
    let scratch = Scratch::new("lab-again");
    let data_dir = scratch.join("data");
    let mut lab = Lab::start_in(&data_dir);
    let api = lab.api();
    let id = api.create_image(&json!({"name": "stays", "disk_format": "raw", "container_format": "bare"}));
    api.upload(&id, "data").expect(204);
    let password = lab.cloud().auth.password;
    assert!(lab.service.process.stop().success(), "SIGTERM ends it cleanly");
    let lab = Lab::start_in(&data_dir);
    assert_eq!(lab.cloud().auth.password, password);
    assert_eq!(lab.api().get(&format!("/v2/images/{id}/file")).expect(200).text(), "data");
}

#[test]
fn an_interrupt_ends_it_cleanly() {
    let mut lab = Lab::start();
    lab.service.process.signal(process::Signal::INT);
    assert!(lab.service.process.wait_for_end().success());
}

#[test]
fn a_folder_that_cannot_be_written_is_one_sentence_and_exit_code_8() {
    let scratch = Scratch::new("lab-not-writable");
    let file = scratch.join("a-file");
    fs::write(&file, "not a folder").expect("a file");
    // Below a file nobody can make a folder, not even root.
    let folder = file.join("lab").display().to_string();
    let ended = service::run(&[
        "lab",
        "--data-dir",
        &folder,
        "--listen",
        &format!("127.0.0.1:{}", process::free_port()),
    ]);
    assert_eq!(ended.status.code(), Some(8), "{ended:?}");
    assert!(ended.stderr.contains(&folder) && ended.stderr.contains("--data-dir"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_port_that_is_taken_is_one_sentence_and_exit_code_7() {
    let scratch = Scratch::new("lab-port");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let ended =
        service::run(&["lab", "--data-dir", &scratch.join("data").to_string_lossy(), "--listen", &address]);
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
}

#[test]
fn it_refuses_an_address_that_others_can_reach() {
    let scratch = Scratch::new("lab-open");
    let ended = service::run(&[
        "lab",
        "--data-dir",
        &scratch.join("data").to_string_lossy(),
        "--listen",
        "0.0.0.0:0",
    ]);
    assert!(!ended.status.success());
    assert!(ended.stderr.contains("loopback"), "{}", ended.stderr);
}

#[test]
fn two_labs_do_not_share_a_folder() {
    let first = Lab::start();
    let folder = first.data_dir.to_string_lossy().into_owned();
    let ended = service::run(&[
        "lab",
        "--data-dir",
        &folder,
        "--listen",
        &format!("127.0.0.1:{}", process::free_port()),
    ]);
    assert!(!ended.status.success());
    assert!(ended.stderr.contains(&folder), "{}", ended.stderr);
}
