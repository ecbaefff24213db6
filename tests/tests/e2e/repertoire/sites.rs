//! The two pairs of sites that the clients are driven on, and what a driver is told of one side.
//!
//! `rich` has several stores, shows locations and keeps to limits of Keystone; `plain` is what the install guide makes.

use std::sync::OnceLock;

use glasshouse_tests::clients::{hexadecimal, md5_of, sha512_of};
use glasshouse_tests::deployment::{Database, Deployment, Site};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::images;
use glasshouse_tests::keystone::{ADMIN, Keystone, MEMBER, Person, READER, SERVICE, STRANGER};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::web::{Page, WebServer};
use serde_json::{Map, Value, json};

/// Reads the limits of everybody.
const AUDITOR: Person = Person {
    name: "repertoire-auditor",
    password: "repertoire-secret",
    project: "repertoire-auditor",
    role: "member",
};
const LIMITS: [(&str, i64); 4] = [
    ("image_size_total", 100),
    ("image_stage_total", 70),
    ("image_count_total", 50),
    ("image_count_uploading", 30),
];

/// Ours or the real Glance.
pub struct Side {
    pub name: &'static str,
    pub rich: Site,
    plain: Site,
    /// The regions of both in Keystone's catalog.
    regions: [String; 2],
    store: String,
}

/// What both sides are asked with: files, and pages that may become locations.
pub struct Material {
    raw: std::path::PathBuf,
    qcow2: std::path::PathBuf,
    pages: [String; 2],
    _scratch: Scratch,
}

const RAW: &str = "0123456789abcdef 0123456789abcdef 0123456789abcdef 0123456789abcdef 0123456789abcdef";
const PAGE: &[u8] = b"data of the web";

pub fn ours() -> &'static Side {
    static SIDE: OnceLock<Side> = OnceLock::new();
    SIDE.get_or_init(|| {
        let (scratch, options) = options("repertoire-ours");
        let store = scratch.path().display().to_string();
        let database = Database::sqlite_in(scratch.path());
        let rich = Deployment::start_with(scratch, database, Keystone::shared(), &options);
        let plain = Deployment::on_sqlite();
        let regions = [rich.region.clone(), plain.region.clone()];
        for region in &regions {
            Keystone::shared().register_identity_service(region);
        }
        let site = rich.site();
        // Shared by all drivers, as long as the process lives.
        Box::leak(Box::new(rich));
        Side { name: "ours", rich: site, plain: plain.site(), regions, store }
    })
}

pub fn theirs() -> &'static Side {
    static SIDE: OnceLock<Side> = OnceLock::new();
    SIDE.get_or_init(|| {
        let (scratch, options) = options("repertoire-real");
        let store = scratch.path().display().to_string();
        let rich = Glance::start_with(scratch, Keystone::shared(), &Database::mariadb(), &options);
        let plain = Glance::shared();
        let regions = ["repertoire-rich".to_owned(), "repertoire-plain".to_owned()];
        Keystone::shared().register_image_service(&regions[0], &rich.url());
        Keystone::shared().register_image_service(&regions[1], &plain.url());
        for region in &regions {
            Keystone::shared().register_identity_service(region);
        }
        let site = rich.site();
        Box::leak(Box::new(rich));
        Side { name: "glance", rich: site, plain: plain.site(), regions, store }
    })
}

/// A folder, and the options of a rich site in it. The limits have a region of their own.
fn options(name: &str) -> (Scratch, String) {
    static AUDITED: OnceLock<()> = OnceLock::new();
    let keystone = Keystone::shared();
    AUDITED.get_or_init(|| {
        keystone.add_person(AUDITOR);
        keystone.let_read_the_system(AUDITOR);
    });
    let endpoint = keystone.register_image_service(name, "http://127.0.0.1:1");
    for (limit, value) in LIMITS {
        keystone.register_limit(name, limit, value);
    }
    keystone.limit_project(name, STRANGER.project, ("image_count_total", 0));

    let scratch = Scratch::new(name);
    std::fs::write(scratch.join("schema-image.json"), properties().to_string()).expect("the schema");
    let (locks, folder) = (scratch.folder("locks"), scratch.path().display());
    let (locks, identity, port) = (locks.display(), keystone.url(), WebServer::shared().port);
    let (user, password) = (AUDITOR.name, AUDITOR.password);
    let options = format!(
        "[oslo_concurrency]\nlock_path = {locks}\n\
         [DEFAULT]\nenabled_backends = fast:file,slow:file,far:http\nenabled_import_methods = []\n\
         show_multiple_locations = True\nshow_image_direct_url = True\nuse_keystone_limits = True\n\
         [glance_store]\ndefault_backend = fast\n\
         [fast]\nfilesystem_store_datadir = {folder}/fast\nstore_description = near by\nweight = 10\n\
         [slow]\nfilesystem_store_datadir = {folder}/slow\n\
         [far]\nstore_description = the web\n\
         [os_glance_staging_store]\nfilesystem_store_datadir = {folder}/staging\n\
         [os_glance_tasks_store]\nfilesystem_store_datadir = {folder}/tasks\n\
         [import_filtering_opts]\nallowed_hosts = [127.0.0.1]\nallowed_ports = [{port}]\n\
         [oslo_limit]\nauth_url = {identity}\nauth_type = password\nusername = {user}\npassword = {password}\n\
         user_domain_id = default\nsystem_scope = all\nendpoint_id = {endpoint}\n"
    );
    (scratch, options)
}

/// The properties that the options of the glance client are about; it drops those that no schema knows.
fn properties() -> Value {
    let names = ["architecture", "os_distro", "os_version", "kernel_id", "ramdisk_id", "instance_uuid"];
    let schema = |name: &str| (name.to_owned(), json!({"type": "string", "description": name}));
    Value::Object(names.into_iter().map(schema).collect())
}

impl Material {
    pub fn new() -> Self {
        let scratch = Scratch::new("repertoire");
        let raw = scratch.join("raw");
        std::fs::write(&raw, RAW).expect("a file of data");
        let page = || WebServer::shared().serve(Page::Data(PAGE.to_vec()));
        Self { raw, qcow2: images::small_qcow2(), pages: [page(), page()], _scratch: scratch }
    }
}

impl Side {
    /// The file that a driver reads.
    pub fn told(&self, material: &Material, home: &Scratch) -> Value {
        let keystone = Keystone::shared();
        let [rich, plain] = &self.regions;
        let people = [("admin", ADMIN), ("member", MEMBER), ("reader", READER), ("stranger", STRANGER)];
        let people: Map<String, Value> = people
            .into_iter()
            .map(|(who, person)| {
                let login = json!({
                    "name": person.name, "password": person.password, "project": person.project,
                    "token": keystone.token(person),
                });
                (who.to_owned(), login)
            })
            .collect();
        let home = home.path().display().to_string();
        json!({
            "auth_url": keystone.auth_url(),
            "people": people,
            "sites": {
                "rich": {"region": rich, "url": self.rich.url},
                "plain": {"region": plain, "url": self.plain.url},
            },
            "names": names(material, &home),
            "hidden": [
                [self.rich.url, "<rich>"], [self.plain.url, "<plain>"], [rich, "<region>"], [plain, "<region>"],
                [self.store, "<store>"], [home, "<home>"],
            ],
        })
    }

    /// Nothing is left of what another driver made.
    pub fn empty(&self) {
        let api = self.rich.api(ADMIN);
        for hidden in ["false", "true"] {
            let all = format!("/v2/images?visibility=all&limit=1000&os_hidden={hidden}");
            let list = api.get(&all).expect(200).json();
            for image in list["images"].as_array().expect("a list") {
                let path = format!("/v2/images/{}", image["id"].as_str().expect("an id"));
                api.patch(&path, &json!([{"op": "replace", "path": "/protected", "value": false}]))
                    .expect(200);
                api.delete(&path).expect(204);
            }
        }
    }
}

/// What `$name` stands for in the steps of a driver.
fn names(material: &Material, home: &str) -> Map<String, Value> {
    let keystone = Keystone::shared();
    let [page, mirror] = &material.pages;
    let page_sha512 = hexadecimal(ring::digest::digest(&ring::digest::SHA512, PAGE).as_ref());
    let size = |path: &std::path::Path| path.metadata().expect("a file").len().to_string();
    let page_file = material.raw.with_file_name("page");
    std::fs::write(&page_file, PAGE).expect("a file of data");
    let pairs = [
        ("home", home.to_owned()),
        ("raw", material.raw.display().to_string()),
        ("raw_text", RAW.to_owned()),
        ("raw_size", size(&material.raw)),
        ("raw_md5", md5_of(&material.raw)),
        ("raw_sha512", sha512_of(&material.raw)),
        ("qcow2", material.qcow2.display().to_string()),
        ("qcow2_size", size(&material.qcow2)),
        ("qcow2_md5", md5_of(&material.qcow2)),
        ("qcow2_sha512", sha512_of(&material.qcow2)),
        ("page", page.clone()),
        ("mirror", mirror.clone()),
        ("page_md5", md5_of(&page_file)),
        ("page_sha512", page_sha512),
        ("demo", keystone.project_id(MEMBER.project)),
        ("other", keystone.project_id(STRANGER.project)),
        ("service", keystone.project_id(SERVICE.project)),
        ("long", "x".repeat(256)),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect()
}
