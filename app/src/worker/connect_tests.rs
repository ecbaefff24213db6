//! Tests of what is made of a form and of files.

use glasshouse_shared::client::Method as LoginMethod;

use super::*;

fn form() -> ConnectionForm {
    ConnectionForm {
        auth_url: " https://controller:5000/v3 ".into(),
        username: "demo".into(),
        secret: "secret".into(),
        project: "infra".into(),
        region: "tyo1".into(),
        ..ConnectionForm::default()
    }
}

#[test]
fn a_form_becomes_the_credentials_that_clouds_yaml_would_give() {
    let credentials = of_form(&form(), &Places::default()).unwrap();
    assert_eq!(credentials.auth_url.as_str(), "https://controller:5000/v3");
    assert_eq!(credentials.region.as_deref(), Some("tyo1"));
    let LoginMethod::Password { user, password, project } = credentials.method else { panic!() };
    let domain = || client::Domain::Name("Default".into());
    assert_eq!(user, client::Named::name("demo", domain()));
    assert_eq!(password.expose(), "secret");
    assert_eq!(project, Some(client::Named::name("infra", domain())));
}

#[test]
fn a_server_without_login_needs_its_address_only() {
    let form = ConnectionForm {
        method: Method::NoLogin,
        auth_url: "http://h:9292".into(),
        ..ConnectionForm::default()
    };
    let credentials = of_form(&form, &Places::default()).unwrap();
    let LoginMethod::None { endpoint } = credentials.method else { panic!() };
    assert_eq!(endpoint.as_str(), "http://h:9292/");
}

#[test]
fn a_cloud_that_is_not_in_the_file_is_named_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clouds.yaml");
    std::fs::write(&file, "clouds:\n  other:\n    auth:\n      auth_url: http://h/v3\n").unwrap();
    let target = Target::Cloud { name: "lab".into(), file: Some(file.clone()) };
    let failure = credentials(&target, &Places::default()).unwrap_err();
    assert_eq!(
        failure.sentence(),
        format!("Could not connect to lab: there is no cloud \"lab\" in {}", file.display())
    );
}
