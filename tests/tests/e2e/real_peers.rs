//! The peers themselves: that they are the real thing, and that our fixtures and drivers read them rightly.
//! What fails here is no fault of the service.

use glasshouse_tests::clients::sha512_of;
use glasshouse_tests::deployment::Database;
use glasshouse_tests::glance::Glance;
use glasshouse_tests::http::Api;
use glasshouse_tests::images;
use glasshouse_tests::keystone::{ADMIN, Keystone, MEMBER, READER};
use glasshouse_tests::mariadb::Mariadb;
use serde_json::json;

#[test]
fn mariadb_keeps_rows_and_commits_durably() {
    let mariadb = Mariadb::shared();
    let name = mariadb.create_database().name;
    mariadb.sql(&format!("CREATE TABLE {name}.t (id INT PRIMARY KEY); INSERT INTO {name}.t VALUES (7)"));
    assert_eq!(mariadb.sql(&format!("SELECT id FROM {name}.t")), ["7"]);
    assert_eq!(mariadb.sql("SELECT @@innodb_flush_log_at_trx_commit"), ["1"]);
    assert!(mariadb.sql("SELECT VERSION()").concat().contains("MariaDB"));
}

#[test]
fn keystone_gives_each_person_a_token_with_one_role_and_refuses_a_wrong_password() {
    let keystone = Keystone::shared();
    for person in [ADMIN, MEMBER, READER] {
        let token = keystone.token(person);
        let api = Api::new(&keystone.url()).with_token(&token);
        let body =
            api.call("GET", "/v3/auth/tokens").header("x-subject-token", &token).send().expect(200).json();
        assert_eq!(body["token"]["project"]["name"], person.project);
        let roles = body["token"]["roles"].as_array().expect("a list of roles");
        assert!(roles.iter().any(|role| role["name"] == person.role), "{roles:?}");
    }
    let domain = json!({"id": "default"});
    let user = json!({"name": "demo", "domain": domain, "password": "wrong"});
    let login = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}});
    Api::new(&keystone.url()).post_json("/v3/auth/tokens", &login).expect(401);
}

#[test]
fn the_real_glance_takes_an_image_and_gives_it_back() {
    let keystone = Keystone::shared();
    let glance = Glance::start(keystone, &Database::mariadb());
    let api = Api::new(&glance.url()).with_token(&keystone.token(MEMBER));
    let file = images::small_qcow2();
    let id = api.create_image(&json!({"name": "peer", "disk_format": "qcow2", "container_format": "bare"}));
    api.upload_file(&id, &file).expect(204);
    let image = api.get(&format!("/v2/images/{id}")).expect(200).json();
    assert_eq!(image["status"], "active");
    assert_eq!(image["os_hash_value"], sha512_of(&file));
    let data = api.get(&format!("/v2/images/{id}/file")).expect(200).body;
    assert_eq!(data, std::fs::read(&file).expect("the file"));
}

#[test]
fn qemu_img_reads_every_disk_image_the_tests_upload_as_what_it_is_called() {
    let disk_bytes = images::installer_disk().metadata().expect("the disk").len();
    for (format, path) in images::every_format() {
        if format == "iso" {
            continue;
        }
        let name = if format == "vhd" { "vpc" } else { format };
        assert_eq!(images::virtual_size_bytes(&path, name), disk_bytes, "{}", path.display());
    }
}
