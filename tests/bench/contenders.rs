//! What is compared: our service on both databases and the real Glance, each on a database of its own that is filled
//! with the same images.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use glasshouse_tests::deployment::{Database, db_sync, write_configuration};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::keystone::{ADMIN, Keystone, STRANGER};
use glasshouse_tests::mariadb::Mariadb;
use glasshouse_tests::process;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::service::Service;

use crate::client::Client;
use crate::fill::{self, Owners};
use crate::measure::{self, Processes};
use crate::rows::Caller;

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Glance,
    OursOnMariadb,
    OursOnSqlite,
}

/// One that runs and is filled.
#[derive(Debug)]
pub struct Contender {
    pub kind: Kind,
    pub processes: Processes,
    /// From the start of the process to its first answer; not measured for Glance, which fills its tables after it.
    pub start: Option<Duration>,
    pub idle_bytes: u64,
    /// The name of its database; empty for SQLite.
    pub tables: String,
    address: String,
    keystone: &'static Keystone,
    _held: Runs,
}

/// Kept for as long as they are measured.
#[derive(Debug)]
#[expect(dead_code, reason = "held so that the processes live")]
enum Runs {
    Ours(Service, Scratch),
    Glance(Glance),
}

impl Contender {
    pub fn start(kind: Kind, server: &Mariadb, images: u64) -> Self {
        let keystone = Keystone::shared();
        let owners =
            Owners { common: keystone.project_id("demo"), sparse: keystone.project_id(STRANGER.project) };
        let database = server.process_id().expect("the benchmark starts its own database server");
        let contender = match kind {
            Kind::Glance => {
                let tables = Database::Mariadb(server.create_database());
                let glance = Glance::start(keystone, &tables);
                fill::fill(&tables, server, images, &owners);
                let processes = Processes { server: glance.process().id(), database: Some(database) };
                let idle_bytes = processes.resident_bytes();
                let address = format!("127.0.0.1:{}", glance.port);
                let held = Runs::Glance(glance);
                Self {
                    kind,
                    processes,
                    start: None,
                    idle_bytes,
                    tables: name_of(&tables),
                    address,
                    keystone,
                    _held: held,
                }
            }
            Kind::OursOnMariadb => {
                let tables = Database::Mariadb(server.create_database());
                Self::ours(kind, (Scratch::new("bench-mariadb"), tables), server, images, &owners)
            }
            Kind::OursOnSqlite => {
                let scratch = Scratch::new("bench-sqlite");
                let tables = Database::sqlite_in(scratch.path());
                Self::ours(kind, (scratch, tables), server, images, &owners)
            }
        };
        measure::wait_until_idle(database);
        contender
    }

    fn ours(
        kind: Kind,
        (scratch, tables): (Scratch, Database),
        server: &Mariadb,
        images: u64,
        owners: &Owners,
    ) -> Self {
        let keystone = Keystone::shared();
        let port = process::free_port();
        let configuration: PathBuf = write_configuration(&scratch, port, &tables, keystone, "");
        let synced = db_sync(&configuration);
        assert!(synced.status.success(), "db sync: {}{}", synced.stdout, synced.stderr);
        fill::fill(&tables, server, images, owners);
        let began = Instant::now();
        let service = Service::start_serve(&configuration, port);
        let start = Some(began.elapsed());
        let database = server.process_id().filter(|_| kind == Kind::OursOnMariadb);
        let processes = Processes { server: service.process.id(), database };
        let idle_bytes = processes.resident_bytes();
        let address = format!("127.0.0.1:{port}");
        let held = Runs::Ours(service, scratch);
        Self { kind, processes, start, idle_bytes, tables: name_of(&tables), address, keystone, _held: held }
    }

    pub fn client(&self, caller: Caller) -> Client {
        Client::new(&self.address, &self.token(caller))
    }

    pub fn token(&self, caller: Caller) -> String {
        self.keystone.token(match caller {
            Caller::Admin => ADMIN,
            Caller::Sparse => STRANGER,
        })
    }

    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Glance => "Glance",
            Self::OursOnMariadb => "ours, MariaDB",
            Self::OursOnSqlite => "ours, SQLite",
        }
    }
}

/// The name of a database on the server; empty for SQLite.
fn name_of(tables: &Database) -> String {
    match tables {
        Database::Sqlite(_) => String::new(),
        Database::Mariadb(database) => database.name.clone(),
    }
}
