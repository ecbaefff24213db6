//! Whole files: those of the install guides of old, and each mistake that must be found.

use std::path::PathBuf;

use super::*;
use crate::config::{AuthConfig, DomainRef, EndpointRef, LoginScope, ServiceLogin, StoreKind};

const GUIDE: &str = include_str!("guide-glance-api.conf");
const GUIDE_REGISTRY: &str = include_str!("guide-glance-registry.conf");

struct Case {
    dir: tempfile::TempDir,
    problems: Vec<Problem>,
    config: Option<Config>,
}

fn case(text: &str) -> Case {
    case_beside(text, None)
}

fn case_beside(text: &str, registry: Option<&str>) -> Case {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("glance-api.conf");
    std::fs::write(&file, text).unwrap();
    if let Some(registry) = registry {
        std::fs::write(dir.path().join("glance-registry.conf"), registry).unwrap();
    }
    let (config, problems) = interpret(&read(&[file], &[], &Environment::default()));
    Case { dir, problems, config }
}

impl Case {
    /// The problems without the temporary directory in their paths.
    fn said(&self) -> Vec<String> {
        let dir = format!("{}/", self.dir.path().display());
        self.problems.iter().map(|p| format!("{}: {}", p.severity, p.to_string().replace(&dir, ""))).collect()
    }

    fn errors(&self) -> Vec<String> {
        self.said().into_iter().filter_map(|said| said.strip_prefix("error: ").map(str::to_owned)).collect()
    }
}

const GOOD: &str = "[database]\nconnection = mysql+pymysql://glance:p@controller/glance\n\
    [keystone_authtoken]\nauth_url = http://controller:5000/v3/\nauth_type = password\nusername = glance\n\
    password = p\nproject_name = service\nuser_domain_name = Default\nproject_domain_name = Default\n\
    [paste_deploy]\nflavor = keystone\n";

#[test]
fn the_guide_of_old_starts_and_every_old_word_is_named_with_its_line() {
    let case = case(GUIDE);
    assert_eq!(
        case.said(),
        [
            "warning: glance-api.conf:5: [keystone_authtoken] auth_uri: an old name; it is still read; write www_authenticate_uri",
            "warning: glance-api.conf:6: [keystone_authtoken] auth_url: port 35357 is Keystone's admin port of old, on which nothing may listen today; write `auth_url = http://controller01:5000`",
            "warning: glance-api.conf:7: [keystone_authtoken] auth_plugin: an old name; it is still read; write auth_type",
            "warning: glance-api.conf:23: [DEFAULT] notification_driver: an old name; write [oslo_messaging_notifications] driver or remove the line",
            "warning: glance-api.conf:28: [DEFAULT] verbose: no release of today reads this option; remove the line: this much is logged anyway, and more with `debug = True`",
        ]
    );
    let config = case.config.unwrap();
    assert_eq!(
        config.database.url,
        DatabaseUrl::Mariadb {
            host: "controller".into(),
            port: 3306,
            user: "glance".into(),
            password: crate::config::Secret::new("Password123$"),
            database: "glance".into(),
            ssl_ca: None,
        }
    );
    let AuthConfig::Keystone(keystone) = config.auth else { panic!("no authentication") };
    assert_eq!(keystone.access.auth_url.as_str(), "http://controller01:35357/");
    assert_eq!(keystone.www_authenticate_uri.unwrap().as_str(), "http://controller01:5000/");
    let ServiceLogin::Password { username, user_domain, password, scope } = keystone.access.login else {
        panic!("no password")
    };
    assert_eq!(username, "glance");
    let domain = DomainRef::Id("default".into());
    assert_eq!(scope, LoginScope::Project { name: "service".into(), domain });
    assert_eq!((user_domain, password.expose()), (DomainRef::Id("default".into()), "Password123$"));
    let StoreKind::File { datadir, .. } = &config.stores.stores[0].kind else { panic!("no file store") };
    assert_eq!(datadir, &PathBuf::from("/var/lib/glance/images/"));
}

#[test]
fn a_registry_file_with_another_host_shows_both_addresses() {
    let case = case_beside(GUIDE, Some(GUIDE_REGISTRY));
    let said = case.said();
    assert_eq!(
        said.last().unwrap(),
        "warning: glance-registry.conf:2: [database] connection: the registry is no longer needed, and this file names \
         another database than glance-api.conf: mysql://glance:***@controller01/glance here, \
         mysql://glance:***@controller/glance there; only the latter is used; see that glance-api.conf names the right \
         one, then remove the file"
    );
    assert!(!said.concat().contains("Password123"));
}

#[test]
fn a_registry_file_with_the_same_database_is_only_a_note() {
    let case = case_beside(GOOD, Some("[database]\nconnection = mysql://glance:p@controller/glance\n"));
    assert_eq!(
        case.said(),
        [
            "note: glance-registry.conf: the registry is no longer needed, and nobody reads this file; remove the file"
        ]
    );
}

#[test]
fn a_file_of_today_has_no_problems() {
    let case = case(GOOD);
    assert!(case.problems.is_empty(), "{:?}", case.said());
    let config = case.config.unwrap();
    let AuthConfig::Keystone(keystone) = config.auth else { panic!("no authentication") };
    assert_eq!(keystone.access.auth_url.as_str(), "http://controller:5000/");
    assert_eq!(keystone.token_cache_time, Some(Duration::from_mins(5)));
    assert_eq!((config.server.bind_host.as_str(), config.server.bind_port), ("0.0.0.0", 9292));
    assert_eq!(config.server.workers, None);
    assert_eq!(config.limits.user_storage_quota, None);
    assert_eq!(config.limits.image_tag_quota, Some(128));
    assert_eq!(config.stores.default, "file");
    assert_eq!(config.images.import_methods, ["glance-direct", "web-download", "copy-image"]);
    assert_eq!(config.policy.file, Some(case.dir.path().join("policy.yaml")));
}

#[test]
fn an_empty_file_names_everything_that_is_missing_at_once() {
    assert_eq!(
        case("").errors(),
        [
            "[paste_deploy] flavor: without it nobody is asked for a token and every caller is an administrator; write `flavor = keystone` into [paste_deploy], or `allow_no_auth = True` into [glasshouse] together with a loopback bind_host",
            "[database] connection: is not set, so there is no database; write `connection = mysql+pymysql://USER:PASSWORD@HOST/DATABASE` below [database] in glance-api.conf",
        ]
    );
}

#[test]
fn a_commented_database_is_pointed_at() {
    let no_address = case("[database]\n#connection = mysql://glance:p@controller/glance\n");
    assert!(no_address.said().iter().any(|said| said.starts_with(
        "warning: glance-api.conf:2: [database] connection: no database is set, while this line, \
         mysql://glance:***@controller/glance, stands in a comment"
    )));
    let sqlite =
        case(&GOOD.replace("connection = mysql", "connection = sqlite:////tmp/x\n# connection = mysql"));
    assert_eq!(sqlite.problems.len(), 1);
    assert!(sqlite.problems[0].what.starts_with("SQLite is used, while this line"));
}

#[test]
fn a_database_in_the_wrong_section_is_pointed_at() {
    let case = case(
        "[DEFAULT]\nconnection = mysql://glance:p@controller/glance\n[database]\nconnection = sqlite:////x\n",
    );
    let said = case.said();
    assert!(
        said.iter()
            .any(|s| s.contains(":2: [DEFAULT] connection: SQLite") || s.contains("no database is set")),
        "{said:?}"
    );
    assert!(said.iter().any(|s| s.contains("write [database] connection if that is meant")), "{said:?}");
}

#[test]
fn no_authentication_needs_the_switch_and_loopback() {
    let open = "[database]\nconnection = sqlite:////tmp/x\n[glasshouse]\nallow_no_auth = True\n";
    assert!(case(open).errors()[0].starts_with("[DEFAULT] bind_host: 0.0.0.0 is open to the network"));
    let closed = case(&format!("{open}[DEFAULT]\nbind_host = 127.0.0.1\n"));
    assert!(matches!(closed.config.unwrap().auth, AuthConfig::None));
}

#[test]
fn version_two_of_identity_is_refused_with_the_address_to_use() {
    let case = case(&GOOD.replace("http://controller:5000/v3/", "http://controller:35357/v2.0"));
    assert_eq!(
        case.errors(),
        [
            "glance-api.conf:4: [keystone_authtoken] auth_url: Keystone has not had version 2 of its API since 2018; write `auth_url = http://controller:5000`"
        ]
    );
}

#[test]
fn an_identity_below_a_path_keeps_it() {
    let case = case(&GOOD.replace("http://controller:5000/v3/", "https://controller/identity/v3"));
    let AuthConfig::Keystone(keystone) = case.config.unwrap().auth else { panic!("no authentication") };
    assert_eq!(keystone.access.auth_url.as_str(), "https://controller/identity");
}

#[test]
fn a_login_of_before_2015_is_read() {
    let case = case(
        "[database]\nconnection = mysql://g:p@c/g\n[paste_deploy]\nflavor = keystone\n[keystone_authtoken]\n\
         identity_uri = http://controller:5000\nadmin_user = glance\nadmin_password = p\nadmin_tenant_name = service\n",
    );
    let said = case.said();
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[2].ends_with("admin_password: an old name; it is still read; write password"));
    let AuthConfig::Keystone(keystone) = case.config.unwrap().auth else { panic!("no authentication") };
    assert!(matches!(keystone.access.login, ServiceLogin::Password { username, .. } if username == "glance"));
}

#[test]
fn places_of_before_2014_are_read_and_warned_about() {
    let case = case(&format!(
        "[DEFAULT]\nfilesystem_store_datadir = /data/images\ndefault_store = file\nknown_stores = glance.store.filesystem.Store,\n{GOOD}"
    ));
    let said = case.said();
    assert_eq!(
        said[0],
        "warning: glance-api.conf:2: [DEFAULT] filesystem_store_datadir: an old name; it is still read; write [glance_store] filesystem_store_datadir"
    );
    assert_eq!(said.len(), 3, "{said:?}");
    let stores = case.config.unwrap().stores;
    let StoreKind::File { datadir, .. } = &stores.stores[0].kind else { panic!("no file store") };
    assert_eq!((datadir, stores.stores.len()), (&PathBuf::from("/data/images"), 1));
}

#[test]
fn several_stores_have_sections_of_their_own() {
    let text = format!(
        "[DEFAULT]\nenabled_backends = fast:file, web:http\n[glance_store]\ndefault_backend = fast\n\
         [fast]\nfilesystem_store_datadir = /fast\nfilesystem_store_file_perm = 640\nweight = -3\nstore_descripton = x\n{GOOD}"
    );
    let case = case(&text);
    assert_eq!(
        case.said(),
        [
            "warning: glance-api.conf:9: [fast] store_descripton: nobody reads this option; write [glance_store] store_description if that is meant"
        ]
    );
    let stores = case.config.unwrap().stores;
    assert!(stores.multi);
    assert_eq!(stores.default, "fast");
    assert_eq!((stores.stores[0].id.as_str(), stores.stores[0].weight), ("fast", -3));
    let StoreKind::File { datadir, file_perm, .. } = &stores.stores[0].kind else { panic!("no file store") };
    assert_eq!((datadir, *file_perm), (&PathBuf::from("/fast"), Some(0o640)));
    assert!(matches!(stores.stores[1].kind, StoreKind::Http { .. }));
}

#[test]
fn stores_that_cannot_work_are_refused() {
    let errors = |lines: &str| case(&format!("{lines}\n{GOOD}")).errors();
    assert!(errors("[DEFAULT]\nenabled_backends = a:file")[0].contains("default_backend: is not set"));
    assert!(
        errors("[DEFAULT]\nenabled_backends = a:swift\n[glance_store]\ndefault_backend = a")[0]
            .contains("swift")
    );
    assert!(
        errors("[DEFAULT]\nenabled_backends = os_glance_x:file\n[glance_store]\ndefault_backend = a")[0]
            .contains("are taken")
    );
    assert!(errors("[glance_store]\ndefault_store = http")[0].contains("only reads"));
    assert!(errors("[glance_store]\ndefault_store = rbd")[0].contains("\"rbd\" is a driver"));
}

#[test]
fn values_that_cannot_be_read_are_all_named() {
    let case = case(&format!(
        "[DEFAULT]\nbind_port = 99999\ndebug = perhaps\nhashing_algorithm = sha3\nuser_storage_quota = 1.5 GB\n\
         enabled_import_methods = [glance-direct,ftp]\npublic_endpoint = controller:9292\n{GOOD}"
    ));
    let said = case.said();
    assert_eq!(said.len(), 6, "{said:?}");
    assert_eq!(
        said[0],
        "error: glance-api.conf:2: [DEFAULT] bind_port: \"99999\" is not a whole number in its range; write a whole number in its range, such as `bind_port = 9292`"
    );
    assert!(said[2].contains("sha3") && said[4].contains("\"ftp\" is no import method"));
    assert!(case.config.is_none());
}

#[test]
fn what_would_open_a_door_in_silence_is_refused() {
    let case = case(&format!(
        "[DEFAULT]\ncert_file = /etc/glance/tls.pem\ndelayed_delete = True\ndo_secure_hash = true\n{GOOD}"
    ));
    let said = case.said();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("error: glance-api.conf:2: [DEFAULT] cert_file"));
    assert!(said[1].starts_with("warning: glance-api.conf:3: [DEFAULT] delayed_delete"));
}

#[test]
fn unknown_names_are_told_with_their_neighbours() {
    let case = case(&format!("[databse]\nconnection = x\n[DEFAULT]\nbind_hots = ::\n{GOOD}"));
    assert_eq!(
        case.said(),
        [
            "warning: glance-api.conf:1: [databse]: nobody reads this section; write [database] if that is meant",
            "warning: glance-api.conf:4: [DEFAULT] bind_hots: nobody reads this option; write [DEFAULT] bind_host if that is meant",
        ]
        .map(|said| said.replace("glance-api.conf:1", "glance-api.conf:2"))
    );
}

#[test]
fn a_dollar_in_a_password_that_reads_as_a_name_is_not_repeated() {
    let case = case(&GOOD.replace("glance:p@", "glance:pa$word@"));
    assert_eq!(
        case.errors(),
        [
            "glance-api.conf:2: [database] connection: a $ in it is read as the name of an option; write $$ for each $"
        ]
    );
}

#[test]
fn sizes_are_powers_of_1024() {
    assert_eq!(parse_size("10GB"), Some(10 << 30));
    assert_eq!(parse_size("7"), Some(7));
    assert_eq!(parse_size("1.5GB"), None);
    assert_eq!(parse_size("GB"), None);
    assert_eq!(parse_size("99999999999TB"), None);
}

#[test]
fn the_effective_options_hide_every_secret() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("glance-api.conf");
    std::fs::write(&file, GUIDE).unwrap();
    let text = crate::config::show(&read(&[file], &[], &Environment::default()));
    assert!(!text.contains("Password123"), "{text}");
    assert!(text.contains("connection = mysql://glance:***@controller/glance"));
    assert!(text.contains("password = ***"));
    assert!(text.contains("# default\nbind_port = 9292"));
    assert!(text.contains("glance-api.conf:5\nwww_authenticate_uri = http://controller01:5000"));
}

#[test]
fn the_log_file_lies_in_the_log_directory() {
    let log = |lines: &str| case(&format!("[DEFAULT]\n{lines}\n{GOOD}")).config.unwrap().log.file;
    assert_eq!(log("log-file = api.log\nlog_dir = /var/log/glance"), Some("/var/log/glance/api.log".into()));
    assert_eq!(log("log_dir = /var/log/glance"), Some("/var/log/glance/glance-api.log".into()));
    assert_eq!(log("debug = True"), None);
}

const LIMITS: &str = "[DEFAULT]\nuse_keystone_limits = True\nuser_storage_quota = 5GB\n[oslo_limit]\n\
    auth_url = http://controller:5000\nauth_type = password\nusername = limits\npassword = p\n\
    user_domain_id = default\nsystem_scope = all\nendpoint_service_type = image\nendpoint_interface = publicURL\n";

#[test]
fn the_limits_of_keystone_have_a_login_of_their_own_and_replace_the_storage_quota() {
    let case = case(&format!("{GOOD}{LIMITS}"));
    assert!(case.problems.is_empty(), "{:?}", case.said());
    let config = case.config.unwrap();
    assert_eq!(config.limits.user_storage_quota, None);
    let limits = config.keystone_limits.unwrap();
    assert_eq!(
        limits.endpoint,
        EndpointRef::Lookup {
            service_type: Some("image".into()),
            service_name: None,
            region: None,
            interface: "public".into()
        }
    );
    assert_eq!((limits.cache_time, limits.access.section.as_str()), (Duration::from_secs(30), "oslo_limit"));
    let ServiceLogin::Password { username, scope, .. } = limits.access.login else { panic!("no password") };
    assert_eq!((username.as_str(), scope), ("limits", LoginScope::System));
}

#[test]
fn what_the_login_for_limits_lacks_is_named() {
    let errors = |from: &str, to: &str| case(&format!("{GOOD}{}", LIMITS.replace(from, to))).errors();
    for (line, option) in [
        ("auth_url = http://controller:5000\n", "auth_url"),
        ("username = limits\n", "username"),
        ("password = p\n", "password"),
        ("system_scope = all\n", "system_scope"),
        ("endpoint_service_type = image\n", "endpoint_id"),
    ] {
        let errors = errors(line, "");
        assert_eq!(errors.len(), 1, "{option}: {errors:?}");
        assert!(errors[0].contains(&format!("[oslo_limit] {option}")), "{errors:?}");
    }
    assert!(errors("= all", "= some")[0].contains("\"some\" is no part of the system"));
    let both = errors("system_scope", "project_name = service\nsystem_scope");
    assert!(both[0].contains("[oslo_limit] project_name"), "{both:?}");
    assert!(errors("publicURL", "outer")[0].contains("endpoint_interface"));
}

#[test]
fn the_section_of_limits_is_not_read_while_they_are_off() {
    let case = case(&format!("{GOOD}[oslo_limit]\nauth_url = nonsense\npassword = p\n"));
    assert!(case.problems.is_empty(), "{:?}", case.said());
    assert!(case.config.unwrap().keystone_limits.is_none());
}
