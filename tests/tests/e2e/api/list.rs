//! GET /v2/images: envelope, pages, order, filters.

use glasshouse_tests::deployment::Site;
use glasshouse_tests::http::Api;
use glasshouse_tests::keystone::MEMBER;
use serde_json::{Value, json};

use super::unique;

on_every_site!(
    a_list_is_an_envelope_with_relative_links,
    pages_follow_each_other_until_there_is_no_next,
    filters_narrow_the_list,
    a_list_is_sorted_as_asked,
    queries_that_cannot_be_understood_are_refused,
);

fn names(list: &Value) -> Vec<String> {
    let images = list["images"].as_array().expect("a list of images");
    images.iter().filter_map(|image| image["name"].as_str()).map(str::to_owned).collect()
}

fn listed(api: &Api, query: &str) -> Vec<String> {
    names(&api.get(&format!("/v2/images?{query}")).expect(200).json())
}

/// Three images under one tag of their own: alpha (raw), beta (qcow2), gamma (qcow2, a property).
fn three(api: &Api) -> String {
    let tag = unique("three");
    let body = |name: &str, format: &str| json!({"name": name, "disk_format": format, "tags": [tag, format!("{tag}-{format}")]});
    api.create_image(&body("alpha", "raw"));
    api.create_image(&body("beta", "qcow2"));
    let mut gamma = body("gamma", "qcow2");
    gamma["os_distro"] = json!("debian");
    gamma["min_ram"] = json!(512);
    api.create_image(&gamma);
    tag
}

fn a_list_is_an_envelope_with_relative_links(site: &Site) {
    let api = site.api(MEMBER);
    let tag = three(&api);
    let answer = api.get(&format!("/v2/images?tag={tag}&limit=2")).expect(200);
    let list = answer.json();
    assert_eq!(list["schema"], "/v2/schemas/images");
    let first = list["first"].as_str().expect("a link");
    assert!(first.starts_with("/v2/images?") && first.contains("limit=2") && first.contains(&tag), "{first}");
    let next = list["next"].as_str().expect("a link, for the page is full");
    let last_id = list["images"][1]["id"].as_str().expect("an id");
    assert!(next.starts_with("/v2/images?") && next.contains(&format!("marker={last_id}")), "{next}");
    let shown = super::record(&api, last_id);
    assert_eq!(list["images"][1], shown, "a row is the whole record");
    let empty = api.get(&format!("/v2/images?tag={}", unique("none"))).expect(200).json();
    assert_eq!(empty["images"], json!([]));
    assert!(empty.get("next").is_none());
}

fn pages_follow_each_other_until_there_is_no_next(site: &Site) {
    let api = site.api(MEMBER);
    let tag = three(&api);
    let mut found = Vec::new();
    let mut path = format!("/v2/images?tag={tag}&limit=1&sort=name:asc");
    for _ in 0..10 {
        let page = api.get(&path).expect(200).json();
        found.extend(names(&page));
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => break,
        }
    }
    assert_eq!(found, ["alpha", "beta", "gamma"]);
}

fn filters_narrow_the_list(site: &Site) {
    let api = site.api(MEMBER);
    let tag = three(&api);
    let sorted = |query: &str| listed(&api, &format!("tag={tag}&sort=name:asc&{query}"));
    assert_eq!(sorted("name=beta"), ["beta"]);
    assert_eq!(sorted("name=eq:beta"), ["beta"]);
    assert_eq!(sorted("name=in:alpha,gamma"), ["alpha", "gamma"]);
    assert_eq!(sorted("disk_format=qcow2"), ["beta", "gamma"]);
    assert_eq!(sorted(&format!("tag={tag}-qcow2")), ["beta", "gamma"], "tags are joined by and");
    assert_eq!(sorted("os_distro=debian"), ["gamma"]);
    assert_eq!(sorted("status=queued"), ["alpha", "beta", "gamma"]);
    assert_eq!(sorted("status=active"), Vec::<String>::new());
    assert_eq!(sorted("min_ram_min=512"), ["gamma"]);
    assert_eq!(sorted("min_ram_max=511"), ["alpha", "beta"]);
    assert_eq!(sorted("protected=true"), Vec::<String>::new());
    assert_eq!(sorted("created_at=gt:2020-01-01T00:00:00Z"), ["alpha", "beta", "gamma"]);
    assert_eq!(sorted("created_at=lt:2020-01-01T00:00:00Z"), Vec::<String>::new());
    assert_eq!(sorted("limit=0"), Vec::<String>::new());
}

fn a_list_is_sorted_as_asked(site: &Site) {
    let api = site.api(MEMBER);
    let tag = three(&api);
    let sorted = |query: &str| listed(&api, &format!("tag={tag}&{query}"));
    assert_eq!(sorted("sort=name:desc"), ["gamma", "beta", "alpha"]);
    assert_eq!(sorted("sort_key=name&sort_dir=asc"), ["alpha", "beta", "gamma"]);
    assert_eq!(sorted("sort=disk_format:desc,name:desc"), ["alpha", "gamma", "beta"]);
    assert_eq!(
        sorted("sort_key=disk_format&sort_dir=asc&sort_key=name&sort_dir=desc"),
        ["gamma", "beta", "alpha"]
    );
}

fn queries_that_cannot_be_understood_are_refused(site: &Site) {
    let api = site.api(MEMBER);
    for query in [
        "limit=-1",
        "limit=many",
        "marker=3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "sort=nothing:asc",
        "sort=name:sideways",
        "sort=name&sort_key=name",
        "sort_key=name&sort_key=id&sort_key=size&sort_dir=asc&sort_dir=desc",
        "visibility=everybody",
        "member_status=perhaps",
        "protected=True",
        "os_hidden=perhaps",
        "created_at=after:2020-01-01",
        "created_at=gt:yesterday",
        "name=neq:x",
        "size_min=big",
        "changes-since=2020-01-01",
    ] {
        let answer = api.get(&format!("/v2/images?{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
    }
}
