//! What `serve` looks at when it starts, and what `db sync` says. One sentence, the option that mends it, the
//! documented exit code, and nothing on standard output.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use glasshouse_tests::deployment::{Database, Deployment, db_sync, write_configuration};
use glasshouse_tests::keystone::{Keystone, SERVICE};
use glasshouse_tests::mariadb::{self, Mariadb};
use glasshouse_tests::process::{self, Finished};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::service::{self, Service};

const CONFIGURATION: i32 = 3;
const DATABASE: i32 = 4;
const STORE: i32 = 5;
const IDENTITY: i32 = 6;
const ADDRESS: i32 = 7;

/// A controller's file that would start, once the database is filled.
struct Prepared {
    scratch: Scratch,
    file: PathBuf,
}

impl Prepared {
    fn new(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let database = Database::sqlite_in(scratch.path());
        Self::with_database(scratch, &database)
    }

    fn with_database(scratch: Scratch, database: &Database) -> Self {
        // Without this the service asks a server that is not there ten times before it gives up.
        let extra = "[database]\nmax_retries = 0\n";
        let file = write_configuration(&scratch, process::free_port(), database, Keystone::shared(), extra);
        Self { scratch, file }
    }

    fn synced(self) -> Self {
        let said = db_sync(&self.file);
        assert!(said.status.success(), "{said:?}");
        self
    }

    /// Puts another text in the place of one that the file has.
    fn change(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.file).expect("the file");
        assert!(text.contains(from), "no {from:?} in\n{text}");
        fs::write(&self.file, text.replace(from, to)).expect("the file");
    }

    fn serve(&self) -> Finished {
        service::run(&["serve", "--config-file", &self.file.to_string_lossy()])
    }
}

/// It ended with this code and said each of these words to standard error.
#[track_caller]
fn assert_refused(ended: &Finished, code: i32, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    for word in words {
        assert!(ended.stderr.contains(word), "no {word:?} in:\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(SERVICE.password), "no password in:\n{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn db_sync_says_which_database_it_filled_and_how_many_tables() {
    for controller in [Deployment::on_sqlite(), Deployment::on_mariadb()] {
        let said = &controller.synced.stdout;
        assert!(said.contains("2024_1_contract01"), "{said}");
        let place = match &controller.database {
            Database::Sqlite(path) => path.display().to_string(),
            Database::Mariadb(database) => database.name.clone(),
        };
        assert!(said.contains(&place), "{said}");
        assert!(
            said.split_whitespace().any(|word| word == "15"),
            "Glance has fifteen tables of its own: {said}"
        );
        let again = db_sync(&controller.configuration);
        assert!(again.status.success() && again.stdout.contains(&place), "{again:?}");
        assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
    }
}

#[test]
fn db_sync_makes_the_tables_that_glance_knows() {
    let Database::Mariadb(database) = &Deployment::on_mariadb().database else { panic!("a MariaDB") };
    let name = &database.name;
    let mut tables = Mariadb::shared().sql(&format!("SHOW TABLES FROM {name}"));
    tables.retain(|table| !table.starts_with("glasshouse_"));
    assert_eq!(tables, GLANCE_TABLES);
    let revision = Mariadb::shared().sql(&format!("SELECT version_num FROM {name}.alembic_version"));
    assert_eq!(revision, ["2024_1_contract01"]);
}

const GLANCE_TABLES: [&str; 16] = [
    "alembic_version",
    "cached_images",
    "image_locations",
    "image_members",
    "image_properties",
    "image_tags",
    "images",
    "metadef_namespace_resource_types",
    "metadef_namespaces",
    "metadef_objects",
    "metadef_properties",
    "metadef_resource_types",
    "metadef_tags",
    "node_reference",
    "task_info",
    "tasks",
];

#[test]
fn db_sync_fails_loudly_when_it_fills_nothing() {
    let scratch = Scratch::new("sync-nothing");
    let wrong =
        mariadb::Database { password: "wrong-password".to_owned(), ..Mariadb::shared().create_database() };
    let prepared = Prepared::with_database(scratch, &Database::Mariadb(wrong.clone()));
    let ended = db_sync(&prepared.file);
    assert_refused(&ended, DATABASE, &["FAILED", "connection", &wrong.user]);
    assert!(!ended.stderr.contains("wrong-password"), "{}", ended.stderr);
}

#[test]
fn without_a_file_it_says_where_it_looked() {
    let ended = service::run(&["serve", "--config-file", "/nonexistent/glance-api.conf"]);
    assert_refused(&ended, CONFIGURATION, &["/nonexistent/glance-api.conf"]);
}

#[test]
fn a_file_that_is_no_configuration_is_named_with_its_line() {
    let prepared = Prepared::new("no-configuration");
    fs::write(&prepared.file, "[DEFAULT]\nbind_port = many\n").expect("the file");
    assert_refused(&prepared.serve(), CONFIGURATION, &["glance-api.conf", "bind_port", "many"]);
}

#[test]
fn a_database_without_tables_names_the_command_that_makes_them() {
    let on_sqlite = Prepared::new("no-tables");
    assert_refused(&on_sqlite.serve(), DATABASE, &["db sync"]);
    let on_mariadb = Prepared::with_database(Scratch::new("no-tables-mariadb"), &Database::mariadb());
    assert_refused(&on_mariadb.serve(), DATABASE, &["db sync", "connection"]);
}

#[test]
fn a_wrong_database_password_names_the_account_and_the_option() {
    let wrong =
        mariadb::Database { password: "wrong-password".to_owned(), ..Mariadb::shared().create_database() };
    let prepared =
        Prepared::with_database(Scratch::new("refused-account"), &Database::Mariadb(wrong.clone()));
    let ended = prepared.serve();
    assert_refused(&ended, DATABASE, &["[database]", "connection", &wrong.user, "glance-api.conf"]);
    assert!(!ended.stderr.contains("wrong-password"), "{}", ended.stderr);
}

#[test]
fn a_database_server_that_is_away_names_host_and_port() {
    let port = process::free_port();
    let away = mariadb::Database { port, ..Mariadb::shared().create_database() };
    let prepared = Prepared::with_database(Scratch::new("database-away"), &Database::Mariadb(away));
    assert_refused(&prepared.serve(), DATABASE, &[&format!("127.0.0.1:{port}"), "connection"]);
}

#[test]
fn a_store_that_cannot_be_written_names_the_folder_and_the_option() {
    let prepared = Prepared::new("store").synced();
    let blocked = prepared.scratch.join("a-file");
    fs::write(&blocked, "not a folder").expect("a file");
    let folder = format!("{}/images", blocked.display());
    prepared.change(&format!("{}/images", prepared.scratch.path().display()), &folder);
    assert_refused(&prepared.serve(), STORE, &[&folder, "filesystem_store_datadir"]);
}

#[test]
fn a_keystone_that_is_away_names_its_address_and_the_option() {
    let prepared = Prepared::new("keystone-away").synced();
    let away = format!("http://127.0.0.1:{}", process::free_port());
    prepared.change(&format!("auth_url = {}", Keystone::shared().url()), &format!("auth_url = {away}"));
    assert_refused(&prepared.serve(), IDENTITY, &[&away, "auth_url"]);
}

#[test]
fn who_needs_no_keystone_is_answered_before_it_is() {
    let prepared = Prepared::new("keystone-silent").synced();
    // Takes every connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", silent.local_addr().expect("an address"));
    prepared.change(&format!("auth_url = {}", Keystone::shared().url()), &format!("auth_url = {address}"));
    let port = port_of(&prepared.file).parse().expect("a port");
    let service = Service::start_serve(&prepared.file, port);
    let versions = service.api().get("/").expect(300).json();
    let is_current = |version: &serde_json::Value| version["status"] == "CURRENT";
    assert!(versions["versions"].as_array().expect("versions").iter().any(is_current), "{versions}");
    assert_eq!(service.api().get("/healthcheck").expect(200).text(), "OK");
    assert!(!service.process.log().contains("the service ends"), "{}", service.process.log());
}

#[test]
fn a_service_account_that_keystone_refuses_names_account_and_option() {
    let prepared = Prepared::new("keystone-refuses").synced();
    prepared.change(&format!("password = {}", SERVICE.password), "password = not-the-password");
    let ended = prepared.serve();
    assert_refused(&ended, IDENTITY, &["keystone_authtoken", "password"]);
    assert!(!ended.stderr.contains("not-the-password"), "{}", ended.stderr);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let prepared = Prepared::new("port").synced();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let old = port_of(&prepared.file);
    prepared.change(&format!("bind_port = {old}"), &format!("bind_port = {port}"));
    assert_refused(&prepared.serve(), ADDRESS, &[&format!("127.0.0.1:{port}")]);
}

fn port_of(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("the file");
    let line = text.lines().find_map(|line| line.strip_prefix("bind_port = "));
    line.expect("bind_port").to_owned()
}

#[test]
fn the_probe_of_the_store_leaves_no_file() {
    let controller = Deployment::on_sqlite();
    let odd: Vec<String> = fs::read_dir(controller.store())
        .expect("the store")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("probe"))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn logs_tell_each_request_with_its_id_and_no_token() {
    let controller = Deployment::on_sqlite();
    let token = controller.keystone.token(glasshouse_tests::keystone::MEMBER);
    let answer = controller.api(glasshouse_tests::keystone::MEMBER).get("/v2/images?limit=3").expect(200);
    let id = answer.header("x-openstack-request-id").expect("an id").to_owned();
    glasshouse_tests::wait::until_true("the request in the log", glasshouse_tests::wait::STEP, || {
        controller.service.process.log().lines().any(|line| line.contains(&id) && line.contains("/v2/images"))
    });
    assert!(!controller.service.process.log().contains(&token));
}
