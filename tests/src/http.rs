//! Requests as a client's library makes them, and answers with everything a test asks about them.
//!
//! Blocking, so that a test reads from top to bottom. [`Api::begin_upload`] speaks to the bare socket, for what no
//! well-behaved library can be made to do.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_util::io::ReaderStream;

use crate::{process, wait};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    // An error says that another part of the process was first, with the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    client.timeout(Duration::from_mins(10)).build().expect("a client")
});

/// A service at an address, asked with or without a token.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    token: Option<String>,
}

/// A connection that was refused or broke.
pub type Broken = reqwest::Error;

/// A request in the making.
#[derive(Debug)]
pub struct Call {
    request: reqwest::RequestBuilder,
    shown: String,
    port: Option<u16>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    shown: String,
    port: Option<u16>,
}

impl Api {
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), token: None }
    }

    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn without_token(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn call(&self, method: &str, path: &str) -> Call {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let shown = format!("{method} {path}");
        let mut request = CLIENT.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("x-auth-token", token);
        }
        let port = self.base.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Call { request, shown, port }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send()
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path).send()
    }

    pub fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path).json(body).send()
    }

    pub fn put_json(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path).json(body).send()
    }

    /// PATCH with the media type of the Images API.
    pub fn patch(&self, path: &str, operations: &Value) -> Answer {
        let call =
            self.call("PATCH", path).header("content-type", "application/openstack-images-v2.1-json-patch");
        call.bytes(operations.to_string().into_bytes()).send()
    }

    /// Makes an image and returns its id.
    pub fn create_image(&self, body: &Value) -> String {
        let made = self.post_json("/v2/images", body).expect(201).json();
        made["id"].as_str().expect("an id").to_owned()
    }

    /// PUT of an image's data.
    pub fn upload(&self, id: &str, data: impl Into<Vec<u8>>) -> Answer {
        let call = self.call("PUT", &format!("/v2/images/{id}/file"));
        call.header("content-type", "application/octet-stream").bytes(data).send()
    }

    /// [`Api::upload`] out of a file that is not read into memory.
    pub fn upload_file(&self, id: &str, file: &Path) -> Answer {
        let call = self.call("PUT", &format!("/v2/images/{id}/file"));
        call.header("content-type", "application/octet-stream").file(file).send()
    }

    /// Opens a socket and asks for an image's data; nothing is read yet.
    pub fn begin_download(&self, id: &str) -> TcpStream {
        let address = self.base.trim_start_matches("http://");
        let mut socket = TcpStream::connect(address).expect("a connection");
        let token = self.token.as_deref().unwrap_or_default();
        let head =
            format!("GET /v2/images/{id}/file HTTP/1.1\r\nHost: {address}\r\nX-Auth-Token: {token}\r\n\r\n");
        socket.write_all(head.as_bytes()).expect("the head is taken");
        socket
    }

    /// Opens a socket and sends the head of an upload of `declared` bytes, then `sent` bytes of it.
    /// Dropping the socket is the client that hangs up.
    pub fn begin_upload(&self, id: &str, declared: u64, sent: &[u8]) -> TcpStream {
        let address = self.base.trim_start_matches("http://");
        let mut socket = TcpStream::connect(address).expect("a connection");
        socket.set_write_timeout(Some(wait::STEP)).expect("a limit");
        let token = self.token.as_deref().unwrap_or_default();
        let head = format!(
            "PUT /v2/images/{id}/file HTTP/1.1\r\nHost: {address}\r\nX-Auth-Token: {token}\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {declared}\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).expect("the head is taken");
        socket.write_all(sent).expect("the data is taken");
        socket.flush().expect("sent");
        socket
    }
}

impl Call {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        self.request = self.request.header(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").bytes(body.to_string().into_bytes())
    }

    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request = self.request.body(body.into());
        self
    }

    /// A body of unknown length, read from a file piece by piece.
    pub fn file(mut self, path: &Path) -> Self {
        let file = RUNTIME.block_on(tokio::fs::File::open(path)).expect("a file to send");
        self.request =
            self.request.body(reqwest::Body::wrap_stream(ReaderStream::with_capacity(file, 1 << 20)));
        self
    }

    /// Sends it; only a broken connection is a failure of the test.
    pub fn send(self) -> Answer {
        let shown = self.shown.clone();
        self.try_send().unwrap_or_else(|e| panic!("{shown} got no answer: {e:?}"))
    }

    /// Sends it; an error is a connection that was refused or broke.
    pub fn try_send(self) -> Result<Answer, Broken> {
        let Self { request, shown, port } = self;
        RUNTIME.block_on(async {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok(Answer { status, headers, body: response.bytes().await?.to_vec(), shown, port })
        })
    }

    /// Sends it and drops the body as it comes; tells how many bytes there were.
    pub fn send_and_count(self) -> (u16, u64) {
        RUNTIME.block_on(async {
            let mut response = self.request.send().await.expect("an answer");
            let mut bytes = 0;
            while let Some(chunk) = response.chunk().await.expect("the whole body") {
                bytes += chunk.len() as u64;
            }
            (response.status().as_u16(), bytes)
        })
    }
}

impl Answer {
    /// Fails the test unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert!(
            self.status == status,
            "{}: {} instead of {status}: {}{}",
            self.shown,
            self.status,
            self.text(),
            self.log_of_the_server()
        );
        self
    }

    /// Why the server failed, in its own words: the answer itself never tells.
    fn log_of_the_server(&self) -> String {
        let log = self.port.filter(|_| self.status >= 500).and_then(process::log_at);
        log.map(|log| format!("\n--- the end of the server's log\n{log}")).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{}: not JSON ({e}): {}", self.shown, self.text()))
    }
}
