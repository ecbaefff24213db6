//! Counts and sizes that many callers reach at once: as many pass as there is room for, and no more.
//!
//! The real Glance looks first and writes later, so that requests at the same time pass together.

use std::sync::OnceLock;
use std::thread;

use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::http::Api;
use glasshouse_tests::keystone::{Keystone, MEMBER, Person};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::wait;
use glasshouse_tests::web::{Page, WebServer};
use serde_json::{Value, json};

use super::{active, locations, queued, record};

on_own_databases!(
    tags_that_come_at_once_stay_within_the_quota,
    properties_that_come_at_once_stay_within_the_quota,
    members_that_come_at_once_stay_within_the_quota,
    locations_that_come_at_once_stay_within_the_quota,
    uploads_that_come_at_once_stay_within_the_storage_quota,
    every_location_counts_to_the_storage_quota,
);

const fn person(name: &'static str) -> Person {
    Person { name, password: "quotas-secret", project: name, role: "member" }
}

// Each in a project of its own, so that no test counts what another stores.
const UPLOADER: Person = person("quotas-uploader");
const PLACER: Person = person("quotas-placer");

/// How many callers come at once.
const CROWD: usize = 12;

const QUOTAS: &str = "[DEFAULT]\nimage_tag_quota = 4\nimage_property_quota = 4\nimage_member_quota = 4\n\
     user_storage_quota = 1000\n";

fn keystone() -> &'static Keystone {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        for person in [UPLOADER, PLACER] {
            Keystone::shared().add_person(person);
        }
    });
    Keystone::shared()
}

own_databases!("quotas", start);

fn start(scratch: Scratch, database: Database) -> Deployment {
    let options = format!("{}{QUOTAS}", locations::options(&scratch));
    Deployment::start_with(scratch, database, keystone(), &options)
}

/// Asks as many times at once, and tells how often each status came.
fn at_once(ask: impl Fn(usize) -> u16 + Sync) -> Vec<(u16, usize)> {
    let ask = &ask;
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let asking: Vec<_> = (0..CROWD).map(|number| scope.spawn(move || ask(number))).collect();
        asking.into_iter().map(|asked| asked.join().expect("a status")).collect()
    });
    statuses.sort_unstable();
    statuses.chunk_by(|one, next| one == next).map(|same| (same[0], same.len())).collect()
}

fn tags_that_come_at_once_stay_within_the_quota(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = queued(&api);
    let put = |number| api.call("PUT", &format!("/v2/images/{id}/tags/t{number}")).send();
    assert_eq!(at_once(|number| put(number).status), [(204, 4), (413, 8)]);
    let tags = record(&api, &id)["tags"].as_array().expect("a list").len();
    assert_eq!(tags, 4);
    // One that is there already is no further one.
    let kept = record(&api, &id)["tags"][0].as_str().expect("a tag").to_owned();
    api.call("PUT", &format!("/v2/images/{id}/tags/{kept}")).send().expect(204);
    let refused = put(CROWD).expect(413);
    assert!(refused.text().contains("Attempted: 5, Maximum: 4"), "{}", refused.text());
    let id = queued(&api);
    let patch = |number: usize| {
        let tags: Vec<String> = (0..=number % 5).map(|tag| format!("{number}-{tag}")).collect();
        let change = json!([{"op": "replace", "path": "/tags", "value": tags}]);
        api.patch(&format!("/v2/images/{id}"), &change).status
    };
    at_once(patch);
    assert!(record(&api, &id)["tags"].as_array().is_some_and(|tags| tags.len() <= 4));
}

fn properties_that_come_at_once_stay_within_the_quota(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = queued(&api);
    let path = format!("/v2/images/{id}");
    let add = |number| json!([{"op": "add", "path": format!("/p{number}"), "value": "v"}]);
    assert_eq!(at_once(|number| api.patch(&path, &add(number)).status), [(200, 4), (413, 8)]);
    let image = record(&api, &id);
    let keys: Vec<String> =
        (0..CROWD).map(|number| format!("p{number}")).filter(|key| image.get(key).is_some()).collect();
    assert_eq!(keys.len(), 4, "{image}");
    // What is there already may change.
    let change = json!([{"op": "replace", "path": format!("/{}", keys[0]), "value": "w"}]);
    api.patch(&path, &change).expect(200);
}

fn members_that_come_at_once_stay_within_the_quota(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let path = format!("/v2/images/{}/members", queued(&api));
    let share = |number| api.post_json(&path, &json!({"member": format!("project-{number}")})).status;
    assert_eq!(at_once(share), [(200, 4), (413, 8)]);
    let members = api.get(&path).expect(200).json();
    assert_eq!(members["members"].as_array().map(Vec::len), Some(4), "{members}");
}

fn add_location(api: &Api, id: &str, url: &str) -> u16 {
    let value = json!({"url": url, "metadata": {}});
    api.patch(&format!("/v2/images/{id}"), &json!([{"op": "add", "path": "/locations/-", "value": value}]))
        .status
}

fn on_the_web(size: usize) -> String {
    WebServer::shared().serve(Page::Data(vec![1; size]))
}

fn locations_that_come_at_once_stay_within_the_quota(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = active(&api, b"data");
    assert_eq!(at_once(|_| add_location(&api, &id, &on_the_web(4))), [(200, 2), (413, 10)]);
    assert_eq!(record(&api, &id)["locations"].as_array().map(Vec::len), Some(3));
}

fn uploads_that_come_at_once_stay_within_the_storage_quota(controller: &Deployment) {
    let api = controller.api(UPLOADER);
    let (first, second) = (queued(&api), queued(&api));
    let socket = api.begin_upload(&first, 600, b"the beginning");
    wait::until_true("the first upload", wait::START, || record(&api, &first)["status"] == "saving");
    let refused = api.upload(&second, vec![1; 401]).expect(413);
    assert!(refused.text().contains("600 are used, and 401 more are wanted"), "{}", refused.text());
    api.upload(&second, vec![1; 400]).expect(204);
    // What is given up makes room.
    drop(socket);
    wait::until_true("the end of the first upload", wait::START, || {
        record(&api, &first)["status"] == "queued"
    });
    let ids: Vec<String> = (0..CROWD).map(|_| queued(&api)).collect();
    assert_eq!(at_once(|number| api.upload(&ids[number], vec![1; 200]).status), [(204, 3), (413, 9)]);
}

fn every_location_counts_to_the_storage_quota(controller: &Deployment) {
    let api = controller.api(PLACER);
    let id = active(&api, &[1; 400]);
    assert_eq!(add_location(&api, &id, &on_the_web(400)), 200);
    assert_eq!(add_location(&api, &id, &on_the_web(400)), 413);
    assert_eq!(record(&api, &id)["locations"].as_array().map(Vec::len), Some(2));
    // 200 are left for what comes by a location, in the background as well.
    let id = queued(&api);
    let post = |size| locations::post(&api, &id, &json!({"url": on_the_web(size)})).expect(202);
    post(201);
    let failed = locations::ended_task(&api, &id);
    let message = failed["message"].as_str().unwrap_or_default();
    assert!(failed["status"] == "failure" && message.contains("800 are used, and 201 more"), "{failed}");
    assert_eq!(record(&api, &id)["size"], Value::Null);
    post(200);
    wait::until_true("the location", wait::START, || record(&api, &id)["status"] == "active");
}
