//! What ours does with locations that Glance does not: it leaves nothing of one that failed, looks into the data, goes
//! on after a crash, and follows a web server only where it may go.

use std::fs;

use glasshouse_tests::clients::{hexadecimal, sha512_of};
use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::images;
use glasshouse_tests::keystone::{ADMIN, Keystone, MEMBER};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::wait;
use glasshouse_tests::web::{Gate, Page, WebServer};
use ring::digest;
use serde_json::{Value, json};

use super::super::{active, queued, record};
use super::{ended_task, hashed, on_mariadb, on_sqlite, on_the_web, options, post};

on_own_databases!(
    a_location_that_failed_is_gone_and_another_one_succeeds,
    dangerous_data_is_not_used,
    a_broken_connection_is_tried_again,
    a_deleted_image_is_not_read_any_more,
    a_location_that_goes_takes_its_file_along,
    a_redirect_is_followed_only_where_it_may_lead,
);

fn sha512(data: &[u8]) -> String {
    hexadecimal(digest::digest(&digest::SHA512, data).as_ref())
}

/// A qcow2 that reads a file of the host: its header names another file as the one below it.
fn with_backing_file() -> Vec<u8> {
    let mut data = fs::read(images::small_qcow2()).expect("the image");
    data[8..16].copy_from_slice(&512_u64.to_be_bytes());
    data[16..20].copy_from_slice(&11_u32.to_be_bytes());
    data[512..523].copy_from_slice(b"/etc/passwd");
    data
}

fn a_location_that_failed_is_gone_and_another_one_succeeds(controller: &Deployment) {
    let (api, admin) = (controller.api(MEMBER), controller.api(ADMIN));
    let id = queued(&api);
    let wrong = json!({"os_hash_algo": "sha512", "os_hash_value": "0".repeat(128)});
    for _ in 0..2 {
        post(&api, &id, &json!({"url": on_the_web(b"data"), "validation_data": wrong})).expect(202);
        let task = ended_task(&api, &id);
        let message = task["message"].as_str().expect("a reason");
        assert!(message.contains(&sha512(b"data")), "{message}");
        let image = record(&api, &id);
        assert_eq!((&image["status"], &image["size"]), (&json!("queued"), &Value::Null));
        assert_eq!(admin.get(&format!("/v2/images/{id}/locations")).expect(200).json(), json!([]));
    }
    let right = json!({"os_hash_algo": "sha512", "os_hash_value": sha512(b"data").to_uppercase()});
    post(&api, &id, &json!({"url": on_the_web(b"data"), "validation_data": right})).expect(202);
    assert_eq!(hashed(&api, &id)["os_hash_value"], sha512(b"data"));
    let tasks = api.get(&format!("/v2/images/{id}/tasks")).expect(200).json();
    assert_eq!(tasks["tasks"].as_array().map(Vec::len), Some(3));
}

fn dangerous_data_is_not_used(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let data = with_backing_file();
    let document = json!({"disk_format": "qcow2", "container_format": "bare"});
    // With a digest the image waits for the verdict.
    let id = api.create_image(&document);
    let digest = json!({"os_hash_algo": "sha512", "os_hash_value": sha512(&data)});
    post(&api, &id, &json!({"url": on_the_web(&data), "validation_data": digest})).expect(202);
    let task = ended_task(&api, &id);
    assert_eq!(task["status"], "failure");
    assert!(task["message"].as_str().is_some_and(|text| text.contains("backing file")), "{task}");
    assert_eq!(record(&api, &id)["status"], "queued");
    // Without one it is active at once, and closed by the verdict.
    let id = api.create_image(&document);
    post(&api, &id, &json!({"url": on_the_web(&data)})).expect(202);
    assert_eq!(ended_task(&api, &id)["status"], "failure");
    assert_eq!(record(&api, &id)["status"], "deactivated");
    api.get(&format!("/v2/images/{id}/file")).expect(403);
    // What is good is measured like an upload.
    let (good, id) = (images::small_qcow2(), api.create_image(&document));
    post(&api, &id, &json!({"url": on_the_web(&fs::read(&good).expect("the image"))})).expect(202);
    let image = hashed(&api, &id);
    assert_eq!(image["virtual_size"], json!(images::virtual_size_bytes(&good, "qcow2")));
    assert_eq!(image["os_hash_value"], sha512_of(&good));
}

fn a_broken_connection_is_tried_again(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let web = WebServer::shared();
    let (id, data) = (queued(&api), b"data that breaks off twice".to_vec());
    post(&api, &id, &json!({"url": web.serve(Page::Broken { data: data.clone(), times: 2 })})).expect(202);
    assert_eq!(hashed(&api, &id)["os_hash_value"], sha512(&data));
    assert_eq!(ended_task(&api, &id)["status"], "success");
    // Three attempts and no more: the image keeps its data, and nobody knows the digest.
    let id = queued(&api);
    post(&api, &id, &json!({"url": web.serve(Page::Broken { data, times: 3 })})).expect(202);
    let task = ended_task(&api, &id);
    assert_eq!(task["message"], "The data of the location could not be read.");
    let image = record(&api, &id);
    assert_eq!((&image["status"], &image["os_hash_algo"]), (&json!("active"), &Value::Null));
}

fn a_deleted_image_is_not_read_any_more(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let gate = Gate::default();
    let data = vec![7; 1 << 20];
    for digest in [None, Some(json!({"os_hash_algo": "sha512", "os_hash_value": sha512(&data)}))] {
        let (before, gone) = (gate.arrived(), gate.gone());
        let id = queued(&api);
        let mut body =
            json!({"url": WebServer::shared().serve(Page::Held { data: data.clone(), gate: gate.clone() })});
        if let Some(digest) = digest {
            body["validation_data"] = digest;
        }
        post(&api, &id, &body).expect(202);
        wait::until_true("the data being read", wait::STEP, || gate.arrived() > before);
        post(&api, &id, &body).expect(409);
        api.delete(&format!("/v2/images/{id}")).expect(204);
        wait::until_true("the reader gone", wait::STEP, || gate.gone() > gone);
        api.get(&format!("/v2/images/{id}")).expect(404);
    }
}

fn a_location_that_goes_takes_its_file_along(controller: &Deployment) {
    let (api, admin) = (controller.api(MEMBER), controller.api(ADMIN));
    let id = active(&api, b"data");
    let path = format!("/v2/images/{id}");
    let file = controller.store().join(&id);
    let named = json!({"url": on_the_web(b"data"), "metadata": {}});
    api.patch(&path, &json!([{"op": "add", "path": "/locations/-", "value": named}])).expect(200);
    assert!(file.is_file());
    admin.patch(&path, &json!([{"op": "remove", "path": "/locations/0"}])).expect(200);
    assert!(!file.exists(), "the file of the location that went");
    assert_eq!(api.get(&format!("{path}/file")).expect(200).body, b"data");
}

fn a_redirect_is_followed_only_where_it_may_lead(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let web = WebServer::shared();
    let good = web.serve(Page::Redirect(on_the_web(b"data")));
    let id = queued(&api);
    post(&api, &id, &json!({"url": good})).expect(202);
    assert_eq!(hashed(&api, &id)["os_hash_value"], sha512(b"data"));
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).body, b"data");
    for target in ["http://127.0.0.1:1/x", "http://169.254.169.254/x", "http://[::1]/x", "http://localhost/x"]
    {
        let id = queued(&api);
        post(&api, &id, &json!({"url": web.serve(Page::Redirect(target.to_owned()))})).expect(202);
        assert_eq!(ended_task(&api, &id)["status"], "failure", "{target}");
        assert_eq!(record(&api, &id)["status"], "queued");
    }
}

#[test]
fn killed_while_it_reads_and_started_again_on_sqlite() {
    let scratch = Scratch::new("locations-crash-sqlite");
    let database = Database::sqlite_in(scratch.path());
    let options = options(&scratch);
    killed_while_it_reads(Deployment::start_with(scratch, database, Keystone::shared(), &options));
}

#[test]
fn killed_while_it_reads_and_started_again_on_mariadb() {
    let scratch = Scratch::new("locations-crash-mariadb");
    let options = options(&scratch);
    killed_while_it_reads(Deployment::start_with(scratch, Database::mariadb(), Keystone::shared(), &options));
}

fn killed_while_it_reads(mut controller: Deployment) {
    let api = controller.api(MEMBER);
    let (gate, data) = (Gate::default(), vec![7; 1 << 20]);
    let url = WebServer::shared().serve(Page::Held { data: data.clone(), gate: gate.clone() });
    let (plain, checked) = (queued(&api), queued(&api));
    let digest = json!({"os_hash_algo": "sha512", "os_hash_value": sha512(&data)});
    post(&api, &plain, &json!({"url": url})).expect(202);
    post(&api, &checked, &json!({"url": url, "validation_data": digest})).expect(202);
    wait::until_true("both being read", wait::STEP, || gate.arrived() == 2);
    assert_eq!(record(&api, &plain)["status"], "active");
    assert_eq!(record(&api, &checked)["status"], "importing");
    controller.crash_and_restart();

    // The one that waited for its digest can be given a location again, the other is read once more.
    let image = record(&api, &checked);
    assert_eq!((&image["status"], &image["locations"]), (&json!("queued"), &json!([])));
    let task = ended_task(&api, &checked);
    assert_eq!(
        (&task["status"], task["message"].as_str().map(str::is_empty)),
        (&json!("failure"), Some(false))
    );
    wait::until_true("the other being read again", wait::STEP, || gate.arrived() == 3);
    gate.open();
    assert_eq!(hashed(&api, &plain)["os_hash_value"], sha512(&data));
    assert_eq!(ended_task(&api, &plain)["status"], "success");
    post(&api, &checked, &json!({"url": url, "validation_data": digest})).expect(202);
    assert_eq!(hashed(&api, &checked)["os_hash_value"], sha512(&data));
}
