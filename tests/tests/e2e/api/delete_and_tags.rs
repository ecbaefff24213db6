//! DELETE of an image, and its tags.

use glasshouse_tests::deployment::{Deployment, Site};
use glasshouse_tests::keystone::MEMBER;
use serde_json::json;

use super::{active, queued, record};

on_every_site!(a_deleted_image_is_gone, a_protected_image_stays, a_tag_is_put_once_and_taken_away_once,);

on_both_databases!(the_data_goes_with_the_image, a_japanese_tag_in_a_path_is_kept_as_it_was_meant);

/// Glance reads the path as Latin-1 and keeps other letters.
fn a_japanese_tag_in_a_path_is_kept_as_it_was_meant(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = queued(&api);
    let path = format!("/v2/images/{id}/tags/%E6%9C%AC%E7%95%AA");
    api.call("PUT", &path).send().expect(204);
    assert_eq!(record(&api, &id)["tags"], json!(["本番"]));
    let listed = api.get("/v2/images?tag=%E6%9C%AC%E7%95%AA").expect(200).json();
    assert!(
        listed["images"].as_array().expect("a list").iter().any(|image| image["id"] == json!(id)),
        "{listed}"
    );
    api.delete(&path).expect(204);
}

fn a_deleted_image_is_gone(site: &Site) {
    let api = site.api(MEMBER);
    for id in [queued(&api), active(&api, b"data")] {
        let path = format!("/v2/images/{id}");
        let answer = api.delete(&path).expect(204);
        assert!(answer.body.is_empty());
        api.get(&path).expect(404);
        api.get(&format!("{path}/file")).expect(404);
        api.upload(&id, "data").expect(404);
        api.delete(&path).expect(404);
    }
}

fn a_protected_image_stays(site: &Site) {
    let api = site.api(MEMBER);
    let id = api.create_image(&json!({"name": "protected", "protected": true}));
    let path = format!("/v2/images/{id}");
    api.delete(&path).expect(403);
    assert_eq!(record(&api, &id)["status"], "queued");
    api.patch(&path, &json!([{"op": "replace", "path": "/protected", "value": false}])).expect(200);
    api.delete(&path).expect(204);
}

fn a_tag_is_put_once_and_taken_away_once(site: &Site) {
    let api = site.api(MEMBER);
    let id = queued(&api);
    let tag = |name: &str| format!("/v2/images/{id}/tags/{name}");
    api.call("PUT", &tag("production")).send().expect(204);
    api.call("PUT", &tag("production")).send().expect(204);
    api.call("PUT", &tag("with%20a%20blank")).send().expect(204);
    let mut tags: Vec<String> = serde_json::from_value(record(&api, &id)["tags"].take()).expect("words");
    tags.sort();
    assert_eq!(tags, ["production", "with a blank"]);
    api.delete(&tag("production")).expect(204);
    api.delete(&tag("production")).expect(404);
    assert_eq!(record(&api, &id)["tags"], json!(["with a blank"]));
    api.call("PUT", &tag(&"x".repeat(256))).send().expect(400);
    api.call("PUT", "/v2/images/3f2504e0-4f89-41d3-9a0c-0305e82c3301/tags/x").send().expect(404);
}

fn the_data_goes_with_the_image(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = active(&api, b"data");
    let stored = controller.store().join(&id);
    assert_eq!(std::fs::read(&stored).expect("the data lies under the image's id"), b"data");
    api.delete(&format!("/v2/images/{id}")).expect(204);
    assert!(!stored.exists());
}
