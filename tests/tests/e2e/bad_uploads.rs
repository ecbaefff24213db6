//! What goes wrong while data comes in. Each time: the right answer, the image back in `queued`, no partial file, and
//! the next upload of the same image succeeds.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use glasshouse_tests::clients::sha512_of;
use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::http::Api;
use glasshouse_tests::images;
use glasshouse_tests::keystone::{Keystone, MEMBER};
use glasshouse_tests::process;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{tools, wait};
use serde_json::{Value, json};

on_both_databases!(
    a_client_that_hangs_up_leaves_nothing_behind,
    a_body_shorter_than_declared_is_400_and_leaves_nothing_behind,
    a_qcow2_that_is_none_is_refused_with_a_reason_and_leaves_nothing_behind,
    a_qcow2_that_names_a_file_of_the_host_is_refused,
    an_image_deleted_during_its_upload_leaves_no_data,
    two_uploads_at_once_end_with_one_whole_image,
    bytes_that_belong_to_no_image_do_not_block_an_upload,
);

/// What a store may hold between two requests: finished images.
fn assert_nothing_partial(store: &Path, id: &str) {
    let names: Vec<String> = fs::read_dir(store)
        .expect("the store")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(id))
        .collect();
    assert!(names.is_empty(), "left in the store: {names:?}");
}

fn record(api: &Api, id: &str) -> Value {
    api.get(&format!("/v2/images/{id}")).expect(200).json()
}

fn image(api: &Api, format: &str) -> String {
    api.create_image(&json!({"name": "bad upload", "disk_format": format, "container_format": "bare"}))
}

fn bytes_that_belong_to_no_image_do_not_block_an_upload(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = image(&api, "raw");
    fs::write(controller.store().join(&id), b"left behind by a crash").expect("a stray file");
    api.upload(&id, b"the data".to_vec()).expect(204);
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).body, b"the data");
}

/// The image is as if nothing had been tried, and takes good data now.
fn assert_recovered(controller: &Deployment, api: &Api, id: &str) {
    wait::until_true("the image back in queued", wait::STEP, || record(api, id)["status"] == "queued");
    let now = record(api, id);
    for key in ["size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value"] {
        assert_eq!(now[key], Value::Null, "{key} in {now}");
    }
    wait::until_true("an empty store", wait::STEP, || !controller.store().join(id).exists());
    assert_nothing_partial(&controller.store(), id);
    api.get(&format!("/v2/images/{id}/file")).expect(204);

    let good = images::small_qcow2();
    api.upload_file(id, &good).expect(204);
    assert_eq!(record(api, id)["os_hash_value"], json!(sha512_of(&good)));
    let back = api.get(&format!("/v2/images/{id}/file")).expect(200).body;
    assert!(back == fs::read(&good).expect("the image"));
}

fn a_client_that_hangs_up_leaves_nothing_behind(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = image(&api, "qcow2");
    let data = fs::read(images::small_qcow2()).expect("the image");
    let half = data.get(..data.len() / 2).expect("half");
    let socket = api.begin_upload(&id, data.len() as u64, half);
    wait::until_true("the upload under way", wait::STEP, || record(&api, &id)["status"] == "saving");
    drop(socket);
    assert_recovered(controller, &api, &id);
}

fn a_body_shorter_than_declared_is_400_and_leaves_nothing_behind(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = image(&api, "qcow2");
    let data = fs::read(images::small_qcow2()).expect("the image");
    for declared in [data.len() - 1, data.len() + 1] {
        let call = api.call("PUT", &format!("/v2/images/{id}/file"));
        let call = call.header("content-type", "application/octet-stream");
        call.header("x-openstack-image-size", &declared.to_string()).bytes(data.clone()).send().expect(400);
    }
    assert_recovered(controller, &api, &id);
}

fn a_qcow2_that_is_none_is_refused_with_a_reason_and_leaves_nothing_behind(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = image(&api, "qcow2");
    for data in [Vec::new(), vec![b'x'; 100], fs::read(images::rescue_iso()).expect("the ISO")] {
        let answer = api.upload(&id, data).expect(415);
        assert!(
            answer.text().to_lowercase().contains("qcow2"),
            "the answer names the format: {}",
            answer.text()
        );
    }
    assert_recovered(controller, &api, &id);
}

fn a_qcow2_that_names_a_file_of_the_host_is_refused(controller: &Deployment) {
    let scratch = Scratch::new("backing");
    let evil = scratch.join("evil.qcow2");
    let mut create = Command::new(tools::system_program("qemu-img"));
    create.args(["create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/passwd"]).arg(&evil).arg("1M");
    process::run_well(create, wait::STEP);
    let api = controller.api(MEMBER);
    // Also under the name of the format that takes anything.
    for format in ["raw", "qcow2"] {
        let id = image(&api, format);
        api.upload_file(&id, &evil).expect(415);
        if format == "qcow2" {
            assert_recovered(controller, &api, &id);
        }
    }
}

fn an_image_deleted_during_its_upload_leaves_no_data(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = image(&api, "raw");
    let mut socket = api.begin_upload(&id, 8, b"half");
    wait::until_true("the upload under way", wait::STEP, || record(&api, &id)["status"] == "saving");
    api.delete(&format!("/v2/images/{id}")).expect(204);
    socket.write_all(b"rest").expect("the rest is taken");
    socket.set_read_timeout(Some(wait::STEP)).expect("a limit");
    let mut answer = vec![0; 12];
    socket.read_exact(&mut answer).expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 410");
    wait::until_true("an empty store", wait::STEP, || !controller.store().join(&id).exists());
    assert_nothing_partial(&controller.store(), &id);
}

fn two_uploads_at_once_end_with_one_whole_image(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = image(&api, "raw");
    let mut first = api.begin_upload(&id, 8, b"half");
    wait::until_true("the upload under way", wait::STEP, || record(&api, &id)["status"] == "saving");
    api.upload(&id, "other").expect(409);
    first.write_all(b"rest").expect("the rest is taken");
    wait::until_true("an active image", wait::STEP, || record(&api, &id)["status"] == "active");
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).text(), "halfrest");
}

/// A file system of 4 MiB; unmounted when dropped. Needs the right to mount: a run without it fails here, in words.
struct SmallDisk(Scratch);

impl SmallDisk {
    fn mount() -> Self {
        let scratch = Scratch::new("small-disk");
        let mut mount = Command::new(tools::system_program("mount"));
        mount.args(["-t", "tmpfs", "-o", "size=4m,mode=0777", "tmpfs"]).arg(scratch.path());
        let done = process::run(as_administrator(mount), wait::STEP);
        assert!(done.status.success(), "a full disk needs root or sudo to mount a tmpfs: {}", done.stderr);
        Self(scratch)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut unmount = Command::new(tools::system_program("umount"));
        unmount.arg("--lazy").arg(self.0.path());
        process::run(as_administrator(unmount), wait::STEP);
    }
}

fn as_administrator(command: Command) -> Command {
    if process::we_are_root() {
        return command;
    }
    let mut sudo = Command::new(tools::system_program("sudo"));
    sudo.arg("-n").arg(command.get_program()).args(command.get_args());
    sudo
}

#[test]
fn a_full_disk_is_413_and_leaves_nothing_behind() {
    let disk = SmallDisk::mount();
    let scratch = Scratch::new("full-disk");
    // The store's folder of the deployment is on the small disk.
    std::os::unix::fs::symlink(disk.0.path(), scratch.join("images")).expect("a link to the small disk");
    let database = Database::sqlite_in(scratch.path());
    let controller = Deployment::start(scratch, database, Keystone::shared());
    let api = controller.api(MEMBER);
    let id = image(&api, "qcow2");
    let answer = api.upload_file(&id, &images::qcow2()).expect(413);
    assert!(
        !answer.text().contains(&*controller.store().to_string_lossy()),
        "no path of the host: {}",
        answer.text()
    );
    assert_recovered(&controller, &api, &id);
}
