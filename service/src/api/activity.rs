//! What is under way on one connection. A stop waits for requests, and for nothing else: neither for a client that may
//! ask again some day, nor for one that has sent half a head.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::sleep;

/// A connection without a request is left after this time: what was on its way when the stop came may still arrive.
const GRACE: Duration = Duration::from_millis(500);

/// Counts the requests of a connection, and knows whether all that was answered has left.
#[derive(Debug, Clone, Default)]
pub struct Activity {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    requests: AtomicUsize,
    is_sending: AtomicBool,
}

impl Activity {
    /// A request arrived; it is in flight until this is dropped.
    pub fn begin(&self) -> InFlight {
        self.state.requests.fetch_add(1, Ordering::Relaxed);
        InFlight { state: Arc::clone(&self.state) }
    }

    fn is_idle(&self) -> bool {
        self.state.requests.load(Ordering::Relaxed) == 0 && !self.state.is_sending.load(Ordering::Relaxed)
    }

    /// Polls a connection that was told to end, until it does, or nothing has been under way for a moment.
    pub async fn end<C: Future<Output = ()>>(&self, mut connection: Pin<&mut C>) {
        let mut grace = None;
        poll_fn(|context| {
            if connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            if !self.is_idle() {
                grace = None;
                return Poll::Pending;
            }
            grace.get_or_insert_with(|| Box::pin(sleep(GRACE))).as_mut().poll(context)
        })
        .await;
    }
}

/// A request that is not answered to its end.
#[derive(Debug)]
pub struct InFlight {
    state: Arc<State>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.state.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer, with which its request ends.
pub struct Answering<B> {
    body: B,
    _request: InFlight,
}

impl<B> Answering<B> {
    pub fn new(body: B, request: InFlight) -> Self {
        Self { body, _request: request }
    }
}

impl<B: http_body::Body + Unpin> http_body::Body for Answering<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that notes when the client does not take what it is sent.
pub struct Noted<S> {
    socket: S,
    activity: Activity,
}

impl<S> Noted<S> {
    pub fn new(socket: S, activity: Activity) -> Self {
        Self { socket, activity }
    }

    fn note<T>(&self, polled: Poll<T>) -> Poll<T> {
        self.activity.state.is_sending.store(polled.is_pending(), Ordering::Relaxed);
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.note(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.note(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_flush(context);
        self.note(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn a_connection_is_waited_for_as_long_as_a_request_is_in_flight() {
        let activity = Activity::default();
        let (first, second) = (activity.begin(), activity.begin());
        let mut connection = pin!(std::future::pending());
        let mut end = pin!(activity.end(connection.as_mut()));
        drop(first);
        assert!(tokio::time::timeout(GRACE * 2, end.as_mut()).await.is_err(), "one is still in flight");
        drop(second);
        // As the connection would be, whose task is woken by what it answers.
        end.await;
    }

    #[tokio::test]
    async fn what_the_client_does_not_take_is_under_way() {
        let activity = Activity::default();
        let (server, mut client) = duplex(4);
        let mut server = Noted::new(server, activity.clone());
        server.write_all(b"four").await.unwrap();
        assert!(activity.is_idle());
        let mut more = Box::pin(async {
            server.write_all(b"more").await.unwrap();
            server
        });
        assert!(futures_util::poll!(more.as_mut()).is_pending());
        assert!(!activity.is_idle());
        client.read_exact(&mut [0; 4]).await.unwrap();
        let _server = more.await;
        assert!(activity.is_idle());
    }
}
