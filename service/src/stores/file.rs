//! The file store: `<datadir>/<id>`, as Glance lays it out, so that both can be swapped on the same data.
//!
//! Bytes go to `<id>.partial` first. A commit is fsync of the file, rename to `<id>`, fsync of the directory: a
//! power cut leaves the whole image or none of it. The writer holds a lock on its partial file; the kernel lets
//! go of it when the process dies, and that is how [`FileBackend::sweep`] tells a dead upload from a live one.
//!
//! Every call that may block runs on the blocking pool, for one batch at a time, so that a slow sender or reader
//! holds no thread.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tokio::task;

use super::{Backend, Batch, ByteRange, ByteStream, StoreError, Writer};

const SCHEME: &str = "file";
const PARTIAL_SUFFIX: &str = ".partial";
/// What one read brings; two of them are in memory for each reader.
pub const READ_BLOCK_BYTES: usize = 512 * 1024;
/// Zero bytes to compare a frame with: a run of them becomes a hole.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

pub struct FileBackend {
    datadir: Arc<Path>,
    file_perm: Option<u32>,
}

impl FileBackend {
    /// Makes `datadir` if it is not there.
    pub fn open(datadir: &Path, file_perm: Option<u32>) -> Result<Self, StoreError> {
        fs::create_dir_all(datadir).map_err(|error| store_error(error, datadir))?;
        let datadir = fs::canonicalize(datadir).map_err(|error| store_error(error, datadir))?;
        Ok(Self { datadir: datadir.into(), file_perm })
    }

    fn path_of_id(&self, id: &str) -> Result<PathBuf, StoreError> {
        let plain = !id.is_empty()
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if plain { Ok(self.datadir.join(id)) } else { Err(StoreError::BadLocation(id.to_owned())) }
    }
}

#[async_trait]
impl Backend for FileBackend {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn reads(&self, scheme: &str) -> bool {
        matches!(scheme, SCHEME | "filesystem")
    }

    async fn writer(&self, id: &str, _size_hint_bytes: Option<u64>) -> Result<Box<dyn Writer>, StoreError> {
        let target = self.path_of_id(id)?;
        let file_perm = self.file_perm;
        let open = blocking(move || Partial::create(target, file_perm)).await?;
        Ok(Box::new(FileWriter { open: Some(open) }))
    }

    async fn reader(&self, url: &str, range: Option<ByteRange>) -> Result<ByteStream, StoreError> {
        let path = path_of_url(url)?;
        let opened = blocking(move || Reading::open(&path, range)).await?;
        Ok(Box::pin(read_ahead(opened)))
    }

    async fn size(&self, url: &str) -> Result<u64, StoreError> {
        let path = path_of_url(url)?;
        blocking(move || Ok(fs::metadata(&path).map_err(|error| store_error(error, &path))?.len())).await
    }

    fn location(&self, id: &str) -> Result<String, StoreError> {
        Ok(url_of_path(&self.path_of_id(id)?))
    }

    async fn delete(&self, url: &str) -> Result<(), StoreError> {
        let path = path_of_url(url)?;
        blocking(move || fs::remove_file(&path).map_err(|error| store_error(error, &path))).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let path = self.datadir.join(format!("glasshouse-probe-{}", uuid::Uuid::new_v4()));
        blocking(move || probe_file(&path).map_err(|error| store_error(error, &path))).await
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        let datadir = Arc::clone(&self.datadir);
        blocking(move || sweep_partials(&datadir).map_err(|error| store_error(error, &datadir))).await
    }
}

/// Runs `work` where blocking is allowed. A panic in there is our bug and becomes an error of the store.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    task::spawn_blocking(work).await.map_err(|error| StoreError::Other(error.into()))?
}

fn store_error(error: io::Error, path: &Path) -> StoreError {
    match error.kind() {
        ErrorKind::NotFound => StoreError::NotFound,
        ErrorKind::AlreadyExists => StoreError::Duplicate,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            StoreError::Full(error)
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            StoreError::Denied { path: path.display().to_string(), source: error }
        }
        _ => StoreError::Other(Box::new(error)),
    }
}

/// `file:///var/lib/glance/images/<id>` → the path, taken as it stands: Glance does not escape it either.
fn path_of_url(url: &str) -> Result<PathBuf, StoreError> {
    let bad = || StoreError::BadLocation(url.to_owned());
    let path = url.strip_prefix("file://").or_else(|| url.strip_prefix("filesystem://")).ok_or_else(bad)?;
    if path.starts_with('/') { Ok(PathBuf::from(path)) } else { Err(bad()) }
}

fn url_of_path(path: &Path) -> String {
    format!("{SCHEME}://{}", path.display())
}

/// An image that is being written.
struct Partial {
    file: File,
    path: PathBuf,
    target: PathBuf,
    length_bytes: u64,
    is_committed: bool,
}

impl Partial {
    fn create(target: PathBuf, file_perm: Option<u32>) -> Result<Self, StoreError> {
        if target.try_exists().map_err(|error| store_error(error, &target))? {
            return Err(StoreError::Duplicate);
        }
        let mut path = target.clone().into_os_string();
        path.push(PARTIAL_SUFFIX);
        let path = PathBuf::from(path);
        let file = create_locked(&path).map_err(|error| store_error(error, &path))?;
        let partial = Self { file, path, target, length_bytes: 0, is_committed: false };
        set_permissions(&partial.file, file_perm).map_err(|error| store_error(error, &partial.path))?;
        Ok(partial)
    }

    fn write(&mut self, batch: &[Bytes]) -> io::Result<()> {
        let mut frames = batch.iter().filter(|frame| !frame.is_empty()).peekable();
        while let Some(frame) = frames.next() {
            if is_zero(frame) {
                self.file.seek(SeekFrom::Current(i64::try_from(frame.len()).map_err(io::Error::other)?))?;
                self.length_bytes += frame.len() as u64;
                continue;
            }
            let mut slices = vec![IoSlice::new(frame)];
            self.length_bytes += frame.len() as u64;
            while let Some(next) = frames.next_if(|next| !is_zero(next)) {
                slices.push(IoSlice::new(next));
                self.length_bytes += next.len() as u64;
            }
            write_all_vectored(&mut self.file, &mut slices)?;
        }
        Ok(())
    }

    fn commit(mut self) -> io::Result<String> {
        // A hole at the end has no length until the file is given one.
        self.file.set_len(self.length_bytes)?;
        self.file.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        self.is_committed = true;
        if let Some(directory) = self.target.parent() {
            sync_directory(directory)?;
        }
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
    file.set_len(0)?;
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
struct FileWriter {
    open: Option<Partial>,
}

impl FileWriter {
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

/// A part of a file that is being read.
struct Reading {
    file: File,
    left_bytes: u64,
}

impl Reading {
    fn open(path: &Path, range: Option<ByteRange>) -> Result<Self, StoreError> {
        let open = || -> io::Result<Self> {
            let mut file = File::open(path)?;
            let length_bytes = file.metadata()?.len();
            let left_bytes = match range {
                None => length_bytes,
                Some(range) => {
                    file.seek(SeekFrom::Start(range.offset_bytes))?;
                    range.length_bytes
                }
            };
            Ok(Self { file, left_bytes })
        };
        open().map_err(|error| store_error(error, path))
    }

    /// The next block; `None` at the end. A file that is shorter than it was is an error, never a short answer.
    fn next_block(&mut self) -> Result<Option<Bytes>, StoreError> {
        let want = usize::try_from(self.left_bytes).unwrap_or(READ_BLOCK_BYTES).min(READ_BLOCK_BYTES);
        if want == 0 {
            return Ok(None);
        }
        let mut block = Vec::with_capacity(want);
        let limit = u64::try_from(want).unwrap_or(u64::MAX);
        let read = (&mut self.file)
            .take(limit)
            .read_to_end(&mut block)
            .map_err(|error| StoreError::Other(Box::new(error)))?;
        if read == 0 {
            return Err(StoreError::Other("the file ends before its recorded length".into()));
        }
        self.left_bytes -= read as u64;
        Ok(Some(block.into()))
    }
}

type Block = Result<(Reading, Option<Bytes>), StoreError>;

fn spawn_read(mut reading: Reading) -> task::JoinHandle<Block> {
    task::spawn_blocking(move || {
        let block = reading.next_block()?;
        Ok((reading, block))
    })
}

/// One block is on its way to the socket while the next is read.
fn read_ahead(reading: Reading) -> impl stream::Stream<Item = Result<Bytes, StoreError>> + Send + Sync {
    stream::try_unfold(Some(spawn_read(reading)), |pending| async move {
        let Some(pending) = pending else { return Ok(None) };
        match pending.await.map_err(|error| StoreError::Other(error.into()))?? {
            (reading, Some(block)) if reading.left_bytes > 0 => Ok(Some((block, Some(spawn_read(reading))))),
            (_, Some(block)) => Ok(Some((block, None))),
            (_, None) => Ok(None),
        }
    })
}

fn probe_file(path: &Path) -> io::Result<()> {
    let outcome = write_and_read(path);
    match (outcome, fs::remove_file(path)) {
        (Ok(()), removed) => removed,
        (Err(error), _) => Err(error),
    }
}

fn write_and_read(path: &Path) -> io::Result<()> {
    const PROBE: &[u8] = b"glasshouse";
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(PROBE)?;
    file.sync_all()?;
    drop(file);
    if fs::read(path)? == PROBE {
        Ok(())
    } else {
        Err(io::Error::other("what was written is not what was read back"))
    }
}

fn sweep_partials(datadir: &Path) -> io::Result<usize> {
    let mut swept = 0;
    for entry in fs::read_dir(datadir)? {
        let path = entry?.path();
        if !path.as_os_str().to_string_lossy().ends_with(PARTIAL_SUFFIX) {
            continue;
        }
        match OpenOptions::new().write(true).open(&path) {
            Ok(file) if file.try_lock().is_ok() => {
                fs::remove_file(&path)?;
                swept += 1;
            }
            Ok(_) => {
                tracing::info!(path = %path.display(), "a partial file is being written by another process");
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a partial file could not be opened");
            }
        }
    }
    Ok(swept)
}
