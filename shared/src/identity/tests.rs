use serde_json::json;

use super::*;

fn keystone_token() -> serde_json::Value {
    json!({"token": {
        "methods": ["password"],
        "user": {"domain": {"id": "default", "name": "Default"}, "id": "u1", "name": "demo", "password_expires_at": null},
        "audit_ids": ["3T2dc1CGQxyJsHdDu1xkcw"],
        "expires_at": "2026-03-01T10:00:00.000000Z",
        "issued_at": "2026-03-01T09:00:00.250000Z",
        "project": {"domain": {"id": "default", "name": "Default"}, "id": "p1", "name": "demo"},
        "is_domain": false,
        "roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}],
        "catalog": [
            {"endpoints": [
                {"id": "e0", "interface": "public", "region": "RegionTwo", "region_id": "RegionTwo", "url": "http://two:9292"},
                {"id": "e1", "interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": "http://one:9292"},
                {"id": "e2", "interface": "internal", "region": "RegionOne", "region_id": "RegionOne", "url": "http://in:9292"}
            ], "id": "s1", "type": "image", "name": "glance"},
            {"endpoints": [], "id": "s2", "type": "compute", "name": "nova"}
        ]
    }})
}

#[test]
fn a_token_of_keystone_is_read_whole() {
    let token = serde_json::from_value::<TokenBody>(keystone_token()).unwrap().token;
    assert_eq!(token.user.name, "demo");
    assert_eq!(token.user.domain.id, "default");
    assert_eq!(token.project.as_ref().unwrap().id, "p1");
    assert_eq!(token.roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(), ["member", "reader"]);
    assert_eq!(token.expires_at, "2026-03-01T10:00:00Z".parse().unwrap());
    assert_eq!(token.system, None);
    assert_eq!(token.application_credential, None);
}

#[test]
fn instants_are_written_with_six_digits() {
    let body = serde_json::from_value::<TokenBody>(keystone_token()).unwrap();
    let written = serde_json::to_value(&body).unwrap();
    assert_eq!(written["token"]["issued_at"], "2026-03-01T09:00:00.250000Z");
    assert_eq!(written["token"]["expires_at"], "2026-03-01T10:00:00.000000Z");
}

#[test]
fn an_endpoint_is_found_by_type_interface_and_region() {
    let catalog = serde_json::from_value::<TokenBody>(keystone_token()).unwrap().token.catalog.unwrap();
    assert_eq!(catalog.endpoint("image", "public", Some("RegionOne")), Some("http://one:9292"));
    assert_eq!(catalog.endpoint("image", "public", None), Some("http://two:9292"));
    assert_eq!(catalog.endpoint("image", "internal", None), Some("http://in:9292"));
    assert_eq!(catalog.endpoint("image", "admin", None), None);
    assert_eq!(catalog.endpoint("image", "public", Some("RegionThree")), None);
    assert_eq!(catalog.endpoint("compute", "public", None), None);
}

#[test]
fn a_password_login_is_written_as_keystone_reads_it() {
    let user = PasswordUser {
        id: None,
        name: Some("demo".into()),
        domain: Some(Reference::by_name("Default")),
        password: "secret".into(),
    };
    let scope = Scope::Project(Reference::by_name("demo").within(Reference::by_id("default")));
    let request = AuthRequest::password(user, Some(scope));
    let expected = json!({"auth": {
        "identity": {"methods": ["password"],
            "password": {"user": {"name": "demo", "domain": {"name": "Default"}, "password": "secret"}}},
        "scope": {"project": {"name": "demo", "domain": {"id": "default"}}}
    }});
    assert_eq!(serde_json::to_value(&request).unwrap(), expected);
    assert_eq!(serde_json::from_value::<AuthRequest>(expected).unwrap(), request);
}

#[test]
fn every_scope_is_read() {
    let read = |value| serde_json::from_value::<Scope>(value).unwrap();
    assert_eq!(read(json!("unscoped")), Scope::Unscoped);
    assert_eq!(read(json!({"system": {"all": true}})), Scope::System(System { all: true }));
    assert_eq!(read(json!({"domain": {"id": "default"}})), Scope::Domain(Reference::by_id("default")));
    assert_eq!(read(json!({"project": {"id": "p"}})), Scope::Project(Reference::by_id("p")));
}

#[test]
fn secrets_are_not_printed() {
    let user =
        PasswordUser { id: None, name: Some("demo".into()), domain: None, password: "hush-hush".into() };
    let printed = format!(
        "{:?} {:?} {:?}",
        AuthRequest::password(user, None),
        AuthRequest::token("hush-hush", None),
        AuthRequest::application_credential("id", "hush-hush")
    );
    assert!(printed.contains("demo"));
    assert!(!printed.contains("hush"), "{printed}");
}

#[test]
fn access_rules_are_told_apart_from_their_absence() {
    let mut value = keystone_token();
    value["token"]["application_credential"] = json!({"id": "a", "name": "n", "restricted": true, "access_rules": [
            {"id": "1", "path": "/v2/images", "method": "GET", "service": "image"}]});
    let token = serde_json::from_value::<TokenBody>(value.clone()).unwrap().token;
    let rules = token.application_credential.unwrap().access_rules.unwrap();
    assert_eq!((rules[0].method.as_str(), rules[0].path.as_str()), ("GET", "/v2/images"));
    value["token"]["application_credential"] = json!({"id": "a", "name": "n", "restricted": true});
    let token = serde_json::from_value::<TokenBody>(value).unwrap().token;
    assert_eq!(token.application_credential.unwrap().access_rules, None);
}
