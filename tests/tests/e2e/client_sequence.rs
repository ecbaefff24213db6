//! The sequence of the install guide with the unchanged clients: create with progress, list, show, download.
//! Judged by what came back, never by an exit code alone.

use glasshouse_tests::clients::{Terminal, md5_of, sha512_of};
use glasshouse_tests::deployment::Deployment;
use glasshouse_tests::images;
use glasshouse_tests::keystone::{ADMIN, MEMBER};
use glasshouse_tests::service::Lab;
use serde_json::json;

on_both_databases!(
    the_glance_client_does_the_guide_with_a_real_keystone,
    the_openstack_client_does_the_guide_with_a_real_keystone,
    a_members_upload_by_the_openstack_client_is_refused_in_words_when_it_wants_to_be_public,
);

fn the_glance_client_does_the_guide_with_a_real_keystone(controller: &Deployment) {
    glance_guide(&Terminal::with_openrc(controller, ADMIN));
}

fn the_openstack_client_does_the_guide_with_a_real_keystone(controller: &Deployment) {
    openstack_guide(&Terminal::with_openrc(controller, ADMIN));
}

#[test]
fn the_glance_client_does_the_guide_in_the_lab() {
    glance_guide(&Terminal::with_lab_openrc(&Lab::start()));
}

#[test]
fn the_openstack_client_does_the_guide_in_the_lab() {
    openstack_guide(&Terminal::with_clouds(&Lab::start()));
}

#[test]
fn the_openstack_client_does_the_guide_in_the_lab_after_sourcing_its_openrc() {
    openstack_guide(&Terminal::with_lab_openrc(&Lab::start()));
}

/// `glance image-create … --progress`, `image-list`, `image-show`, `image-download`, `image-delete`.
fn glance_guide(terminal: &Terminal) {
    let file = images::qcow2();
    let path = file.to_string_lossy();
    let digest = sha512_of(&file);
    let made = terminal.glance_record(&[
        "image-create",
        "--name",
        "cirros",
        "--file",
        &path,
        "--disk-format",
        "qcow2",
        "--container-format",
        "bare",
        "--visibility",
        "public",
        "--progress",
    ]);
    assert_eq!((made.value("name"), made.value("status")), ("cirros", "active"));
    assert_eq!((made.value("visibility"), made.value("disk_format")), ("public", "qcow2"));
    assert_eq!((made.value("os_hash_algo"), made.value("os_hash_value")), ("sha512", digest.as_str()));
    assert_eq!(made.value("checksum"), md5_of(&file));
    let size = file.metadata().expect("the image").len().to_string();
    assert_eq!(made.value("size"), size);
    assert_eq!(made.value("virtual_size"), images::virtual_size_bytes(&file, "qcow2").to_string());
    let id = made.value("id").to_owned();

    let listed = terminal.glance(&["image-list"]);
    assert!(listed.contains(&vec![id.clone(), "cirros".to_owned()]), "{listed:?}");
    let shown = terminal.glance_record(&["image-show", &id]);
    assert_eq!((shown.value("status"), shown.value("os_hash_value")), ("active", digest.as_str()));

    let back = terminal.path("back.qcow2");
    terminal.glance(&["image-download", "--file", &back.to_string_lossy(), &id]);
    assert_eq!(sha512_of(&back), digest);

    let renamed =
        terminal.glance_record(&["image-update", "--name", "renamed", "--property", "os_distro=debian", &id]);
    assert_eq!((renamed.value("name"), renamed.value("os_distro")), ("renamed", "debian"));
    terminal.glance(&["image-tag-update", &id, "guide"]);
    assert_eq!(terminal.glance_record(&["image-show", &id]).value("tags"), "[\"guide\"]");
    terminal.glance(&["image-tag-delete", &id, "guide"]);

    terminal.glance(&["image-delete", &id]);
    let gone = terminal.try_glance(&["image-show", &id]);
    assert!(!gone.status.success() && gone.stderr.contains("404"), "{gone:?}");
    assert!(gone.stderr.contains(&id), "the client prints our sentence, with the id: {}", gone.stderr);
}

/// `openstack token issue`, `image create`, `list`, `show`, `save`, `set`, `delete`.
fn openstack_guide(terminal: &Terminal) {
    let token = terminal.openstack_json(&["token", "issue"]);
    assert!(token["id"].as_str().is_some_and(|id| id.len() >= 32), "{token}");
    let file = images::qcow2();
    let path = file.to_string_lossy();
    let made = terminal.openstack_json(&[
        "image",
        "create",
        "cirros-os",
        "--file",
        &path,
        "--disk-format",
        "qcow2",
        "--container-format",
        "bare",
        "--public",
        "--property",
        "os_distro=cirros",
        "--tag",
        "guide",
    ]);
    let id = made["id"].as_str().expect("an id").to_owned();

    let shown = terminal.openstack_json(&["image", "show", &id]);
    assert_eq!((&shown["status"], &shown["visibility"]), (&json!("active"), &json!("public")));
    assert_eq!(shown["size"].as_u64(), Some(file.metadata().expect("the image").len()));
    assert_eq!((&shown["checksum"], &shown["tags"]), (&json!(md5_of(&file)), &json!(["guide"])));
    assert_eq!(shown["properties"]["os_hash_value"], json!(sha512_of(&file)));
    assert_eq!(shown["properties"]["os_distro"], "cirros");
    let by_name = terminal.openstack_json(&["image", "show", "cirros-os"]);
    assert_eq!(by_name["id"], json!(id), "a name is looked up after a clean 404");
    let listed = terminal.openstack_json(&["image", "list", "--tag", "guide"]);
    let row = listed.as_array().expect("rows").iter().find(|row| row["ID"] == json!(id));
    assert_eq!(row, Some(&json!({"ID": id, "Name": "cirros-os", "Status": "active"})));

    let back = terminal.path("back-os.qcow2");
    terminal.openstack(&["image", "save", "--file", &back.to_string_lossy(), &id]);
    assert_eq!(sha512_of(&back), sha512_of(&file));

    terminal.openstack(&["image", "set", "--name", "renamed-os", "--min-ram", "64", &id]);
    let changed = terminal.openstack_json(&["image", "show", &id]);
    assert_eq!((&changed["name"], &changed["min_ram"]), (&json!("renamed-os"), &json!(64)));
    terminal.openstack(&["image", "delete", &id]);
    assert!(!terminal.try_openstack(&["image", "show", &id]).status.success());
}

fn a_members_upload_by_the_openstack_client_is_refused_in_words_when_it_wants_to_be_public(
    controller: &Deployment,
) {
    let terminal = Terminal::with_openrc(controller, MEMBER);
    let path = images::small_qcow2();
    let refused = terminal.try_openstack(&[
        "image",
        "create",
        "mine",
        "--public",
        "--disk-format",
        "qcow2",
        "--file",
        &path.to_string_lossy(),
    ]);
    assert!(!refused.status.success());
    assert!(refused.stderr.contains("403") || refused.stderr.contains("Forbidden"), "{}", refused.stderr);
}
