//! A plain connection for one upload, which still hears what the server said before it stopped listening.
//!
//! A server that refuses an upload may answer and close at once, with our bytes unread. Our next write then fails
//! while its answer waits in the receive buffer, and HTTP libraries give up at the failed write: the reason would
//! be lost. Encrypted connections and those through a proxy are left to the library.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::client::conn::http1;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use reqwest::header::HOST;
use reqwest::{Body, Request};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::client::call::{Answer, Call};
use crate::client::transport::CONNECT;
use crate::client::{ClientError, ErrorKind, words};

/// Whether the address is spoken to directly and without encryption.
pub(super) fn reaches(url: &Url) -> bool {
    let uri: Option<http::Uri> = url.as_str().parse().ok();
    url.scheme() == "http" && uri.is_some_and(|uri| Matcher::from_env().intercept(&uri).is_none())
}

/// Sends a request over a connection of its own and reads the answer.
pub(super) async fn send(request: Request, call: &Call, idle: Duration) -> Result<Answer, ClientError> {
    let host = words::host_of(&call.url);
    let error = |cause: &(dyn Error + 'static), what: &str| ClientError {
        call: Some(call.place().into()),
        ..call.error(ErrorKind::Transport, words::of_causes(cause, &host, what))
    };
    let request = origin_form(request, &host).map_err(|cause| error(&*cause, "cannot be asked"))?;
    let stream = timeout(CONNECT, TcpStream::connect(host.as_str()))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|cause| error(&cause, "cannot be reached"))?;
    let line = Line { stream: TokioIo::new(stream), deaf: false };
    let (mut sender, connection) =
        http1::handshake(line).await.map_err(|cause| error(&cause, "cannot be reached"))?;
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    let sent = sender.send_request(request).await;
    let response = sent.map_err(|cause| error(&cause, "ended the connection"))?;
    call.read(response.map(Body::wrap).into(), idle).await
}

/// The request as it stands on the wire: only the path in its first line, the host in a header.
fn origin_form(request: Request, host: &str) -> Result<http::Request<Body>, Box<dyn Error>> {
    let mut request = http::Request::<Body>::try_from(request)?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse()?;
    request.headers_mut().insert(HOST, host.parse()?);
    Ok(request)
}

/// A stream that no longer writes once a write was refused, and goes on reading.
struct Line {
    stream: TokioIo<TcpStream>,
    deaf: bool,
}

impl Line {
    /// Waiting for ever is right for the writing side: the reading side ends with the answer or with the end of
    /// the connection.
    fn heard<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match written {
            Poll::Ready(Err(error))
                if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset) =>
            {
                self.deaf = true;
                Poll::Pending
            }
            other => other,
        }
    }
}

impl Read for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.deaf {
            return Poll::Pending;
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.heard(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.deaf {
            return Poll::Pending;
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.heard(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.deaf {
            return Poll::Pending;
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.heard(written)
    }
}
