//! What clients see of a service with several stores.

use std::sync::OnceLock;

use glasshouse_tests::deployment::{Database, Deployment, Site};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::keystone::{ADMIN, Keystone, MEMBER, READER};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::web::{Page, WebServer};
use serde_json::{Value, json};

use super::{active, listed, record};

#[test]
fn the_stores_of_ours_are_listed() {
    the_stores_are_listed(&ours().site());
}

#[test]
fn the_stores_of_the_real_glance_are_listed() {
    the_stores_are_listed(&theirs().site());
}

#[test]
fn an_image_of_ours_says_where_it_is() {
    an_image_says_where_it_is(&ours().site());
}

#[test]
fn an_image_of_the_real_glance_says_where_it_is() {
    an_image_says_where_it_is(&theirs().site());
}

#[test]
fn the_heaviest_store_of_ours_comes_first() {
    the_heaviest_store_comes_first(&ours().site());
}

#[test]
fn the_heaviest_store_of_the_real_glance_comes_first() {
    the_heaviest_store_comes_first(&theirs().site());
}

/// A folder, and the configuration of two stores in it.
fn options(name: &str) -> (Scratch, String) {
    let scratch = Scratch::new(name);
    let (folder, port) = (scratch.path().display(), WebServer::shared().port);
    let extra = format!(
        "[DEFAULT]\nenabled_backends = fast:file,far:http\n\
         show_multiple_locations = True\nshow_image_direct_url = True\n\
         [import_filtering_opts]\nallowed_hosts = [127.0.0.1]\nallowed_ports = [{port}]\n\
         [glance_store]\ndefault_backend = fast\n\
         [fast]\nfilesystem_store_datadir = {folder}/fast\nstore_description = near by\nweight = 10\n\
         [far]\nweight = 20\n\
         [os_glance_staging_store]\nfilesystem_store_datadir = {folder}/staging\n\
         [os_glance_tasks_store]\nfilesystem_store_datadir = {folder}/tasks\n"
    );
    (scratch, extra)
}

fn ours() -> &'static Deployment {
    static OURS: OnceLock<Deployment> = OnceLock::new();
    OURS.get_or_init(|| {
        let (scratch, extra) = options("deployment-stores");
        let database = Database::sqlite_in(scratch.path());
        Deployment::start_with(scratch, database, Keystone::shared(), &extra)
    })
}

fn theirs() -> &'static Glance {
    static THEIRS: OnceLock<Glance> = OnceLock::new();
    THEIRS.get_or_init(|| {
        let (scratch, extra) = options("glance-stores");
        Glance::start_with(scratch, Keystone::shared(), &Database::mariadb(), &extra)
    })
}

fn the_stores_are_listed(site: &Site) {
    let mut stores = site.api(READER).get("/v2/info/stores").expect(200).json();
    let by_id = |stores: &mut Value| {
        let list = stores["stores"].as_array_mut().expect("a list");
        list.sort_by_key(|store| store["id"].to_string());
        list.clone()
    };
    let wanted = [
        json!({"id": "far", "read-only": "true"}),
        json!({"id": "fast", "description": "near by", "default": "true"}),
    ];
    assert_eq!(by_id(&mut stores), wanted);
    site.api(MEMBER).get("/v2/info/stores/detail").expect(403);
    let mut detail = site.api(ADMIN).get("/v2/info/stores/detail").expect(200).json();
    let detail = by_id(&mut detail);
    assert_eq!((&detail[0]["type"], &detail[0]["weight"]), (&json!("http"), &json!(20)));
    assert_eq!(detail[0]["properties"], json!({}));
    assert_eq!((&detail[1]["type"], &detail[1]["weight"]), (&json!("file"), &json!(10)));
    let mut keys: Vec<&String> = detail[1]["properties"].as_object().expect("an object").keys().collect();
    keys.sort();
    assert_eq!(keys, ["chunk_size", "data_dir", "thin_provisioning"]);
}

fn an_image_says_where_it_is(site: &Site) {
    let api = site.api(MEMBER);
    let made = api.post_json("/v2/images", &json!({})).expect(201);
    assert!(listed(&made, "openstack-image-store-ids").contains(&"fast".to_owned()));
    let id = active(&api, b"data");
    assert_eq!(record(&api, &id)["stores"], "fast");
    let list = site.api(ADMIN).get(&format!("/v2/images/{id}/locations")).expect(200).json();
    assert_eq!(list[0]["metadata"], json!({"store": "fast"}));
}

fn the_heaviest_store_comes_first(site: &Site) {
    let api = site.api(MEMBER);
    let id = active(&api, b"data");
    // Of the same length, so that it is seen which one was read.
    let url = WebServer::shared().serve(Page::Data(b"DATA".to_vec()));
    let add =
        json!([{"op": "add", "path": "/locations/-", "value": {"url": url, "metadata": {"store": "far"}}}]);
    api.patch(&format!("/v2/images/{id}"), &add).expect(200);
    let image = record(&api, &id);
    assert_eq!((&image["stores"], &image["direct_url"]), (&json!("far,fast"), &json!(url)));
    assert_eq!(image["locations"][0]["url"], json!(url));
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).body, b"DATA");
    // Positions of a PATCH are those of the list.
    let remove = json!([{"op": "remove", "path": "/locations/0"}]);
    site.api(ADMIN).patch(&format!("/v2/images/{id}"), &remove).expect(200);
    assert_eq!(record(&api, &id)["stores"], "fast");
    assert_eq!(api.get(&format!("/v2/images/{id}/file")).expect(200).body, b"data");
}
