use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use url::Url;

use super::server::{Reply, Request, Server, answer, json as reply};
use super::{ID, image, limits, versions};
use crate::client::probe::probe_within;
use crate::client::{
    ApplicationCredential, Client, ClientError, Credentials, Domain, ErrorKind, Interface, Method, Named,
    Secret, Step,
};

fn token(port: u16) -> Value {
    let domain = json!({"id": "default", "name": "Default"});
    let endpoint = |interface: &str, region: &str, path: &str| {
        json!({"interface": interface, "region": region, "region_id": region, "id": "e",
            "url": format!("http://127.0.0.1:{port}{path}")})
    };
    let endpoints = [
        endpoint("admin", "one", "/admin"),
        endpoint("public", "two", "/two/v2"),
        endpoint("public", "one", "/image/"),
    ];
    json!({"token": {
        "methods": ["password"], "user": {"id": "u1", "name": "demo", "domain": domain},
        "project": {"id": "p1", "name": "infra", "domain": domain}, "roles": [{"id": "r", "name": "member"}],
        "issued_at": "2026-03-01T09:00:00.000000Z", "expires_at": "2026-03-01T10:00:00.000000Z",
        "catalog": [{"id": "s", "type": "image", "name": "glance", "endpoints": endpoints}],
    }})
}

/// An identity service at `/identity` and image services, with tokens numbered from 1.
pub(super) async fn cloud(images: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
    let logins = AtomicUsize::new(0);
    Server::start(move |request| {
        let port = request.headers["host"].rsplit(':').next().unwrap().parse().unwrap();
        match request.line.as_str() {
            "GET /identity" | "GET /identity/" => {
                let v3 = json!({"id": "v3.14", "status": "stable", "links": []});
                reply("300 Multiple Choices", &json!({"versions": {"values": [v3]}}))
            }
            "GET /identity/v3" | "GET /identity/v3/" => {
                reply("200 OK", &json!({"version": {"id": "v3.14", "status": "stable"}}))
            }
            "POST /identity/v3/auth/tokens" | "GET /identity/v3/auth/tokens" => {
                let number = logins.fetch_add(1, Ordering::SeqCst) + 1;
                let subject = format!("token-{number}");
                let headers = [("content-type", "application/json"), ("x-subject-token", subject.as_str())];
                Reply::Answer(answer("201 Created", &headers, token(port).to_string()))
            }
            "GET /image/" | "GET /two/versions" => versions(),
            "GET /two/" => reply("404 Not Found", &json!({"message": "hidden"})),
            _ => images(request),
        }
    })
    .await
}

pub(super) fn password(auth_url: Url) -> Credentials {
    let user = Named::name("demo", Domain::Name("Default".into()));
    let project = Some(Named::name("infra", Domain::default()));
    let password = Secret::new("hush-hush");
    Credentials {
        region: Some("one".into()),
        ..Credentials::new(auth_url, Method::Password { user, password, project })
    }
}

async fn connect(credentials: Credentials) -> Result<Client, ClientError> {
    Client::connect_within(credentials, limits()).await
}

#[tokio::test]
async fn a_password_login_finds_the_image_service_of_its_region() {
    let server = cloud(|_| reply("200 OK", &image("active", json!({})))).await;
    for path in ["/identity", "/identity/", "/identity/v3", "/identity/v3/"] {
        let client = connect(password(server.url.join(path).unwrap())).await.unwrap();
        assert_eq!(client.endpoint().as_str(), server.url.join("/image/v2/").unwrap().as_str(), "{path}");
        assert_eq!(client.user().unwrap().name, "demo");
        assert_eq!(client.project().unwrap().id, "p1");
    }
    let posted = server.seen().into_iter().find(|request| request.line.starts_with("POST")).unwrap();
    let body: Value = serde_json::from_slice(&posted.body).unwrap();
    let expected = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user":
            {"name": "demo", "domain": {"name": "Default"}, "password": "hush-hush"}}},
        "scope": {"project": {"name": "infra", "domain": {"id": "default"}}},
    }});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn an_endpoint_with_version_and_a_hidden_root_is_found() {
    let server = cloud(|_| reply("404 Not Found", &json!({}))).await;
    let credentials =
        Credentials { region: Some("two".into()), ..password(server.url.join("/identity").unwrap()) };
    let client = connect(credentials).await.unwrap();
    assert_eq!(client.endpoint().path(), "/two/v2/");
}

#[tokio::test]
async fn a_missing_endpoint_says_what_there_is() {
    let server = cloud(|_| reply("404 Not Found", &json!({}))).await;
    let auth_url = server.url.join("/identity").unwrap();
    let credentials = Credentials { interface: Interface::Internal, region: None, ..password(auth_url) };
    let error = connect(credentials).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let has = "the catalog has no address for internal; it has admin in one, public in two, public in one";
    assert_eq!(error.message, has);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_in_silence() {
    let server = cloud(|request| match request.headers["x-auth-token"].as_str() {
        "token-2" => reply("200 OK", &image("active", json!({}))),
        _ => reply("401 Unauthorized", &json!({"error": {"message": "expired"}})),
    })
    .await;
    let client = connect(password(server.url.join("/identity").unwrap())).await.unwrap();
    assert_eq!(client.show_image(ID).await.unwrap().id, ID);
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 2);
}

#[tokio::test]
async fn many_refused_calls_make_one_login() {
    let server = cloud(|request| match request.headers["x-auth-token"].as_str() {
        "token-1" => reply("401 Unauthorized", &json!({})),
        _ => reply("200 OK", &image("active", json!({}))),
    })
    .await;
    let client = connect(password(server.url.join("/identity").unwrap())).await.unwrap();
    let calls = (0..8).map(|_| client.show_image(ID));
    for result in futures_util::future::join_all(calls).await {
        result.unwrap();
    }
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_for_ever_ends_as_unauthorized() {
    let server = cloud(|_| reply("401 Unauthorized", &json!({"error": {"message": "no"}}))).await;
    let client = connect(password(server.url.join("/identity").unwrap())).await.unwrap();
    let error = client.show_image(ID).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Unauthorized, "no"));
    assert!(!error.report().contains("token-"), "{}", error.report());
    let lines = server.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("/v2/images/")).count(), 2);
}

#[tokio::test]
async fn a_given_token_is_asked_for_its_catalog() {
    let server = cloud(|_| reply("401 Unauthorized", &json!({}))).await;
    let method = Method::Token { token: Secret::new(" given "), project: None };
    let auth_url = server.url.join("/identity/v3").unwrap();
    let credentials = Credentials { region: Some("one".into()), ..Credentials::new(auth_url, method) };
    let client = connect(credentials).await.unwrap();
    let seen = server.seen();
    let asked = seen.iter().find(|request| request.line.ends_with("auth/tokens")).unwrap();
    assert_eq!(
        (asked.headers["x-auth-token"].as_str(), asked.headers["x-subject-token"].as_str()),
        ("given", "given")
    );
    // It cannot be renewed, so the refusal comes through at once.
    assert_eq!(client.show_image(ID).await.unwrap_err().kind, ErrorKind::Unauthorized);
}

#[tokio::test]
async fn application_credentials_are_sent_by_id_and_by_name() {
    let server = cloud(|_| reply("404 Not Found", &json!({}))).await;
    let user = Named::name("demo", Domain::default());
    let credentials = [
        (ApplicationCredential::Id("ac".into()), json!({"id": "ac", "secret": "s"})),
        (
            ApplicationCredential::Name { name: "app".into(), user },
            json!({"name": "app", "user": {"name": "demo", "domain": {"id": "default"}}, "secret": "s"}),
        ),
    ];
    for (credential, expected) in credentials {
        let method = Method::ApplicationCredential { credential, secret: Secret::new("s") };
        let auth_url = server.url.join("/identity").unwrap();
        connect(Credentials { region: Some("one".into()), ..Credentials::new(auth_url, method) })
            .await
            .unwrap();
        let posted = server.seen().into_iter().rfind(|request| request.line.starts_with("POST")).unwrap();
        let body: Value = serde_json::from_slice(&posted.body).unwrap();
        assert_eq!(body["auth"]["identity"]["application_credential"], expected);
        assert_eq!(body["auth"]["scope"], Value::Null);
    }
}

async fn steps(credentials: &Credentials) -> Vec<(Step, Result<String, ClientError>)> {
    let mut steps = Vec::new();
    probe_within(credentials, |step, result| steps.push((step, result)), limits()).await;
    steps
}

#[tokio::test]
async fn a_probe_tells_how_each_step_went() {
    let server = cloud(|_| reply("404 Not Found", &json!({}))).await;
    let steps = steps(&password(server.url.join("/identity").unwrap())).await;
    let words: Vec<(Step, String)> =
        steps.into_iter().map(|(step, result)| (step, result.unwrap())).collect();
    let address = server.url.socket_addrs(|| None).unwrap()[0];
    let expected = [
        (Step::Reach, format!("connected to {address}")),
        (Step::Tls, "not encrypted: the address says http".to_owned()),
        (Step::Token, "logged in as demo in project infra".to_owned()),
        (Step::Endpoint, format!("http://{address}/image/v2/")),
    ];
    assert_eq!(words, expected);
}

#[tokio::test]
async fn a_probe_stops_where_it_fails() {
    let refused = Arc::new(json!({"error": {"code": 401, "title": "Unauthorized",
        "message": "The request you have made requires authentication."}}));
    let server = Server::start(move |request| match request.line.as_str() {
        "GET /v3" => reply("200 OK", &json!({"version": {"id": "v3.14"}})),
        _ => reply("401 Unauthorized", &refused),
    })
    .await;
    let steps = steps(&password(server.url.join("/v3").unwrap())).await;
    assert_eq!(
        steps.iter().map(|(step, _)| *step).collect::<Vec<_>>(),
        [Step::Reach, Step::Tls, Step::Token]
    );
    let error = steps[2].1.clone().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    let words =
        "The request you have made requires authentication: check user, password, domains and project";
    assert_eq!(error.message, words);
}

#[tokio::test]
async fn something_that_is_no_identity_service_is_named_so() {
    let server =
        Server::start(|_| Reply::Answer(answer("200 OK", &[("content-type", "text/html")], "<p>hi"))).await;
    let error = connect(password(server.url.clone())).await.err().unwrap();
    assert_eq!(error.message, "something answers there (200 OK), but it is no identity service");
}

#[tokio::test]
async fn a_ca_file_without_certificates_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, "nothing").unwrap();
    let url = Url::parse("https://127.0.0.1:1/").unwrap();
    let error = connect(Credentials { ca_file: Some(path.clone()), ..password(url) }).await.err().unwrap();
    assert_eq!(error.message, format!("{} holds no certificate in PEM form", path.display()));
}
