//! Tokens of a real Keystone: good, bad, ended, and Keystone away.

use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::keystone::{Keystone, MEMBER, STRANGER};
use glasshouse_tests::scratch::Scratch;
use serde_json::json;

on_both_databases!(
    without_a_good_token_the_answer_is_401_and_names_keystone,
    identity_headers_of_a_client_are_not_believed,
);

fn without_a_good_token_the_answer_is_401_and_names_keystone(controller: &Deployment) {
    let wanted = format!("Keystone uri=\"{}\"", controller.keystone.url());
    let anonymous = controller.service.api();
    for api in [anonymous.clone(), anonymous.with_token("unknown"), anonymous.with_token("gAAAAABunknown")] {
        for (method, path) in
            [("GET", "/v2/images"), ("POST", "/v2/images"), ("GET", "/v2/schemas/image"), ("GET", "/v2")]
        {
            let answer = api.call(method, path).send().expect(401);
            assert_eq!(answer.header("www-authenticate"), Some(wanted.as_str()), "{method} {path}");
            assert!(answer.header("content-type").is_some());
        }
    }
    for path in ["/", "/versions", "/healthcheck"] {
        assert_ne!(anonymous.get(path).status, 401, "{path} asks for no token");
    }
}

fn identity_headers_of_a_client_are_not_believed(controller: &Deployment) {
    let id = controller.api(MEMBER).create_image(&json!({"name": "private", "visibility": "private"}));
    let call = controller.api(STRANGER).call("GET", &format!("/v2/images/{id}"));
    let call = call.header("x-roles", "admin").header("x-is-admin-project", "true");
    let call = call.header("x-identity-status", "Confirmed").header("x-user-id", "admin");
    let call = call.header("x-project-id", &controller.keystone.project_id("demo"));
    call.send().expect(404);
}

#[test]
fn a_token_that_was_taken_back_is_refused_by_a_service_that_has_not_seen_it() {
    let controller = Deployment::on_sqlite();
    let token = controller.keystone.log_in(MEMBER);
    controller.keystone.revoke(&token);
    controller.service.api().with_token(&token).get("/v2/images").expect(401);
}

#[test]
fn while_keystone_is_away_new_tokens_get_503_and_known_ones_go_on() {
    // A Keystone of its own, for it ends here.
    let keystone: &'static Keystone = Box::leak(Box::new(Keystone::start()));
    let scratch = Scratch::new("keystone-away");
    let database = Database::sqlite_in(scratch.path());
    let controller = Deployment::start(scratch, database, keystone);
    let known = controller.api(MEMBER);
    let unseen = controller.service.api().with_token(&keystone.log_in(STRANGER));
    known.get("/v2/images").expect(200);
    keystone.stop();
    known.get("/v2/images").expect(200);
    let answer = unseen.call("GET", "/v2/images").header("accept", "application/json").send().expect(503);
    assert!(answer.header("retry-after").is_some(), "clients repeat a 503: they must know when");
    assert!(answer.header("www-authenticate").is_none(), "a client must not log in again for this");
    let text = answer.text().to_lowercase();
    assert!(text.contains("keystone") || text.contains("identity"), "the answer says who is away: {text}");
}
