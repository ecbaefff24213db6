//! GET /v2/images/{id}/locations.

use glasshouse_tests::deployment::Site;
use glasshouse_tests::keystone::{ADMIN, MEMBER, SERVICE, STRANGER};
use serde_json::json;

use super::{active, queued};

on_every_site!(locations_are_for_services_and_administrators);

fn locations_are_for_services_and_administrators(site: &Site) {
    let id = active(&site.api(MEMBER), b"data");
    let path = format!("/v2/images/{id}/locations");
    for person in [ADMIN, SERVICE] {
        let list = site.api(person).get(&path).expect(200).json();
        let list = list.as_array().expect("a list");
        assert_eq!(list.len(), 1);
        let url = list[0]["url"].as_str().expect("an address");
        assert!(url.starts_with("file:///") && url.ends_with(&id), "{url}");
        assert_eq!(list[0]["metadata"], json!({}));
        assert_eq!(list[0].as_object().expect("an object").len(), 2);
    }
    site.api(MEMBER).get(&path).expect(403);
    site.api(STRANGER).get(&path).expect(404);
    let empty = format!("/v2/images/{}/locations", queued(&site.api(MEMBER)));
    assert_eq!(site.api(ADMIN).get(&empty).expect(200).json(), json!([]));
}
