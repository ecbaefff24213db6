//! /v2/info/… and the tasks of an image, on a service with one store and no import at work.

use glasshouse_tests::deployment::Site;
use glasshouse_tests::keystone::{ADMIN, MEMBER, READER, STRANGER};
use serde_json::json;

use super::{listed, queued};

on_every_site!(
    the_import_methods_are_those_that_are_switched_on,
    a_service_with_one_store_lists_none,
    without_limits_there_is_no_usage_to_show,
    an_image_that_nothing_was_done_with_has_no_tasks,
    what_informs_takes_no_body_and_no_other_method,
);

fn the_import_methods_are_those_that_are_switched_on(site: &Site) {
    let body = site.api(READER).get("/v2/info/import").expect(200).json();
    let methods = &body["import-methods"];
    assert_eq!(methods["type"], "array");
    assert!(methods["description"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(methods["value"], json!(["glance-direct", "web-download", "copy-image"]));
    site.anonymous().get("/v2/info/import").expect(401);
}

fn a_service_with_one_store_lists_none(site: &Site) {
    for person in [READER, ADMIN] {
        for path in ["/v2/info/stores", "/v2/info/stores/detail"] {
            site.api(person).get(path).expect(404);
        }
    }
}

fn without_limits_there_is_no_usage_to_show(site: &Site) {
    assert_eq!(site.api(MEMBER).get("/v2/info/usage").expect(200).json(), json!({"usage": {}}));
}

fn an_image_that_nothing_was_done_with_has_no_tasks(site: &Site) {
    let id = queued(&site.api(MEMBER));
    let path = format!("/v2/images/{id}/tasks");
    assert_eq!(site.api(MEMBER).get(&path).expect(200).json(), json!({"tasks": []}));
    site.api(STRANGER).get(&path).expect(404);
}

fn what_informs_takes_no_body_and_no_other_method(site: &Site) {
    let api = site.api(MEMBER);
    let tasks = format!("/v2/images/{}/tasks", queued(&api));
    for path in ["/v2/info/import", "/v2/info/stores", "/v2/info/stores/detail", &tasks] {
        api.call("GET", path).json(&json!({})).send().expect(400);
    }
    for path in ["/v2/info/import", "/v2/info/stores", "/v2/info/stores/detail"] {
        assert_eq!(listed(&api.call("POST", path).send().expect(405), "allow"), ["GET"], "{path}");
    }
    // These two have never said which methods there are.
    for path in ["/v2/info/usage", &tasks] {
        api.call("POST", path).send().expect(404);
    }
}
