//! A real MariaDB with its own folder and port, as durable as on a controller.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::process::{self, Process};
use crate::scratch::Scratch;
use crate::{tools, wait};

/// The variable that tells the address of a running server, so that several test programs can share one.
pub const URL_VARIABLE: &str = "GLASSHOUSE_TEST_MARIADB_URL";

/// A running server. Its administrator is `root` without a password, over TCP from this machine.
#[derive(Debug)]
pub struct Mariadb {
    port: u16,
    own: Option<(Process, Scratch)>,
}

/// One database on it, with an account of its own.
#[derive(Debug, Clone)]
pub struct Database {
    pub name: String,
    pub user: String,
    pub password: String,
    pub port: u16,
}

static SHARED: OnceLock<Mariadb> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Mariadb {
    /// The server that all tests of this process use: the one [`URL_VARIABLE`] names, else one of our own.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(|| match std::env::var(URL_VARIABLE) {
            Ok(url) => {
                let port = url::Url::parse(&url).ok().and_then(|url| url.port());
                Self {
                    port: port.unwrap_or_else(|| panic!("{URL_VARIABLE} names no port: {url}")),
                    own: None,
                }
            }
            Err(_) => Self::start(),
        })
    }

    /// Makes a data folder and starts a server on it.
    pub fn start() -> Self {
        Self::start_with_memory(64)
    }

    /// The same with this much memory for tables, for databases that are worth measuring.
    pub fn start_with_memory(buffer_mib: u32) -> Self {
        let scratch = Scratch::new("mariadb");
        let data = scratch.folder("data");
        let mut install = Command::new(tools::system_program("mariadb-install-db"));
        install.arg("--no-defaults").arg(format!("--datadir={}", data.display())).args([
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
        ]);
        as_root_if_we_are(&mut install);
        process::run_well(install, wait::START);

        let port = process::free_port();
        // A socket's path has at most 107 bytes, and target folders can be deep.
        let socket = std::env::temp_dir().join(format!("glasshouse-{}-{port}.sock", std::process::id()));
        let mut server = Command::new(tools::system_program("mariadbd"));
        server
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--socket={}", socket.display()))
            .arg(format!("--pid-file={}", scratch.join("pid").display()))
            .arg(format!("--port={port}"))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--max-connections=400"])
            .args(["--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=1"])
            .arg(format!("--innodb-buffer-pool-size={buffer_mib}M"));
        as_root_if_we_are(&mut server);
        let mut process = Process::start("mariadbd", server, scratch.path());
        process.wait_for_port(port);
        Self { port, own: Some((process, scratch)) }
    }

    /// The administrator's address, as drivers read it.
    pub fn url(&self) -> String {
        format!("mysql://root@127.0.0.1:{}/", self.port)
    }

    /// The server's process, if it is one of our own.
    pub fn process_id(&self) -> Option<u32> {
        self.own.as_ref().map(|(process, _)| process.id())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// An empty database that nobody else uses, in the character set that the install guide's database has.
    pub fn create_database(&self) -> Database {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("glance_{}_{number}", std::process::id());
        let database =
            Database { user: name.clone(), password: format!("pass-{name}"), name, port: self.port };
        let Database { name, user, password, .. } = &database;
        self.sql(&format!(
            "CREATE DATABASE {name} CHARACTER SET utf8; \
             GRANT ALL PRIVILEGES ON {name}.* TO '{user}'@'%' IDENTIFIED BY '{password}'; \
             GRANT ALL PRIVILEGES ON {name}.* TO '{user}'@'127.0.0.1' IDENTIFIED BY '{password}'"
        ));
        database
    }

    /// Runs statements as the administrator; returns the rows, columns parted by tabs, without a head.
    pub fn sql(&self, statements: &str) -> Vec<String> {
        self.sql_within(statements, wait::STEP)
    }

    /// [`Self::sql`] for what may take longer.
    pub fn sql_within(&self, statements: &str, limit: Duration) -> Vec<String> {
        let mut client = Command::new(tools::system_program("mariadb"));
        client
            .args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=root"])
            .arg(format!("--port={}", self.port))
            .args(["--batch", "--skip-column-names", "--execute", statements]);
        process::run_well(client, limit).stdout.lines().map(str::to_owned).collect()
    }
}

impl Database {
    /// The value of `[database] connection` in `glance-api.conf`.
    pub fn connection(&self) -> String {
        let Self { name, user, password, port } = self;
        format!("mysql+pymysql://{user}:{password}@127.0.0.1:{port}/{name}?charset=utf8")
    }
}

/// MariaDB refuses to run as root unless told to.
fn as_root_if_we_are(command: &mut Command) {
    if process::we_are_root() {
        command.arg("--user=root");
    }
}
