//! A server that plays a script: each connection carries one request.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What came in.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// "GET /v2/images?limit=2"
    pub(super) line: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// What goes out.
pub(super) enum Reply {
    /// An answer to the whole request.
    Answer(Vec<u8>),
    /// An answer as soon as the head and this many bytes of the body are in; then the connection is cut with
    /// the rest unread.
    Cut { after_bytes: usize, answer: Vec<u8> },
    /// The same, but what still comes is read and thrown away.
    Drain { answer: Vec<u8> },
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

pub(super) struct Server {
    pub(super) url: Url,
    seen: Arc<Mutex<Vec<Request>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// The handler sees the head before the body is read.
    pub(super) async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (handler, log): (Arc<Handler>, _) = (Arc::new(handler), Arc::clone(&seen));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&handler), Arc::clone(&log)));
            }
        });
        Self { url, seen, accepting }
    }

    pub(super) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|request| request.line).collect()
    }
}

async fn serve(stream: TcpStream, handler: Arc<Handler>, log: Arc<Mutex<Vec<Request>>>) {
    let mut stream = BufReader::with_capacity(1, stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let (line, rest) = head.split_once("\r\n").unwrap();
    let headers: BTreeMap<String, String> = rest
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    let mut request = Request { line, headers, body: Vec::new() };
    let reply = handler(&request);
    let wanted = match &reply {
        Reply::Answer(_) => length,
        Reply::Cut { after_bytes, .. } => *after_bytes,
        Reply::Drain { .. } => 0,
    };
    request.body = vec![0; wanted];
    let complete = stream.read_exact(&mut request.body).await.is_ok();
    log.lock().unwrap().push(request);
    if !complete {
        return;
    }
    match reply {
        Reply::Answer(answer) | Reply::Cut { answer, .. } => {
            let _ = stream.write_all(&answer).await;
        }
        Reply::Drain { answer } => {
            let _ = stream.write_all(&answer).await;
            let mut sink = vec![0; 1 << 16];
            while matches!(stream.read(&mut sink).await, Ok(count) if count > 0) {}
        }
    }
}

/// A whole answer with the length of its body.
pub(super) fn answer(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = head(status, headers, body.len());
    bytes.extend_from_slice(body);
    bytes
}

/// A head that announces a length.
pub(super) fn head(status: &str, headers: &[(&str, &str)], length: usize) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    text.push_str("\r\n");
    text.into_bytes()
}

pub(super) fn json(status: &str, body: &serde_json::Value) -> Reply {
    Reply::Answer(answer(status, &[("content-type", "application/json")], body.to_string()))
}
