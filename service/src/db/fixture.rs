//! Databases for tests: each test runs on a new SQLite file, and on a new MariaDB database when a server is given.

use std::path::PathBuf;
use std::time::Duration;

use glasshouse_shared::image::{Image, Status, Visibility};
use jiff::Timestamp;
use url::Url;

use super::connection::Connection;
use super::images::ImageRecord;
use super::mariadb::Mariadb;
use super::sqlite::Sqlite;
use super::{Account, Db, Session, schema};
use crate::config::{DatabaseConfig, DatabaseUrl, Secret};

pub const NOW: &str = "2024-05-06T07:08:09Z";

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Runs the same assertions on every engine at hand, on a connection whose database has the schema.
pub fn on_each(test: fn(&mut dyn Connection)) {
    on_each_config(|config| {
        let mut session = session(config);
        session.begin().unwrap();
        schema::sync(session.as_mut()).unwrap();
        // Definitions ended the transaction on MariaDB.
        session.commit().unwrap();
        session.begin().unwrap();
        test(session.as_mut());
        session.commit().unwrap();
    });
}

/// The same, on a connection whose database is empty.
pub fn on_each_empty(test: impl Fn(&mut dyn Connection)) {
    on_each_config(|config| {
        let mut session = session(config);
        session.begin().unwrap();
        test(session.as_mut());
        session.commit().unwrap();
    });
}

/// The same, through the door.
pub fn on_each_db(test: impl AsyncFn(Db)) {
    on_each_config(|config| {
        let db = Db::open(config).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            db.write(|conn| schema::sync(conn)).await.unwrap();
            test(db).await;
        });
    });
}

pub fn on_each_config(test: impl Fn(&DatabaseConfig)) {
    let folder = tempfile::tempdir().unwrap();
    test(&config(DatabaseUrl::Sqlite { path: folder.path().join("glance.sqlite") }));
    if let Some(server) = mariadb() {
        let own = OwnDatabase::create(&server);
        test(&config(own.url.clone()));
    }
}

pub fn config(url: DatabaseUrl) -> DatabaseConfig {
    DatabaseConfig {
        url,
        max_pool_size: 5,
        max_retries: Some(0),
        retry_interval: Duration::from_millis(10),
        mysql_sql_mode: "TRADITIONAL".to_owned(),
        sqlite_synchronous: false,
    }
}

/// The server that tests may use; without one only SQLite is tested, unless it was promised.
pub fn mariadb() -> Option<DatabaseUrl> {
    let Ok(address) = std::env::var("GLASSHOUSE_TEST_MARIADB_URL") else {
        let promised = std::env::var_os("CI").is_some()
            || std::env::var("GLASSHOUSE_TEST_REQUIRE").is_ok_and(|value| value == "1");
        assert!(!promised, "GLASSHOUSE_TEST_MARIADB_URL is not set, and no test may be left out here");
        return None;
    };
    let address: Url = address.parse().unwrap();
    Some(DatabaseUrl::Mariadb {
        host: address.host_str().unwrap().to_owned(),
        port: address.port().unwrap_or(3306),
        user: address.username().to_owned(),
        password: Secret::new(address.password().unwrap_or_default()),
        database: "mysql".to_owned(),
        ssl_ca: None,
    })
}

pub fn session(config: &DatabaseConfig) -> Box<dyn Session> {
    match &config.url {
        DatabaseUrl::Sqlite { path } => Box::new(Sqlite::open(path, false).unwrap()),
        DatabaseUrl::Mariadb { .. } => Box::new(Mariadb::connect(&account(config)).unwrap()),
    }
}

pub fn account(config: &DatabaseConfig) -> Account {
    let DatabaseUrl::Mariadb { host, port, user, password, database, ssl_ca } = config.url.clone() else {
        panic!("not a server");
    };
    Account { host, port, user, password, database, ssl_ca, sql_mode: config.mysql_sql_mode.clone() }
}

/// A database that goes with its owner.
struct OwnDatabase {
    url: DatabaseUrl,
    name: String,
    admin: Box<dyn Session>,
}

impl OwnDatabase {
    fn create(server: &DatabaseUrl) -> Self {
        let name = format!("glasshouse_test_{}", uuid::Uuid::new_v4().simple());
        let mut admin = session(&config(server.clone()));
        admin.execute(&format!("CREATE DATABASE {name} CHARACTER SET utf8"), &[]).unwrap();
        let mut url = server.clone();
        if let DatabaseUrl::Mariadb { database, .. } = &mut url {
            database.clone_from(&name);
        }
        Self { url, name, admin }
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        // Nothing to be done when the server is gone; it is a server for tests.
        let _ = self.admin.execute(&format!("DROP DATABASE {}", self.name), &[]);
    }
}

/// A private folder with the path of a SQLite file that is not there.
pub fn sqlite_path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("glance.sqlite")
}

/// An image with an id that ends in `number`.
pub fn image(number: u32) -> Image {
    Image {
        id: format!("00000000-0000-4000-8000-{number:012}"),
        name: Some(format!("image-{number}")),
        status: Status::Queued,
        visibility: Visibility::Shared,
        protected: false,
        hidden: false,
        owner: Some("project-a".to_owned()),
        disk_format: Some("qcow2".to_owned()),
        container_format: Some("bare".to_owned()),
        min_disk_gb: 0,
        min_ram_mb: 0,
        tags: std::collections::BTreeSet::new(),
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        created_at: time(NOW),
        updated_at: time(NOW),
        properties: std::collections::BTreeMap::new(),
    }
}

pub fn record(number: u32) -> ImageRecord {
    ImageRecord { image: image(number), locations: Vec::new() }
}
