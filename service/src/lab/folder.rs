//! The folder of a lab: private to its owner, held by one process, its files replaced whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::LabError;

/// An open folder. The lock is given back when this is dropped, also by a process that is killed.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is missing, and takes it for this process.
    pub fn open(dir: &Path) -> Result<Self, LabError> {
        let not_writable = |source| LabError::NotWritable { dir: dir.to_path_buf(), source };
        make_dir(dir).map_err(not_writable)?;
        let path = dir.canonicalize().map_err(not_writable)?;
        make_dir(&path.join("images")).map_err(not_writable)?;
        let lock = private().create(true).truncate(false).open(path.join("lock")).map_err(not_writable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LabError::InUse { dir: path }),
            Err(TryLockError::Error(source)) => return Err(not_writable(source)),
        }
        let folder = Self { path, _lock: lock };
        folder.probe().map_err(not_writable)?;
        Ok(folder)
    }

    /// A lock file that is there already says nothing about the right to make new files.
    fn probe(&self) -> io::Result<()> {
        let probe = self.path.join(".probe");
        private().create(true).truncate(true).open(&probe)?;
        fs::remove_file(probe)
    }

    /// Absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text of a file; `None` if there is none.
    pub fn read(&self, name: &str) -> Result<Option<String>, LabError> {
        let file = self.path.join(name);
        match fs::read_to_string(&file) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LabError::File { file, source }),
        }
    }

    /// Replaces a file by a private one, so that it is old or new after a power cut and never half.
    pub fn write(&self, name: &str, text: &str) -> Result<(), LabError> {
        let file = self.path.join(name);
        self.replace(&file, name, text).map_err(|source| LabError::File { file, source })
    }

    fn replace(&self, file: &Path, name: &str, text: &str) -> io::Result<()> {
        let partial = self.path.join(format!(".{name}.partial"));
        // A leftover may have other rights; the new file begins as nobody's but ours.
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut written = private().create_new(true).open(&partial)?;
        written.write_all(text.as_bytes())?;
        written.sync_all()?;
        fs::rename(&partial, file)?;
        if cfg!(unix) {
            File::open(&self.path)?.sync_all()?;
        }
        Ok(())
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Options for files that only their owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
