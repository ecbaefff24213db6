//! A folder for one fixture or test, gone when it is dropped.
//!
//! Shared fixtures live in statics, which are never dropped: what dead test processes left is swept by the next one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::tools;

static NUMBER: AtomicU32 = AtomicU32::new(0);
static SWEEP: Once = Once::new();

/// The folder; everything in it goes with it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new empty folder whose name ends in `name`.
    pub fn new(name: &str) -> Self {
        let root = tools::artefacts("scratch");
        SWEEP.call_once(|| sweep(&root));
        Self::below(&root, name)
    }

    /// The same on a memory file system, for measurements that no disk may take part in.
    pub fn in_memory(name: &str) -> Self {
        let root = Path::new("/dev/shm/glasshouse-tests");
        sweep(root);
        Self::below(root, name)
    }

    fn below(root: &Path, name: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = root.join(std::process::id().to_string()).join(format!("{number}-{name}"));
        fs::create_dir_all(&path).expect("a scratch folder");
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path below the folder; nothing is made.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// A folder below this one, made.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(&path).expect("a folder below the scratch folder");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A server that is still dying may write into it: the sweep takes what stays.
        let _ = fs::remove_dir_all(&self.path);
        if let Some(parent) = self.path.parent() {
            let _ = fs::remove_dir(parent);
        }
    }
}

/// Removes the folders of test processes that are no more.
fn sweep(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let is_alive = Path::new("/proc").join(entry.file_name()).exists();
        if !is_alive {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
