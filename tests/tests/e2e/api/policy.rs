//! Rules that another server decides. Only ours: where Glance asks about an image, it fails over the question itself.

use std::fs;

use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::http::Api;
use glasshouse_tests::keystone::{Keystone, MEMBER};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::web::{Page, WebServer};
use serde_json::json;

use super::record;

on_own_databases!(
    another_server_decides_about_each_image,
    data_arrives_where_another_server_allows_it,
    without_an_answer_nobody_may,
);

own_databases!("policy", start);

/// Whether an image may be deleted and written is asked elsewhere by its visibility; whether it may be deactivated,
/// where nobody listens.
fn start(scratch: Scratch, database: Database) -> Deployment {
    let web = WebServer::shared();
    web.serve_at("/may/private", Page::Data(b"True".to_vec()));
    web.serve_at("/may/community", Page::Data(b"False".to_vec()));
    let asked = format!("http://127.0.0.1:{}/may/%(visibility)s", web.port);
    let rules = format!(
        "delete_image: \"{asked}\"\nupload_image: \"{asked}\"\n\
         deactivate: \"role:admin or http://127.0.0.1:1/away\"\n"
    );
    fs::write(scratch.join("policy.yaml"), rules).expect("the rules");
    let extra = format!("[oslo_policy]\npolicy_file = {}/policy.yaml\n", scratch.path().display());
    Deployment::start_with(scratch, database, Keystone::shared(), &extra)
}

fn image(api: &Api, visibility: &str) -> String {
    api.create_image(&json!({
        "name": visibility, "visibility": visibility, "disk_format": "raw", "container_format": "bare",
    }))
}

fn another_server_decides_about_each_image(site: &Deployment) {
    let member = site.api(MEMBER);
    let (private, community) = (image(&member, "private"), image(&member, "community"));
    member.delete(&format!("/v2/images/{community}")).expect(403);
    assert_eq!(record(&member, &community)["status"], "queued");
    member.delete(&format!("/v2/images/{private}")).expect(204);
    member.get(&format!("/v2/images/{private}")).expect(404);
}

fn data_arrives_where_another_server_allows_it(site: &Deployment) {
    let member = site.api(MEMBER);
    let data: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let (private, community) = (image(&member, "private"), image(&member, "community"));
    member.upload(&community, data.clone()).expect(403);
    assert_eq!(record(&member, &community)["status"], "queued");
    member.upload(&private, data.clone()).expect(204);
    assert_eq!(member.get(&format!("/v2/images/{private}/file")).expect(200).body, data);
}

fn without_an_answer_nobody_may(site: &Deployment) {
    let member = site.api(MEMBER);
    let id = image(&member, "private");
    member.upload(&id, b"data".to_vec()).expect(204);
    member.call("POST", &format!("/v2/images/{id}/actions/deactivate")).send().expect(403);
    assert_eq!(record(&member, &id)["status"], "active");
}
