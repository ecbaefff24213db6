//! A controller: our service with a configuration file, a database, a file store and a real Keystone.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::http::Api;
use crate::keystone::{Keystone, Person, SERVICE};
use crate::mariadb::{self, Mariadb};
use crate::process::{self, Finished};
use crate::scratch::Scratch;
use crate::service::{self, Service};

/// Which database the service keeps its records in.
#[derive(Debug, Clone)]
pub enum Database {
    Sqlite(PathBuf),
    Mariadb(mariadb::Database),
}

/// An Image service and the identity in front of it, ours or the real Glance: what the tests of the API ask.
#[derive(Debug, Clone)]
pub struct Site {
    pub url: String,
    pub keystone: &'static Keystone,
}

impl Site {
    /// The Image API as this person.
    pub fn api(&self, person: Person) -> Api {
        Api::new(&self.url).with_token(&self.keystone.token(person))
    }

    /// The Image API without a token.
    pub fn anonymous(&self) -> Api {
        Api::new(&self.url)
    }
}

/// A running controller.
#[derive(Debug)]
pub struct Deployment {
    pub service: Service,
    pub keystone: &'static Keystone,
    pub database: Database,
    pub configuration: PathBuf,
    /// The region under which Keystone's catalog lists it.
    pub region: String,
    /// What `db sync` said when the deployment was made.
    pub synced: Finished,
    scratch: Scratch,
}

static ON_SQLITE: OnceLock<Deployment> = OnceLock::new();
static ON_MARIADB: OnceLock<Deployment> = OnceLock::new();

impl Database {
    /// A new SQLite file in a folder.
    pub fn sqlite_in(folder: &Path) -> Self {
        Self::Sqlite(folder.join("glance.sqlite"))
    }

    /// A new empty database on the shared MariaDB.
    pub fn mariadb() -> Self {
        Self::Mariadb(Mariadb::shared().create_database())
    }

    /// The value of `[database] connection`.
    pub fn connection(&self) -> String {
        match self {
            // Three slashes begin the URL, the fourth the absolute path.
            Self::Sqlite(path) => format!("sqlite:///{}", path.display()),
            Self::Mariadb(database) => database.connection(),
        }
    }
}

impl Deployment {
    /// The one on SQLite that all tests of this process share.
    pub fn on_sqlite() -> &'static Self {
        ON_SQLITE.get_or_init(|| {
            let scratch = Scratch::new("deployment-sqlite");
            let database = Database::sqlite_in(scratch.path());
            Self::start(scratch, database, Keystone::shared())
        })
    }

    /// The one on MariaDB that all tests of this process share.
    pub fn on_mariadb() -> &'static Self {
        ON_MARIADB.get_or_init(|| {
            Self::start(Scratch::new("deployment-mariadb"), Database::mariadb(), Keystone::shared())
        })
    }

    /// Writes the file, fills the database, starts the service and registers it in the catalog.
    pub fn start(scratch: Scratch, database: Database, keystone: &'static Keystone) -> Self {
        Self::start_with(scratch, database, keystone, "")
    }

    /// The same with more at the end of the file.
    pub fn start_with(
        scratch: Scratch,
        database: Database,
        keystone: &'static Keystone,
        extra: &str,
    ) -> Self {
        let port = process::free_port();
        let configuration = write_configuration(&scratch, port, &database, keystone, extra);
        let synced = db_sync(&configuration);
        assert!(
            synced.status.success(),
            "db sync failed ({}): {}{}",
            synced.status,
            synced.stdout,
            synced.stderr
        );
        let service = Service::start_serve(&configuration, port);
        let region = format!("port-{port}");
        keystone.register_image_service(&region, &service.url());
        Self { service, keystone, database, configuration, region, synced, scratch }
    }

    /// The Image API as this person.
    pub fn api(&self, person: Person) -> Api {
        self.service.api().with_token(&self.keystone.token(person))
    }

    pub fn site(&self) -> Site {
        Site { url: self.service.url(), keystone: self.keystone }
    }

    /// The folder of the file store.
    pub fn store(&self) -> PathBuf {
        store_folder(&self.scratch)
    }

    /// Kills the service without warning and starts it again.
    pub fn crash_and_restart(&mut self) {
        self.service.process.kill();
        self.service = Service::start_serve(&self.configuration, self.service.port);
    }
}

/// Runs `db sync` with a file.
pub fn db_sync(configuration: &Path) -> Finished {
    service::run(&["db", "sync", "--config-file", &configuration.to_string_lossy()])
}

fn store_folder(scratch: &Scratch) -> PathBuf {
    scratch.folder("images")
}

/// A `glance-api.conf` in the manner of the install guide. `extra` is put at its end. The real Glance reads it as well.
pub fn write_configuration(
    scratch: &Scratch,
    port: u16,
    database: &Database,
    keystone: &Keystone,
    extra: &str,
) -> PathBuf {
    let (connection, store) = (database.connection(), store_folder(scratch));
    let (store, identity) = (store.display(), keystone.url());
    let (user, password, project) = (SERVICE.name, SERVICE.password, SERVICE.project);
    let text = format!(
        "[DEFAULT]\n\
         bind_host = 127.0.0.1\n\
         bind_port = {port}\n\
         [database]\n\
         connection = {connection}\n\
         [keystone_authtoken]\n\
         www_authenticate_uri = {identity}\n\
         auth_url = {identity}\n\
         auth_type = password\n\
         project_domain_id = default\n\
         user_domain_id = default\n\
         project_name = {project}\n\
         username = {user}\n\
         password = {password}\n\
         [paste_deploy]\n\
         flavor = keystone\n\
         [glance_store]\n\
         stores = file\n\
         default_store = file\n\
         filesystem_store_datadir = {store}\n\
         {extra}"
    );
    let path = scratch.join("glance-api.conf");
    fs::write(&path, text).expect("glance-api.conf");
    path
}
