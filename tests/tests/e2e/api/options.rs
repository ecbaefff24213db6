//! What an operator may switch on: protected properties, definitions of properties, pages from elsewhere. One service
//! and one Glance with the same files.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use glasshouse_tests::deployment::{Database, Deployment, Site};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::keystone::{ADMIN, Keystone, MEMBER, READER};
use glasshouse_tests::scratch::Scratch;
use serde_json::{Value, json};

use super::{record, unique};

on_ours_and_theirs!(
    a_protected_property_is_seen_by_those_who_may,
    a_protected_property_is_written_by_those_who_may,
    a_defined_property_must_fit_its_definition,
    the_schema_has_the_definitions,
);

const PROTECTIONS: &str = "[^note_]\ncreate = admin,member\nread = admin,member\nupdate = admin\ndelete = admin\n\
     [^secret_]\ncreate = admin\nread = admin\nupdate = admin\ndelete = admin\n\
     [^closed$]\ncreate = !\nread = @\nupdate = !\ndelete = !\n\
     [.*]\ncreate = @\nread = @\nupdate = @\ndelete = @\n";

const DEFINITIONS: &str = r#"{
    "kernel_id": {"type": ["null", "string"], "pattern": "^[0-9a-f]{4}$", "description": "a kernel"},
    "architecture": {"type": "string", "enum": ["aarch64", "x86_64"]}
}"#;

/// A folder with both files, and what the configuration says of them.
fn options(name: &str) -> (Scratch, String) {
    let scratch = Scratch::new(name);
    fs::write(scratch.join("protections.conf"), PROTECTIONS).expect("the protections");
    fs::write(scratch.join("schema-image.json"), DEFINITIONS).expect("the definitions");
    let folder = scratch.path().display();
    let extra = format!(
        "[DEFAULT]\nproperty_protection_file = {folder}/protections.conf\n\
         [cors]\nallowed_origin = https://dashboard:8443\n\
         [healthcheck]\ndisable_by_file_path = {folder}/disabled\n"
    );
    (scratch, extra)
}

fn ours() -> &'static Deployment {
    static OURS: OnceLock<Deployment> = OnceLock::new();
    OURS.get_or_init(|| {
        let (scratch, extra) = options("deployment-options");
        let database = Database::sqlite_in(scratch.path());
        Deployment::start_with(scratch, database, Keystone::shared(), &extra)
    })
}

fn theirs() -> &'static Glance {
    static THEIRS: OnceLock<Glance> = OnceLock::new();
    THEIRS.get_or_init(|| {
        let (scratch, extra) = options("glance-options");
        Glance::start_with(scratch, Keystone::shared(), &Database::mariadb(), &extra)
    })
}

fn set(key: &str, value: &str) -> Value {
    json!([{"op": "add", "path": format!("/{key}"), "value": value}])
}

fn a_protected_property_is_seen_by_those_who_may(site: &Site) {
    let body = json!({"visibility": "public", "secret_a": "1", "note_a": "2", "free": "3"});
    let name = unique("protected");
    let mut body = body;
    body["name"] = json!(name);
    let id = site.api(ADMIN).create_image(&body);
    for (person, seen) in [
        (ADMIN, vec!["free", "note_a", "secret_a"]),
        (MEMBER, vec!["free", "note_a"]),
        (READER, vec!["free"]),
    ] {
        let list = site.api(person).get(&format!("/v2/images?name={name}")).expect(200).json();
        for image in [record(&site.api(person), &id), list["images"][0].clone()] {
            let mut keys: Vec<&str> =
                ["free", "note_a", "secret_a"].into_iter().filter(|key| image.get(key).is_some()).collect();
            keys.sort_unstable();
            assert_eq!(keys, seen, "{person:?}");
        }
    }
}

fn a_protected_property_is_written_by_those_who_may(site: &Site) {
    let api = site.api(MEMBER);
    for key in ["secret_a", "closed"] {
        api.post_json("/v2/images", &json!({key: "x"})).expect(403);
    }
    let id = api.create_image(&json!({"note_a": "mine"}));
    let path = format!("/v2/images/{id}");
    api.patch(&path, &set("note_b", "mine too")).expect(200);
    api.patch(&path, &set("note_a", "changed")).expect(403);
    api.patch(&path, &json!([{"op": "replace", "path": "/note_a", "value": "changed"}])).expect(403);
    api.patch(&path, &json!([{"op": "remove", "path": "/note_a"}])).expect(403);
    api.patch(&path, &json!([{"op": "remove", "path": "/note_c"}])).expect(409);
    api.patch(&path, &set("secret_a", "x")).expect(403);
    // What the caller may not see is not there.
    site.api(ADMIN).patch(&path, &set("secret_a", "theirs")).expect(200);
    api.patch(&path, &json!([{"op": "replace", "path": "/secret_a", "value": "x"}])).expect(409);
    api.patch(&path, &json!([{"op": "remove", "path": "/secret_a"}])).expect(409);
    site.api(ADMIN).patch(&path, &json!([{"op": "remove", "path": "/note_a"}])).expect(200);
    site.api(ADMIN).patch(&path, &set("closed", "x")).expect(403);
    assert_eq!(record(&site.api(ADMIN), &id)["secret_a"], "theirs");
}

#[test]
fn what_the_caller_does_not_see_stays_when_it_saves() {
    let site = ours().site();
    let id = site.api(MEMBER).create_image(&json!({"free": "1"}));
    let path = format!("/v2/images/{id}");
    site.api(ADMIN).patch(&path, &set("secret_a", "theirs")).expect(200);
    let answer = site.api(MEMBER).patch(&path, &set("free", "2")).expect(200).json();
    assert_eq!((&answer["free"], answer.get("secret_a")), (&json!("2"), None));
    assert_eq!(record(&site.api(ADMIN), &id)["secret_a"], "theirs");
}

fn a_defined_property_must_fit_its_definition(site: &Site) {
    let api = site.api(MEMBER);
    for bad in [
        json!({"kernel_id": "zz"}),
        json!({"kernel_id": 5}),
        json!({"architecture": "ppc"}),
        json!({"architecture": null}),
    ] {
        let answer = api.post_json("/v2/images", &bad);
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text());
    }
    let id = api.create_image(&json!({"kernel_id": "00ff", "architecture": "x86_64"}));
    let path = format!("/v2/images/{id}");
    api.patch(&path, &set("architecture", "ppc")).expect(400);
    api.patch(&path, &set("architecture", "aarch64")).expect(200);
    assert_eq!(record(&api, &id)["architecture"], "aarch64");
}

fn the_schema_has_the_definitions(site: &Site) {
    let schema = site.api(READER).get("/v2/schemas/image").expect(200).json();
    let wanted = json!({
        "type": ["null", "string"], "pattern": "^[0-9a-f]{4}$", "description": "a kernel", "is_base": false,
    });
    assert_eq!(schema["properties"]["kernel_id"], wanted);
    assert_eq!(schema["properties"]["architecture"]["enum"], json!(["aarch64", "x86_64"]));
    let list = site.api(READER).get("/v2/schemas/images").expect(200).json();
    assert_eq!(list["properties"]["images"]["items"]["properties"]["kernel_id"], wanted);
}

// Glance's filter reads the files of the system and not those that the test wrote, so this is asked of ours alone.
#[test]
fn a_page_from_elsewhere_may_call_when_it_was_named() {
    let api = ours().site().api(READER);
    let permission = |origin: &str| {
        let answer = api.call("GET", "/v2/images?limit=1").header("origin", origin).send().expect(200);
        let exposed = answer.header("access-control-expose-headers").map(str::to_owned);
        (answer.header("access-control-allow-origin").map(str::to_owned), exposed)
    };
    let (origin, exposed) = permission("https://dashboard:8443");
    assert_eq!(origin.as_deref(), Some("https://dashboard:8443"));
    assert!(exposed.is_some_and(|exposed| exposed.contains("X-OpenStack-Request-ID")));
    assert_eq!(permission("https://elsewhere"), (None, None));
    let announce = |method: &str, asked: &str| {
        let call = api.call("OPTIONS", "/v2/images").header("origin", "https://dashboard:8443");
        let call = call.header("access-control-request-method", method);
        let answer = call.header("access-control-request-headers", asked).send().expect(200);
        assert!(answer.body.is_empty());
        let header = |name: &str| answer.header(name).map(str::to_owned);
        [
            header("access-control-allow-origin"),
            header("access-control-allow-methods"),
            header("access-control-allow-headers"),
            header("access-control-max-age"),
            header("access-control-allow-credentials"),
            header("vary"),
        ]
    };
    let wanted = ["https://dashboard:8443", "PATCH", "x-auth-token,content-type", "3600", "true", "Origin"];
    assert_eq!(announce("PATCH", "x-auth-token, content-type"), wanted.map(|text| Some(text.to_owned())));
    assert_eq!(announce("TRACE", ""), [const { None }; 6]);
    assert_eq!(announce("GET", "x-unknown"), [const { None }; 6]);
}

#[test]
fn a_page_from_elsewhere_may_read_why_it_was_refused() {
    let api = ours().site().api(READER);
    let call = api.call("GET", "/v2/images/x").header("origin", "https://dashboard:8443");
    let refused = call.send().expect(404);
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://dashboard:8443"));
}

#[test]
fn a_file_takes_the_node_out_of_service_while_it_is_there() {
    let scratch = Scratch::new("deployment-health");
    let file: PathBuf = scratch.join("disabled");
    let database = Database::sqlite_in(scratch.path());
    let extra = format!("[healthcheck]\ndisable_by_file_path = {}\n", file.display());
    let controller = Deployment::start_with(scratch, database, Keystone::shared(), &extra);
    let api = controller.site().anonymous();
    assert_eq!(api.get("/healthcheck").expect(200).text(), "OK");
    fs::write(&file, "").expect("the file");
    assert_eq!(api.get("/healthcheck").expect(503).text(), "DISABLED BY FILE");
    api.call("HEAD", "/healthcheck").send().expect(503);
    // Only the balancer in front shall take it for dead.
    controller.api(READER).get("/v2/images?limit=1").expect(200);
    fs::remove_file(&file).expect("removed");
    api.get("/healthcheck").expect(200);
}

#[test]
fn the_api_is_described_in_one_document() {
    let api = ours().site().anonymous();
    let answer = api.get("/openapi.json").expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"], json!([{"url": ours().site().url}]));
    let operation = &document["paths"]["/v2/images/{image_id}"]["get"];
    assert_eq!(operation["x-openstack-policy-rules"], json!(["get_image"]));
}
