//! A file that is being written under its partial name, and the writer in front of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task;

use super::super::{Batch, StoreError, Writer};
use super::{PARTIAL_SUFFIX, blocking, store_error, url_of_path};
use reserve::Reserve;

mod reserve;

/// Zero bytes to compare a frame with: a run of them becomes a hole.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// An image that is being written.
pub(super) struct Partial {
    file: File,
    path: PathBuf,
    target: PathBuf,
    length_bytes: u64,
    reserve: Reserve,
    is_committed: bool,
}

impl Partial {
    pub(super) fn create(
        target: PathBuf,
        file_perm: Option<u32>,
        size_hint_bytes: Option<u64>,
    ) -> Result<Self, StoreError> {
        if target.try_exists().map_err(|error| store_error(error, &target))? {
            return Err(StoreError::Duplicate);
        }
        let mut path = target.clone().into_os_string();
        path.push(PARTIAL_SUFFIX);
        let path = PathBuf::from(path);
        let file = create_locked(&path).map_err(|error| store_error(error, &path))?;
        let partial = Self {
            file,
            path,
            target,
            length_bytes: 0,
            reserve: Reserve::of(size_hint_bytes),
            is_committed: false,
        };
        // From here on it goes when anything fails.
        let emptied = partial.file.set_len(0).and_then(|()| set_permissions(&partial.file, file_perm));
        emptied.map_err(|error| store_error(error, &partial.path))?;
        Ok(partial)
    }

    fn write(&mut self, batch: &[Bytes]) -> io::Result<()> {
        let mut frames = batch.iter().filter(|frame| !frame.is_empty()).peekable();
        while let Some(frame) = frames.next() {
            let is_hole = is_zero(frame);
            let mut run = vec![IoSlice::new(frame)];
            while let Some(next) = frames.next_if(|next| is_zero(next) == is_hole) {
                run.push(IoSlice::new(next));
            }
            let run_bytes = run.iter().map(|slice| slice.len() as u64).sum();
            if is_hole {
                self.reserve.give_back(&self.file, self.length_bytes, run_bytes)?;
                self.file.seek(SeekFrom::Start(self.length_bytes + run_bytes))?;
            } else {
                self.reserve.take(&self.file, self.length_bytes, run_bytes);
                write_all_vectored(&mut self.file, &mut run)?;
            }
            self.length_bytes += run_bytes;
        }
        Ok(())
    }

    fn commit(mut self) -> io::Result<String> {
        // A hole at the end has no length until the file is given one.
        self.file.set_len(self.length_bytes)?;
        self.file.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        // From here on it is the whole image that goes when the rest fails.
        self.path.clone_from(&self.target);
        if let Some(directory) = self.target.parent() {
            sync_directory(directory)?;
        }
        self.is_committed = true;
        Ok(url_of_path(&self.target))
    }
}

/// What was not committed goes, however the upload ended: refused, cancelled or abandoned by its task.
impl Drop for Partial {
    fn drop(&mut self) {
        if self.is_committed {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::error!(path = %self.path.display(), %error, "a partial file could not be removed");
        }
    }
}

/// The partial file of a dead writer is taken over, one of a live writer is not.
fn create_locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(ErrorKind::AlreadyExists.into()),
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

#[cfg(unix)]
fn set_permissions(file: &File, file_perm: Option<u32>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file_perm.map_or(Ok(()), |mode| file.set_permissions(fs::Permissions::from_mode(mode)))
}

#[cfg(not(unix))]
fn set_permissions(_file: &File, _file_perm: Option<u32>) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Other systems have no handle on a directory that could be flushed.
#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

fn is_zero(frame: &[u8]) -> bool {
    frame.chunks(ZEROS.len()).all(|chunk| ZEROS.get(..chunk.len()).is_some_and(|zeros| zeros == chunk))
}

fn write_all_vectored(file: &mut File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// `open` is empty only while a batch is on the blocking pool.
pub(super) struct FileWriter {
    open: Option<Partial>,
}

impl FileWriter {
    pub(super) fn of(partial: Partial) -> Self {
        Self { open: Some(partial) }
    }

    fn take(&mut self) -> Result<Partial, StoreError> {
        self.open.take().ok_or_else(|| StoreError::Other("a write was abandoned half way".into()))
    }
}

#[async_trait]
impl Writer for FileWriter {
    async fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        let mut partial = self.take()?;
        let (partial, result) = blocking(move || {
            let result = partial.write(&batch).map_err(|error| store_error(error, &partial.path));
            Ok((partial, result))
        })
        .await?;
        self.open = Some(partial);
        result
    }

    async fn commit(mut self: Box<Self>) -> Result<String, StoreError> {
        let partial = self.take()?;
        blocking(move || {
            let path = partial.path.clone();
            partial.commit().map_err(|error| store_error(error, &path))
        })
        .await
    }

    async fn cancel(mut self: Box<Self>) {
        let partial = self.open.take();
        drop(task::spawn_blocking(move || drop(partial)).await);
    }
}
