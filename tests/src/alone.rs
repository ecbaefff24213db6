//! Our service without an identity in front of it, for tests that are about bytes and not about people: every caller is
//! an administrator.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::deployment::{Database, db_sync};
use crate::http::Api;
use crate::scratch::Scratch;
use crate::service::Service;
use crate::{process, tools};

/// A running service, its database and its store.
#[derive(Debug)]
pub struct Alone {
    pub service: Service,
    pub configuration: PathBuf,
    store: PathBuf,
    environment: Vec<(String, String)>,
    _scratch: Scratch,
}

impl Alone {
    /// On a new SQLite file.
    pub fn on_sqlite(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let database = Database::sqlite_in(scratch.path());
        Self::start(scratch, &database, Vec::new())
    }

    /// On a new database of the shared MariaDB.
    pub fn on_mariadb(name: &str) -> Self {
        Self::start(Scratch::new(name), &Database::mariadb(), Vec::new())
    }

    /// With a file system of its own for its store, of so many bytes. Only the service sees it, so that it goes with it.
    pub fn on_small_disk(name: &str, size_bytes: usize) -> Self {
        let scratch = Scratch::new(name);
        let (configuration, port) = configure(&scratch, &Database::sqlite_in(scratch.path()));
        let mut outer = Command::new(tools::system_program("unshare"));
        if !process::we_are_root() {
            outer.args(["--user", "--map-root-user"]);
        }
        outer.args(["--mount", "sh", "-ec", "mount -t tmpfs -o size=$0 none \"$1\"; shift; exec \"$@\""]);
        outer.arg(size_bytes.to_string()).arg(scratch.join("images"));
        let service = Service::start_serve_by(outer, &configuration, port);
        let inside = format!("/proc/{}/root", service.process.id());
        let store = Path::new(&inside).join(scratch.join("images").strip_prefix("/").expect("a whole path"));
        Self { service, configuration, store, environment: Vec::new(), _scratch: scratch }
    }

    /// With variables around the service.
    pub fn start(scratch: Scratch, database: &Database, environment: Vec<(String, String)>) -> Self {
        let (configuration, port) = configure(&scratch, database);
        let service = Service::start_serve_in(&configuration, port, &environment);
        let store = scratch.join("images");
        Self { service, configuration, store, environment, _scratch: scratch }
    }

    pub fn api(&self) -> Api {
        self.service.api()
    }

    /// The folder of the file store.
    pub fn store(&self) -> PathBuf {
        self.store.clone()
    }

    /// Starts the service again after its end.
    pub fn restart(&mut self) {
        let port = self.service.port;
        self.service = Service::start_serve_in(&self.configuration, port, &self.environment);
    }
}

/// Writes the file and makes the tables.
fn configure(scratch: &Scratch, database: &Database) -> (PathBuf, u16) {
    let port = process::free_port();
    let configuration = scratch.join("glance-api.conf");
    let text = format!(
        "[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = {port}\n[database]\nconnection = {}\n\
             [glasshouse]\nallow_no_auth = True\n[glance_store]\nfilesystem_store_datadir = {}\n",
        database.connection(),
        scratch.folder("images").display()
    );
    fs::write(&configuration, text).expect("glance-api.conf");
    let synced = db_sync(&configuration);
    assert!(synced.status.success(), "{synced:?}");
    (configuration, port)
}
