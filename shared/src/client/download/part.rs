//! The `.part` file: what came so far, with the digests of it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::client::digest::{Digests, Sums};

/// Pieces that wait for the disk.
const WAITING: usize = 16;
const READ_BYTES: usize = 1 << 20;

/// An open `.part` file, positioned at its end.
pub(super) struct Part {
    file: File,
    length_bytes: u64,
    algorithm: String,
    digests: Digests,
}

/// A thread that appends to the file. It gives the file back when the sender is dropped.
pub(super) struct Writer {
    pub(super) pieces: mpsc::Sender<Bytes>,
    pub(super) thread: JoinHandle<io::Result<Part>>,
}

/// `disk.qcow2` is fetched into `disk.qcow2.part`.
pub(super) fn path_of(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

impl Part {
    /// Opens the file, makes it if it is missing, and digests what it holds.
    pub(super) async fn open(path: &Path, algorithm: &str) -> io::Result<Self> {
        let (path, algorithm) = (path.to_owned(), algorithm.to_owned());
        blocking(move || {
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
            file.try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => {
                    io::Error::new(io::ErrorKind::ResourceBusy, "another download is writing to it")
                }
                TryLockError::Error(error) => error,
            })?;
            let mut digests = Digests::new(&algorithm);
            let mut buffer = vec![0; READ_BYTES];
            let mut length_bytes = 0;
            loop {
                let count = file.read(&mut buffer)?;
                let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
                digests.update(read);
                length_bytes += count as u64;
            }
            Ok(Self { file, length_bytes, algorithm, digests })
        })
        .await
    }

    pub(super) const fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// Throws away what came so far.
    pub(super) async fn restart(mut self) -> io::Result<Self> {
        blocking(move || {
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            let digests = Digests::new(&self.algorithm);
            Ok(Self { length_bytes: 0, digests, ..self })
        })
        .await
    }

    /// Hands the file to a thread that appends.
    pub(super) fn append(mut self) -> Writer {
        let (pieces, mut waiting) = mpsc::channel::<Bytes>(WAITING);
        let thread = tokio::task::spawn_blocking(move || {
            while let Some(piece) = waiting.blocking_recv() {
                self.file.write_all(&piece)?;
                self.digests.update(&piece);
                self.length_bytes += piece.len() as u64;
            }
            Ok(self)
        });
        Writer { pieces, thread }
    }

    /// Makes sure that the disk has it; gives the digests of the whole.
    pub(super) async fn finish(self) -> io::Result<Sums> {
        blocking(move || {
            self.file.sync_all()?;
            Ok(self.digests.finish())
        })
        .await
    }
}

impl Writer {
    /// Waits until everything is written.
    pub(super) async fn close(self) -> io::Result<Part> {
        drop(self.pieces);
        self.thread.await.map_err(io::Error::other)?
    }
}

/// Gives the file its name and makes sure that the folder remembers it.
pub(super) async fn publish(part: &Path, to: &Path) -> io::Result<()> {
    let (part, to) = (part.to_owned(), to.to_owned());
    blocking(move || {
        std::fs::rename(&part, &to)?;
        #[cfg(unix)]
        if let Some(folder) = to.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    })
    .await
}

/// Removes a file in which nothing has arrived.
pub(super) async fn discard_empty(part: &Path) {
    let part = part.to_owned();
    // An empty file that stays is a blemish, no failure.
    let _ = blocking(move || match std::fs::metadata(&part)?.len() {
        0 => std::fs::remove_file(&part),
        _ => Ok(()),
    })
    .await;
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
