//! A file on its way out: a thread reads and digests it, the connection pulls the pieces.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::digest::{Digests, Sums};
use crate::client::progress::{Phase, Progress};

/// Read and digested at once.
const READ_BYTES: usize = 1 << 20;
/// Handed to the connection at once: small enough for a bar that moves on slow lines.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that wait for the connection, so that reading and sending overlap.
const WAITING: usize = 8;

/// Digests of the beginning of a file, which no later connection has to compute again.
#[derive(Clone)]
pub(super) struct Hashed {
    digests: Digests,
    size_bytes: u64,
}

impl Default for Hashed {
    fn default() -> Self {
        Self { digests: Digests::new("sha512"), size_bytes: 0 }
    }
}

impl Hashed {
    /// Takes in what of this block is new. No block begins behind the last one.
    fn update(&mut self, position: u64, block: &[u8]) {
        let known = usize::try_from(self.size_bytes.saturating_sub(position)).unwrap_or(usize::MAX);
        if let Some(new) = block.get(known..) {
            self.digests.update(new);
            self.size_bytes += new.len() as u64;
        }
    }

    /// Reads the file until so much of it is digested.
    pub(super) async fn up_to(
        mut self,
        path: &Path,
        size_bytes: u64,
        token: &CancellationToken,
    ) -> io::Result<Self> {
        if self.size_bytes >= size_bytes {
            return Ok(self);
        }
        let (path, token) = (path.to_owned(), token.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(self.size_bytes))?;
            let mut buffer = vec![0; READ_BYTES];
            while self.size_bytes < size_bytes {
                if token.is_cancelled() {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                let left = size_bytes - self.size_bytes;
                let wanted = usize::try_from(left).map_or(READ_BYTES, |left| left.min(READ_BYTES));
                let block = buffer.get_mut(..wanted).unwrap_or_default();
                file.read_exact(block).map_err(shorter)?;
                self.update(self.size_bytes, block);
            }
            Ok(self)
        });
        reading.await.map_err(io::Error::other)?
    }

    pub(super) fn finish(self) -> Sums {
        self.digests.finish()
    }
}

fn shorter(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::other("the file became shorter while it was read"),
        _ => error,
    }
}

/// An open file and the thread that reads it.
pub(super) struct Source {
    size_bytes: u64,
    pieces: Option<Pieces>,
    reader: JoinHandle<(Hashed, io::Result<bool>)>,
}

/// The pieces of the file as a stream that counts what is taken.
pub(super) struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    left_bytes: u64,
    progress: Progress,
}

impl Source {
    /// The length of a file that can be sent.
    pub(super) async fn size_of(path: &Path) -> io::Result<u64> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || open(&path).map(|(_, size)| size))
            .await
            .map_err(io::Error::other)?
    }

    /// Opens the file; its size is taken now and holds.
    pub(super) async fn open(path: &Path, progress: &Progress) -> io::Result<Self> {
        let size_bytes = Self::size_of(path).await?;
        Self::open_at(path, progress, (0, size_bytes), Hashed::default()).await
    }

    /// Opens the file to send what lies between two places; the digests of what lies before are there.
    pub(super) async fn open_at(
        path: &Path,
        progress: &Progress,
        (start, end): (u64, u64),
        hashed: Hashed,
    ) -> io::Result<Self> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let (mut file, _) = open(&path)?;
            file.seek(SeekFrom::Start(start))?;
            Ok::<_, io::Error>(file)
        });
        let file = opened.await.map_err(io::Error::other)??;
        let (sender, receiver) = mpsc::channel(WAITING);
        let reader = tokio::task::spawn_blocking(move || read(file, (start, end), hashed, &sender));
        let size_bytes = end.saturating_sub(start);
        let pieces = Pieces { receiver, left_bytes: size_bytes, progress: progress.clone() };
        Ok(Self { size_bytes, pieces: Some(pieces), reader })
    }

    /// How much is sent.
    pub(super) const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The pieces, once.
    pub(super) fn stream(&mut self) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        futures_util::StreamExt::flatten(futures_util::stream::iter(self.pieces.take()))
    }

    /// Waits for the thread: the digests of what was read, and whether the connection wanted all of it.
    pub(super) async fn finish(mut self) -> io::Result<(Hashed, io::Result<bool>)> {
        self.pieces = None;
        self.reader.await.map_err(io::Error::other)
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "this is a folder"));
    }
    Ok((file, metadata.len()))
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

/// Reads exactly what lies between two places; ends early when nobody takes the pieces any more.
fn read(
    mut file: File,
    (start, end): (u64, u64),
    mut hashed: Hashed,
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> (Hashed, io::Result<bool>) {
    let mut position = start;
    while position < end {
        let wanted = usize::try_from(end - position).map_or(READ_BYTES, |left| left.min(READ_BYTES));
        let mut buffer = vec![0; wanted];
        if let Err(error) = file.read_exact(&mut buffer) {
            let error = shorter(error);
            // The connection must break off: the announced length cannot be kept.
            let broken = io::Error::new(error.kind(), error.to_string());
            let _ = sender.blocking_send(Err(broken));
            return (hashed, Err(error));
        }
        hashed.update(position, &buffer);
        position += wanted as u64;
        let mut rest = Bytes::from(buffer);
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(PIECE_BYTES));
            if sender.blocking_send(Ok(piece)).is_err() {
                return (hashed, Ok(false));
            }
        }
    }
    (hashed, Ok(true))
}
