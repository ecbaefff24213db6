//! What every answer has in common: the request id, refused methods, and the three forms of an error.

use glasshouse_tests::deployment::{Deployment, Site};
use glasshouse_tests::http::Answer;
use glasshouse_tests::keystone::MEMBER;

use super::{listed, queued};

on_every_site!(
    a_method_that_is_not_there_is_405_with_those_that_are,
    an_error_is_html_for_clients_that_take_anything,
    an_error_is_plain_for_clients_that_ask_for_nothing_known,
    a_request_id_of_the_client_is_adopted,
    an_unknown_path_of_the_api_is_404,
);

on_both_databases!(
    a_request_id_that_is_too_long_is_431,
    // Nested, where Glance's is flat: docs/differences.md says why.
    an_error_is_json_for_clients_that_ask_for_json,
);

const UNKNOWN: &str = "/v2/images/3f2504e0-4f89-41d3-9a0c-0305e82c3301";

fn a_method_that_is_not_there_is_405_with_those_that_are(site: &Site) {
    let api = site.api(MEMBER);
    let image = format!("/v2/images/{}", queued(&api));
    for (method, path, allowed) in [
        ("PUT", "/v2/images".to_owned(), vec!["GET", "POST"]),
        ("HEAD", "/v2/images".to_owned(), vec!["GET", "POST"]),
        ("POST", image.clone(), vec!["DELETE", "GET", "PATCH"]),
        ("HEAD", image.clone(), vec!["DELETE", "GET", "PATCH"]),
        ("DELETE", format!("{image}/file"), vec!["GET", "PUT"]),
        ("GET", format!("{image}/tags/x"), vec!["DELETE", "PUT"]),
        ("POST", "/v2/schemas/image".to_owned(), vec!["GET"]),
    ] {
        let answer = api.call(method, &path).send();
        assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text());
        assert_eq!(listed(&answer, "allow"), allowed, "{method} {path}");
    }
}

fn kind(answer: &Answer) -> &str {
    answer.header("content-type").unwrap_or_default()
}

fn an_error_is_html_for_clients_that_take_anything(site: &Site) {
    let api = site.api(MEMBER);
    for accept in ["*/*", "text/html", "application/json, */*"] {
        let answer = api.call("GET", UNKNOWN).header("accept", accept).send().expect(404);
        assert_eq!(kind(&answer), "text/html; charset=UTF-8", "{accept}");
        let text = answer.text();
        assert!(
            text.contains("<title>404 Not Found</title>") && text.contains("<h1>404 Not Found</h1>"),
            "{text}"
        );
        assert!(text.contains("<br />"), "{text}");
    }
    // A browser must not read a name as markup.
    let answer = api.call("GET", "/v2/images/%3Cscript%3E").header("accept", "*/*").send().expect(404);
    assert!(!answer.text().contains("<script>"), "{}", answer.text());
}

fn an_error_is_plain_for_clients_that_ask_for_nothing_known(site: &Site) {
    let api = site.api(MEMBER);
    for accept in ["", "text/plain", "image/png"] {
        let answer = api.call("GET", UNKNOWN).header("accept", accept).send().expect(404);
        assert_eq!(kind(&answer), "text/plain; charset=UTF-8", "{accept:?}");
        assert!(answer.text().starts_with("404 Not Found\n\n"), "{}", answer.text());
    }
}

fn an_error_is_json_for_clients_that_ask_for_json(controller: &Deployment) {
    let api = controller.api(MEMBER);
    for accept in ["application/json", "application/json, text/html;q=0.5"] {
        let answer = api.call("GET", UNKNOWN).header("accept", accept).send().expect(404);
        assert!(kind(&answer).starts_with("application/json"), "{}", kind(&answer));
        let error = &answer.json()["error"];
        assert_eq!((error["code"].as_u64(), error["title"].as_str()), (Some(404), Some("Not Found")));
        assert!(error["message"].as_str().is_some_and(|text| text.contains("3f2504e0")), "{error}");
    }
}

fn a_request_id_of_the_client_is_adopted(site: &Site) {
    let api = site.api(MEMBER);
    let made = api.get("/v2/images?limit=1").expect(200);
    assert!(made.header("x-openstack-request-id").is_some_and(|id| id.starts_with("req-") && id.len() == 40));
    for (sent, answered) in [("req-mine", "req-mine"), ("mine", "req-mine")] {
        let call = api.call("GET", "/v2/images?limit=1").header("x-openstack-request-id", sent);
        assert_eq!(call.send().expect(200).header("x-openstack-request-id"), Some(answered));
    }
    let refused = api.get(UNKNOWN).expect(404);
    assert!(refused.header("x-openstack-request-id").is_some());
}

fn a_request_id_that_is_too_long_is_431(controller: &Deployment) {
    let long = "x".repeat(65);
    let call = controller.api(MEMBER).call("GET", "/v2/images").header("x-openstack-request-id", &long);
    call.send().expect(431);
}

fn an_unknown_path_of_the_api_is_404(site: &Site) {
    let api = site.api(MEMBER);
    for path in ["/v2/", "/v2/nothing", "/v2/images/x/y/z"] {
        api.get(path).expect(404);
    }
}
