//! A file that is being written under its partial name, and the writer in front of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task;

use super::super::{Batch, StoreError, Writer};
use super::{PARTIAL_SUFFIX, UNFINISHED_SUFFIX, blocking, store_error, url_of_path, with_suffix};
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
    /// Leaves the file where it is when it is dropped.
    stays: bool,
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
        let path = with_suffix(&target, PARTIAL_SUFFIX);
        let file = create_locked(&path).map_err(|error| store_error(error, &path))?;
        let reserve = Reserve::of(size_hint_bytes);
        let partial = Self { file, path, target, length_bytes: 0, reserve, stays: false };
        // From here on it goes when anything fails.
        let emptied = partial.file.set_len(0).and_then(|()| set_permissions(&partial.file, file_perm));
        emptied.map_err(|error| store_error(error, &partial.path))?;
        Ok(partial)
    }

    /// The file that was kept, cut to `offset_bytes`.
    pub(super) fn resume(
        target: PathBuf,
        file_perm: Option<u32>,
        offset_bytes: u64,
        size_hint_bytes: Option<u64>,
    ) -> Result<Self, StoreError> {
        let path = with_suffix(&target, UNFINISHED_SUFFIX);
        let failed = |error| store_error(error, &path);
        let is_there = target.try_exists().map_err(failed)?;
        if is_there && offset_bytes == 0 {
            return Err(StoreError::Duplicate);
        }
        // A commit whose process died before it could tell.
        if is_there && !path.try_exists().map_err(failed)? {
            fs::rename(&target, &path).map_err(failed)?;
        }
        let open = OpenOptions::new().write(true).create(offset_bytes == 0).truncate(false).open(&path);
        let mut file = open.map_err(failed)?;
        lock(&file).map_err(failed)?;
        // Its last writer may have committed it between the two lines above.
        if !is_still_named(&file, &path).map_err(failed)? {
            return Err(StoreError::Duplicate);
        }
        if file.metadata().map_err(failed)?.len() < offset_bytes {
            return Err(StoreError::NotFound);
        }
        file.set_len(offset_bytes).map_err(failed)?;
        file.seek(SeekFrom::Start(offset_bytes)).map_err(failed)?;
        set_permissions(&file, file_perm).map_err(failed)?;
        let reserve = Reserve::of(size_hint_bytes);
        Ok(Self { file, path, target, length_bytes: offset_bytes, reserve, stays: true })
    }

    /// The name of a new file must be as durable as its bytes.
    fn flush(&mut self) -> io::Result<()> {
        // A hole at the end has no length until the file is given one.
        self.file.set_len(self.length_bytes)?;
        self.file.sync_all()?;
        self.target.parent().map_or(Ok(()), sync_directory)
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
                self.reserve.take(&self.file, self.length_bytes, run_bytes)?;
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
        let durable = self.target.parent().map_or(Ok(()), sync_directory);
        match durable {
            Ok(()) => self.stays = true,
            // Under its own name it would be nobody's: its next writer looks for it where it was.
            Err(_) if self.stays => fs::rename(&self.target, &self.path)?,
            // It is the whole image that goes.
            Err(_) => self.path.clone_from(&self.target),
        }
        durable.map(|()| url_of_path(&self.target))
    }
}

/// What was neither committed nor kept goes, however the upload ended: refused, cancelled or abandoned by its task.
impl Drop for Partial {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::error!(path = %self.path.display(), %error, "a partial file could not be removed");
        }
    }
}

/// The partial file of a dead writer is taken over, one of a live writer is not.
fn create_locked(path: &Path) -> io::Result<File> {
    let (file, is_new) = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => (file, true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            (OpenOptions::new().write(true).create(true).truncate(false).open(path)?, false)
        }
        Err(error) => return Err(error),
    };
    // Whoever else could have come to the new file was refused by the lock just as well.
    lock(&file).inspect_err(|_| {
        if is_new && let Err(error) = fs::remove_file(path) {
            tracing::error!(path = %path.display(), %error, "a partial file could not be removed");
        }
    })?;
    Ok(file)
}

fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => ErrorKind::AlreadyExists.into(),
        fs::TryLockError::Error(error) => error,
    })
}

#[cfg(unix)]
fn is_still_named(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    match fs::metadata(path) {
        Ok(named) => Ok(named.ino() == file.metadata()?.ino()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Other systems do not rename a file that somebody has open.
#[cfg(not(unix))]
fn is_still_named(_file: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
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

    async fn flush(&mut self) -> Result<(), StoreError> {
        let mut partial = self.take()?;
        let (partial, result) = blocking(move || {
            let result = partial.flush().map_err(|error| store_error(error, &partial.path));
            Ok((partial, result))
        })
        .await?;
        self.open = Some(partial);
        result
    }

    async fn keep(mut self: Box<Self>) -> Result<(), StoreError> {
        let mut partial = self.take()?;
        partial.stays = true;
        blocking(move || {
            drop(partial);
            Ok(())
        })
        .await
    }

    async fn cancel(mut self: Box<Self>) {
        let Some(mut partial) = self.open.take() else { return };
        partial.stays = false;
        drop(task::spawn_blocking(move || drop(partial)).await);
    }
}
