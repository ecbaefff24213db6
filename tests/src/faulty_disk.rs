//! A folder whose disk fails on command, for a program that is started with [`FaultyDisk::environment`].
//!
//! A small library in C has the kernel hand over every call on that folder, by whatever code it is made: standing in
//! front of libc would miss what is called without it, and a file system in user space would need the right to mount and
//! would see other calls than the store makes. What the program maps into its memory passes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::fs::{Advice, fadvise};
pub use rustix::io::Errno;

use crate::scratch::Scratch;
use crate::{process, tools, wait};

/// What can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Create,
    Open,
    Read,
    /// Only what the kernel has in memory.
    ReadCached,
    /// From the file to a socket, within the kernel.
    Send,
    Write,
    /// Room that is taken ahead of the data.
    Allocate,
    /// A hole.
    Punch,
    /// A new length.
    Truncate,
    Flush,
    FlushFolder,
    Rename,
    Remove,
    MakeFolder,
    /// The names in the folder.
    List,
    /// Length, kind, whether it is there.
    Look,
    Permit,
    Lock,
}

impl Operation {
    const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Open => "open",
            Self::Read => "read",
            Self::ReadCached => "read_cached",
            Self::Send => "send",
            Self::Write => "write",
            Self::Allocate => "allocate",
            Self::Punch => "punch",
            Self::Truncate => "truncate",
            Self::Flush => "flush",
            Self::FlushFolder => "flush_folder",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::MakeFolder => "make_folder",
            Self::List => "list",
            Self::Look => "look",
            Self::Permit => "permit",
            Self::Lock => "lock",
        }
    }
}

/// The folder, and what is ordered for it.
#[derive(Debug)]
pub struct FaultyDisk {
    folder: PathBuf,
    edition: AtomicU32,
    scratch: Scratch,
}

impl FaultyDisk {
    /// Makes nothing fail yet.
    pub fn of(folder: &Path) -> Self {
        let folder = fs::canonicalize(folder).expect("the folder");
        let disk = Self { folder, edition: AtomicU32::new(0), scratch: Scratch::new("faulty-disk") };
        disk.heal();
        disk
    }

    /// What a program needs around it to have this disk.
    pub fn environment(&self) -> Vec<(String, String)> {
        let pair = |name: &str, path: &Path| (name.to_owned(), path.to_string_lossy().into_owned());
        vec![
            pair("LD_PRELOAD", &LIBRARY),
            pair("GLASSHOUSE_FAULTS_PROGRAM", Path::new("glasshouse-service")),
            pair("GLASSHOUSE_FAULTS", &self.folder),
            pair("GLASSHOUSE_FAULTS_ORDER", &self.scratch.join("order")),
            pair("GLASSHOUSE_FAULTS_LOG", &self.scratch.join("log")),
        ]
    }

    /// From the `nth` one on, each such operation fails.
    pub fn fail(&self, operation: Operation, nth: usize, errno: Errno) {
        self.order(&format!("{} {nth} 0 {} 0", operation.word(), errno.raw_os_error()));
    }

    /// The `nth` one fails, and no other.
    pub fn fail_once(&self, operation: Operation, nth: usize, errno: Errno) {
        self.order(&format!("{} {nth} 1 {} 0", operation.word(), errno.raw_os_error()));
    }

    /// Each operation takes so long.
    pub fn slow_down(&self, delay: Duration) {
        self.order(&format!("none 0 0 0 {}", delay.as_micros()));
    }

    /// Nothing fails any more, and nothing is slow.
    pub fn heal(&self) {
        self.order("none 0 0 0 0");
    }

    fn order(&self, words: &str) {
        let edition = self.edition.fetch_add(1, Ordering::SeqCst) + 1;
        fs::write(self.scratch.join("log"), "").expect("an empty log");
        let new = self.scratch.join("order.new");
        fs::write(&new, format!("{edition} {words}\n")).expect("an order");
        // At once: a program reads the old one or the new one.
        fs::rename(new, self.scratch.join("order")).expect("an order");
    }

    /// How many such operations there were since the last change.
    pub fn count(&self, operation: Operation) -> usize {
        let line = format!("{} {}", self.edition.load(Ordering::SeqCst), operation.word());
        let log = fs::read_to_string(self.scratch.join("log")).expect("the log");
        log.lines().filter(|done| **done == line).count()
    }

    /// Takes a file out of the kernel's memory, so that it has to be read from the disk.
    pub fn forget(&self, name: &str) {
        let file = fs::File::open(self.folder.join(name)).expect("a file");
        file.sync_all().expect("on the disk");
        fadvise(&file, 0, None, Advice::DontNeed).expect("forgotten");
    }

    /// The files, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).expect("the folder").map(|entry| entry.expect("an entry"));
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Compiled once for each test process.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tools::artefacts("faulty-disk");
    let path = folder.join(format!("{}.so", std::process::id()));
    let mut compile = Command::new(tools::system_program("cc"));
    compile.args(["-shared", "-fPIC", "-O1", "-Wall", "-o"]).arg(&path);
    compile.arg(tools::source_root().join("tests/src/faulty_disk.c"));
    process::run_well(compile, wait::STEP);
    path
});
