//! The table of forbidden arrows. What it says of a rule is printed beside the line that breaks it.

/// What must not be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// A path that begins with these segments: `crate::db`, `warp`.
    Path(&'static str),
    /// A name, wherever it comes from: `State`.
    Word(&'static str),
    /// A string literal that is a statement.
    SqlText,
}

/// Below `inside`, but not below any of `except`, nothing may name `forbidden`.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub inside: &'static str,
    pub except: &'static [&'static str],
    pub forbidden: Forbidden,
    pub says: &'static str,
}

impl Rule {
    pub fn applies_to(&self, path: &str) -> bool {
        path.starts_with(self.inside) && !self.except.iter().any(|except| path.starts_with(except))
    }
}

const fn rule(
    inside: &'static str,
    except: &'static [&'static str],
    forbidden: Forbidden,
    says: &'static str,
) -> Rule {
    Rule { inside, except, forbidden, says }
}

use Forbidden::{Path, SqlText, Word};

const NEIGHBOURS: &str = "app and service do not see each other; shared sees neither";
const WARP: &str = "warp is named only under service/src/api/";
const SQL: &str = "SQL text is written only under service/src/db/";
const DRIVERS: &str = "each database driver is named in one file of service/src/db/";
const API: &str = "service/src/api/ calls use cases: it never names db or stores";
const DB: &str = "service/src/db/ keeps records: it never names stores, api or the use cases";
const STORES: &str = "service/src/stores/ keeps bytes under an id: it never names an Image, db or api";
const USE_CASES: &str = "service/src/images/ says what the service does: it knows neither HTTP nor SQL";
const TASKS: &str = "only api and background call tasks";
const FILES: &str = "tokio::fs is named only under service/src/stores/";
const SHARED: &str =
    "shared has no runtime, no database, no window and no server; HTTP and tokio only under client/";
const STATE: &str = "app/src/state/ is plain data: it never names egui, tokio or the client";
const VIEW: &str = "app/src/view/ draws: it never names tokio or the client";
const WORKER: &str = "app/src/worker/ does what an Effect says: it never names State or egui";
const ENVIRONMENT: &str = "the environment is read in config, main and the command line only";

/// Every rule.
pub const RULES: &[Rule] = &[
    // The desktop starts the lab as a child process of its own program: that one call is in main.rs.
    rule("app/src/", &["app/src/main.rs"], Path("glasshouse_service"), NEIGHBOURS),
    rule("service/src/", &[], Path("glasshouse"), NEIGHBOURS),
    rule("service/src/", &[], Path("egui"), NEIGHBOURS),
    rule("service/src/", &[], Path("eframe"), NEIGHBOURS),
    rule("shared/src/", &[], Path("glasshouse"), NEIGHBOURS),
    rule("shared/src/", &[], Path("glasshouse_service"), NEIGHBOURS),
    rule("app/src/", &[], Path("warp"), WARP),
    rule("shared/src/", &[], Path("warp"), WARP),
    rule("service/src/", &["service/src/api/"], Path("warp"), WARP),
    rule("app/src/", &[], SqlText, SQL),
    rule("shared/src/", &[], SqlText, SQL),
    rule("service/src/", &["service/src/db/"], SqlText, SQL),
    rule("service/src/", &["service/src/db/sqlite.rs", "service/src/db/sqlite/"], Path("rusqlite"), DRIVERS),
    rule("service/src/", &["service/src/db/mariadb.rs", "service/src/db/mariadb/"], Path("mysql"), DRIVERS),
    rule("app/src/", &[], Path("rusqlite"), DRIVERS),
    rule("shared/src/", &[], Path("rusqlite"), DRIVERS),
    rule("service/src/api/", &[], Path("crate::db"), API),
    rule("service/src/api/", &[], Path("crate::stores"), API),
    rule("service/src/db/", &[], Path("crate::stores"), DB),
    rule("service/src/db/", &[], Path("crate::api"), DB),
    rule("service/src/db/", &[], Path("crate::images"), DB),
    rule("service/src/stores/", &[], Word("Image"), STORES),
    rule("service/src/stores/", &[], Path("crate::images"), STORES),
    rule("service/src/stores/", &[], Path("crate::db"), STORES),
    rule("service/src/stores/", &[], Path("crate::api"), STORES),
    rule("service/src/images/", &[], Path("crate::api"), USE_CASES),
    rule("service/src/images/", &[], Path("hyper"), USE_CASES),
    rule(
        "service/src/policy/",
        &[],
        Path("crate::db"),
        "policy decides by what it is told: it never names db, stores or api",
    ),
    rule(
        "service/src/policy/",
        &[],
        Path("crate::stores"),
        "policy decides by what it is told: it never names db, stores or api",
    ),
    rule(
        "service/src/policy/",
        &[],
        Path("crate::api"),
        "policy decides by what it is told: it never names db, stores or api",
    ),
    rule(
        "service/src/",
        &[
            "service/src/tasks/",
            "service/src/api/",
            "service/src/background/",
            "service/src/lib.rs",
            "service/src/app.rs",
        ],
        Path("crate::tasks"),
        TASKS,
    ),
    rule("service/src/", &["service/src/stores/"], Path("tokio::fs"), FILES),
    rule("shared/src/", &["shared/src/client/"], Path("tokio"), SHARED),
    rule("shared/src/", &["shared/src/client/"], Path("reqwest"), SHARED),
    rule("shared/src/", &[], Path("egui"), SHARED),
    rule("shared/src/", &[], Path("eframe"), SHARED),
    rule("app/src/state/", &[], Path("egui"), STATE),
    rule("app/src/state/", &[], Path("eframe"), STATE),
    rule("app/src/state/", &[], Path("tokio"), STATE),
    rule("app/src/state/", &[], Path("glasshouse_shared::client"), STATE),
    rule("app/src/state/", &[], Path("crate::view"), STATE),
    rule("app/src/state/", &[], Path("crate::worker"), STATE),
    rule("app/src/view/", &[], Path("tokio"), VIEW),
    rule("app/src/view/", &[], Path("glasshouse_shared::client"), VIEW),
    rule("app/src/view/", &[], Path("crate::worker"), VIEW),
    rule("app/src/worker/", &[], Word("State"), WORKER),
    rule("app/src/worker/", &[], Path("egui"), WORKER),
    rule("app/src/worker/", &[], Path("eframe"), WORKER),
    rule("app/src/worker/", &[], Path("crate::view"), WORKER),
    rule(
        "service/src/",
        &["service/src/config/", "service/src/config.rs", "service/src/main.rs", "service/src/cli"],
        Path("std::env"),
        ENVIRONMENT,
    ),
    rule("shared/src/", &[], Path("std::env"), ENVIRONMENT),
    rule("app/src/state/", &[], Path("std::env"), ENVIRONMENT),
    rule("app/src/view/", &[], Path("std::env"), ENVIRONMENT),
];
