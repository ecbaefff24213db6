//! The documents that clients discover the service by. No token is asked for.

use glasshouse_tests::deployment::Site;
use serde_json::json;

on_every_site!(
    the_root_offers_every_version_with_300,
    the_same_document_comes_with_200_below_versions,
    an_unknown_path_outside_of_the_api_offers_the_versions,
    the_health_of_a_node_is_told_in_the_form_that_is_asked_for,
);

/// One store and no cache: what is switched on, in Glance's own order.
const OFFERED: [&str; 11] =
    ["v2.15", "v2.9", "v2.17", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0"];

fn the_root_offers_every_version_with_300(site: &Site) {
    let answer = site.anonymous().get("/").expect(300);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    let versions = body["versions"].as_array().expect("a list");
    let ids: Vec<&str> = versions.iter().filter_map(|version| version["id"].as_str()).collect();
    assert_eq!(ids, OFFERED);
    for version in versions {
        let status = if version["id"] == "v2.17" { "CURRENT" } else { "SUPPORTED" };
        assert_eq!(version["status"], status, "{version}");
        assert_eq!(version["links"], json!([{"rel": "self", "href": format!("{}/v2/", site.url)}]));
    }
}

fn the_same_document_comes_with_200_below_versions(site: &Site) {
    let api = site.anonymous();
    let document = api.get("/").json();
    for path in ["/versions", "/versions/", "/versions/anything"] {
        assert_eq!(api.get(path).expect(200).json(), document, "{path}");
    }
}

fn an_unknown_path_outside_of_the_api_offers_the_versions(site: &Site) {
    let api = site.anonymous();
    let document = api.get("/").json();
    for path in ["/v3/images", "/nowhere", "/v2.99/images"] {
        assert_eq!(api.get(path).expect(300).json(), document, "{path}");
    }
}

fn the_health_of_a_node_is_told_in_the_form_that_is_asked_for(site: &Site) {
    let api = site.anonymous();
    for (accept, kind) in [
        ("*/*", "text/plain; charset=UTF-8"),
        ("text/html", "text/html; charset=UTF-8"),
        ("application/json", "application/json"),
        ("image/png", "text/plain; charset=UTF-8"),
    ] {
        let answer = api.call("GET", "/healthcheck").header("accept", accept).send().expect(200);
        let found = answer.header("content-type").unwrap_or_default();
        assert!(found.starts_with(kind), "{accept}: {found}");
        assert!(answer.text().contains("OK"), "{accept}: {}", answer.text());
    }
    let answer = api.call("GET", "/healthcheck").header("accept", "application/json").send().expect(200);
    assert_eq!(answer.json(), json!({"detailed": false, "reasons": ["OK"]}));
    assert_eq!(
        api.call("GET", "/healthcheck").header("accept", "text/plain").send().expect(200).text(),
        "OK"
    );
    assert!(api.call("HEAD", "/healthcheck").send().expect(204).body.is_empty());
    api.get("/healthcheck/below").expect(200);
}
