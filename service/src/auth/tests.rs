use std::collections::HashMap;

use glasshouse_shared::identity::{AccessRule, ApplicationCredential, Named, Project, System, User};
use http::{HeaderName, HeaderValue, Method};
use jiff::Timestamp;

use super::*;

/// Knows some tokens, and one that has ended.
struct Known(HashMap<&'static str, Token>);

#[async_trait]
impl TokenValidator for Known {
    async fn validate(&self, token: &str) -> Result<Arc<Token>, AuthError> {
        if token == "ended" {
            return Err(AuthError::Invalid);
        }
        self.0.get(token).cloned().map(Arc::new).ok_or(AuthError::Invalid)
    }

    async fn validate_vouched(&self, token: &str) -> Result<Arc<Token>, AuthError> {
        self.0.get(token).cloned().map(Arc::new).ok_or(AuthError::Invalid)
    }

    fn challenge(&self) -> Option<String> {
        Some("Keystone uri=\"http://controller:5000\"".into())
    }
}

fn token(user: &str, roles: &[&str]) -> Token {
    let domain = Named { id: "default".into(), name: "Default".into() };
    Token {
        methods: vec!["password".into()],
        user: User {
            id: user.into(),
            name: format!("{user}-name"),
            domain: domain.clone(),
            password_expires_at: None,
        },
        project: Some(Project { id: "p".into(), name: "project".into(), domain }),
        domain: None,
        system: None,
        roles: roles.iter().map(|name| Named { id: String::new(), name: (*name).to_owned() }).collect(),
        catalog: None,
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::MAX,
        audit_ids: Vec::new(),
        application_credential: None,
    }
}

fn authenticator(roles_required: bool) -> Authenticator {
    let restricted = |rules: Vec<AccessRule>| Token {
        application_credential: Some(ApplicationCredential { id: "a".into(), access_rules: Some(rules) }),
        ..token("restricted", &["member"])
    };
    let reads = AccessRule { method: "GET".into(), path: "/v2/images/**".into(), service: "image".into() };
    let known = HashMap::from([
        ("good", token("demo", &["Member", "READER"])),
        ("ended", token("demo", &["member"])),
        ("service", token("nova", &["service"])),
        ("other", token("other", &["member"])),
        ("system", Token { project: None, system: Some(System { all: true }), ..token("root", &["admin"]) }),
        ("reads", restricted(vec![reads])),
        ("nothing", restricted(Vec::new())),
    ]);
    let service_tokens = ServiceTokens { roles: vec!["Service".into()], roles_required };
    Authenticator::new(Arc::new(Known(known)), service_tokens)
}

async fn ask(headers: &[(&'static str, &str)]) -> Result<Context, AuthError> {
    authenticator(true).authenticate(&map(headers)).await
}

fn map(headers: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    map
}

#[tokio::test]
async fn the_caller_is_who_the_token_says() {
    let context = ask(&[("x-auth-token", "  good ")]).await.unwrap();
    assert_eq!(context.user_id.as_deref(), Some("demo"));
    assert_eq!(context.user_name.as_deref(), Some("demo-name"));
    assert_eq!(context.user_domain_id.as_deref(), Some("default"));
    assert_eq!(context.project_id.as_deref(), Some("p"));
    assert_eq!(context.project_domain_id.as_deref(), Some("default"));
    assert_eq!(context.roles, ["member", "reader"]);
    assert_eq!(context.service_roles, [""; 0]);
    assert_eq!(context.system_scope, None);
    assert!(!context.is_admin);
}

#[tokio::test]
async fn what_a_client_says_about_itself_is_not_read() {
    let context = ask(&[
        ("x-auth-token", "good"),
        ("x-roles", "admin"),
        ("x-user-id", "root"),
        ("x-project-id", "other"),
        ("x-service-roles", "service"),
        ("x-identity-status", "Confirmed"),
        ("openstack-system-scope", "all"),
    ])
    .await
    .unwrap();
    assert_eq!(context.roles, ["member", "reader"]);
    assert_eq!((context.user_id.as_deref(), context.project_id.as_deref()), (Some("demo"), Some("p")));
    assert_eq!((context.service_roles.len(), context.system_scope), (0, None));
    let without = ask(&[("x-identity-status", "Confirmed"), ("x-roles", "admin")]).await;
    assert_eq!(without.unwrap_err(), AuthError::Missing);
}

#[tokio::test]
async fn a_system_token_has_no_project() {
    let context = ask(&[("x-auth-token", "system")]).await.unwrap();
    assert_eq!((context.system_scope.as_deref(), context.project_id), (Some("all"), None));
}

#[tokio::test]
async fn no_token_and_a_bad_token_are_told_apart() {
    assert_eq!(ask(&[]).await.unwrap_err(), AuthError::Missing);
    assert_eq!(ask(&[("x-auth-token", "   ")]).await.unwrap_err(), AuthError::Missing);
    assert_eq!(ask(&[("x-auth-token", "unknown")]).await.unwrap_err(), AuthError::Invalid);
    assert_eq!(ask(&[("x-auth-token", "gööd")]).await.unwrap_err(), AuthError::Invalid);
    let long = "g".repeat(20_000);
    assert_eq!(ask(&[("x-auth-token", &long)]).await.unwrap_err(), AuthError::Invalid);
    let two = ask(&[("x-auth-token", "good"), ("x-auth-token", "system")]).await;
    assert_eq!(two.unwrap_err(), AuthError::Invalid);
}

#[tokio::test]
async fn the_old_header_is_read_where_the_new_one_is_missing() {
    assert_eq!(ask(&[("x-storage-token", "good")]).await.unwrap().user_id.as_deref(), Some("demo"));
    let both = ask(&[("x-storage-token", "system"), ("x-auth-token", "good")]).await.unwrap();
    assert_eq!(both.user_id.as_deref(), Some("demo"));
}

#[tokio::test]
async fn a_service_vouches_for_an_ended_token() {
    assert_eq!(ask(&[("x-auth-token", "ended")]).await.unwrap_err(), AuthError::Invalid);
    let context = ask(&[("x-auth-token", "ended"), ("x-service-token", "service")]).await.unwrap();
    assert_eq!(context.user_id.as_deref(), Some("demo"));
    assert_eq!(context.roles, ["member"]);
    assert_eq!(context.service_roles, ["service"]);
}

#[tokio::test]
async fn a_service_token_must_be_good_and_have_the_role() {
    for service in ["unknown", "other", "ended"] {
        let refused = ask(&[("x-auth-token", "good"), ("x-service-token", service)]).await;
        assert_eq!(refused.unwrap_err(), AuthError::Invalid, "{service}");
    }
    let lenient = authenticator(false);
    let headers = map(&[("x-auth-token", "good"), ("x-service-token", "other")]);
    assert_eq!(lenient.authenticate(&headers).await.unwrap().service_roles, ["member"]);
    let headers = map(&[("x-auth-token", "ended"), ("x-service-token", "other")]);
    assert_eq!(lenient.authenticate(&headers).await.unwrap_err(), AuthError::Invalid);
}

#[tokio::test]
async fn a_restricted_token_is_good_for_its_calls_only() {
    let authenticator = authenticator(true);
    let call = |method: Method, path: &'static str, token: &'static str| {
        let authenticator = authenticator.clone();
        async move {
            authenticator.authenticate_call(&method, path, &map(&[("x-auth-token", token)])).await.is_ok()
        }
    };
    assert!(call(Method::GET, "/v2/images/x/file", "reads").await);
    assert!(!call(Method::DELETE, "/v2/images/x", "reads").await);
    assert!(!call(Method::GET, "/v2/tasks", "reads").await);
    assert!(!call(Method::GET, "/v2/images/x", "nothing").await);
    assert!(call(Method::DELETE, "/v2/images/x", "good").await);
    assert_eq!(ask(&[("x-auth-token", "reads")]).await.unwrap_err(), AuthError::Invalid);
    assert!(ask(&[("x-auth-token", "reads"), ("x-service-token", "service")]).await.is_ok());
}

#[tokio::test]
async fn without_identity_everybody_is_an_administrator_of_no_project() {
    let none = Authenticator::none();
    let context = none.authenticate(&HeaderMap::new()).await.unwrap();
    assert_eq!(context.roles, ["admin", "member", "reader"]);
    assert_eq!((context.user_id, context.project_id), (None, None));
    assert_eq!(none.challenge(), None);
    assert_eq!(authenticator(true).challenge().unwrap(), "Keystone uri=\"http://controller:5000\"");
}
