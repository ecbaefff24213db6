//! Who is measured: the real Glance and ours, each with its images in memory and its records on the disk.

use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::keystone::{Keystone, MEMBER};
use glasshouse_tests::scratch::Scratch;
use serde_json::{Value, json};

use super::transfer::{self, Source};
use crate::client::{Call, Client};

/// A service that takes images and gives them back.
#[derive(Debug)]
pub struct Contender {
    pub source: Source,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Glance { _running: Glance },
    Ours(Box<Deployment>),
}

/// Tells both where their images go.
fn options(memory: &Scratch, name: &str) -> String {
    format!("[glance_store]\nfilesystem_store_datadir = {}\n", memory.folder(name).display())
}

impl Contender {
    pub fn glance(memory: &Scratch) -> Self {
        let keystone = Keystone::shared();
        let extra = options(memory, "glance");
        let running =
            Glance::start_with(Scratch::new("bench-glance"), keystone, &Database::mariadb(), &extra);
        let source = Source::new(running.port, running.process().id(), keystone.token(MEMBER));
        Self { source, held: Held::Glance { _running: running } }
    }

    pub fn ours(memory: &Scratch, on_mariadb: bool) -> Self {
        let keystone = Keystone::shared();
        let extra = options(memory, "ours");
        let scratch = Scratch::new("bench-ours");
        let database = if on_mariadb { Database::mariadb() } else { Database::sqlite_in(scratch.path()) };
        let running = Deployment::start_with(scratch, database, keystone, &extra);
        let service = &running.service;
        let source = Source::new(service.port, service.process.id(), keystone.token(MEMBER));
        Self { source, held: Held::Ours(Box::new(running)) }
    }

    /// The most memory that ours ever held.
    pub fn peak_bytes(&self) -> u64 {
        match &self.held {
            Held::Glance { .. } => 0,
            Held::Ours(deployment) => deployment.service.process.peak_memory_bytes(),
        }
    }

    /// An active image of this size; its path for downloads.
    pub fn store_one(&self, bytes: u64) -> String {
        let mut client = self.source.client();
        let id = create(&mut client);
        transfer::put(&self.source, &id, bytes);
        format!("/v2/images/{id}/file")
    }
}

/// A queued image.
pub fn create(client: &mut Client) -> String {
    let body = json!({"name": "bench", "disk_format": "raw", "container_format": "bare"}).to_string();
    let body = Some(("application/json", body));
    let (status, made) = client.send(&Call { method: "POST", path: "/v2/images".to_owned(), body });
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(&made));
    let made: Value = serde_json::from_slice(&made).expect("JSON");
    made["id"].as_str().expect("an id").to_owned()
}

pub fn delete(client: &mut Client, id: &str) {
    let (status, _) = client.send(&Call { method: "DELETE", path: format!("/v2/images/{id}"), body: None });
    assert_eq!(status, 204);
}
