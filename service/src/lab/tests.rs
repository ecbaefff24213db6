use std::path::Path;

use super::*;

fn options(dir: &Path, port: u16) -> LabOptions {
    LabOptions { data_dir: dir.join("lab"), listen: SocketAddr::from(([127, 0, 0, 1], port)) }
}

fn text(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join("lab").join(name)).unwrap()
}

/// The password of an entry of `clouds.yaml`.
fn password(dir: &Path, cloud: &str) -> String {
    let clouds: serde_norway::Value = serde_norway::from_str(&text(dir, "clouds.yaml")).unwrap();
    clouds["clouds"][cloud]["auth"]["password"].as_str().unwrap().to_owned()
}

fn refusal(options: &LabOptions) -> LabError {
    match prepare(options) {
        Ok(_) => panic!("the lab started"),
        Err(error) => error,
    }
}

#[test]
fn the_first_start_makes_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (config, _identity) = prepare(&options(dir.path(), 9292)).unwrap();
    let lab = dir.path().join("lab").canonicalize().unwrap();
    assert!(lab.join("images").is_dir());
    let crate::config::DatabaseUrl::Sqlite { path } = &config.database.url else { panic!("no SQLite") };
    assert_eq!(*path, lab.join("glance.sqlite"));
    assert_eq!((config.server.bind_host.as_str(), config.server.bind_port), ("127.0.0.1", 9292));
    let clouds: serde_norway::Value = serde_norway::from_str(&text(dir.path(), "clouds.yaml")).unwrap();
    for (cloud, name) in [(CLOUD_ADMIN, "admin"), (CLOUD_DEMO, "demo")] {
        let entry = &clouds["clouds"][cloud];
        assert_eq!(entry["auth"]["auth_url"].as_str(), Some("http://127.0.0.1:9292/identity/v3"));
        assert_eq!(entry["auth"]["username"].as_str(), Some(name));
        assert_eq!(entry["auth"]["project_name"].as_str(), Some(name));
        assert_eq!(entry["auth"]["user_domain_name"].as_str(), Some("Default"));
        assert_eq!(entry["region_name"].as_str(), Some("RegionOne"));
        assert_eq!(entry["auth"]["password"].as_str().unwrap().len(), 32);
    }
    let openrc = text(dir.path(), "openrc");
    assert!(openrc.contains("export OS_AUTH_URL='http://127.0.0.1:9292/identity/v3'\n"));
    assert!(openrc.contains(&format!("export OS_PASSWORD='{}'\n", password(dir.path(), CLOUD_ADMIN))));
}

#[test]
fn passwords_stand_in_clear_in_two_files_only() {
    let dir = tempfile::tempdir().unwrap();
    prepare(&options(dir.path(), 9292)).unwrap();
    let identity = text(dir.path(), "identity.json");
    for cloud in [CLOUD_ADMIN, CLOUD_DEMO] {
        assert!(!identity.contains(&password(dir.path(), cloud)));
    }
    assert_eq!(identity.matches("$argon2id$").count(), 3);
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    prepare(&options(dir.path(), 9292)).unwrap();
    let mode = |name: &str| {
        std::fs::metadata(dir.path().join("lab").join(name)).unwrap().permissions().mode() & 0o777
    };
    for name in ["clouds.yaml", "openrc", "identity.json", "lock"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode("images"), 0o700);
}

#[test]
fn a_later_start_keeps_passwords_and_follows_the_port() {
    let dir = tempfile::tempdir().unwrap();
    drop(prepare(&options(dir.path(), 9292)).unwrap());
    let (identity, clouds) = (text(dir.path(), "identity.json"), text(dir.path(), "clouds.yaml"));
    drop(prepare(&options(dir.path(), 9292)).unwrap());
    assert_eq!(text(dir.path(), "identity.json"), identity);
    assert_eq!(text(dir.path(), "clouds.yaml"), clouds);
    drop(prepare(&options(dir.path(), 9393)).unwrap());
    assert_eq!(text(dir.path(), "identity.json"), identity);
    assert_eq!(text(dir.path(), "clouds.yaml"), clouds.replace(":9292/", ":9393/"));
    assert!(text(dir.path(), "openrc").contains(":9393/"));
}

#[test]
fn the_port_that_the_system_chose_is_announced() {
    let dir = tempfile::tempdir().unwrap();
    let (_, identity) = prepare(&options(dir.path(), 0)).unwrap();
    identity.announce(SocketAddr::from(([127, 0, 0, 1], 40_000))).unwrap();
    assert!(text(dir.path(), "clouds.yaml").contains("http://127.0.0.1:40000/identity/v3"));
    use crate::auth::TokenValidator as _;
    assert_eq!(identity.challenge().unwrap(), "Keystone uri=\"http://127.0.0.1:40000/identity\"");
}

#[test]
fn lost_passwords_are_made_anew_and_the_users_stay() {
    let dir = tempfile::tempdir().unwrap();
    drop(prepare(&options(dir.path(), 9292)).unwrap());
    let before: serde_json::Value = serde_json::from_str(&text(dir.path(), "identity.json")).unwrap();
    let lost = password(dir.path(), CLOUD_ADMIN);
    std::fs::remove_file(dir.path().join("lab/clouds.yaml")).unwrap();
    drop(prepare(&options(dir.path(), 9292)).unwrap());
    let after: serde_json::Value = serde_json::from_str(&text(dir.path(), "identity.json")).unwrap();
    assert_ne!(password(dir.path(), CLOUD_ADMIN), lost);
    assert_eq!(after["projects"], before["projects"]);
    assert_eq!(after["users"][0]["id"], before["users"][0]["id"]);
    let hash = after["users"][0]["password_hash"].as_str().unwrap();
    assert!(secret::verify(&password(dir.path(), CLOUD_ADMIN), hash));
}

#[test]
fn passwords_that_do_not_fit_are_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    drop(prepare(&options(dir.path(), 9292)).unwrap());
    let old = password(dir.path(), CLOUD_DEMO);
    let changed = text(dir.path(), "clouds.yaml").replace(&old, "guess");
    std::fs::write(dir.path().join("lab/clouds.yaml"), changed).unwrap();
    drop(prepare(&options(dir.path(), 9292)).unwrap());
    assert_ne!(password(dir.path(), CLOUD_DEMO), "guess");
    assert_eq!(password(dir.path(), CLOUD_DEMO).len(), 32);
}

#[test]
fn clouds_that_somebody_added_stay() {
    let dir = tempfile::tempdir().unwrap();
    drop(prepare(&options(dir.path(), 9292)).unwrap());
    let more = format!("{}  work:\n    region_name: Tokyo\n", text(dir.path(), "clouds.yaml"));
    std::fs::write(dir.path().join("lab/clouds.yaml"), more).unwrap();
    drop(prepare(&options(dir.path(), 9393)).unwrap());
    let clouds: serde_norway::Value = serde_norway::from_str(&text(dir.path(), "clouds.yaml")).unwrap();
    assert_eq!(clouds["clouds"]["work"]["region_name"].as_str(), Some("Tokyo"));
}

#[test]
fn a_folder_in_use_is_refused_until_it_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let running = prepare(&options(dir.path(), 9292)).unwrap();
    let refused = refusal(&options(dir.path(), 9393));
    assert!(matches!(&refused, LabError::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains("--data-dir"));
    assert!(text(dir.path(), "clouds.yaml").contains(":9292/"));
    drop(running);
    prepare(&options(dir.path(), 9393)).unwrap();
}

#[test]
fn a_broken_identity_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(prepare(&options(dir.path(), 9292)).unwrap());
    let file = dir.path().join("lab/identity.json");
    for broken in ["{\"layout\": 1,", "{}", ""] {
        std::fs::write(&file, broken).unwrap();
        let refused = refusal(&options(dir.path(), 9292));
        assert!(matches!(&refused, LabError::CorruptIdentity { .. }), "{refused}");
        assert!(refused.to_string().contains("identity.json"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), broken);
    }
}

#[test]
fn clouds_that_are_no_yaml_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(prepare(&options(dir.path(), 9292)).unwrap());
    std::fs::write(dir.path().join("lab/clouds.yaml"), "clouds: [").unwrap();
    assert!(matches!(refusal(&options(dir.path(), 9292)), LabError::CorruptClouds { .. }));
    assert_eq!(text(dir.path(), "clouds.yaml"), "clouds: [");
}

#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    // A file where the folder should be: no right of the superuser helps.
    std::fs::write(dir.path().join("lab"), "").unwrap();
    let refused = refusal(&options(dir.path(), 9292));
    assert!(matches!(&refused, LabError::NotWritable { .. }), "{refused}");
    assert!(refused.to_string().contains("cannot be written"));
}

#[test]
fn only_loopback_is_listened_on() {
    let dir = tempfile::tempdir().unwrap();
    let listen = SocketAddr::from(([0, 0, 0, 0], 9292));
    let refused = refusal(&LabOptions { data_dir: dir.path().join("lab"), listen });
    assert!(refused.to_string().contains("use 127.0.0.1:9292"), "{refused}");
    assert!(!dir.path().join("lab").exists());
}

#[test]
fn admin_is_member_and_member_is_reader() {
    let directory = Directory::new().unwrap();
    let names = |user: &str, project: Option<&str>| {
        let project = project.map(|name| directory.project_named(name).unwrap().id.as_str());
        let roles = directory.roles_of(&directory.user_named(user).unwrap().id, project);
        roles.into_iter().map(|role| role.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("admin", Some("admin")), ["admin", "member", "reader"]);
    assert_eq!(names("admin", None), ["admin", "member", "reader"]);
    assert_eq!(names("demo", Some("demo")), ["member", "reader"]);
    assert_eq!(names("demo", Some("admin")), [""; 0]);
    assert_eq!(names("glance", Some("service")), ["service"]);
}
