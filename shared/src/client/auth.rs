//! Logs in with Keystone v3: finds its version, obtains a token, picks the Image service out of the catalog.

use std::time::Duration;

use reqwest::{Method as Verb, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::call::{Call, X_AUTH_TOKEN, secret_header};
use super::credentials::{ApplicationCredential, Credentials, Domain, Interface, Method, Named, Secret};
use super::error::{ClientError, ErrorKind};
use super::words;
use crate::identity::{AuthRequest, Catalog, PasswordUser, Project, Reference, Scope, TokenBody, User};

const SUBJECT: &str = "x-subject-token";

/// What a login gives.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) token: Option<Secret>,
    pub(super) user: Option<User>,
    pub(super) project: Option<Project>,
    /// The Image service as the catalog names it; which versions it has is not known yet.
    pub(super) endpoint: Url,
}

impl Credentials {
    /// Whether a new token can be had when the service refuses the old one.
    pub(super) fn can_renew(&self) -> bool {
        matches!(self.method, Method::Password { .. } | Method::ApplicationCredential { .. })
    }
}

/// Obtains a token and the address of the Image service.
pub(super) async fn login(
    http: &reqwest::Client,
    credentials: &Credentials,
    idle: Duration,
) -> Result<Login, ClientError> {
    if let Method::None { endpoint } = &credentials.method {
        return Ok(Login { token: None, user: None, project: None, endpoint: endpoint.clone() });
    }
    let base = identity_base(http, &credentials.auth_url, idle).await?;
    let url = beneath(&base, "auth/tokens");
    let attempted = format!("log in at {base}");
    let (call, token) = match &credentials.method {
        Method::Token { token, project: None } => (Call::new(Verb::GET, url, attempted), Some(token.clone())),
        method => (Call::new(Verb::POST, url, attempted).json(&login_body(method))?, None),
    };
    let answer = if let Some(token) = token {
        describe(http, &call, &token, idle).await?
    } else {
        let response = call.send(http, None, idle).await?;
        call.accept(call.read(response, idle).await?).map_err(explain_refusal)?
    };
    let subject = answer.headers.get(SUBJECT).and_then(|value| value.to_str().ok()).map(Secret::new);
    let body: TokenBody = call.document(&answer)?;
    let catalog = body.token.catalog.unwrap_or_default();
    let endpoint = match &credentials.image_endpoint {
        Some(endpoint) => endpoint.clone(),
        None => image_service(&catalog, credentials.interface, credentials.region.as_deref()).map_err(
            |message| ClientError::new(ErrorKind::NotFound, "find the Image service in the catalog", message),
        )?,
    };
    let token = match (&credentials.method, subject) {
        (_, Some(subject)) => subject,
        (Method::Token { token, project: None }, None) => token.clone(),
        (_, None) => return Err(call.error(ErrorKind::Rejected, "the answer carries no token")),
    };
    Ok(Login { token: Some(token), user: Some(body.token.user), project: body.token.project, endpoint })
}

/// Asks what a given token is: it is its own witness.
async fn describe(
    http: &reqwest::Client,
    call: &Call,
    token: &Secret,
    idle: Duration,
) -> Result<super::call::Answer, ClientError> {
    let value = secret_header(token, &call.attempted)?;
    let request =
        http.get(call.url.clone()).header(X_AUTH_TOKEN, value.clone()).header(SUBJECT, value).send();
    let response = match tokio::time::timeout(idle, request).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(ClientError::transport(&error, &call.attempted, call.place())),
        Err(_) => return Err(call.silent(idle)),
    };
    call.accept(call.read(response, idle).await?).map_err(|error| match error.kind {
        ErrorKind::NotFound | ErrorKind::Unauthorized => ClientError {
            kind: ErrorKind::Unauthorized,
            message: "the token is not valid, or not any more".to_owned(),
            ..error
        },
        _ => error,
    })
}

/// Keystone's own words for a wrong password do not say what to look at.
fn explain_refusal(error: ClientError) -> ClientError {
    if error.kind != ErrorKind::Unauthorized {
        return error;
    }
    let message =
        format!("{}: check user, password, domains and project", error.message.trim_end_matches('.'));
    ClientError { message, ..error }
}

/// The body of `POST /v3/auth/tokens`.
fn login_body(method: &Method) -> Value {
    let request = match method {
        Method::Password { user, password, project } => {
            let user = password_user(user, password);
            AuthRequest::password(user, project.as_ref().map(project_scope))
        }
        Method::Token { token, project } => {
            AuthRequest::token(token.expose().trim(), project.as_ref().map(project_scope))
        }
        Method::ApplicationCredential { credential: ApplicationCredential::Id(id), secret } => {
            AuthRequest::application_credential(id, secret.expose())
        }
        Method::ApplicationCredential { credential: ApplicationCredential::Name { name, user }, secret } => {
            let credential = json!({"name": name, "user": reference(user), "secret": secret.expose()});
            let methods = ["application_credential"];
            return json!({"auth": {"identity": {"methods": methods, "application_credential": credential}}});
        }
        Method::None { .. } => return Value::Null,
    };
    // Plain structs of strings: there is nothing in them that cannot become JSON.
    serde_json::to_value(request).unwrap_or_default()
}

fn password_user(user: &Named, password: &Secret) -> PasswordUser {
    let reference = reference(user);
    PasswordUser {
        id: reference.id,
        name: reference.name,
        domain: reference.domain.map(|domain| *domain),
        password: password.expose().to_owned(),
    }
}

fn project_scope(project: &Named) -> Scope {
    Scope::Project(reference(project))
}

fn reference(named: &Named) -> Reference {
    match named {
        Named::Id(id) => Reference::by_id(id),
        Named::Name { name, domain } => Reference::by_name(name).within(match domain {
            Domain::Id(id) => Reference::by_id(id),
            Domain::Name(name) => Reference::by_name(name),
        }),
    }
}

/// Finds the v3 base below an address that people write with `/v3`, without it, or with the dead `/v2.0`.
async fn identity_base(http: &reqwest::Client, auth_url: &Url, idle: Duration) -> Result<Url, ClientError> {
    let call = Call::new(Verb::GET, auth_url.clone(), format!("find the identity service at {auth_url}"));
    let response = call.send(http, None, idle).await?;
    let answer = call.read(response, idle).await?;
    let ends_in_version = last_segment(auth_url).is_some_and(|last| last == "v3");
    if answer.status.is_success() || answer.status == StatusCode::MULTIPLE_CHOICES {
        let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if document.pointer("/version/id").and_then(Value::as_str).is_some_and(|id| id.starts_with("v3")) {
            return Ok(auth_url.clone());
        }
        let listed = document.pointer("/versions/values").and_then(Value::as_array);
        if let Some(versions) = listed {
            let has_v3 =
                versions.iter().any(|version| version["id"].as_str().is_some_and(|id| id.starts_with("v3")));
            if has_v3 {
                return Ok(beneath(auth_url, "v3"));
            }
            return Err(call.error(ErrorKind::Rejected, "this identity service does not speak v3"));
        }
    }
    // A proxy may hide the documents and let only the calls through: then the address has to say it.
    if ends_in_version && answer.status.is_client_error() {
        return Ok(auth_url.clone());
    }
    if answer.status.is_client_error() || answer.status.is_server_error() {
        return Err(call.refused(&answer));
    }
    let answered = words::status_line(answer.status.as_u16());
    let message = format!("something answers there ({answered}), but it is no identity service");
    Err(ClientError { call: Some(call.place().into()), ..call.error(ErrorKind::Rejected, message) })
}

/// The catalog's Image service, or what the catalog has instead.
fn image_service(catalog: &Catalog, interface: Interface, region: Option<&str>) -> Result<Url, String> {
    if let Some(address) = catalog.endpoint("image", interface.as_str(), region) {
        return Url::parse(address)
            .map_err(|error| format!("the catalog's address {address:?} is not one: {error}"));
    }
    let endpoints: Vec<String> = catalog
        .0
        .iter()
        .filter(|service| service.service_type == "image")
        .flat_map(|service| &service.endpoints)
        .map(|endpoint| {
            let region = endpoint.region_id.as_deref().or(endpoint.region.as_deref()).unwrap_or("no region");
            format!("{} in {region}", endpoint.interface)
        })
        .collect();
    if endpoints.is_empty() {
        return Err("the catalog of this token names no Image service; is it scoped to a project?".to_owned());
    }
    let wanted = match region {
        Some(region) => format!("{} in {region}", interface.as_str()),
        None => interface.as_str().to_owned(),
    };
    Err(format!("the catalog has no address for {wanted}; it has {}", endpoints.join(", ")))
}

/// An address below another one, which may or may not end in a slash.
pub(super) fn beneath(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn last_segment(url: &Url) -> Option<&str> {
    url.path_segments()?.rfind(|segment| !segment.is_empty())
}
