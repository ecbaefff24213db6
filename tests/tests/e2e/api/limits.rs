//! The limits that Keystone has for a project: our service and the real Glance with the same options, each with a
//! region of its own in the catalog.

use std::sync::OnceLock;

use glasshouse_tests::deployment::{Database, Deployment, Site, db_sync, write_configuration};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::http::Api;
use glasshouse_tests::keystone::{Keystone, Person};
use glasshouse_tests::process;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::service;
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
/// Reads the limits of everybody.
const AUDITOR: Person = person("limits-auditor");

const REGISTERED: [(&str, i64); 4] = [
    ("image_size_total", 10),
    ("image_stage_total", 7),
    ("image_count_total", 5),
    ("image_count_uploading", 3),
];
const OWN: [(Person, &str, i64); 6] = [
    (COUNTED, "image_count_total", 2),
    (WEIGHED, "image_size_total", 1),
    (ARRIVING, "image_count_uploading", 0),
    (FREE, "image_count_total", -1),
    (SHOWN, "image_size_total", -1),
    (IN_PIECES, "image_size_total", 1),
];

/// Makes the people once.
fn keystone() -> &'static Keystone {
    static MADE: OnceLock<()> = OnceLock::new();
    let keystone = Keystone::shared();
    MADE.get_or_init(|| {
        for person in [COUNTED, WEIGHED, ARRIVING, FREE, SHOWN, IN_PIECES] {
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

/// What both say, but for the project.
fn over(name: &str, limit: i64, usage: i64, delta: i64) -> String {
    format!("Resource {name} is over limit of {limit} due to current usage {usage} and delta {delta}")
}

#[test]
fn an_upload_in_pieces_counts_like_any_other() {
    const MIB: usize = 1 << 20;
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
    const MIB: usize = 1 << 20;
    let api = site.api(WEIGHED);
    let announce = |id: &str, size: usize| {
        let call = api.call("PUT", &format!("/v2/images/{id}/file"));
        let call = call.header("content-type", "application/octet-stream");
        call.header("x-openstack-image-size", &size.to_string()).bytes("x").send()
    };
    let id = queued(&api);
    let refused = announce(&id, 2 * MIB).expect(413);
    assert!(refused.text().contains(&over("image_size_total", 1, 0, 2)), "{}", refused.text());
    assert_eq!(record(&api, &id)["status"], "queued");
    // Sizes are counted in whole MiB, so what is smaller passes while there is no more than the limit.
    active(&api, &vec![1; MIB]);
    active(&api, b"small");
    let refused = announce(&id, MIB).expect(413);
    assert!(refused.text().contains(&over("image_size_total", 1, 1, 1)), "{}", refused.text());
    // It is looked at before the image.
    announce("11111111-2222-3333-4444-555555555555", MIB).expect(413);
    announce("11111111-2222-3333-4444-555555555555", 1).expect(404);
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
    limits.stop();
    for answer in
        [api.post_json("/v2/images", &json!({})), api.get("/v2/info/usage"), api.upload("any", b"x")]
    {
        let answer = answer.expect(503);
        assert!(answer.text().contains("limits of the project cannot be read"), "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
    }
    // What has no limit goes on.
    api.get("/v2/images").expect(200);
    assert!(controller.service.process.log().contains("[oslo_limit] auth_url"));
}
