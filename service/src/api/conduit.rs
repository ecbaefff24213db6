//! The socket of a connection, through which parts of files go without passing our memory.
//!
//! The HTTP library takes bytes and knows no files. So it is given a token: as many bytes of one static area as the part
//! of the file is long, which nobody ever reads or writes. It passes them on without looking at them, and here, in front
//! of the socket, they are recognised by their address, and the kernel sends the part of the file in their place. That
//! holds for HTTP/1 on a bare socket alone: everything that looks at the bytes, as HTTP/2 and TLS do, must be given the
//! bytes themselves.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The longest part of one token.
pub const PART_BYTES_MAX: usize = 1024 * 1024;

/// Never touched, so that the kernel gives it no memory.
static AREA: LazyLock<&'static [u8]> =
    LazyLock::new(|| Box::leak(vec![0; PART_BYTES_MAX].into_boxed_slice()));

/// The parts for which tokens are under way on one connection, in their order.
#[derive(Clone, Default)]
pub struct Parts(Arc<Mutex<VecDeque<Part>>>);

struct Part {
    file: Arc<File>,
    offset_bytes: u64,
    left_bytes: usize,
    download: Arc<Download>,
}

/// Whose data is on its way, for the log: once the head of an answer is sent, a client can only be cut off.
#[derive(Debug, Default)]
pub struct Download {
    pub request_id: String,
    pub path: String,
}

impl Download {
    /// Tells the operator why a client gets no more.
    pub fn cut_off(&self, error: &dyn std::error::Error) {
        let Self { request_id, path } = self;
        tracing::error!(request_id, path, %error, "a download was cut off: the data cannot be read");
    }
}

impl Parts {
    /// A token for `length_bytes` of the file, not longer than [`PART_BYTES_MAX`].
    pub fn lend(
        &self,
        (file, offset_bytes): (&Arc<File>, u64),
        length_bytes: usize,
        download: &Arc<Download>,
    ) -> Bytes {
        let token = AREA.get(..length_bytes).unwrap_or(*AREA);
        let (file, download) = (Arc::clone(file), Arc::clone(download));
        let part = Part { file, offset_bytes, left_bytes: token.len(), download };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(part);
        Bytes::from_static(token)
    }

    /// Sends of the first part what the socket takes. `token_bytes` is what is left of its token.
    fn send(&self, token_bytes: usize, socket: &TcpStream) -> io::Result<usize> {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(part) = parts.front_mut().filter(|part| part.left_bytes == token_bytes) else {
            // Better no answer than a wrong one.
            return Err(io::Error::other("the order of parts of a file was lost"));
        };
        let sent = match send_file(socket, &part.file, part.offset_bytes, part.left_bytes) {
            Ok(0) => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a stored file ends before its length"))
            }
            other => other,
        };
        let sent = sent.inspect_err(|error| {
            if !is_of_the_socket(error) {
                part.download.cut_off(error);
            }
        })?;
        part.offset_bytes += sent as u64;
        part.left_bytes -= sent;
        if part.left_bytes == 0 {
            parts.pop_front();
        }
        Ok(sent)
    }
}

/// Whether it is the client's or the network's doing; what else can go wrong lies with the file.
fn is_of_the_socket(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, NotConnected, TimedOut, WouldBlock,
    };
    matches!(
        error.kind(),
        WouldBlock
            | Interrupted
            | BrokenPipe
            | NotConnected
            | TimedOut
            | ConnectionReset
            | ConnectionAborted
            | HostUnreachable
            | NetworkUnreachable
            | NetworkDown
    )
}

/// Whether these bytes are a token, or the rest of one.
fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && AREA.as_ptr_range().contains(&bytes.as_ptr())
}

/// A socket that knows tokens.
pub struct Conduit {
    socket: TcpStream,
    parts: Parts,
}

impl Conduit {
    pub fn new(socket: TcpStream, parts: Parts) -> Self {
        Self { socket, parts }
    }
}

impl AsyncRead for Conduit {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Conduit {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    /// What comes before the first token, or the token that comes first.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let plain = slices.iter().position(|slice| is_token(slice)).unwrap_or(slices.len());
        match (slices.get(..plain), slices.get(plain)) {
            (Some([]), Some(token)) => self.poll_send(cx, token.len()),
            // The part goes out at once behind what comes before it, and often in the same packet.
            (Some(before), Some(_)) => self.poll_socket(cx, |socket| send_more(socket, before)),
            _ => Pin::new(&mut self.socket).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl Conduit {
    fn poll_send(&self, cx: &mut Context<'_>, token_bytes: usize) -> Poll<io::Result<usize>> {
        self.poll_socket(cx, |socket| self.parts.send(token_bytes, socket))
    }

    /// Does what the socket's own methods cannot, as soon as it takes something.
    fn poll_socket(
        &self,
        cx: &mut Context<'_>,
        send: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            std::task::ready!(self.socket.poll_write_ready(cx))?;
            match self.socket.try_io(tokio::io::Interest::WRITABLE, || send(&self.socket)) {
                // It was ready only a moment ago: the next look waits.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

/// Whether the kernel of this system can do it.
pub const IS_SUPPORTED: bool = cfg!(target_os = "linux");

#[cfg(target_os = "linux")]
fn send_file(socket: &TcpStream, file: &File, offset_bytes: u64, length_bytes: usize) -> io::Result<usize> {
    let mut offset = offset_bytes;
    Ok(rustix::fs::sendfile(socket, file, Some(&mut offset), length_bytes)?)
}

/// Sends bytes that others follow.
#[cfg(target_os = "linux")]
fn send_more(socket: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
    let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
    Ok(sendmsg(socket, slices, &mut SendAncillaryBuffer::default(), flags)?)
}

#[cfg(not(target_os = "linux"))]
fn send_more(_: &TcpStream, _: &[IoSlice<'_>]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
fn send_file(_: &TcpStream, _: &File, _: u64, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::Write as _;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn file_of(data: &[u8]) -> Arc<File> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(data).expect("written");
        Arc::new(file)
    }

    fn lend(parts: &Parts, file: &Arc<File>, offset_bytes: u64, length_bytes: usize) -> Bytes {
        parts.lend((file, offset_bytes), length_bytes, &Arc::default())
    }

    async fn pair() -> (TcpStream, Conduit, Parts) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let parts = Parts::default();
        let (socket, _) = listener.accept().await.expect("accepted");
        (client, Conduit::new(socket, parts.clone()), parts)
    }

    #[tokio::test]
    async fn parts_of_files_come_in_the_place_of_their_tokens() {
        let data: Vec<u8> = (0..500_000_u32).flat_map(u32::to_le_bytes).collect();
        let (mut client, mut conduit, parts) = pair().await;
        let (first, second) = (file_of(&data), file_of(b"another file"));
        let tokens = [
            lend(&parts, &first, 5, 1_000_000),
            lend(&parts, &second, 8, 4),
            lend(&parts, &first, 1_000_005, 7),
        ];
        let send = async move {
            conduit.write_all(b"head ").await?;
            for token in &tokens {
                conduit.write_all(token).await?;
                conduit.write_all(b" and ").await?;
            }
            Ok::<_, io::Error>(())
        };
        let mut received = Vec::new();
        let (sent, read) = tokio::join!(send, client.read_to_end(&mut received));
        sent.expect("sent");
        read.expect("read");
        let expected =
            [&b"head "[..], &data[5..1_000_005], b" and file and ", &data[1_000_005..1_000_012], b" and "];
        assert!(received == expected.concat());
    }

    #[tokio::test]
    async fn slices_that_hold_both_are_sent_in_their_order() {
        let (mut client, mut conduit, parts) = pair().await;
        let token = lend(&parts, &file_of(b"0123456789"), 2, 3);
        let slices = [IoSlice::new(b"ab"), IoSlice::new(b"c"), IoSlice::new(&token), IoSlice::new(b"d")];
        assert_eq!(conduit.write_vectored(&slices).await.expect("sent"), 3);
        assert_eq!(conduit.write_vectored(&slices[2..]).await.expect("sent"), 3);
        assert_eq!(conduit.write_vectored(&slices[3..]).await.expect("sent"), 1);
        drop(conduit);
        let mut received = String::new();
        client.read_to_string(&mut received).await.expect("read");
        assert_eq!(received, "abc234d");
    }

    #[tokio::test]
    async fn a_token_that_fits_no_part_and_a_file_that_became_shorter_break_the_connection() {
        let (_client, mut conduit, parts) = pair().await;
        let token = lend(&parts, &file_of(b"0123456789"), 2, 3);
        assert_eq!(conduit.write(&token[1..]).await.expect_err("refused").kind(), io::ErrorKind::Other);
        let (_client, mut conduit, parts) = pair().await;
        let token = lend(&parts, &file_of(b"0123"), 4, 3);
        assert_eq!(conduit.write(&token).await.expect_err("refused").kind(), io::ErrorKind::UnexpectedEof);
    }
}
