//! The http store: reads what lies on a web server. It keeps nothing itself.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_LENGTH, LOCATION, RANGE};
use reqwest::{Client, Method, Response, StatusCode, Url};

use crate::outbound::{Filter, Refused};

use super::{Backend, ByteRange, ByteStream, StoreError, Writer};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// A server that is silent for so long has gone.
const SILENCE_TIMEOUT: Duration = Duration::from_mins(1);
const REDIRECTS_MAX: usize = 5;

pub struct HttpBackend {
    client: Client,
    outbound: Arc<Filter>,
}

/// Names become addresses that may be connected to at the moment of the connection, and not once before it.
struct Resolver {
    outbound: Arc<Filter>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let outbound = Arc::clone(&self.outbound);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted = outbound.admit(name.as_str(), found.map(|socket| socket.ip()).collect());
            if admitted.is_empty() {
                return Err("the host has no address that is allowed".into());
            }
            let sockets: Addrs = Box::new(admitted.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(sockets)
        })
    }
}

impl HttpBackend {
    /// `ca_file` holds the only certificates that are believed; without it `insecure` decides whether any is.
    /// `outbound` says where servers may lead, and to which addresses names.
    pub fn open(insecure: bool, ca_file: Option<&Path>, outbound: &Arc<Filter>) -> Result<Self, StoreError> {
        // Whoever comes first installs it; that it is there already is well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Resolver { outbound: Arc::clone(outbound) }))
            .no_proxy()
            .user_agent(concat!("glasshouse-service/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = ca_file {
            let pem = std::fs::read(file).map_err(other)?;
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem).map_err(other)?);
        } else if insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        Ok(Self { client: builder.build().map_err(other)?, outbound: Arc::clone(outbound) })
    }

    /// Asks, and follows where the answer leads as far as that is allowed.
    async fn ask(&self, method: Method, url: &str, range: Option<ByteRange>) -> Result<Response, StoreError> {
        let parsed = Url::parse(url).ok().filter(is_web);
        let mut place = parsed.ok_or_else(|| StoreError::BadLocation(url.to_owned()))?;
        for _ in 0..=REDIRECTS_MAX {
            let response = self.send(method.clone(), place.clone(), range).await?;
            let Some(next) = redirect(&response, &place) else { return Ok(response) };
            let led_astray = |error: Refused| {
                StoreError::Unreachable(format!("the web server leads elsewhere: {error}").into())
            };
            self.outbound.check_parsed(&next).map_err(led_astray)?;
            place = next;
        }
        Err(StoreError::Unreachable("the web server leads from one place to the next".into()))
    }

    async fn send(&self, method: Method, url: Url, range: Option<ByteRange>) -> Result<Response, StoreError> {
        let mut request = self.client.request(method, url);
        if let Some(range) = range {
            let last = range.offset_bytes + range.length_bytes.saturating_sub(1);
            request = request.header(RANGE, format!("bytes={}-{last}", range.offset_bytes));
        }
        // Addresses may hold a password: they stay out of texts.
        request.send().await.map_err(|error| StoreError::Unreachable(error.without_url().into()))
    }
}

#[async_trait]
impl Backend for HttpBackend {
    fn scheme(&self) -> &'static str {
        "http"
    }

    fn reads(&self, scheme: &str) -> bool {
        matches!(scheme, "http" | "https")
    }

    async fn writer(&self, _id: &str, _size_hint_bytes: Option<u64>) -> Result<Box<dyn Writer>, StoreError> {
        Err(StoreError::ReadOnly)
    }

    async fn reader(
        &self,
        url: &str,
        size_bytes: Option<u64>,
        range: Option<ByteRange>,
    ) -> Result<ByteStream, StoreError> {
        let response = self.ask(Method::GET, url, range).await?;
        let status = response.status();
        refuse(status)?;
        // What a server may leave out is no mistake, and of a part it says how long the part is.
        if let (StatusCode::OK, Some(recorded_bytes), Some(stored_bytes)) =
            (status, size_bytes, response.content_length())
            && recorded_bytes != stored_bytes
        {
            return Err(StoreError::WrongSize { recorded_bytes, stored_bytes });
        }
        let bytes =
            response.bytes_stream().map_err(|error| StoreError::Unreachable(error.without_url().into()));
        match range {
            None => Ok(Box::pin(bytes)),
            // A server may know no ranges, and then sends everything.
            Some(range) if status == StatusCode::OK => {
                Ok(Box::pin(cut(bytes, range.offset_bytes, range.length_bytes)))
            }
            Some(range) => Ok(Box::pin(cut(bytes, 0, range.length_bytes))),
        }
    }

    async fn size(&self, url: &str) -> Result<u64, StoreError> {
        let mut response = self.ask(Method::HEAD, url, None).await?;
        if matches!(response.status(), StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED) {
            response = self.ask(Method::GET, url, None).await?;
        }
        refuse(response.status())?;
        let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        length
            .and_then(|length| length.parse().ok())
            .ok_or_else(|| other("the web server does not say how long the data is"))
    }

    fn location(&self, _id: &str) -> Result<String, StoreError> {
        Err(StoreError::ReadOnly)
    }

    async fn delete(&self, _url: &str) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    /// There is no server to try before a location names one.
    async fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        Ok(0)
    }
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Other(error.into())
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Where an answer leads. A redirect to nowhere, or to what is no web server, is an answer like others.
fn redirect(response: &Response, place: &Url) -> Option<Url> {
    let leads = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let target = response.headers().get(LOCATION).filter(|_| leads)?;
    place.join(target.to_str().ok()?).ok().filter(is_web)
}

fn refuse(status: StatusCode) -> Result<(), StoreError> {
    match status {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(()),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(StoreError::NotFound),
        status => Err(StoreError::Unreachable(format!("the web server answered {status}").into())),
    }
}

/// `length` bytes after the first `skip`; an end before that is an error, never a short answer.
fn cut(
    bytes: impl stream::Stream<Item = Result<Bytes, StoreError>> + Send + Sync + 'static,
    skip: u64,
    length: u64,
) -> impl stream::Stream<Item = Result<Bytes, StoreError>> + Send + Sync {
    stream::unfold(Some((Box::pin(bytes), skip, length)), |state| async move {
        let (mut bytes, mut skip, mut left) = state?;
        while left > 0 {
            let mut frame = match bytes.next().await {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Some((Err(error), None)),
                None => return Some((Err(other("the data of the web server is too short")), None)),
            };
            let passed = usize::try_from(skip).unwrap_or(usize::MAX).min(frame.len());
            frame = frame.split_off(passed);
            skip -= passed as u64;
            frame.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            if !frame.is_empty() {
                left -= frame.len() as u64;
                return Some((Ok(frame), Some((bytes, skip, left))));
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use crate::config::{Choice, OutboundConfig};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const DATA: &str = "0123456789";

    /// As a file without `[import_filtering_opts]` makes it, but on every port, with these hosts allowed.
    fn backend_for(allowed_hosts: &[&str]) -> HttpBackend {
        let allowed = allowed_hosts.iter().map(|host| (*host).to_owned()).collect();
        let hosts = Choice { allowed, disallowed: Vec::new() };
        let outbound = Filter::new(&OutboundConfig { hosts, ..OutboundConfig::default() });
        HttpBackend::open(true, None, &Arc::new(outbound)).expect("a backend")
    }

    fn backend() -> HttpBackend {
        backend_for(&["127.0.0.1"])
    }

    /// What the web server says to the head of a request.
    fn answer(head: &str) -> String {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let range = head.lines().find_map(|line| line.strip_prefix("range: bytes="));
        let (status, part) = match (path.as_str(), range) {
            ("/ranges", Some("3-5")) => ("206 Partial Content", &DATA[3..6]),
            ("/plain" | "/short" | "/ranges", _) => ("200 OK", DATA),
            ("/down", _) => ("500 Internal Server Error", ""),
            ("/moved", _) => ("302 Found", ""),
            ("/round", _) => ("307 Temporary Redirect", ""),
            ("/inside", _) => ("301 Moved Permanently", ""),
            _ => ("404 Not Found", ""),
        };
        let target = match path.as_str() {
            "/round" => "/round",
            "/inside" => "http://[::ffff:127.0.0.2]:1/plain",
            _ => "/plain",
        };
        let mut reply = format!("HTTP/1.1 {status}\r\nConnection: close\r\nLocation: {target}\r\n");
        write!(reply, "Content-Length: {}\r\n\r\n", part.len()).expect("a text");
        if head.starts_with("GET") { reply + part } else { reply }
    }

    async fn server() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.expect("a head"));
                }
                let reply = answer(&String::from_utf8(head).expect("text"));
                socket.write_all(reply.as_bytes()).await.expect("sent");
            }
        });
        format!("http://{address}")
    }

    async fn load(
        backend: &HttpBackend,
        url: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Vec<u8>, StoreError> {
        let range = range.map(|(offset_bytes, length_bytes)| ByteRange { offset_bytes, length_bytes });
        let frames: Vec<Bytes> = backend.reader(url, None, range).await?.try_collect().await?;
        Ok(frames.concat())
    }

    #[tokio::test]
    async fn what_lies_on_a_web_server_is_read_whole_and_in_part() {
        let (backend, base) = (backend(), server().await);
        assert_eq!(load(&backend, &format!("{base}/plain"), None).await.expect("data"), DATA.as_bytes());
        assert_eq!(load(&backend, &format!("{base}/moved"), None).await.expect("data"), DATA.as_bytes());
        for path in ["plain", "ranges"] {
            let url = format!("{base}/{path}");
            assert_eq!(load(&backend, &url, Some((3, 3))).await.expect("a part"), b"345", "{path}");
            assert_eq!(backend.size(&url).await.expect("a size"), 10);
        }
        assert!(load(&backend, &format!("{base}/short"), Some((8, 5))).await.is_err());
        let longer = backend.reader(&format!("{base}/plain"), Some(11), None).await.err();
        assert!(matches!(longer, Some(StoreError::WrongSize { recorded_bytes: 11, stored_bytes: 10 })));
    }

    #[tokio::test]
    async fn what_cannot_be_read_says_why() {
        let (backend, base) = (backend(), server().await);
        let missing = load(&backend, &format!("{base}/missing"), None).await;
        assert!(matches!(missing, Err(StoreError::NotFound)));
        assert!(matches!(backend.size(&format!("{base}/missing")).await, Err(StoreError::NotFound)));
        let down = load(&backend, &format!("{base}/down"), None).await;
        assert!(matches!(down, Err(StoreError::Unreachable(_))));
        assert!(matches!(load(&backend, "file:///etc/passwd", None).await, Err(StoreError::BadLocation(_))));
        let gone = load(&backend, "http://user:word@127.0.0.1:1/x", None).await.expect_err("nobody listens");
        assert!(!gone.to_string().contains("word"), "{gone}");
    }

    #[tokio::test]
    async fn redirects_lead_only_where_it_is_allowed() {
        let base = server().await;
        let error = |loaded: Result<Vec<u8>, StoreError>| loaded.expect_err("refused").to_string();
        let inside = load(&backend(), &format!("{base}/inside"), None).await;
        assert!(error(inside).contains("its host is not allowed"));
        let round = load(&backend(), &format!("{base}/round"), None).await;
        assert!(error(round).contains("from one place to the next"));
        // The first address was checked when it came in; where it leads now was not.
        let strict = backend_for(&[]);
        assert_eq!(load(&strict, &format!("{base}/plain"), None).await.expect("data"), DATA.as_bytes());
        assert!(
            error(load(&strict, &format!("{base}/moved"), None).await).contains("its host is not allowed")
        );
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_connected_to() {
        let base = server().await.replace("127.0.0.1", "localhost");
        let url = format!("{base}/plain");
        assert!(matches!(load(&backend(), &url, None).await, Err(StoreError::Unreachable(_))));
        assert_eq!(load(&backend_for(&["localhost"]), &url, None).await.expect("data"), DATA.as_bytes());
    }

    #[tokio::test]
    async fn nothing_is_written_or_removed_there() {
        let backend = backend();
        assert!(matches!(backend.writer("id", None).await.err(), Some(StoreError::ReadOnly)));
        assert!(matches!(backend.delete("http://host/x").await, Err(StoreError::ReadOnly)));
        assert!(matches!(backend.location("id"), Err(StoreError::ReadOnly)));
        assert!(backend.reads("https") && backend.reads("http") && !backend.reads("file"));
    }
}
