//! Against the lab's identity behind a real socket, which can be told to fail.

use std::net::SocketAddr;
use std::sync::Mutex;

use bytes::Bytes;
use glasshouse_shared::identity::{AuthRequest, PasswordUser, Reference};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::config::{DomainRef, KeystoneAccess, LoginScope, Secret, ServiceLogin};
use crate::lab::{Identity, LabOptions, prepare};

/// What the server does instead of answering: asked with the request line before each call.
type Fault = Box<dyn Fn(&str) -> Option<Response<Vec<u8>>> + Send + Sync>;

pub struct Cloud {
    identity: Identity,
    pub address: SocketAddr,
    shared: Arc<Shared>,
    pub password: String,
    _dir: tempfile::TempDir,
}

#[derive(Default)]
struct Shared {
    /// The request lines so far.
    seen: Mutex<Vec<String>>,
    fault: Mutex<Option<Fault>>,
}

impl Cloud {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_, identity) =
            prepare(&LabOptions { data_dir: dir.path().to_path_buf(), listen: address }).unwrap();
        let clouds: serde_norway::Value =
            serde_norway::from_str(&std::fs::read_to_string(dir.path().join("clouds.yaml")).unwrap())
                .unwrap();
        let password =
            clouds["clouds"][crate::lab::CLOUD_ADMIN]["auth"]["password"].as_str().unwrap().to_owned();
        let shared = Arc::new(Shared::default());
        tokio::spawn(serve(listener, identity.clone(), Arc::clone(&shared)));
        Self { identity, address, shared, password, _dir: dir }
    }

    fn config(&self) -> KeystoneConfig {
        config(&format!("http://{}/identity", self.address), &self.password)
    }

    fn keystone(&self) -> Keystone {
        Keystone::new(&self.config()).unwrap()
    }

    pub fn fail(&self, fault: impl Fn(&str) -> Option<Response<Vec<u8>>> + Send + Sync + 'static) {
        *self.shared.fault.lock().unwrap() = Some(Box::new(fault));
    }

    fn mend(&self) {
        *self.shared.fault.lock().unwrap() = None;
    }

    /// How often a request line was seen.
    pub fn count(&self, line: &str) -> usize {
        self.shared.seen.lock().unwrap().iter().filter(|seen| seen.starts_with(line)).count()
    }

    /// A token of the administrator.
    async fn token(&self) -> String {
        let user = PasswordUser {
            id: None,
            name: Some("admin".into()),
            domain: Some(Reference::by_id("default")),
            password: self.password.clone(),
        };
        let body = serde_json::to_vec(&AuthRequest::password(user, None)).unwrap();
        let headers = http::HeaderMap::new();
        let answer =
            self.identity.answer((&Method::POST, "/v3/auth/tokens", None), &headers, &body, "http://x").await;
        answer.headers()["x-subject-token"].to_str().unwrap().to_owned()
    }
}

async fn serve(listener: TcpListener, identity: Identity, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (identity, shared) = (identity.clone(), Arc::clone(&shared));
        let service = service_fn(move |request: Request<Incoming>| {
            let (identity, shared) = (identity.clone(), Arc::clone(&shared));
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let line = format!("{} {}", parts.method, parts.uri);
                shared.seen.lock().unwrap().push(line.clone());
                let failed = shared.fault.lock().unwrap().as_ref().and_then(|fault| fault(&line));
                let answer = if let Some(answer) = failed {
                    answer
                } else {
                    let path = parts.uri.path().strip_prefix("/identity").unwrap_or("/nowhere");
                    let query = parts.uri.query();
                    identity.answer((&parts.method, path, query), &parts.headers, &body, "http://lab").await
                };
                Ok::<_, hyper::Error>(answer.map(|body| Full::new(Bytes::from(body))))
            }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}

pub fn access(auth_url: &str, password: &str) -> KeystoneAccess {
    KeystoneAccess {
        section: "keystone_authtoken".into(),
        auth_url: auth_url.parse().unwrap(),
        login: ServiceLogin::Password {
            username: "admin".into(),
            user_domain: DomainRef::Name("Default".into()),
            password: Secret::new(password),
            scope: LoginScope::Project { name: "admin".into(), domain: DomainRef::Id("default".into()) },
        },
        cafile: None,
        insecure: false,
        timeout: Duration::from_secs(20),
        max_retries: 1,
    }
}

fn config(auth_url: &str, password: &str) -> KeystoneConfig {
    with_access(access(auth_url, password))
}

fn with_access(access: KeystoneAccess) -> KeystoneConfig {
    KeystoneConfig {
        access,
        www_authenticate_uri: Some("http://public:5000/".parse().unwrap()),
        token_cache_time: Some(Duration::from_mins(5)),
        service_token_roles: vec!["service".into()],
        service_token_roles_required: true,
        delay_auth_decision: true,
    }
}

pub fn answer(status: u16, message: &str) -> Response<Vec<u8>> {
    let body = json!({"error": {"code": status, "message": message, "title": "x"}});
    Response::builder().status(status).body(serde_json::to_vec(&body).unwrap()).unwrap()
}

fn reason(outcome: Result<impl std::fmt::Debug, AuthError>) -> String {
    match outcome {
        Err(AuthError::Unreachable { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

const VALIDATE: &str = "GET /identity/v3/auth/tokens?nocatalog";
const LOG_IN: &str = "POST /identity/v3/auth/tokens";

#[tokio::test]
async fn a_good_token_is_asked_about_once() {
    let cloud = Cloud::start().await;
    let (keystone, token) = (cloud.keystone(), cloud.token().await);
    for _ in 0..3 {
        let said = keystone.validate(&token).await.unwrap();
        assert_eq!(
            (said.user.name.as_str(), said.project.as_ref().unwrap().name.as_str()),
            ("admin", "admin")
        );
    }
    assert_eq!((cloud.count(LOG_IN), cloud.count(VALIDATE)), (1, 1));
}

#[tokio::test]
async fn many_requests_with_one_token_make_one_call() {
    let cloud = Cloud::start().await;
    let (keystone, token) = (Arc::new(cloud.keystone()), cloud.token().await);
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let (keystone, token) = (Arc::clone(&keystone), token.clone());
            tokio::spawn(async move { keystone.validate(&token).await })
        })
        .collect();
    for outcome in asked {
        assert_eq!(outcome.await.unwrap().unwrap().user.name, "admin");
    }
    assert_eq!((cloud.count(LOG_IN), cloud.count(VALIDATE)), (1, 1));
}

#[tokio::test]
async fn a_bad_token_is_remembered_as_bad() {
    let cloud = Cloud::start().await;
    let keystone = cloud.keystone();
    for _ in 0..3 {
        assert_eq!(keystone.validate("unknown").await, Err(AuthError::Invalid));
    }
    assert_eq!(cloud.count(VALIDATE), 1);
}

#[tokio::test]
async fn without_a_cache_every_request_asks() {
    let cloud = Cloud::start().await;
    let keystone = Keystone::new(&KeystoneConfig { token_cache_time: None, ..cloud.config() }).unwrap();
    let token = cloud.token().await;
    keystone.validate(&token).await.unwrap();
    keystone.validate(&token).await.unwrap();
    assert_eq!((cloud.count(LOG_IN), cloud.count(VALIDATE)), (1, 2));
}

#[tokio::test]
async fn a_remembered_token_that_has_ended_is_refused() {
    let cloud = Cloud::start().await;
    let (keystone, token) = (cloud.keystone(), cloud.token().await);
    let mut ended = keystone.validate(&token).await.unwrap();
    Arc::make_mut(&mut ended).expires_at = now();
    keystone.tokens.insert((digest(&token), false), Verdict::Valid(Arc::clone(&ended))).await;
    assert_eq!(keystone.validate(&token).await, Err(AuthError::Invalid));
    keystone.tokens.insert((digest(&token), true), Verdict::Valid(ended)).await;
    assert_eq!(keystone.validate_vouched(&token).await.unwrap().user.name, "admin");
}

#[tokio::test]
async fn ended_tokens_are_asked_about_only_for_a_service() {
    let cloud = Cloud::start().await;
    let (keystone, token) = (cloud.keystone(), cloud.token().await);
    keystone.validate(&token).await.unwrap();
    assert_eq!(cloud.count("GET /identity/v3/auth/tokens?nocatalog&allow_expired=1"), 0);
    keystone.validate_vouched(&token).await.unwrap();
    assert_eq!(cloud.count("GET /identity/v3/auth/tokens?nocatalog&allow_expired=1"), 1);
}

#[tokio::test]
async fn an_own_token_that_is_refused_is_renewed_once() {
    let cloud = Cloud::start().await;
    let (keystone, token) = (cloud.keystone(), cloud.token().await);
    keystone.validate("another").await.unwrap_err();
    let own = keystone.session.own_token().await.unwrap();
    let headers = [("x-auth-token", &*own.secret), ("x-subject-token", &*own.secret)].map(|(name, value)| {
        (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap())
    });
    let revoke = Method::DELETE;
    cloud.identity.answer((&revoke, "/v3/auth/tokens", None), &headers.into_iter().collect(), b"", "").await;
    assert_eq!(keystone.validate(&token).await.unwrap().user.name, "admin");
    assert_eq!(cloud.count(LOG_IN), 2);
    cloud.fail(|line| line.starts_with("GET").then(|| answer(401, "no")));
    assert!(reason(keystone.validate("a third").await).contains("refuses the token of our own"));
    assert_eq!(cloud.count(LOG_IN), 3);
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_and_a_lasting_one_is_told() {
    let cloud = Cloud::start().await;
    let (keystone, token) = (cloud.keystone(), cloud.token().await);
    let left = Mutex::new(1);
    cloud.fail(move |line| {
        let mut left = left.lock().unwrap();
        let fails = line.starts_with("GET") && *left > 0;
        *left -= i32::from(fails);
        fails.then(|| answer(503, "busy"))
    });
    keystone.validate(&token).await.unwrap();
    assert_eq!(cloud.count(VALIDATE), 2);
    cloud.fail(|_| Some(answer(503, "busy")));
    assert!(reason(keystone.validate("other").await).contains("answered 503: busy"));
    assert_eq!(keystone.validate(&token).await.unwrap().user.name, "admin", "what is remembered goes on");
    cloud.mend();
    assert_eq!(keystone.validate("other").await, Err(AuthError::Invalid), "a failure is not remembered");
}

#[tokio::test]
async fn a_good_login_is_silent() {
    let cloud = Cloud::start().await;
    cloud.keystone().login().await.unwrap();
    assert_eq!(cloud.keystone().challenge().unwrap(), "Keystone uri=\"http://public:5000\"");
}

#[tokio::test]
async fn a_wrong_password_is_told_with_the_mend() {
    let cloud = Cloud::start().await;
    let wrong = KeystoneConfig { ..config(&format!("http://{}/identity", cloud.address), "wrong") };
    let said = reason(Keystone::new(&wrong).unwrap().login().await);
    assert!(
        said.contains("refuses the login of user admin (domain Default) for project admin (domain default)"),
        "{said}"
    );
    assert!(said.contains("openstack role add --project admin --user admin service"), "{said}");
    assert!(!said.contains("wrong\""), "{said}");
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_with_the_mend() {
    let cloud = Cloud::start().await;
    cloud.fail(|line| {
        line.contains("auth/tokens?nocatalog")
            .then(|| line.starts_with("GET"))
            .filter(|is| *is)
            .map(|_| answer(403, "not you"))
    });
    let said = reason(cloud.keystone().login().await);
    assert!(said.contains("not you") && said.contains("openstack role add"), "{said}");
}

#[tokio::test]
async fn a_wrong_path_is_told() {
    let cloud = Cloud::start().await;
    let elsewhere = config(&format!("http://{}", cloud.address), &cloud.password);
    let said = reason(Keystone::new(&elsewhere).unwrap().login().await);
    assert!(said.contains("no Keystone v3") && said.contains("404") && said.contains("auth_url"), "{said}");
    cloud.fail(|_| Some(Response::new(b"<html>a web page</html>".to_vec())));
    assert!(reason(cloud.keystone().login().await).contains("no version document"));
    cloud.fail(|_| {
        Some(
            Response::builder().status(301).header("location", "https://c:5000/v3").body(Vec::new()).unwrap(),
        )
    });
    assert!(reason(cloud.keystone().login().await).contains("sends its callers to https://c:5000/v3"));
}

#[tokio::test]
async fn a_closed_port_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let closed = config(&format!("http://{address}"), "x");
    let said = reason(Keystone::new(&closed).unwrap().login().await);
    assert!(said.contains("nothing answers at") && said.contains(&address.to_string()), "{said}");
}

#[tokio::test]
async fn a_name_without_address_is_told() {
    let nowhere =
        with_access(KeystoneAccess { max_retries: 0, ..access("http://controller.invalid:5000", "x") });
    let said = reason(Keystone::new(&nowhere).unwrap().login().await);
    assert!(said.contains("the host controller.invalid"), "{said}");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = with_access(KeystoneAccess {
        timeout: Duration::from_secs(1),
        ..access(&format!("http://{}", listener.local_addr().unwrap()), "x")
    });
    let said = reason(Keystone::new(&silent).unwrap().login().await);
    assert!(said.contains("did not answer in 1 seconds"), "{said}");
}

#[tokio::test]
async fn plain_http_where_tls_is_expected_is_told() {
    let cloud = Cloud::start().await;
    let tls = with_access(KeystoneAccess {
        max_retries: 0,
        ..access(&format!("https://{}/identity", cloud.address), "x")
    });
    let said = reason(Keystone::new(&tls).unwrap().login().await);
    assert!(said.contains("is not trusted"), "{said}");
}

#[test]
fn a_cafile_without_certificates_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cafile = dir.path().join("ca.pem");
    let with = |cafile| {
        with_access(KeystoneAccess { cafile: Some(cafile), ..access("https://controller:5000", "x") })
    };
    for text in [None, Some("no certificate")] {
        if let Some(text) = text {
            std::fs::write(&cafile, text).unwrap();
        }
        let Err(refused) = Keystone::new(&with(cafile.clone())) else { panic!("it was taken") };
        assert!(refused.to_string().contains("ca.pem"), "{refused}");
    }
}
