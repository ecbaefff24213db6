//! A disk that fails, a disk that is slow or full, and peers that cut or stall: the right words, nothing left behind,
//! nobody else harmed, and the next try succeeds.

use std::path::Path;

use glasshouse_tests::alone::Alone;
use glasshouse_tests::deployment::Database;
use glasshouse_tests::faulty_disk::FaultyDisk;
use glasshouse_tests::http::{Answer, Api};
use glasshouse_tests::scratch::Scratch;
use serde_json::{Value, json};

/// Makes of each function a test on SQLite and on MariaDB.
macro_rules! alone_on_both_databases {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            use glasshouse_tests::alone::Alone;

            #[test]
            fn on_sqlite() {
                super::$name(&Alone::on_sqlite(stringify!($name)));
            }

            #[test]
            fn on_mariadb() {
                super::$name(&Alone::on_mariadb(stringify!($name)));
            }
        }
    )+ };
}

mod database;
mod peers;
mod pieces;
mod reads;
mod small;
mod uploads;

/// What an answer says of a store without room.
const FULL: &str = "not enough space";
/// And of one that fails in any other way.
const FAILED: &str = "store failed";

/// A service on a disk that fails on command.
struct Trouble {
    controller: Alone,
    api: Api,
    disk: FaultyDisk,
}

impl Trouble {
    /// Its store lies on that disk.
    fn start(name: &str) -> Self {
        Self::start_with(name, |scratch| FaultyDisk::of(&scratch.folder("images")))
    }

    fn start_with(name: &str, disk: impl FnOnce(&Scratch) -> FaultyDisk) -> Self {
        let scratch = Scratch::new(name);
        let disk = disk(&scratch);
        let database = Database::sqlite_in(&scratch.folder("database"));
        let controller = Alone::start(scratch, &database, disk.environment());
        Self { api: controller.api(), controller, disk }
    }

    /// The image is as if nothing had been tried, and only these files are in the store.
    #[track_caller]
    fn assert_untouched(&self, id: &str, names: &[String]) {
        let now = record(&self.api, id);
        assert_eq!(now["status"], "queued", "{now}");
        for key in ["size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value"] {
            assert_eq!(now[key], Value::Null, "{key} in {now}");
        }
        assert_eq!(names_in(&self.controller.store()), names);
    }

    /// An upload under the fault of the moment ends in these words, and leaves nothing behind.
    #[track_caller]
    fn assert_refused(&self, id: &str, data: &[u8], (status, words): (u16, &str), names: &[String]) {
        let answer = self.api.upload(id, data).expect(status);
        self.assert_told(&answer, words);
        self.assert_untouched(id, names);
    }

    /// The failure has words and the request's id, and names nothing of the host; its cause is in the log, once.
    #[track_caller]
    fn assert_told(&self, answer: &Answer, words: &str) {
        let text = answer.text();
        assert!(text.contains(words), "no {words:?} in: {text}");
        let id = answer.header("x-openstack-request-id").expect("an id");
        assert_eq!(self.told_in_the_log(&["ERROR", id]), 1, "lines of the log about {id}: {text}");
        let folder = self.controller.store();
        assert!(!text.contains(&*folder.to_string_lossy()), "a path of the host in: {text}");
    }

    /// How many lines of the log hold all of these words.
    fn told_in_the_log(&self, words: &[&str]) -> usize {
        let log = self.controller.service.process.log();
        log.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }
}

/// The files in a folder, in order.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry"));
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn queued(api: &Api) -> String {
    api.create_image(&json!({"name": "trouble", "disk_format": "raw", "container_format": "bare"}))
}

fn record(api: &Api, id: &str) -> Value {
    api.get(&format!("/v2/images/{id}")).expect(200).json()
}

fn file(id: &str) -> String {
    format!("/v2/images/{id}/file")
}

fn delete(api: &Api, id: &str) {
    api.delete(&format!("/v2/images/{id}")).expect(204);
}

/// Without holes: each byte is written.
fn noise(length: usize) -> Vec<u8> {
    let mut data = vec![0; length];
    fastrand::Rng::with_seed(7).fill(&mut data);
    data
}
