//! Our service without an identity in front of it, for tests that are about bytes and not about people: every caller is
//! an administrator.

use std::fs;
use std::path::PathBuf;

use crate::deployment::{Database, db_sync};
use crate::http::Api;
use crate::process;
use crate::scratch::Scratch;
use crate::service::Service;

/// A running service, its database and its store.
#[derive(Debug)]
pub struct Alone {
    pub service: Service,
    pub configuration: PathBuf,
    environment: Vec<(String, String)>,
    scratch: Scratch,
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

    /// With variables around the service.
    pub fn start(scratch: Scratch, database: &Database, environment: Vec<(String, String)>) -> Self {
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
        let service = Service::start_serve_in(&configuration, port, &environment);
        Self { service, configuration, environment, scratch }
    }

    pub fn api(&self) -> Api {
        self.service.api()
    }

    /// The folder of the file store.
    pub fn store(&self) -> PathBuf {
        self.scratch.join("images")
    }

    /// Starts the service again after its end.
    pub fn restart(&mut self) {
        let port = self.service.port;
        self.service = Service::start_serve_in(&self.configuration, port, &self.environment);
    }
}
