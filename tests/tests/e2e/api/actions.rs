//! /v2/images/{id}/actions: deactivate and reactivate.

use glasshouse_tests::deployment::Site;
use glasshouse_tests::keystone::{ADMIN, MEMBER, READER, STRANGER};
use serde_json::json;

use super::{active, listed, queued, record};

on_every_site!(
    the_data_of_a_deactivated_image_is_for_administrators,
    both_actions_may_be_repeated,
    an_image_without_data_is_neither,
    the_actions_are_for_the_owner,
    an_action_takes_no_body_and_no_other_method,
);

fn action(id: &str, word: &str) -> String {
    format!("/v2/images/{id}/actions/{word}")
}

fn the_data_of_a_deactivated_image_is_for_administrators(site: &Site) {
    let api = site.api(MEMBER);
    let id = active(&api, b"data");
    let file = format!("/v2/images/{id}/file");
    let answer = api.call("POST", &action(&id, "deactivate")).send().expect(204);
    assert!(answer.body.is_empty());
    assert_eq!(record(&api, &id)["status"], "deactivated");
    api.get(&file).expect(403);
    assert_eq!(site.api(ADMIN).get(&file).expect(200).text(), "data");
    // The record stays open, the data stays closed.
    api.patch(&format!("/v2/images/{id}"), &json!([{"op": "add", "path": "/note", "value": "x"}]))
        .expect(200);
    api.upload(&id, "other").expect(409);
    api.call("POST", &action(&id, "reactivate")).send().expect(204);
    assert_eq!(record(&api, &id)["status"], "active");
    assert_eq!(api.get(&file).expect(200).text(), "data");
    api.call("POST", &action(&id, "deactivate")).send().expect(204);
    api.delete(&format!("/v2/images/{id}")).expect(204);
}

fn both_actions_may_be_repeated(site: &Site) {
    let api = site.api(MEMBER);
    let id = active(&api, b"data");
    for (word, status) in [("reactivate", "active"), ("deactivate", "deactivated")] {
        for _ in 0..2 {
            api.call("POST", &action(&id, word)).send().expect(204);
            assert_eq!(record(&api, &id)["status"], status);
        }
    }
}

fn an_image_without_data_is_neither(site: &Site) {
    let api = site.api(MEMBER);
    let id = queued(&api);
    for word in ["deactivate", "reactivate"] {
        api.call("POST", &action(&id, word)).send().expect(403);
        assert_eq!(record(&api, &id)["status"], "queued");
        api.call("POST", &action("3f2504e0-4f89-41d3-9a0c-0305e82c3301", word)).send().expect(404);
    }
    api.call("POST", &action(&id, "delete")).send().expect(404);
}

fn the_actions_are_for_the_owner(site: &Site) {
    let id = site
        .api(ADMIN)
        .create_image(&json!({"visibility": "public", "disk_format": "raw", "container_format": "bare"}));
    site.api(ADMIN).upload(&id, "data").expect(204);
    let private = active(&site.api(MEMBER), b"data");
    for word in ["deactivate", "reactivate"] {
        site.api(STRANGER).call("POST", &action(&id, word)).send().expect(403);
        site.api(STRANGER).call("POST", &action(&private, word)).send().expect(404);
        site.api(READER).call("POST", &action(&private, word)).send().expect(403);
        site.api(ADMIN).call("POST", &action(&private, word)).send().expect(204);
    }
}

fn an_action_takes_no_body_and_no_other_method(site: &Site) {
    let api = site.api(MEMBER);
    let id = active(&api, b"data");
    for word in ["deactivate", "reactivate"] {
        api.post_json(&action(&id, word), &json!({})).expect(400);
        for method in ["GET", "PUT", "DELETE"] {
            let answer = api.call(method, &action(&id, word)).send().expect(405);
            assert_eq!(listed(&answer, "allow"), ["POST"]);
        }
    }
    assert_eq!(record(&api, &id)["status"], "active");
}
