//! The accept loop, and the one warp filter behind it.
//!
//! The loop is ours because warp's own cannot limit how long a client may take to send its headers and cannot be
//! given a listener that was bound, and refused, before anything else started.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::{FutureExt, Stream, StreamExt, TryFutureExt, TryStreamExt};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use warp::reply::{Reply as _, Response};
use warp::{Filter, Rejection};

use super::activity::{Activity, Answering, Noted};
use super::admission::Admission;
use super::body::{Body, Trailers};
use super::conduit::{self, Conduit, Download, Parts};
use super::dispatch::{Api, REQUEST_ID};
use super::fault;
use super::greeting::Greeting;
use super::reply::{Reply, ReplyBody};
use super::threads::Threads;
use crate::error::Error;
use crate::images::download::{ByteStream, Content, Lender};
use crate::images::upload::UploadBodyError;

/// A client that does not get its headers out within this time is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// A client of HTTP/2 that does not answer a ping within this time is gone.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests in flight may take to end after a stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
const HEADERS_MAX_BYTES: usize = 256 * 1024;
/// A pause after the system had no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop` says so, then lets requests in flight end.
pub async fn serve(listener: TcpListener, api: Arc<Api>, threads: Threads, mut stop: watch::Receiver<bool>) {
    let door = Door { service: warp::service(filter(api, Handle::current())), builder: builder() };
    let connections = TaskTracker::new();
    let admission = Admission::new();
    loop {
        let (place, accepted) = tokio::select! {
            accepted = async { (admission.admit().await, listener.accept().await) } => accepted,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        // A socket belongs to the runtime that it was made in.
        let socket = match accepted.and_then(|(socket, _)| socket.into_std()) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (door, stop, counted) = (door.clone(), stop.clone(), connections.token());
        threads.serve(Box::new(move || {
            Box::pin(async move {
                if let Err(error) = door.connection(socket, stop).await {
                    tracing::debug!(%error, "a connection could not be served");
                }
                drop((place, counted));
            })
        }));
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN_TIMEOUT, connections.wait()).await.is_err() {
        tracing::warn!("requests that were still in flight were cut off");
    }
    threads.end().await;
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADERS_MAX_BYTES * 2);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADER_TIMEOUT)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// What every connection needs.
#[derive(Clone)]
struct Door<S> {
    service: S,
    builder: auto::Builder<TokioExecutor>,
}

impl<S> Door<S>
where
    S: tower::Service<http::Request<Watched>, Response = Response, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    /// Answers on a socket until its end.
    async fn connection(
        self,
        socket: std::net::TcpStream,
        stop: watch::Receiver<bool>,
    ) -> std::io::Result<()> {
        let socket = TcpStream::from_std(socket)?;
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let (service, parts, activity) = (self.service, Parts::default(), Activity::default());
        let socket = Conduit::new(socket, parts.clone());
        let socket = Noted::new(Greeting::new(socket, HEADER_TIMEOUT), activity.clone());
        let requests = activity.clone();
        let service = service_fn(move |request: http::Request<Incoming>| {
            let (head, body) = request.into_parts();
            let trailers = Trailers::default();
            // HTTP/2 looks at what it sends.
            let lends = conduit::IS_SUPPORTED && head.version <= http::Version::HTTP_11;
            let parts = lends.then(|| parts.clone());
            let mut bare = http::Request::new(Watched { body, trailers: Arc::clone(&trailers) });
            bare.extensions_mut().insert(Arrived { head: Arc::new(head), trailers, parts });
            let in_flight = requests.begin();
            let answered = tower::ServiceExt::oneshot(service.clone(), bare);
            answered.map_ok(|response| response.map(|body| Answering::new(body, in_flight)))
        });
        let connection = self.builder.serve_connection(TokioIo::new(socket), service).into_owned();
        attend(connection, &activity, stop).await;
        Ok(())
    }
}

/// Serves a connection to its end; after a stop only for as long as a request is in flight.
async fn attend<C: GracefulConnection<Error: std::fmt::Display>>(
    connection: C,
    activity: &Activity,
    mut stop: watch::Receiver<bool>,
) {
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stop.wait_for(|stopped| *stopped) => None,
    };
    let note = |ended: Result<(), C::Error>| {
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended with an error");
        }
    };
    if let Some(ended) = ended {
        return note(ended);
    }
    connection.as_mut().graceful_shutdown();
    activity.end(pin!(connection.map(note))).await;
}

/// The head of a request on its way through warp, which keeps only the body for itself.
#[derive(Clone)]
struct Arrived {
    head: Arc<http::request::Parts>,
    trailers: Trailers,
    /// Where parts of files can be lent to the connection.
    parts: Option<Parts>,
}

/// A body whose trailers are kept: warp's stream gives only the data.
struct Watched {
    body: Incoming,
    trailers: Trailers,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(fields) = frame.trailers_ref()
        {
            // A body has only one block of trailers: nothing can be there yet.
            let _ = self.trailers.set(fields.clone());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The one filter: everything that a request has, into [`Api::answer`].
fn filter(
    api: Arc<Api>,
    runtime: Handle,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static {
    warp::ext::get::<Arrived>()
        .and(warp::body::stream())
        .then(move |arrived, body| answer((Arc::clone(&api), runtime.clone()), arrived, body))
}

/// Answers on this thread, unless the answer may have to wait for another server in the midst of its work: `runtime` has
/// threads that may.
async fn answer<S, B>((api, runtime): (Arc<Api>, Handle), arrived: Arrived, body: S) -> Response
where
    S: Stream<Item = Result<B, warp::Error>> + Send + 'static,
    B: Buf + Send + 'static,
{
    let Arrived { head, trailers, parts } = arrived;
    let stream = frames(body, api.server.client_timeout).boxed();
    let body = Body::new(&head.headers, stream, trailers, api.server.document_timeout);
    let reply = if api.app.enforcer.asks_others() {
        let head = Arc::clone(&head);
        let elsewhere = runtime.spawn(async move { caught(&api, &head, body).await });
        // It ends with its connection, as it would here.
        AbortOnDropHandle::new(elsewhere).await.unwrap_or_else(|error| {
            fault::reply(&Error::internal(error), &HeaderMap::new(), fault::Setting::default())
        })
    } else {
        caught(&api, &head, body).await
    };
    into_response(reply, parts, head.uri.path())
}

/// The answer, also where a panic is in its way.
async fn caught(api: &Api, head: &http::request::Parts, body: Body) -> Reply {
    let answered = AssertUnwindSafe(api.answer(head, body)).catch_unwind().await;
    // A panic is our bug; the client gets an answer all the same, and the panic itself is in the log.
    answered.unwrap_or_else(|_| {
        tracing::error!(path = head.uri.path(), "a request made the service panic");
        fault::reply(&Error::internal("panic"), &head.headers, api.fault_setting(None))
    })
}

/// The data of an image; what lies in files goes past our memory where the connection can do that.
fn data(content: Content, parts: Option<Parts>, download: Download) -> ByteStream {
    let download = Arc::new(download);
    let bytes = match (content, parts) {
        (Content::File(reading), Some(parts)) => {
            let download = Arc::clone(&download);
            let lend =
                Box::new(move |file: &_, offset, length| parts.lend((file, offset), length, &download));
            reading.stream_lent(Lender { lend, block_bytes_max: conduit::PART_BYTES_MAX })
        }
        (content, _) => content.stream(),
    };
    Box::pin(bytes.inspect_err(move |error| download.cut_off(error)))
}

/// The frames of a body; a sender that is silent for too long ends it with an error.
fn frames<S, B>(body: S, silence: Duration) -> impl Stream<Item = Result<Bytes, UploadBodyError>> + Send
where
    S: Stream<Item = Result<B, warp::Error>> + Send + 'static,
    B: Buf + Send + 'static,
{
    let silence = if silence.is_zero() { Duration::MAX } else { silence };
    futures_util::stream::unfold(Some(Box::pin(body)), move |body| async move {
        let mut body = body?;
        match tokio::time::timeout(silence, body.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(mut frame))) => Some((Ok(frame.copy_to_bytes(frame.remaining())), Some(body))),
            Ok(Some(Err(error))) => Some((Err(UploadBodyError::Broken(error.into())), None)),
            Err(_) => Some((Err(UploadBodyError::Silent), None)),
        }
    })
}

fn into_response(reply: Reply, parts: Option<Parts>, path: &str) -> Response {
    let mut response = match reply.body {
        ReplyBody::Empty => Response::default(),
        ReplyBody::Bytes(bytes) => Response::new(bytes.into()),
        ReplyBody::Data(content) => {
            let id = reply.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
            let download = Download { request_id: id.to_owned(), path: path.to_owned() };
            warp::reply::stream(data(content, parts, download)).into_response()
        }
    };
    *response.status_mut() = reply.status;
    response.headers_mut().extend(reply.headers);
    response
}
