//! The real Glance, served by uWSGI as its own documentation advises: the peer of the benchmark and of comparisons.

use std::process::Command;
use std::sync::OnceLock;

use crate::deployment::{Database, Site, write_configuration};
use crate::http::Api;
use crate::keystone::Keystone;
use crate::process::{self, Process};
use crate::scratch::Scratch;
use crate::{tools, wait};

/// A running Glance with the file store.
#[derive(Debug)]
pub struct Glance {
    pub port: u16,
    process: Process,
    _scratch: Scratch,
}

static SHARED: OnceLock<Glance> = OnceLock::new();

impl Glance {
    /// The one that the comparing tests of this process use, on MariaDB.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(|| Self::start(Keystone::shared(), &Database::mariadb()))
    }

    pub fn site(&self) -> Site {
        Site { url: self.url(), keystone: Keystone::shared() }
    }

    /// Fills the database with Glance's own tool and starts it.
    pub fn start(keystone: &Keystone, database: &Database) -> Self {
        Self::start_with(Scratch::new("glance"), keystone, database, "")
    }

    /// The same with more at the end of the file.
    pub fn start_with(scratch: Scratch, keystone: &Keystone, database: &Database, extra: &str) -> Self {
        let port = process::free_port();
        let paste = tools::environment("glance").join("etc/glance/glance-api-paste.ini");
        let extra = format!("[paste_deploy]\nconfig_file = {}\n{extra}", paste.display());
        let configuration = write_configuration(&scratch, port, database, keystone, &extra);

        let mut sync = Command::new(tools::environment_program("glance", "glance-manage"));
        sync.arg("--config-file").arg(&configuration).arg("db_sync");
        process::run_well(sync, wait::START);

        let mut server = Command::new(tools::environment_program("glance", "uwsgi"));
        server
            .env("OS_GLANCE_CONFIG_DIR", scratch.path())
            .env("OS_GLANCE_CONFIG_FILES", &configuration)
            .current_dir(scratch.path())
            .args(["--http-socket", &format!("127.0.0.1:{port}"), "--module", "glance.wsgi.api:application"])
            .args(["--master", "--processes", "2", "--enable-threads", "--die-on-term", "--no-orphans"])
            .args(["--disable-logging", "--buffer-size", "65535", "--listen", "100"])
            // It serves one request to a connection: clients must not keep it for the next.
            .args(["--add-header", "Connection: close"])
            // Clients send chunks of a megabyte and a few bytes, one byte more than it takes by default.
            .args(["--chunked-input-limit", "67108864"]);
        let mut process = Process::start("glance", server, scratch.path());
        process.serves(port);
        let api = Api::new(&format!("http://127.0.0.1:{port}"));
        process.wait_until("answering", wait::START, || {
            process::is_listening(port) && api.get("/versions").status == 200
        });
        Self { port, process, _scratch: scratch }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process that the workers hang under.
    pub fn process(&self) -> &Process {
        &self.process
    }
}
