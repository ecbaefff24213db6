//! The limits that Keystone has for a project: our service and the real Glance with the same options, each with a
//! region of its own in the catalog.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::thread;

use glasshouse_tests::deployment::{Database, Deployment, Site, db_sync, write_configuration};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::http::{Answer, Api};
use glasshouse_tests::keystone::{ADMIN, Keystone, Person};
use glasshouse_tests::process;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::service;
use glasshouse_tests::wait;
use serde_json::{Value, json};

use super::{active, queued, record};

on_ours_and_theirs!(
    the_number_of_images_is_limited,
    the_size_of_all_images_is_limited,
    the_number_of_images_that_arrive_is_limited,
    a_negative_limit_is_none,
    the_usage_and_the_limits_are_shown,
);

const fn person(name: &'static str) -> Person {
    Person { name, password: "limits-secret", project: name, role: "member" }
}

// Each in a project of its own, so that no test counts what another makes.
const COUNTED: Person = person("limits-counted");
const WEIGHED: Person = person("limits-weighed");
const ARRIVING: Person = person("limits-arriving");
const FREE: Person = person("limits-free");
const SHOWN: Person = person("limits-shown");
const IN_PIECES: Person = person("limits-pieces");
const EXACT: Person = person("limits-exact");
const RACING: Person = person("limits-racing");
const CROWD: Person = person("limits-crowd");
const UNMEASURED: Person = person("limits-unmeasured");
const OWNER: Person = person("limits-owner");
/// Reads the limits of everybody.
const AUDITOR: Person = person("limits-auditor");

const REGISTERED: [(&str, i64); 4] = [
    ("image_size_total", 10),
    ("image_stage_total", 7),
    ("image_count_total", 5),
    ("image_count_uploading", 3),
];
const OWN: [(Person, &str, i64); 11] = [
    (COUNTED, "image_count_total", 2),
    (WEIGHED, "image_size_total", 1),
    (ARRIVING, "image_count_uploading", 0),
    (FREE, "image_count_total", -1),
    (SHOWN, "image_size_total", -1),
    (IN_PIECES, "image_size_total", 1),
    (EXACT, "image_size_total", 1),
    (RACING, "image_size_total", 1),
    (CROWD, "image_count_total", 4),
    (UNMEASURED, "image_size_total", 1),
    (OWNER, "image_size_total", 1),
];

/// Makes the people once.
fn keystone() -> &'static Keystone {
    static MADE: OnceLock<()> = OnceLock::new();
    let keystone = Keystone::shared();
    MADE.get_or_init(|| {
        let people = [COUNTED, WEIGHED, ARRIVING, FREE, SHOWN, IN_PIECES];
        for person in people.into_iter().chain([EXACT, RACING, CROWD, UNMEASURED, OWNER]) {
            keystone.add_person(person);
        }
        keystone.add_person(AUDITOR);
        keystone.let_read_the_system(AUDITOR);
    });
    keystone
}

/// The login for limits, without the endpoint. A section that Glance does not know it passes over.
fn login(keystone: &Keystone) -> String {
    format!(
        "[DEFAULT]\nuse_keystone_limits = True\nuser_storage_quota = 1B\n\
         [glasshouse]\nkeystone_limits_cache_time = 0\n\
         [oslo_limit]\nauth_url = {}\nauth_type = password\nusername = {}\npassword = {}\n\
         user_domain_id = default\nsystem_scope = all\n",
        keystone.url(),
        AUDITOR.name,
        AUDITOR.password
    )
}

/// Registers the limits for a region and gives some projects others.
fn with_limits(region: &str) -> String {
    let keystone = keystone();
    let endpoint = keystone.register_image_service(region, "http://127.0.0.1:1");
    for (name, limit) in REGISTERED {
        keystone.register_limit(region, name, limit);
    }
    for (person, name, limit) in OWN {
        keystone.limit_project(region, person.project, (name, limit));
    }
    endpoint
}

fn ours() -> &'static Deployment {
    static OURS: OnceLock<Deployment> = OnceLock::new();
    OURS.get_or_init(|| {
        let endpoint = with_limits("limits-ours");
        let extra = format!("{}endpoint_id = {endpoint}\n", login(keystone()));
        let scratch = Scratch::new("deployment-limits");
        let database = Database::sqlite_in(scratch.path());
        Deployment::start_with(scratch, database, keystone(), &extra)
    })
}

fn theirs() -> &'static Glance {
    static THEIRS: OnceLock<Glance> = OnceLock::new();
    THEIRS.get_or_init(|| {
        with_limits("limits-theirs");
        let extra = format!(
            "{}endpoint_service_type = image\nendpoint_region_name = limits-theirs\n",
            login(keystone())
        );
        Glance::start_with(Scratch::new("glance-limits"), keystone(), &Database::mariadb(), &extra)
    })
}

const MIB: usize = 1 << 20;

/// An upload that announces this size and brings one byte.
fn announce(api: &Api, id: &str, size: usize) -> Answer {
    let call = api.call("PUT", &format!("/v2/images/{id}/file"));
    let call = call.header("content-type", "application/octet-stream");
    call.header("x-openstack-image-size", &size.to_string()).bytes("x").send()
}

fn reaches(api: &Api, id: &str, status: &str) {
    wait::until_true(status, wait::START, || record(api, id)["status"] == status);
}

/// What both say, but for the project.
fn over(name: &str, limit: i64, usage: i64, delta: i64) -> String {
    format!("Resource {name} is over limit of {limit} due to current usage {usage} and delta {delta}")
}

#[test]
fn an_upload_in_pieces_counts_like_any_other() {
    let begin = |api: &Api, id: &str, size: usize| {
        let call = api.call("POST", &format!("/v2/images/{id}/uploads")).header("upload-complete", "?0");
        call.header("upload-length", &size.to_string()).send()
    };
    let api = ours().site().api(IN_PIECES);
    let (first, second) = (queued(&api), queued(&api));
    let refused = begin(&api, &first, 2 * MIB).expect(413);
    assert!(refused.text().contains(&over("image_size_total", 1, 0, 2)), "{}", refused.text());
    begin(&api, &first, MIB).expect(201);
    // What is announced is taken, although nothing of it came yet.
    let refused = begin(&api, &second, MIB).expect(413);
    assert!(refused.text().contains(&over("image_size_total", 1, 1, 1)), "{}", refused.text());

    let api = ours().site().api(ARRIVING);
    let id = queued(&api);
    let refused = begin(&api, &id, 4).expect(413);
    assert!(refused.text().contains(&over("image_count_uploading", 0, 1, 0)), "{}", refused.text());
    assert_eq!(record(&api, &id)["status"], "queued");
    let open = api.get(&format!("/v2/images/{id}/uploads")).expect(200).json();
    assert_eq!(open["uploads"], json!([]), "{open}");
}

fn the_number_of_images_is_limited(site: &Site) {
    let api = site.api(COUNTED);
    let first = queued(&api);
    queued(&api);
    let refused = api.post_json("/v2/images", &json!({"name": "a third"})).expect(413);
    assert!(refused.text().contains(&over("image_count_total", 2, 2, 1)), "{}", refused.text());
    assert!(refused.text().contains(&site.keystone.project_id(COUNTED.project)), "{}", refused.text());
    api.delete(&format!("/v2/images/{first}")).expect(204);
    queued(&api);
}

fn the_size_of_all_images_is_limited(site: &Site) {
    let api = site.api(WEIGHED);
    let id = queued(&api);
    let refused = announce(&api, &id, 2 * MIB).expect(413);
    assert!(refused.text().contains(&over("image_size_total", 1, 0, 2)), "{}", refused.text());
    assert_eq!(record(&api, &id)["status"], "queued");
    active(&api, &vec![1; MIB]);
    let refused = announce(&api, &id, MIB).expect(413);
    assert!(refused.text().contains(&over("image_size_total", 1, 1, 1)), "{}", refused.text());
    announce(&api, "11111111-2222-3333-4444-555555555555", 1).expect(404);
}

/// The real Glance counts whole MiB, and lets every upload of an unknown length pass.
#[test]
fn every_byte_counts_to_the_size_of_all_images() {
    let api = ours().site().api(EXACT);
    active(&api, &vec![1; MIB - 3]);
    let id = queued(&api);
    let refused = api.upload(&id, b"four").expect(413);
    assert!(refused.text().contains(&over("image_size_total", 1, 1, 1)), "{}", refused.text());
    // Of a length that nobody knows as much is taken as there is room for.
    let scratch = Scratch::new("limits-bytes");
    let chunked = |data: &[u8]| {
        let file = scratch.join("data");
        fs::write(&file, data).expect("a file");
        api.upload_file(&id, &file)
    };
    chunked(b"four").expect(413);
    assert_eq!(record(&api, &id)["status"], "queued");
    chunked(b"thr").expect(204);
    let id = queued(&api);
    let refused = api.upload_file(&id, &scratch.join("data")).expect(413);
    assert!(refused.text().contains(&over("image_size_total", 1, 1, 1)), "{}", refused.text());
}

#[test]
fn two_uploads_at_once_do_not_pass_where_one_fits() {
    let api = ours().site().api(RACING);
    let (first, second) = (queued(&api), queued(&api));
    let mut socket = api.begin_upload(&first, MIB as u64, b"the beginning");
    reaches(&api, &first, "saving");
    let refused = announce(&api, &second, MIB).expect(413);
    assert!(refused.text().contains(&over("image_size_total", 1, 1, 1)), "{}", refused.text());
    let usage = api.get("/v2/info/usage").expect(200).json();
    assert_eq!(usage["usage"]["image_size_total"], json!({"usage": 1, "limit": 1}));
    socket.write_all(&vec![1; MIB - b"the beginning".len()]).expect("the rest is taken");
    reaches(&api, &first, "active");
    api.delete(&format!("/v2/images/{first}")).expect(204);
    // What was refused has nothing reserved, nor has what was given up.
    let socket = api.begin_upload(&second, MIB as u64, b"x");
    reaches(&api, &second, "saving");
    drop(socket);
    reaches(&api, &second, "queued");
    let usage = api.get("/v2/info/usage").expect(200).json();
    assert_eq!(usage["usage"]["image_size_total"], json!({"usage": 0, "limit": 1}));
    active(&api, &vec![1; MIB]);
}

#[test]
fn two_uploads_of_unknown_length_do_not_pass_together() {
    let api = ours().site().api(UNMEASURED);
    let (first, second) = (queued(&api), queued(&api));
    let address = api.base().trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&address).expect("a connection");
    let head = format!(
        "PUT /v2/images/{first}/file HTTP/1.1\r\nHost: {address}\r\nX-Auth-Token: {}\r\n\
         Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
        ours().keystone.token(UNMEASURED)
    );
    socket.write_all(head.as_bytes()).expect("the head is taken");
    reaches(&api, &first, "saving");
    // The first announced nothing, and has nothing reserved.
    api.upload(&second, vec![1; MIB]).expect(204);
    socket.write_all(b"0\r\n\r\n").expect("the end is taken");
    let mut status = [0; 12];
    socket.set_read_timeout(Some(wait::START)).expect("a limit");
    socket.read_exact(&mut status).expect("an answer");
    assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 413");
    let image = record(&api, &first);
    assert_eq!((&image["status"], &image["size"]), (&json!("queued"), &Value::Null));
    assert!(!ours().store().join(&first).exists(), "the data of a refused upload stays");
}

#[test]
fn many_images_made_at_once_do_not_pass_the_limit_together() {
    let site = ours().site();
    let api = site.api(CROWD);
    let makers: Vec<_> = (0..12)
        .map(|_| {
            let api = api.clone();
            thread::spawn(move || api.post_json("/v2/images", &json!({"name": "one of many"})).status)
        })
        .collect();
    let mut statuses: Vec<u16> = makers.into_iter().map(|maker| maker.join().expect("a status")).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[201; 4].as_slice(), [413; 8].as_slice()].concat());
}

/// The real Glance has the project of the caller pay.
#[test]
fn the_owner_of_an_image_pays_for_what_an_administrator_uploads() {
    let site = ours().site();
    let id = queued(&site.api(OWNER));
    let refused = announce(&site.api(ADMIN), &id, 2 * MIB).expect(413);
    assert!(refused.text().contains(&over("image_size_total", 1, 0, 2)), "{}", refused.text());
    assert!(refused.text().contains(&site.keystone.project_id(OWNER.project)), "{}", refused.text());
    site.api(ADMIN).upload(&id, vec![1; MIB]).expect(204);
    let usage = site.api(OWNER).get("/v2/info/usage").expect(200).json();
    assert_eq!(usage["usage"]["image_size_total"], json!({"usage": 1, "limit": 1}));
}

fn the_number_of_images_that_arrive_is_limited(site: &Site) {
    let api = site.api(ARRIVING);
    let id = queued(&api);
    let refused = api.upload(&id, b"data").expect(413);
    assert!(refused.text().contains(&over("image_count_uploading", 0, 1, 0)), "{}", refused.text());
    assert_eq!(record(&api, &id)["status"], "queued");
}

fn a_negative_limit_is_none(site: &Site) {
    let api = site.api(FREE);
    for _ in 0..6 {
        queued(&api);
    }
}

fn the_usage_and_the_limits_are_shown(site: &Site) {
    let api = site.api(SHOWN);
    queued(&api);
    active(&api, &vec![1; 1 << 20]);
    let shown = api.get("/v2/info/usage").expect(200).json();
    let wanted = json!({"usage": {
        "image_size_total": {"usage": 1, "limit": -1},
        "image_stage_total": {"usage": 0, "limit": 7},
        "image_count_total": {"usage": 2, "limit": 5},
        "image_count_uploading": {"usage": 0, "limit": 3},
    }});
    assert_eq!(shown, wanted);
}

/// A controller's file that is ready for a start, with these options at its end.
fn prepared(name: &str, extra: &str) -> (Scratch, String) {
    let scratch = Scratch::new(name);
    let database = Database::sqlite_in(scratch.path());
    let file = write_configuration(&scratch, process::free_port(), &database, keystone(), extra);
    assert!(db_sync(&file).status.success());
    (scratch, file.to_string_lossy().into_owned())
}

#[test]
fn a_login_for_limits_that_keystone_refuses_names_its_option() {
    let login = login(keystone()).replace(AUDITOR.password, "not-the-password");
    let (_scratch, file) = prepared("limits-refused", &format!("{login}endpoint_id = any\n"));
    let ended = service::run(&["serve", "--config-file", &file]);
    assert_eq!(ended.status.code(), Some(6), "{ended:?}");
    for word in ["[oslo_limit]", "password", "limits-auditor", "--system all"] {
        assert!(ended.stderr.contains(word), "no {word:?} in {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("not-the-password"), "{}", ended.stderr);
}

#[test]
fn the_doctor_tells_how_each_missing_limit_is_made() {
    let endpoint = keystone().register_image_service("limits-none", "http://127.0.0.1:1");
    keystone().register_limit("limits-none", "image_count_total", 1);
    let extra = format!("{}endpoint_id = {endpoint}\n", login(keystone()));
    let (_scratch, file) = prepared("limits-missing", &extra);
    let said = service::run(&["doctor", "--json", "--config-file", &file]);
    let said: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let findings = said["findings"].as_array().expect("findings").iter();
    let mends: Vec<&str> = findings
        .filter(|finding| finding["code"] == "LIMITS_UNREGISTERED")
        .filter_map(|finding| finding["mend"].as_str())
        .collect();
    assert_eq!(mends.len(), 3, "{said}");
    for (mend, name) in mends.iter().zip(["image_size_total", "image_stage_total", "image_count_uploading"]) {
        assert!(mend.starts_with("openstack registered limit create --service "), "{mend}");
        assert!(mend.contains("--region limits-none") && mend.ends_with(name), "{mend}");
    }
}

#[test]
fn limits_that_cannot_be_read_are_an_outage_with_words() {
    let limits: &'static Keystone = Box::leak(Box::new(Keystone::start()));
    limits.add_person(AUDITOR);
    limits.let_read_the_system(AUDITOR);
    let endpoint = limits.register_image_service("RegionOne", "http://127.0.0.1:1");
    let scratch = Scratch::new("deployment-limits-away");
    let database = Database::sqlite_in(scratch.path());
    let extra = format!("{}endpoint_id = {endpoint}\nconnect_retries = 0\n", login(limits));
    let controller = Deployment::start_with(scratch, database, keystone(), &extra);
    let api = controller.api(FREE);
    let refused = api.post_json("/v2/images", &json!({})).expect(413);
    assert!(refused.text().contains(&over("image_count_total", 0, 0, 1)), "{}", refused.text());
    limits.register_limit("RegionOne", "image_count_total", 1);
    let id = queued(&api);
    limits.stop();
    for answer in [api.post_json("/v2/images", &json!({})), api.get("/v2/info/usage"), api.upload(&id, b"x")]
    {
        let answer = answer.expect(503);
        assert!(answer.text().contains("limits of the project cannot be read"), "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
    }
    // What has no limit goes on.
    api.get("/v2/images").expect(200);
    assert!(controller.service.process.log().contains("[oslo_limit] auth_url"));
}
