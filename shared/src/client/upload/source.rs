//! A file on its way out: a thread reads and digests it, the connection pulls the pieces.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::client::digest::{Digests, Sums};
use crate::client::progress::{Phase, Progress};

/// Read and digested at once.
const READ_BYTES: usize = 1 << 20;
/// Handed to the connection at once: small enough for a bar that moves on slow lines.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that wait for the connection, so that reading and sending overlap.
const WAITING: usize = 8;

/// An open file and the thread that reads it.
pub(super) struct Source {
    size_bytes: u64,
    pieces: Option<Pieces>,
    reader: JoinHandle<io::Result<Option<Sums>>>,
}

/// The pieces of the file as a stream that counts what is taken.
pub(super) struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    left_bytes: u64,
    progress: Progress,
}

impl Source {
    /// Opens the file; its size is taken now and holds.
    pub(super) async fn open(path: &Path, progress: &Progress) -> io::Result<Self> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "this is a folder"));
            }
            Ok((file, metadata.len()))
        });
        let (file, size_bytes) = opened.await.map_err(io::Error::other)??;
        let (sender, receiver) = mpsc::channel(WAITING);
        let reader = tokio::task::spawn_blocking(move || read(file, size_bytes, &sender));
        let pieces = Pieces { receiver, left_bytes: size_bytes, progress: progress.clone() };
        Ok(Self { size_bytes, pieces: Some(pieces), reader })
    }

    pub(super) const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The pieces, once.
    pub(super) fn stream(&mut self) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        futures_util::StreamExt::flatten(futures_util::stream::iter(self.pieces.take()))
    }

    /// Waits for the thread: the digests, or nothing if the connection did not want all of the file.
    pub(super) async fn finish(mut self) -> io::Result<Option<Sums>> {
        self.pieces = None;
        self.reader.await.map_err(io::Error::other)?
    }
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = std::task::ready!(self.receiver.poll_recv(context));
        match &piece {
            Some(Ok(piece)) => {
                let count = piece.len() as u64;
                self.progress.add_bytes(count);
                self.left_bytes = self.left_bytes.saturating_sub(count);
                if self.left_bytes == 0 {
                    self.progress.set_phase(Phase::Storing);
                }
            }
            None => self.progress.set_phase(Phase::Storing),
            Some(Err(_)) => {}
        }
        Poll::Ready(piece)
    }
}

/// Reads exactly `size_bytes`; ends early when nobody takes the pieces any more.
fn read(
    mut file: File,
    size_bytes: u64,
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<Option<Sums>> {
    let mut digests = Digests::new("sha512");
    let mut left = size_bytes;
    while left > 0 {
        let wanted = usize::try_from(left).map_or(READ_BYTES, |left| left.min(READ_BYTES));
        let mut buffer = vec![0; wanted];
        if let Err(error) = file.read_exact(&mut buffer) {
            let error = match error.kind() {
                io::ErrorKind::UnexpectedEof => io::Error::other("the file became shorter while it was read"),
                _ => error,
            };
            // The connection must break off: the announced length cannot be kept.
            let broken = io::Error::new(error.kind(), error.to_string());
            let _ = sender.blocking_send(Err(broken));
            return Err(error);
        }
        digests.update(&buffer);
        left -= wanted as u64;
        let mut rest = Bytes::from(buffer);
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(PIECE_BYTES));
            if sender.blocking_send(Ok(piece)).is_err() {
                return Ok(None);
            }
        }
    }
    Ok(Some(digests.finish()))
}
