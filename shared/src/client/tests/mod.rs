//! The client against a server that plays a script.

mod calls;
mod login;
mod pieces;
mod server;
mod transfers;

use std::time::Duration;

use serde_json::{Value, json};

use self::server::{Reply, Request, Server};
use super::credentials::Credentials;
use super::{Client, Limits};

const ID: &str = "8a0b1c2d-3e4f-4a5b-8c7d-9e0f1a2b3c4d";
const HELLO: &[u8] = b"hello glasshouse\n";

fn limits() -> Limits {
    Limits {
        idle: Duration::from_secs(5),
        commit: Duration::from_secs(5),
        retries: 3,
        resumes: 3,
        back_off: Duration::from_millis(1),
    }
}

fn image(status: &str, changes: Value) -> Value {
    let mut image = json!({
        "id": ID, "name": "cirros", "status": status, "visibility": "shared", "tags": ["a"], "size": null,
        "virtual_size": null, "checksum": null, "os_hash_algo": null, "os_hash_value": null, "owner": "p1",
        "disk_format": "qcow2", "container_format": "bare", "protected": false, "os_hidden": false,
        "min_disk": 0, "min_ram": 0, "created_at": "2026-03-01T09:00:00Z", "updated_at": "2026-03-01T09:00:00Z",
        "self": format!("/v2/images/{ID}"), "schema": "/v2/schemas/image", "os_distro": "cirros",
    });
    for (key, value) in changes.as_object().unwrap() {
        image[key] = value.clone();
    }
    image
}

fn v2() -> Value {
    let v2 =
        json!({"id": "v2.17", "status": "CURRENT", "links": [{"rel": "self", "href": "http://inside/v2/"}]});
    json!({"versions": [v2]})
}

fn versions() -> Reply {
    server::json("300 Multiple Choices", &v2())
}

/// A server without identity, and a client that is connected to it.
async fn connected(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Server, Client) {
    let server = Server::start(move |request| match request.line.as_str() {
        "GET /image/" => versions(),
        _ => handler(request),
    })
    .await;
    let credentials = Credentials::without_identity(server.url.join("/image").unwrap());
    let client = Client::connect_within(credentials, limits()).await.unwrap();
    (server, client)
}

/// The desktop spawns these on a runtime with several threads.
#[tokio::test]
async fn calls_may_move_between_threads() {
    fn may_move<F: Future + Send>(future: F) -> F {
        future
    }
    let (_server, client) = connected(|_| server::json("404 Not Found", &json!({}))).await;
    let progress = super::Progress::new();
    let missing = super::Upload::file("/nonexistent");
    let error = may_move(client.upload(ID, missing, &progress)).await.unwrap_err();
    assert_eq!(error.status, Some(404));
    let error = may_move(client.download(ID, std::path::Path::new("/nonexistent/x"), &progress)).await;
    assert_eq!(error.unwrap_err().status, Some(404));
    let connecting = may_move(super::probe(client.credentials(), |_, _| {}));
    assert_eq!(connecting.await.unwrap().endpoint(), client.endpoint());
}
