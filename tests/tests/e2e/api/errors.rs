//! What every answer has in common: the request id, refused methods, and the three forms of an error.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::OnceLock;

use glasshouse_tests::deployment::{Database, Deployment, Site};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::http::Answer;
use glasshouse_tests::keystone::{Keystone, MEMBER};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::wait;
use serde_json::json;

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
        // Ours tells what a download would be headed with, which Glance does not.
        let told = listed(&answer, "allow").into_iter().filter(|method| method != "HEAD");
        assert_eq!(told.collect::<Vec<_>>(), allowed, "{method} {path}");
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

/// With short patience, and with the errors of Glance.
fn ours() -> &'static Deployment {
    static OURS: OnceLock<Deployment> = OnceLock::new();
    OURS.get_or_init(|| {
        let scratch = Scratch::new("deployment-errors");
        let database = Database::sqlite_in(scratch.path());
        let extra = "[glasshouse]\ndocument_timeout = 1\nflat_json_errors = True\n";
        Deployment::start_with(scratch, database, Keystone::shared(), extra)
    })
}

#[test]
fn errors_are_flat_where_the_operator_wants_those_of_glance() {
    let theirs = Glance::shared().site();
    for path in [UNKNOWN, "/v2/images/%3Cb%3E"] {
        let errors = [ours().site(), theirs.clone()].map(|site| {
            let answer = site.api(MEMBER).call("GET", path).header("accept", "application/json").send();
            let answer = answer.expect(404);
            assert!(kind(&answer).starts_with("application/json"), "{}", kind(&answer));
            answer.json()
        });
        assert_eq!(errors[0], errors[1], "{path}");
        assert_eq!((&errors[0]["code"], &errors[0]["title"]), (&json!("404 Not Found"), &json!("Not Found")));
    }
    // In each of the other forms both say the same as ever.
    for accept in ["*/*", "text/plain"] {
        let [one, other] = [ours().site(), theirs.clone()].map(|site| {
            let answer = site.api(MEMBER).call("GET", UNKNOWN).header("accept", accept).send().expect(404);
            (kind(&answer).to_owned(), answer.text().split_whitespace().collect::<Vec<_>>().join(" "))
        });
        assert_eq!(one, other, "{accept}");
    }
}

#[test]
fn a_sender_who_begins_a_document_and_falls_silent_is_408() {
    let api = ours().api(MEMBER);
    let address = api.base().trim_start_matches("http://").to_owned();
    for begun in ["", "{\"name\": "] {
        let mut socket = TcpStream::connect(&address).expect("a connection");
        socket.set_read_timeout(Some(wait::STEP)).expect("a limit");
        let head = format!(
            "POST /v2/images HTTP/1.1\r\nHost: {address}\r\nX-Auth-Token: {}\r\n\
             Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{begun}",
            ours().keystone.token(MEMBER)
        );
        socket.write_all(head.as_bytes()).expect("the head is taken");
        let mut answer = String::new();
        // To its end: the connection is closed.
        socket.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
        assert!(answer.contains("the sender was silent for too long"), "{answer}");
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
