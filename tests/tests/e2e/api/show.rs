//! GET /v2/images/{id} and who may see what.

use glasshouse_tests::deployment::Site;
use glasshouse_tests::keystone::{ADMIN, MEMBER, READER, STRANGER};
use serde_json::json;

use super::unique;

on_every_site!(
    an_image_that_is_not_there_reads_as_404,
    visibility_decides_who_sees_an_image,
    a_hidden_image_is_shown_by_id_and_listed_only_when_asked_for,
);

fn an_image_that_is_not_there_reads_as_404(site: &Site) {
    let api = site.api(MEMBER);
    let unknown = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    for id in [unknown, "cirros", &"x".repeat(60)] {
        let answer = api.get(&format!("/v2/images/{id}")).expect(404);
        assert!(answer.header("content-type").is_some(), "clients read the kind of every body");
    }
    let text = api.get(&format!("/v2/images/{unknown}")).text();
    assert!(text.contains(unknown), "the answer names what was asked for: {text}");
}

fn visibility_decides_who_sees_an_image(site: &Site) {
    let (owner, stranger) = (site.api(ADMIN), site.api(STRANGER));
    // (visibility, a stranger gets it, a stranger's list has it, a list of that visibility has it)
    let cases = [
        ("private", false, false, false),
        ("shared", false, false, false),
        ("community", true, false, true),
        ("public", true, true, true),
    ];
    for (visibility, is_got, is_listed, is_listed_by_filter) in cases {
        let name = unique(visibility);
        let id = owner.create_image(&json!({"name": name, "visibility": visibility}));
        let status = if is_got { 200 } else { 404 };
        stranger.get(&format!("/v2/images/{id}")).expect(status);
        let count = |query: &str| {
            let list = stranger.get(&format!("/v2/images?name={name}{query}")).expect(200).json();
            list["images"].as_array().expect("a list").len()
        };
        assert_eq!(count(""), usize::from(is_listed), "{visibility}");
        assert_eq!(
            count(&format!("&visibility={visibility}")),
            usize::from(is_listed_by_filter),
            "{visibility}"
        );
        assert_eq!(count("&visibility=all"), usize::from(is_got), "{visibility}");
        site.api(MEMBER).patch(&format!("/v2/images/{id}"), &json!([])).expect(if is_got {
            200
        } else {
            404
        });
        let change = json!([{"op": "replace", "path": "/name", "value": "mine"}]);
        stranger.patch(&format!("/v2/images/{id}"), &change).expect(if is_got { 403 } else { 404 });
        stranger.delete(&format!("/v2/images/{id}")).expect(if is_got { 403 } else { 404 });
    }
}

fn a_hidden_image_is_shown_by_id_and_listed_only_when_asked_for(site: &Site) {
    let api = site.api(MEMBER);
    let name = unique("hidden");
    let id = api.create_image(&json!({"name": name, "os_hidden": true}));
    assert_eq!(site.api(READER).get(&format!("/v2/images/{id}")).expect(200).json()["os_hidden"], true);
    let count = |query: &str| {
        let list = api.get(&format!("/v2/images?name={name}{query}")).expect(200).json();
        list["images"].as_array().expect("a list").len()
    };
    assert_eq!((count(""), count("&os_hidden=true"), count("&os_hidden=True")), (0, 1, 1));
}
