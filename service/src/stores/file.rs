//! The file store: `<datadir>/<id>`, as Glance lays it out, so that both can be swapped on the same data.
//!
//! Bytes go to `<id>.partial` first. A commit is fsync of the file, rename to `<id>`, fsync of the directory: a
//! power cut leaves the whole image or none of it. The writer holds a lock on its partial file; the kernel lets
//! go of it when the process dies, and that is how [`FileBackend::sweep`] tells a dead upload from a live one.
//!
//! Bytes that come in pieces go to `<id>.unfinished`, which no sweep takes away: whether somebody still goes on with
//! them is not known here.
//!
//! Every call that may block runs on the blocking pool, for one batch at a time, so that a slow sender or reader
//! holds no thread.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::task;

use super::{Backend, ByteRange, ByteStream, Content, KeptObject, StoreError, StoredObject, Writer};
use partial::{FileWriter, Partial};
pub use reading::Reading;

mod inventory;
mod kernel;
mod partial;
mod reading;

const SCHEME: &str = "file";
const PARTIAL_SUFFIX: &str = ".partial";
const UNFINISHED_SUFFIX: &str = ".unfinished";
/// What one read brings; three or four of them are in memory for each reader.
pub const READ_BLOCK_BYTES: usize = 256 * 1024;

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

    async fn writer(&self, id: &str, size_hint_bytes: Option<u64>) -> Result<Box<dyn Writer>, StoreError> {
        let target = self.path_of_id(id)?;
        let file_perm = self.file_perm;
        let open = blocking(move || Partial::create(target, file_perm, size_hint_bytes)).await?;
        Ok(Box::new(FileWriter::of(open)))
    }

    async fn reader(
        &self,
        url: &str,
        size_bytes: Option<u64>,
        range: Option<ByteRange>,
    ) -> Result<ByteStream, StoreError> {
        Ok(self.open(url, size_bytes, range).await?.stream())
    }

    async fn open(
        &self,
        url: &str,
        size_bytes: Option<u64>,
        range: Option<ByteRange>,
    ) -> Result<Content, StoreError> {
        let path = path_of_url(url)?;
        let reading = match Reading::open_at_once(&path, size_bytes, range) {
            Some(opened) => opened,
            None => blocking(move || Reading::open(&path, size_bytes, range)).await,
        };
        reading.map(Content::File)
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

    async fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        let datadir = Arc::clone(&self.datadir);
        blocking(move || inventory::list(&datadir).map_err(|error| store_error(error, &datadir))).await
    }

    async fn set_aside(&self, url: &str, now: Timestamp) -> Result<(), StoreError> {
        let (datadir, path) = (Arc::clone(&self.datadir), path_of_url(url)?);
        blocking(move || {
            inventory::set_aside(&datadir, &path, now).map_err(|error| store_error(error, &path))
        })
        .await
    }

    async fn purge(&self, before: Timestamp) -> Result<usize, StoreError> {
        let datadir = Arc::clone(&self.datadir);
        blocking(move || inventory::purge(&datadir, before).map_err(|error| store_error(error, &datadir)))
            .await
    }

    async fn resume(
        &self,
        id: &str,
        offset_bytes: u64,
        size_hint_bytes: Option<u64>,
    ) -> Result<Box<dyn Writer>, StoreError> {
        let target = self.path_of_id(id)?;
        let file_perm = self.file_perm;
        let open =
            blocking(move || Partial::resume(target, file_perm, offset_bytes, size_hint_bytes)).await?;
        Ok(Box::new(FileWriter::of(open)))
    }

    async fn read_kept(&self, id: &str, range: ByteRange) -> Result<ByteStream, StoreError> {
        let path = with_suffix(&self.path_of_id(id)?, UNFINISHED_SUFFIX);
        Ok(blocking(move || Reading::open(&path, None, Some(range))).await?.stream())
    }

    async fn list_kept(&self) -> Result<Vec<KeptObject>, StoreError> {
        let datadir = Arc::clone(&self.datadir);
        blocking(move || inventory::list_kept(&datadir).map_err(|error| store_error(error, &datadir))).await
    }

    async fn discard(&self, id: &str) -> Result<(), StoreError> {
        let path = with_suffix(&self.path_of_id(id)?, UNFINISHED_SUFFIX);
        blocking(move || {
            let file =
                OpenOptions::new().write(true).open(&path).map_err(|error| store_error(error, &path))?;
            if file.try_lock().is_err() {
                return Err(StoreError::Duplicate);
            }
            fs::remove_file(&path).map_err(|error| store_error(error, &path))
        })
        .await
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

/// No room for so much, for everybody or for us.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

fn store_error(error: io::Error, path: &Path) -> StoreError {
    match error.kind() {
        ErrorKind::NotFound => StoreError::NotFound,
        ErrorKind::AlreadyExists => StoreError::Duplicate,
        _ if is_full(&error) => StoreError::Full(error),
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

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn url_of_path(path: &Path) -> String {
    format!("{SCHEME}://{}", path.display())
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
