use glasshouse_shared::identity::{AuthRequest, PasswordUser, Reference, Scope, System, TokenBody};
use http::HeaderValue;
use serde_json::{Value, json};

use super::*;
use crate::lab::{LabOptions, prepare};

const BASE: &str = "http://127.0.0.1:9292";

/// A lab with the passwords of its people.
struct Lab {
    identity: Identity,
    admin: String,
    demo: String,
    _dir: tempfile::TempDir,
}

/// An answer, its body read.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Lab {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listen = SocketAddr::from(([127, 0, 0, 1], 9292));
        let (_, identity) = prepare(&LabOptions { data_dir: dir.path().to_path_buf(), listen }).unwrap();
        let passwords = CloudFiles::new(&identity.inner.folder).passwords().unwrap().unwrap();
        Self { identity, admin: passwords.admin.clone(), demo: passwords.demo.clone(), _dir: dir }
    }

    async fn call(&self, line: &str, headers: &[(&'static str, &str)], body: &Value) -> Answer {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = self.identity.answer((&method, path, query), &headers.collect(), &body, BASE).await;
        assert_eq!(answer.headers()["vary"], "X-Auth-Token");
        assert!(answer.headers()["x-openstack-request-id"].to_str().unwrap().starts_with("req-"));
        let (parts, body) = answer.into_parts();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(&format!("GET {path}"), &[("x-auth-token", token)], &Value::Null).await
    }

    async fn log_in(&self, name: &str, password: &str, scope: Option<Scope>) -> Answer {
        let user = PasswordUser {
            id: None,
            name: Some(name.into()),
            domain: Some(Reference::by_name("Default")),
            password: password.into(),
        };
        let request = serde_json::to_value(AuthRequest::password(user, scope)).unwrap();
        self.call("POST /v3/auth/tokens", &[], &request).await
    }

    async fn token(&self, name: &str) -> String {
        let password = if name == "admin" { &self.admin } else { &self.demo };
        self.log_in(name, password, Some(project(name))).await.token()
    }
}

impl Answer {
    fn token(&self) -> String {
        assert_eq!(self.status, 201, "{}", self.body);
        self.headers["x-subject-token"].to_str().unwrap().to_owned()
    }

    fn names(&self, plural: &str) -> Vec<&str> {
        self.body[plural].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
    }

    fn roles(&self) -> Vec<&str> {
        let roles = self.body["token"]["roles"].as_array().unwrap();
        roles.iter().map(|role| role["name"].as_str().unwrap()).collect()
    }
}

fn project(name: &str) -> Scope {
    Scope::Project(Reference::by_name(name).within(Reference::by_id("default")))
}

#[tokio::test]
async fn versions_are_shown_to_everybody() {
    let lab = Lab::new();
    for line in ["GET ", "GET /"] {
        let all = lab.call(line, &[], &Value::Null).await;
        assert_eq!(all.status, 300);
        let version = &all.body["versions"]["values"][0];
        assert_eq!((version["id"].as_str(), version["status"].as_str()), (Some("v3.14"), Some("stable")));
        assert_eq!(version["links"][0], json!({"rel": "self", "href": "http://127.0.0.1:9292/identity/v3/"}));
    }
    for line in ["GET /v3", "GET /v3/"] {
        let one = lab.call(line, &[], &Value::Null).await;
        assert_eq!(one.status, 200);
        assert_eq!(one.body["version"]["id"], "v3.14");
        assert_eq!(
            one.body["version"]["media-types"][0]["type"],
            "application/vnd.openstack.identity-v3+json"
        );
    }
    let head = lab.call("HEAD /v3", &[], &Value::Null).await;
    assert_eq!((head.status, head.body), (200, Value::Null));
}

#[tokio::test]
async fn a_login_by_password_says_all_that_clients_read() {
    let lab = Lab::new();
    let answer = lab.log_in("demo", &lab.demo, Some(project("demo"))).await;
    assert_eq!(answer.token().len(), 64);
    let token = &answer.body["token"];
    assert_eq!(token["methods"], json!(["password"]));
    assert_eq!(token["user"]["name"], "demo");
    assert_eq!(token["user"]["domain"], json!({"id": "default", "name": "Default"}));
    assert_eq!(token["project"]["name"], "demo");
    assert_eq!(answer.roles(), ["member", "reader"]);
    let read: TokenBody = serde_json::from_value(answer.body.clone()).unwrap();
    assert_eq!(read.token.expires_at.duration_since(read.token.issued_at).as_mins(), 60);
    let catalog = read.token.catalog.unwrap();
    for interface in ["public", "internal", "admin"] {
        assert_eq!(catalog.endpoint("image", interface, Some("RegionOne")), Some(BASE));
        assert_eq!(
            catalog.endpoint("identity", interface, Some("RegionOne")),
            Some("http://127.0.0.1:9292/identity")
        );
    }
}

#[tokio::test]
async fn a_project_is_asked_for_by_id_by_name_or_not_at_all() {
    let lab = Lab::new();
    let by_name = lab.log_in("admin", &lab.admin, Some(project("demo"))).await;
    assert_eq!(by_name.body["token"]["project"]["name"], "demo");
    let id = by_name.body["token"]["project"]["id"].as_str().unwrap();
    let by_id = lab.log_in("demo", &lab.demo, Some(Scope::Project(Reference::by_id(id)))).await;
    assert_eq!(by_id.body["token"]["project"]["id"], id);
    let by_default = lab.log_in("admin", &lab.admin, None).await;
    assert_eq!(by_default.body["token"]["project"]["name"], "admin");
    let unscoped = lab.log_in("demo", &lab.demo, Some(Scope::Unscoped)).await;
    assert_eq!(unscoped.status, 201);
    for key in ["project", "roles", "catalog", "system"] {
        assert_eq!(unscoped.body["token"][key], Value::Null, "{key}");
    }
}

#[tokio::test]
async fn the_system_is_for_the_administrator() {
    let lab = Lab::new();
    let system = || Some(Scope::System(System { all: true }));
    let admin = lab.log_in("admin", &lab.admin, system()).await;
    assert_eq!(admin.body["token"]["system"], json!({"all": true}));
    assert_eq!(admin.body["token"]["project"], Value::Null);
    assert_eq!(admin.roles(), ["admin", "member", "reader"]);
    assert_eq!(lab.log_in("demo", &lab.demo, system()).await.status, 401);
}

#[tokio::test]
async fn wrong_logins_are_refused_alike() {
    let lab = Lab::new();
    let wrong = lab.log_in("demo", "wrong", Some(project("demo"))).await;
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.body["error"]["code"], 401);
    assert_eq!(wrong.body["error"]["title"], "Unauthorized");
    assert_eq!(wrong.headers["www-authenticate"], "Keystone uri=\"http://127.0.0.1:9292/identity\"");
    let unknown = lab.log_in("nobody", "wrong", Some(project("demo"))).await;
    assert_eq!((unknown.status, &unknown.body), (401, &wrong.body));
    let foreign = lab.log_in("demo", &lab.demo, Some(project("admin"))).await;
    let missing = lab.log_in("demo", &lab.demo, Some(project("nothing"))).await;
    assert_eq!((foreign.status, missing.status), (401, 401));
    assert_eq!(foreign.body, missing.body);
}

#[tokio::test]
async fn bodies_that_are_no_login_are_refused() {
    let lab = Lab::new();
    for (body, status) in [
        (json!({}), 400),
        (json!([]), 400),
        (json!({"auth": {"identity": {"methods": ["password"]}}}), 400),
        (
            json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {"password": "x"}}}}}),
            400,
        ),
        (
            json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "a", "password": "x"}}}}}),
            400,
        ),
        (json!({"auth": {"identity": {"methods": ["totp"]}}}), 401),
        (json!({"auth": {"identity": {"methods": []}}}), 401),
        (json!({"auth": "x".repeat(70_000)}), 413),
    ] {
        let answer = lab.call("POST /v3/auth/tokens", &[], &body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.body["error"]["code"], status);
        assert!(!answer.body["error"]["message"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_token_is_exchanged_for_another_scope_but_lives_no_longer() {
    let lab = Lab::new();
    let first = lab.log_in("admin", &lab.admin, Some(Scope::Unscoped)).await;
    let request = serde_json::to_value(AuthRequest::token(first.token(), Some(project("demo")))).unwrap();
    let second = lab.call("POST /v3/auth/tokens", &[], &request).await;
    assert_ne!(second.token(), first.token());
    assert_eq!(second.body["token"]["project"]["name"], "demo");
    assert_eq!(second.body["token"]["methods"], json!(["token", "password"]));
    assert_eq!(second.body["token"]["expires_at"], first.body["token"]["expires_at"]);
    assert_eq!(second.body["token"]["audit_ids"][1], first.body["token"]["audit_ids"][0]);
    let unknown = serde_json::to_value(AuthRequest::token("unknown", None)).unwrap();
    assert_eq!(lab.call("POST /v3/auth/tokens", &[], &unknown).await.status, 401);
}

#[tokio::test]
async fn a_token_is_shown_and_revoked() {
    let lab = Lab::new();
    let (admin, demo) = (lab.token("admin").await, lab.token("demo").await);
    let shown = |line: &'static str, by: String, of: String| {
        let lab = &lab;
        async move { lab.call(line, &[("x-auth-token", &by), ("x-subject-token", &of)], &Value::Null).await }
    };
    let by_admin = shown("GET /v3/auth/tokens", admin.clone(), demo.clone()).await;
    assert_eq!((by_admin.status, &by_admin.body["token"]["user"]["name"]), (200, &json!("demo")));
    assert_eq!(by_admin.headers["x-subject-token"], demo.as_str());
    assert!(by_admin.body["token"]["catalog"].is_array());
    let brief = shown("GET /v3/auth/tokens?nocatalog", demo.clone(), demo.clone()).await;
    assert_eq!((brief.status, &brief.body["token"]["catalog"]), (200, &Value::Null));
    assert_eq!(shown("HEAD /v3/auth/tokens", demo.clone(), demo.clone()).await.status, 200);
    assert_eq!(shown("GET /v3/auth/tokens", demo.clone(), admin.clone()).await.status, 403);
    assert_eq!(shown("GET /v3/auth/tokens", admin.clone(), "unknown".into()).await.status, 404);
    assert_eq!(shown("GET /v3/auth/tokens", "unknown".into(), admin.clone()).await.status, 401);
    assert_eq!(lab.identity.validate(&demo).await.unwrap().user.name, "demo");
    assert_eq!(shown("DELETE /v3/auth/tokens", demo.clone(), demo.clone()).await.status, 204);
    assert_eq!(shown("GET /v3/auth/tokens", admin, demo.clone()).await.status, 404);
    assert_eq!(lab.identity.validate(&demo).await, Err(AuthError::Invalid));
}

#[tokio::test]
async fn a_token_that_has_ended_is_refused() {
    let lab = Lab::new();
    let secret = lab.token("demo").await;
    let mut token = Token::clone(&*lab.identity.validate(&secret).await.unwrap());
    token.expires_at = now();
    lab.identity.inner.tokens.insert(&secret, token, now());
    assert_eq!(lab.identity.validate(&secret).await, Err(AuthError::Invalid));
    assert_eq!(lab.get("/v3/auth/catalog", &secret).await.status, 401);
}

#[tokio::test]
async fn an_administrator_looks_up_everything() {
    let lab = Lab::new();
    let admin = lab.token("admin").await;
    assert_eq!(lab.get("/v3/projects", &admin).await.names("projects"), ["admin", "demo", "service"]);
    assert_eq!(lab.get("/v3/users", &admin).await.names("users"), ["admin", "demo", "glance"]);
    assert_eq!(lab.get("/v3/roles", &admin).await.names("roles"), ["admin", "member", "reader", "service"]);
    assert_eq!(lab.get("/v3/domains", &admin).await.names("domains"), ["Default"]);
    assert_eq!(lab.get("/v3/services", &admin).await.names("services"), ["glance", "keystone"]);
    let endpoints = lab.get("/v3/endpoints", &admin).await;
    assert_eq!(endpoints.body["endpoints"].as_array().unwrap().len(), 6);
    assert_eq!(endpoints.body["links"]["next"], Value::Null);
    let assignments = lab.get("/v3/role_assignments?include_names=True", &admin).await;
    let first = &assignments.body["role_assignments"][0];
    assert_eq!(first["role"]["name"], "admin");
    assert_eq!(first["scope"]["project"]["name"], "admin");
    assert_eq!(first["user"]["domain"]["name"], "Default");
    assert_eq!(lab.get("/v3/nothing", &admin).await.status, 404);
}

#[tokio::test]
async fn lists_are_filtered_as_clients_find_things_by_name() {
    let lab = Lab::new();
    let admin = lab.token("admin").await;
    assert_eq!(lab.get("/v3/projects?name=demo", &admin).await.names("projects"), ["demo"]);
    assert_eq!(lab.get("/v3/projects?name=nothing", &admin).await.names("projects"), [""; 0]);
    assert_eq!(lab.get("/v3/users?name=demo&domain_id=default", &admin).await.names("users"), ["demo"]);
    assert_eq!(lab.get("/v3/users?domain_id=other", &admin).await.names("users"), [""; 0]);
    assert_eq!(lab.get("/v3/users?enabled=True&marker=x", &admin).await.names("users").len(), 3);
    assert_eq!(lab.get("/v3/services?type=image", &admin).await.names("services"), ["glance"]);
    let public = lab.get("/v3/endpoints?interface=public", &admin).await;
    assert_eq!(public.body["endpoints"].as_array().unwrap().len(), 2);
    let on_system = lab.get("/v3/role_assignments?scope.system.all=true", &admin).await;
    assert_eq!(on_system.body["role_assignments"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn one_thing_is_found_by_its_id_only() {
    let lab = Lab::new();
    let admin = lab.token("admin").await;
    let projects = lab.get("/v3/projects", &admin).await;
    let id = projects.body["projects"][1]["id"].as_str().unwrap();
    let one = lab.get(&format!("/v3/projects/{id}"), &admin).await;
    assert_eq!(one.body["project"], projects.body["projects"][1]);
    let by_name = lab.get("/v3/projects/demo", &admin).await;
    assert_eq!((by_name.status, by_name.body["error"]["title"].as_str()), (404, Some("Not Found")));
}

#[tokio::test]
async fn an_ordinary_user_sees_what_is_its_own() {
    let lab = Lab::new();
    let demo = lab.token("demo").await;
    let token = lab.identity.validate(&demo).await.unwrap();
    let (user, project) = (token.user.id.clone(), token.project.as_ref().unwrap().id.clone());
    for path in
        ["/v3/projects", "/v3/users", "/v3/roles", "/v3/services", "/v3/endpoints", "/v3/role_assignments"]
    {
        let refused = lab.get(path, &demo).await;
        assert_eq!((refused.status, refused.body["error"]["code"].as_u64()), (403, Some(403)), "{path}");
    }
    assert_eq!(lab.get(&format!("/v3/projects/{project}"), &demo).await.status, 200);
    assert_eq!(lab.get(&format!("/v3/users/{user}"), &demo).await.status, 200);
    assert_eq!(lab.get(&format!("/v3/users/{user}/projects"), &demo).await.names("projects"), ["demo"]);
    assert_eq!(lab.get("/v3/auth/projects", &demo).await.names("projects"), ["demo"]);
    assert_eq!(lab.get("/v3/auth/catalog", &demo).await.names("catalog"), ["glance", "keystone"]);
    let other = lab.identity.inner.directory.user_named("admin").unwrap().id.clone();
    assert_eq!(lab.get(&format!("/v3/users/{other}"), &demo).await.status, 403);
    assert_eq!(lab.get(&format!("/v3/users/{other}/projects"), &demo).await.status, 403);
}

#[tokio::test]
async fn nothing_is_looked_up_without_a_token_and_nothing_is_written() {
    let lab = Lab::new();
    assert_eq!(lab.call("GET /v3/projects", &[], &Value::Null).await.status, 401);
    assert_eq!(lab.get("/v3/projects", "unknown").await.status, 401);
    assert_eq!(lab.call("GET /v2.0", &[], &Value::Null).await.status, 404);
    let admin = lab.token("admin").await;
    let write =
        lab.call("POST /v3/projects", &[("x-auth-token", &admin)], &json!({"project": {"name": "x"}})).await;
    assert_eq!((write.status, write.headers["allow"].to_str().unwrap()), (405, "GET, HEAD"));
    assert_eq!(lab.call("PATCH /v3/auth/tokens", &[], &Value::Null).await.status, 405);
}
