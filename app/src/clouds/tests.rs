use std::fs;

use glasshouse_shared::client::{ApplicationCredential, Domain, Interface, Method, Named, Secret};
use tempfile::TempDir;

use super::*;

fn places(folder: &TempDir) -> Places {
    let home = folder.path().join("home");
    let places = Places {
        variables: BTreeMap::new(),
        current: folder.path().join("current"),
        system: folder.path().join("etc"),
        home: Some(home.clone()),
    };
    for path in [&places.current, &places.system, &home.join(".config/openstack")] {
        fs::create_dir_all(path).unwrap();
    }
    places
}

const PROD: &str = "
clouds:
  prod:
    auth:
      auth_url: https://keystone.example:5000/v3
      username: demo
      password: 1234
      project_name: infra
      user_domain_name: Default
      project_domain_id: d2
    region_name: tyo1
    interface: internal
    cacert: ~/ca.pem
";

#[test]
fn a_cloud_of_clouds_yaml_becomes_credentials() {
    let folder = TempDir::new().unwrap();
    let places = places(&folder);
    fs::write(places.current.join("clouds.yaml"), PROD).unwrap();
    let found = discover(&places);
    assert_eq!(found.problems, []);
    assert_eq!(found.clouds.len(), 1);
    assert_eq!(found.clouds[0].name, "prod");
    assert_eq!(found.clouds[0].source, Source::CloudsYaml(places.current.join("clouds.yaml")));
    let expected = Credentials {
        auth_url: "https://keystone.example:5000/v3".parse().unwrap(),
        method: Method::Password {
            user: Named::name("demo", Domain::Name("Default".into())),
            password: Secret::new("1234"),
            project: Some(Named::name("infra", Domain::Id("d2".into()))),
        },
        region: Some("tyo1".into()),
        interface: Interface::Internal,
        image_endpoint: None,
        ca_file: Some(folder.path().join("home/ca.pem")),
        insecure: false,
    };
    assert_eq!(found.clouds[0].credentials, Ok(expected));
}

#[test]
fn the_first_place_that_has_a_file_wins() {
    let folder = TempDir::new().unwrap();
    let mut places = places(&folder);
    let named = |name: &str| PROD.replace("prod:", name);
    fs::write(places.system.join("clouds.yaml"), named("of-etc:")).unwrap();
    let first = |places: &Places| discover(places).clouds[0].name.clone();
    assert_eq!(first(&places), "of-etc");
    fs::write(folder.path().join("home/.config/openstack/clouds.yml"), named("of-home:")).unwrap();
    assert_eq!(first(&places), "of-home");
    fs::write(places.current.join("clouds.yaml"), named("of-current:")).unwrap();
    assert_eq!(first(&places), "of-current");
    fs::write(folder.path().join("mine.yaml"), named("of-variable:")).unwrap();
    let mine = folder.path().join("mine.yaml").display().to_string();
    places.variables.insert("OS_CLIENT_CONFIG_FILE".into(), mine);
    assert_eq!(first(&places), "of-variable");
}

#[test]
fn secure_yaml_is_laid_over_clouds_yaml() {
    let folder = TempDir::new().unwrap();
    let places = places(&folder);
    fs::write(places.current.join("clouds.yaml"), PROD.replace("      password: 1234\n", "")).unwrap();
    let missing = Missing { setting: "password".into(), reason: None };
    assert_eq!(discover(&places).clouds[0].credentials, Err(vec![missing]));
    let secure = "clouds: {prod: {auth: {password: hush}}, other: {auth: {password: x}}}";
    fs::write(folder.path().join("home/.config/openstack/secure.yaml"), secure).unwrap();
    let clouds = discover(&places).clouds;
    assert_eq!(clouds.len(), 1);
    assert_eq!(clouds[0].settings.get("password"), Some("hush"));
    assert!(clouds[0].credentials.is_ok());
}

#[test]
fn invalid_yaml_is_named_with_file_and_line() {
    let folder = TempDir::new().unwrap();
    let places = places(&folder);
    let path = places.current.join("clouds.yaml");
    fs::write(&path, "clouds:\n  prod:\n    auth: {a: [}\n").unwrap();
    let problems = discover(&places).problems;
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].file.clone(), problems[0].line), (path.clone(), Some(3)));
    assert!(problems[0].to_string().starts_with(&format!("{}, line 3: is not valid YAML", path.display())));
    fs::write(&path, "clouds: [prod]\n").unwrap();
    assert_eq!(discover(&places).problems[0].message, "\"clouds\" is not a mapping of names to settings");
    fs::write(&path, "clouds: {prod: {auth: x}}\n").unwrap();
    assert_eq!(discover(&places).problems[0].message, "cloud prod: \"auth\" is not a mapping");
}

#[test]
fn a_vendor_profile_is_said_to_be_unsupported() {
    let folder = TempDir::new().unwrap();
    let places = places(&folder);
    let yaml = "clouds: {v: {profile: vexxhost, auth: {username: u, password: p}}}";
    fs::write(places.current.join("clouds.yaml"), yaml).unwrap();
    let missing = discover(&places).clouds.remove(0).credentials.unwrap_err();
    let words = "auth_url: it comes from the vendor profile vexxhost, and those are not supported";
    assert_eq!(missing.iter().map(ToString::to_string).collect::<Vec<_>>(), [words]);
}

#[test]
fn every_login_method_is_understood() {
    let settings = |pairs: &[(&str, &str)]| {
        let start = Settings::default().set("auth_url", "http://k:5000");
        pairs.iter().fold(start, |settings, (name, value)| settings.set(name, value))
    };
    let method = |pairs: &[(&str, &str)]| settings(pairs).credentials(None).unwrap().method;
    let secret = ("application_credential_secret", "s");
    assert_eq!(
        method(&[("auth_type", "v3applicationcredential"), ("application_credential_id", "i"), secret]),
        Method::ApplicationCredential {
            credential: ApplicationCredential::Id("i".into()),
            secret: Secret::new("s")
        }
    );
    let user = Named::name("u", Domain::default());
    assert_eq!(
        method(&[("application_credential_name", "n"), ("username", "u"), secret]),
        Method::ApplicationCredential {
            credential: ApplicationCredential::Name { name: "n".into(), user },
            secret: Secret::new("s")
        }
    );
    assert_eq!(
        method(&[("auth_type", "v3token"), ("token", "t"), ("project_id", "p")]),
        Method::Token { token: Secret::new("t"), project: Some(Named::Id("p".into())) }
    );
    assert_eq!(
        method(&[("auth_type", "none"), ("endpoint", "http://g:9292")]),
        Method::None { endpoint: "http://g:9292".parse().unwrap() }
    );
    let refused = settings(&[("auth_type", "v3oidcpassword")]).credentials(None).unwrap_err();
    assert_eq!(refused[0].to_string(), "auth_type: the login method v3oidcpassword is not supported");
    let all = Settings::default().credentials(None).unwrap_err();
    assert_eq!(
        all.iter().map(|missing| missing.setting.as_str()).collect::<Vec<_>>(),
        ["auth_url", "username", "password"]
    );
    let odd = settings(&[("username", "u"), ("password", "p"), ("interface", "secret")]).credentials(None);
    assert_eq!(odd.unwrap_err()[0].to_string(), "interface: \"secret\" is none of public, internal, admin");
    let insecure = settings(&[("username", "u"), ("password", "p"), ("verify", "false")]).credentials(None);
    assert!(insecure.unwrap().insecure);
}

const OPENRC: &str = r#"#!/usr/bin/env bash
# To use an OpenStack cloud you need to authenticate.
export OS_AUTH_URL=http://controller:5000/v3
export OS_PROJECT_ID=4f2c
export OS_PROJECT_NAME="infra"
export OS_USER_DOMAIN_NAME="Default"
if [ -z "$OS_USER_DOMAIN_NAME" ]; then unset OS_USER_DOMAIN_NAME; fi
unset OS_TENANT_ID
export OS_USERNAME='de mo'
echo "Please enter your OpenStack Password for project $OS_PROJECT_NAME as user $OS_USERNAME: "
read -sr OS_PASSWORD_INPUT
export OS_PASSWORD=$OS_PASSWORD_INPUT
export OS_REGION_NAME="Region\"One\"" OS_INTERFACE=public # both
export OS_IDENTITY_API_VERSION=3
"#;

#[test]
fn an_openrc_is_read_without_being_run_and_its_question_is_noted() {
    let folder = TempDir::new().unwrap();
    let places = places(&folder);
    let path = folder.path().join("infra-openrc.sh");
    fs::write(&path, OPENRC).unwrap();
    let cloud = read_file(&path, &places).unwrap().remove(0);
    assert_eq!(cloud.name, "infra");
    assert_eq!(cloud.settings.get("username"), Some("de mo"));
    assert_eq!(cloud.settings.get("region_name"), Some("Region\"One\""));
    assert_eq!(cloud.settings.get("user_domain_name"), Some("Default"));
    let reason = Some("the file asks for it when it is sourced".to_owned());
    assert_eq!(cloud.credentials, Err(vec![Missing { setting: "password".into(), reason }]));
    let complete = cloud.with("password", "typed", &places);
    let Method::Password { password, project, .. } = complete.credentials.unwrap().method else {
        unreachable!()
    };
    assert_eq!(password, Secret::new("typed"));
    assert_eq!(project, Some(Named::Id("4f2c".into())));
}

#[test]
fn commands_in_an_openrc_are_not_run() {
    let folder = TempDir::new().unwrap();
    let places = places(&folder);
    let witness = folder.path().join("witness");
    let script = format!(
        "OS_AUTH_URL=http://k:5000\nOS_USERNAME=$USER_OF_MINE\nexport OS_PASSWORD=$(touch {}; echo x)\n",
        witness.display()
    );
    let path = folder.path().join("openrc");
    fs::write(&path, script).unwrap();
    let missing = read_file(&path, &places).unwrap().remove(0).credentials.unwrap_err();
    let words: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let expected = [
        "username: the file takes it from a variable that it does not set",
        "password: the file takes it from a command, and commands are not run",
    ];
    assert_eq!(words, expected);
    assert!(!witness.exists());
}

#[test]
fn a_file_that_is_no_openrc_is_said_to_be_none() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "hello = world\n").unwrap();
    let problem = read_file(&path, &places(&folder)).unwrap_err();
    assert_eq!(problem.to_string(), format!("{}: sets no variable that begins with OS_", path.display()));
}

#[test]
fn the_environment_is_a_cloud_of_its_own() {
    let folder = TempDir::new().unwrap();
    let mut places = places(&folder);
    assert_eq!(discover(&places), Found::default());
    let pairs = [
        ("OS_AUTH_URL", "http://k:5000"),
        ("OS_USERNAME", "u"),
        ("OS_PASSWORD", "p"),
        ("OS_CLOUD", "prod"),
        ("HOME", "/x"),
    ];
    places.variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let found = discover(&places);
    assert_eq!(found.selected.as_deref(), Some("prod"));
    assert_eq!((found.clouds.len(), &found.clouds[0].source), (1, &Source::Environment));
    assert!(found.clouds[0].credentials.is_ok());
    assert!(!format!("{found:?}").contains("\"p\""), "{found:?}");
}
