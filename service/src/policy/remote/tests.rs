//! Against a server behind a real socket that answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use glasshouse_shared::image::{Image, Status, Visibility};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::*;
use crate::config::PolicyConfig;
use crate::policy::{Enforcer, Rule, Target};

type Question = (String, String, String);

/// What the server was asked: path, content type, body.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Question>>>);

impl Seen {
    fn last(&self) -> Question {
        self.0.lock().unwrap().last().cloned().unwrap()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A server that gives each question this answer.
async fn server(status: u16, answer: &'static str) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Seen::default());
    let told = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let told = told.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let told = told.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = String::from_utf8(body.collect().await?.to_bytes().to_vec()).unwrap();
                    let kind = parts.headers["content-type"].to_str().unwrap().to_owned();
                    told.0.lock().unwrap().push((parts.uri.to_string(), kind, body));
                    let response = Response::builder().status(status).body(Full::new(Bytes::from(answer)));
                    Ok::<_, hyper::Error>(response.unwrap())
                }
            });
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, seen)
}

fn enforcer(check: &str, remote: RemoteChecksConfig) -> Enforcer {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.yaml");
    std::fs::write(&file, format!("get_image: \"{check}\"\n")).unwrap();
    Enforcer::new(&PolicyConfig { file: Some(file), remote, ..PolicyConfig::default() }).unwrap()
}

fn caller() -> Context {
    Context {
        user_id: Some("u1".into()),
        project_id: Some("p1".into()),
        roles: vec!["reader".into()],
        ..Context::default()
    }
}

fn image() -> Image {
    let now = crate::clock::now();
    Image {
        id: "i1".into(),
        name: None,
        status: Status::Active,
        visibility: Visibility::Private,
        protected: false,
        hidden: true,
        owner: Some("p1".into()),
        disk_format: None,
        container_format: None,
        min_disk_gb: 3,
        min_ram_mb: 0,
        tags: ["a".to_owned()].into(),
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        created_at: now,
        updated_at: now,
        properties: [("path".to_owned(), "a/../b c?d".to_owned())].into(),
    }
}

fn allows(enforcer: &Enforcer, target: &Target<'_>) -> bool {
    enforcer.allows(&caller(), Rule::GetImage, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_sent_rule_target_and_caller_and_allows_with_one_word() {
    let (address, seen) = server(200, "\"True\"\n").await;
    let enforcer = enforcer(&format!("http://{address}/ask"), RemoteChecksConfig::default());
    assert!(allows(&enforcer, &Target::of_image(&image(), Some("p2")).set("extra", "x")));
    let (path, kind, body) = seen.last();
    assert_eq!((path.as_str(), kind.as_str()), ("/ask", "application/x-www-form-urlencoded"));
    let fields: std::collections::BTreeMap<String, String> =
        url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    assert_eq!(fields["rule"], "\"get_image\"");
    let target: Value = serde_json::from_str(&fields["target"]).unwrap();
    assert_eq!((&target["owner"], &target["member_id"]), (&json!("p1"), &json!("p2")));
    assert_eq!((&target["min_disk"], &target["os_hidden"]), (&json!(3), &json!(true)));
    assert_eq!((&target["path"], &target["extra"]), (&json!("a/../b c?d"), &json!("x")));
    let credentials: Value = serde_json::from_str(&fields["credentials"]).unwrap();
    assert_eq!((&credentials["user_id"], &credentials["roles"]), (&json!("u1"), &json!(["reader"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_may_be_json() {
    let (address, seen) = server(200, "True").await;
    let remote =
        RemoteChecksConfig { content_type: RemoteContentType::Json, ..RemoteChecksConfig::default() };
    assert!(allows(&enforcer(&format!("http://{address}"), remote), &Target::new()));
    let (_, kind, body) = seen.last();
    assert_eq!(kind, "application/json");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["rule"], &body["target"]), (&json!("get_image"), &json!({})));
    assert_eq!(body["credentials"]["project_id"], "p1");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_not_the_word_refuses() {
    for answer in ["False", "true", "", "True and more"] {
        let (address, seen) = server(200, answer).await;
        let asked = enforcer(&format!("http://{address}"), RemoteChecksConfig::default());
        assert!(!allows(&asked, &Target::new()), "{answer}");
        assert_eq!(seen.count(), 1);
        let other = enforcer(&format!("not http://{address}"), RemoteChecksConfig::default());
        assert!(allows(&other, &Target::new()), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_the_whole_rule_refuses() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (failing, _) = server(500, "True").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [closed, failing, silent.local_addr().unwrap()] {
        let remote = RemoteChecksConfig { timeout: Duration::from_secs(1), ..RemoteChecksConfig::default() };
        for check in
            [format!("http://{address}"), format!("not http://{address}"), format!("http://{address} or @")]
        {
            assert!(!allows(&enforcer(&check, remote.clone()), &Target::new()), "{check}");
        }
        let known = enforcer(&format!("role:reader or http://{address}"), remote.clone());
        assert!(allows(&known, &Target::new()), "nobody needs to be asked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_target_fills_the_address_and_cannot_lead_elsewhere() {
    let (address, seen) = server(200, "True").await;
    let check = format!("http://{address}/%(owner)s/%(path)s/%(name)s");
    let enforcer = enforcer(&check, RemoteChecksConfig::default());
    assert!(allows(&enforcer, &Target::of_image(&image(), None)));
    assert_eq!(seen.last().0, "/p1/a%2F..%2Fb%20c%3Fd/None");
    assert!(!allows(&enforcer, &Target::new()), "an attribute that is missing cannot be asked about");
    assert_eq!(seen.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_requests_go_on_while_one_waits() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let enforcer = Arc::new(enforcer(&format!("http://{address}"), RemoteChecksConfig::default()));
    let waiting: Vec<_> = (0..16)
        .map(|_| {
            let enforcer = Arc::clone(&enforcer);
            tokio::spawn(async move { allows(&enforcer, &Target::new()) })
        })
        .collect();
    // More askers than threads, and still somebody is there to take the connections.
    let mut connections = Vec::new();
    for _ in &waiting {
        connections.push(listener.accept().await.unwrap());
    }
    drop(connections);
    for asked in waiting {
        assert!(!asked.await.unwrap());
    }
}

#[tokio::test]
async fn a_runtime_of_one_thread_does_not_wait() {
    let (address, seen) = server(200, "True").await;
    assert!(!allows(&enforcer(&format!("http://{address}"), RemoteChecksConfig::default()), &Target::new()));
    assert_eq!(seen.count(), 0);
}

#[test]
fn files_that_cannot_be_used_stop_the_start_when_there_is_such_a_check() {
    let dir = tempfile::tempdir().unwrap();
    let policy = dir.path().join("policy.yaml");
    let missing = dir.path().join("missing.pem");
    let remotes = [
        RemoteChecksConfig { ca_file: Some(missing.clone()), ..RemoteChecksConfig::default() },
        RemoteChecksConfig { client_certificate: Some(missing), ..RemoteChecksConfig::default() },
    ];
    for (remote, option) in remotes.into_iter().zip(["remote_ssl_ca_crt_file", "remote_ssl_client_crt_file"])
    {
        let config = PolicyConfig { file: Some(policy.clone()), remote, ..PolicyConfig::default() };
        std::fs::write(&policy, "get_image: https://server/x\n").unwrap();
        let said = Enforcer::new(&config).unwrap_err().to_string();
        assert!(said.contains(option) && said.contains("missing.pem"), "{said}");
        std::fs::write(&policy, "get_image: role:reader\n").unwrap();
        Enforcer::new(&config).unwrap();
    }
}
