use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::server::{Reply, answer, json as reply};
use super::{ID, connected, image};
use crate::client::{ErrorKind, NewImage};
use crate::image::Visibility;
use crate::patch::PatchOp;

#[tokio::test]
async fn next_links_are_followed_below_a_path_prefix() {
    let (server, client) = connected(|request| match request.line.as_str() {
        "GET /image/v2/images?tag=a&tag=b+c&limit=1" => {
            let next = "/v2/images?tag=a&tag=b+c&limit=1&marker=m";
            reply("200 OK", &json!({"images": [image("active", json!({}))], "next": next}))
        }
        _ => reply("200 OK", &json!({"images": []})),
    })
    .await;
    let query = [("tag", "a".to_owned()), ("tag", "b c".to_owned()), ("limit", "1".to_owned())];
    let first = client.list_images(&query).await.unwrap();
    assert_eq!(first.images.len(), 1);
    assert_eq!(first.images[0].properties["os_distro"], "cirros");
    let second = client.next_images(&first.next.unwrap()).await.unwrap();
    assert_eq!((second.images.len(), second.next), (0, None));
    assert_eq!(server.lines().last().unwrap(), "GET /image/v2/images?tag=a&tag=b+c&limit=1&marker=m");
}

#[tokio::test]
async fn a_next_link_to_another_host_stays_on_ours() {
    let (server, client) = connected(|_| reply("200 OK", &json!({"images": []}))).await;
    client.next_images("http://elsewhere.example/x/v2/images?marker=m").await.unwrap();
    assert_eq!(server.lines().last().unwrap(), "GET /image/v2/images?marker=m");
    let error = client.next_images("http://elsewhere.example/v2/../../admin").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Rejected);
}

#[tokio::test]
async fn a_new_image_is_written_flat() {
    let (server, client) = connected(|_| reply("201 Created", &image("queued", json!({})))).await;
    let new = NewImage {
        name: Some("cirros".into()),
        disk_format: Some("qcow2".into()),
        visibility: Some(Visibility::Public),
        min_disk_gb: Some(1),
        tags: ["x".to_owned()].into(),
        properties: [("os_distro".to_owned(), "cirros".to_owned())].into(),
        ..NewImage::default()
    };
    assert_eq!(client.create_image(&new).await.unwrap().id, ID);
    let seen = server.seen();
    let request = seen.last().unwrap();
    assert_eq!(request.line, "POST /image/v2/images");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({"name": "cirros", "disk_format": "qcow2", "visibility": "public", "min_disk": 1,
        "tags": ["x"], "os_distro": "cirros"});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn changes_travel_as_json_patch_and_tags_are_escaped() {
    let (server, client) = connected(|request| match request.line.split(' ').next().unwrap() {
        "PATCH" => reply("200 OK", &image("active", json!({}))),
        _ => Reply::Answer(answer("204 No Content", &[], "")),
    })
    .await;
    client.update_image(ID, &[PatchOp::replace("name", "x")]).await.unwrap();
    client.add_tag(ID, "a/b c").await.unwrap();
    client.delete_image(ID).await.unwrap();
    let seen = server.seen();
    let patch = &seen[1];
    assert_eq!(patch.headers["content-type"], "application/openstack-images-v2.1-json-patch");
    assert_eq!(patch.body, br#"[{"op":"replace","path":"/name","value":"x"}]"#);
    assert_eq!(seen[2].line, format!("PUT /image/v2/images/{ID}/tags/a%2Fb%20c"));
    assert_eq!(seen[3].line, format!("DELETE /image/v2/images/{ID}"));
}

async fn refusal(status: &'static str, kind: &'static str, body: &'static str) -> crate::client::ClientError {
    let (_server, client) = connected(move |_| {
        let headers = [("content-type", kind), ("x-openstack-request-id", "req-5e1f")];
        Reply::Answer(answer(status, &headers, body))
    })
    .await;
    client.show_image(ID).await.unwrap_err()
}

#[tokio::test]
async fn every_kind_of_error_body_becomes_plain_words() {
    let words = format!("No image found with ID {ID}");
    let html = "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  \
        No image found with ID 8a0b1c2d-3e4f-4a5b-8c7d-9e0f1a2b3c4d<br /><br />\n\n\n\n </body>\n</html>";
    let plain = "404 Not Found\n\nNo image found with ID 8a0b1c2d-3e4f-4a5b-8c7d-9e0f1a2b3c4d\n\n   ";
    let flat = r#"{"message": "No image found with ID 8a0b1c2d-3e4f-4a5b-8c7d-9e0f1a2b3c4d<br /><br />\n\n\n",
        "code": "404 Not Found", "title": "Not Found"}"#;
    let nested = r#"{"error": {"code": 404, "title": "Not Found",
        "message": "No image found with ID 8a0b1c2d-3e4f-4a5b-8c7d-9e0f1a2b3c4d"}}"#;
    let bodies = [
        ("text/html; charset=UTF-8", html),
        ("text/plain; charset=UTF-8", plain),
        ("application/json", flat),
        ("application/json", nested),
    ];
    for (kind, body) in bodies {
        let error = refusal("404 Not Found", kind, body).await;
        assert_eq!(error.message, words, "{kind}: {body}");
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert_eq!(error.request_id.as_deref(), Some("req-5e1f"));
        assert_eq!(error.to_string(), format!("cannot show image {ID}: {words} (404, req-5e1f)"));
    }
}

#[tokio::test]
async fn escaped_words_are_unescaped_and_a_proxys_page_loses_its_style() {
    let html = "<html><head><style>body { color: red }</style></head><body><center><h1>413 Request Entity Too \
        Large</h1></center>a &lt; b &amp; c</body></html>";
    let error = refusal("413 Payload Too Large", "text/html", html).await;
    assert_eq!(error.message, "a < b & c");
    assert_eq!(error.kind, ErrorKind::TooLarge);
    let empty = refusal("409 Conflict", "text/plain", "").await;
    assert_eq!((empty.kind, empty.message.as_str()), (ErrorKind::Conflict, "409 Conflict"));
}

#[tokio::test]
async fn a_report_has_every_fact_on_a_line_of_its_own() {
    let error = refusal("403 Forbidden", "text/plain", "no").await;
    let report = error.report();
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines[0], format!("attempted: show image {ID}"));
    assert_eq!(lines[1..4], ["reason: no", "status: 403 Forbidden", "request id: req-5e1f"]);
    assert!(lines[4].starts_with("call: GET http://127.0.0.1:"), "{report}");
}

#[tokio::test]
async fn reads_are_repeated_while_the_service_is_busy_but_writes_are_not() {
    static READS: AtomicUsize = AtomicUsize::new(0);
    let (server, client) = connected(|request| match request.line.split(' ').next().unwrap() {
        "GET" if READS.fetch_add(1, Ordering::SeqCst) >= 2 => reply("200 OK", &image("active", json!({}))),
        "GET" | "DELETE" => reply("503 Service Unavailable", &json!({"message": "busy"})),
        _ => reply("409 Conflict", &json!({"message": "taken"})),
    })
    .await;
    assert_eq!(client.show_image(ID).await.unwrap().id, ID);
    let error = client.delete_image(ID).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Unavailable, Some(503)));
    let error = client.create_image(&NewImage::default()).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Conflict, "taken"));
    let count = |verb: &str| server.lines().iter().filter(|line| line.starts_with(verb)).count();
    assert_eq!((count("GET /image/v2"), count("DELETE"), count("POST")), (3, 1, 1));
}

#[tokio::test]
async fn nobody_listening_is_said_in_words() {
    let (server, client) = connected(|_| reply("200 OK", &json!({}))).await;
    let port = server.url.port().unwrap();
    drop(server);
    let mut error = client.show_image(ID).await.unwrap_err();
    while !error.message.contains("refuses") {
        // The listener closes when its task is next polled.
        tokio::task::yield_now().await;
        error = client.show_image(ID).await.unwrap_err();
    }
    assert_eq!(error.kind, ErrorKind::Transport);
    assert_eq!(error.message, format!("127.0.0.1:{port} refuses connections: nothing listens there"));
}

#[tokio::test]
async fn the_import_methods_are_listed() {
    let body = json!({"import-methods": {"type": "array", "value": ["web-download"], "description": "x"}});
    let (_server, client) = connected(move |_| reply("200 OK", &body)).await;
    assert_eq!(client.import_methods().await.unwrap().methods, ["web-download"]);
}
