//! The first bytes of a connection, by which HTTP/1 and HTTP/2 are told apart. Knows nothing of either beyond that.
//!
//! The server waits for them without a limit of its own: whoever connects and says nothing would stay for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What a client of HTTP/2 says first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A socket whose client has to show its protocol within some time.
pub struct Greeting<S> {
    socket: S,
    /// `None` once the protocol is known.
    limit: Option<Pin<Box<Sleep>>>,
    /// How much of the preface arrived.
    matched: usize,
}

impl<S> Greeting<S> {
    pub fn new(socket: S, limit: Duration) -> Self {
        Self { socket, limit: Some(Box::pin(sleep(limit))), matched: 0 }
    }

    /// Looks at what arrived: a byte that is not the preface's decides, and so does its last one.
    fn look_at(&mut self, arrived: &[u8]) {
        let rest = PREFACE.get(self.matched..).unwrap_or_default();
        self.matched += arrived.len();
        if arrived.is_empty() || arrived.len() >= rest.len() || !rest.starts_with(arrived) {
            self.limit = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buffer);
        let Some(limit) = &mut self.limit else { return polled };
        if polled.is_pending() {
            ready!(limit.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.look_at(buffer.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeting<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(50);

    /// What a server gets that reads until it has `wanted` bytes, from a client that says `said` and then nothing.
    async fn read(said: &[u8], wanted: usize) -> io::Result<usize> {
        let (mut client, server) = duplex(1024);
        client.write_all(said).await.unwrap();
        let mut server = Greeting::new(server, LIMIT);
        let mut buffer = vec![0; wanted];
        tokio::time::timeout(LIMIT * 5, server.read_exact(&mut buffer)).await.unwrap_or(Ok(0))
    }

    #[tokio::test]
    async fn silence_ends_a_connection() {
        for said in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n"] {
            let error = read(said, said.len() + 1).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{said:?}");
        }
    }

    #[tokio::test]
    async fn once_the_protocol_is_known_others_watch_over_the_time() {
        for said in [&b"G"[..], b"POST", PREFACE] {
            assert_eq!(read(said, said.len()).await.unwrap(), said.len());
            assert_eq!(read(said, said.len() + 1).await.unwrap(), 0, "still waiting: {said:?}");
        }
    }

    #[tokio::test]
    async fn a_preface_in_pieces_is_one() {
        let (mut client, server) = duplex(1024);
        let mut server = Greeting::new(server, Duration::from_mins(10));
        for piece in PREFACE.chunks(5) {
            assert!(server.limit.is_some());
            client.write_all(piece).await.unwrap();
            let mut buffer = [0; 5];
            assert_eq!(server.read(&mut buffer).await.unwrap(), piece.len());
        }
        assert!(server.limit.is_none());
    }
}
