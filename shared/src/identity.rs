//! What Keystone v3 says and is told: tokens, login requests, the catalog, version documents.
//!
//! Plain data that the client sends, the service validates and the lab's own identity answers with. Who may do
//! what is not decided here. Keys that nobody reads are left out, and unknown keys are ignored.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something with an id and a name: a domain, a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Id, stable for ever.
    #[serde(default)]
    pub id: String,
    /// Name as people write it.
    #[serde(default)]
    pub name: String,
}

/// The user of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Id of the user.
    pub id: String,
    /// Login name, unique within its domain.
    pub name: String,
    /// The domain that owns the user.
    pub domain: Named,
    /// When the password ends to be valid, as Keystone writes it; always present on its wire, mostly null.
    #[serde(default)]
    pub password_expires_at: Option<String>,
}

/// The project that a token is scoped to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Id of the project.
    pub id: String,
    /// Name, unique within its domain.
    pub name: String,
    /// The domain that owns the project.
    pub domain: Named,
}

/// The scope of a token that is for the deployment as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Always true: Keystone knows no smaller part of the system.
    pub all: bool,
}

/// One call that an application credential permits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    /// HTTP method.
    pub method: String,
    /// Path with `*`, `**` and `{name}` as wildcards.
    pub path: String,
    /// Type of the service it is for, `image` for ours.
    pub service: String,
}

/// The application credential that a token was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationCredential {
    /// Id of the credential.
    pub id: String,
    /// `None`: everything; an empty list: nothing at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_rules: Option<Vec<AccessRule>>,
}

/// A token as Keystone describes it. The secret itself travels in a header, never in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// How the user logged in: `password`, `token`, `application_credential`.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Who the token stands for.
    pub user: User,
    /// Absent for domain, system and unscoped tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// Present for domain tokens only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Named>,
    /// Present for system tokens only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
    /// Roles on the scope, implied ones included; empty for unscoped tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Named>,
    /// Services and their addresses, unless the asker did not want them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Catalog>,
    /// When it was made.
    #[serde(with = "instant")]
    pub issued_at: Timestamp,
    /// When it ends.
    #[serde(with = "instant")]
    pub expires_at: Timestamp,
    /// Names of the token in audit logs.
    #[serde(default)]
    pub audit_ids: Vec<String>,
    /// Present when an application credential was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_credential: Option<ApplicationCredential>,
}

/// `{"token": …}`: the body of every answer about a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenBody {
    /// The token.
    pub token: Token,
}

/// The services of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Catalog(pub Vec<CatalogService>);

/// One service of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogService {
    /// Id of the service.
    #[serde(default)]
    pub id: String,
    /// `image`, `identity`, …
    #[serde(rename = "type")]
    pub service_type: String,
    /// `glance`, `keystone`, …
    #[serde(default)]
    pub name: String,
    /// Its addresses.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
}

/// One address of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Id of the endpoint.
    #[serde(default)]
    pub id: String,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// Name of the region; old clouds leave it null.
    #[serde(default)]
    pub region: Option<String>,
    /// Id of the region, in practice equal to its name.
    #[serde(default)]
    pub region_id: Option<String>,
    /// The address.
    pub url: String,
}

impl Catalog {
    /// The address of a service: the first endpoint of that type and interface, in that region if one is named.
    pub fn endpoint(&self, service_type: &str, interface: &str, region: Option<&str>) -> Option<&str> {
        self.0
            .iter()
            .filter(|service| service.service_type == service_type)
            .flat_map(|service| &service.endpoints)
            .find(|endpoint| endpoint.interface == interface && endpoint.is_in(region))
            .map(|endpoint| endpoint.url.as_str())
    }
}

impl Endpoint {
    fn is_in(&self, region: Option<&str>) -> bool {
        region.is_none() || self.region_id.as_deref() == region || self.region.as_deref() == region
    }
}

/// A login: the body of `POST /v3/auth/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthRequest {
    /// The only key of the body.
    pub auth: Auth,
}

/// Who logs in, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// Who.
    pub identity: Identification,
    /// For what; without it Keystone takes the default project of the user, or makes an unscoped token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// How somebody proves who they are: the named methods, each with its own part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identification {
    /// `password`, `token` or `application_credential`.
    pub methods: Vec<String>,
    /// For the method of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordMethod>,
    /// For the method of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenMethod>,
    /// For the method of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_credential: Option<ApplicationCredentialMethod>,
}

/// A user and a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordMethod {
    /// The user.
    pub user: PasswordUser,
}

/// A user by id, or by name and domain, with the password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordUser {
    /// Id of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name of the user, with `domain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Domain of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Reference>,
    /// The secret.
    pub password: String,
}

/// A token that is exchanged for another.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenMethod {
    /// The secret.
    pub id: String,
}

/// An application credential and its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationCredentialMethod {
    /// Id of the credential.
    pub id: String,
    /// The secret.
    pub secret: String,
}

// Secrets must not reach a log by way of `{:?}`.
impl fmt::Debug for PasswordUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordUser").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for TokenMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenMethod { .. }")
    }
}

impl fmt::Debug for ApplicationCredentialMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationCredentialMethod").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A domain or a project, by id or by name; a project's name needs its domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Domain of the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Box<Reference>>,
}

impl Reference {
    /// By id.
    pub fn by_id(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }

    /// By name.
    pub fn by_name(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// The same, within a domain.
    pub fn within(self, domain: Reference) -> Self {
        Self { domain: Some(Box::new(domain)), ..self }
    }
}

/// What a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// One project.
    Project(Reference),
    /// One domain.
    Domain(Reference),
    /// The deployment as a whole.
    System(System),
    /// Nothing, even if the user has a default project.
    Unscoped,
}

impl AuthRequest {
    /// A login by password.
    pub fn password(user: PasswordUser, scope: Option<Scope>) -> Self {
        let identity = Identification {
            methods: vec!["password".to_owned()],
            password: Some(PasswordMethod { user }),
            ..Identification::default()
        };
        Self { auth: Auth { identity, scope } }
    }

    /// A login by token.
    pub fn token(id: impl Into<String>, scope: Option<Scope>) -> Self {
        let identity = Identification {
            methods: vec!["token".to_owned()],
            token: Some(TokenMethod { id: id.into() }),
            ..Identification::default()
        };
        Self { auth: Auth { identity, scope } }
    }

    /// A login by application credential, which carries its own scope.
    pub fn application_credential(id: impl Into<String>, secret: impl Into<String>) -> Self {
        let method = ApplicationCredentialMethod { id: id.into(), secret: secret.into() };
        let identity = Identification {
            methods: vec!["application_credential".to_owned()],
            application_credential: Some(method),
            ..Identification::default()
        };
        Self { auth: Auth { identity, scope: None } }
    }
}

/// `{"error": …}`: what Keystone says when it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The only key of the body.
    pub error: ErrorText,
}

/// The code, the sentence and the title of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorText {
    /// HTTP status.
    pub code: u16,
    /// What is wrong.
    pub message: String,
    /// Reason phrase of the status.
    #[serde(default)]
    pub title: String,
}

/// One version of the identity API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// `v3.14`
    pub id: String,
    /// `stable`
    pub status: String,
    /// When this version last changed.
    #[serde(default)]
    pub updated: String,
    /// Where it is.
    #[serde(default)]
    pub links: Vec<Link>,
    /// The body types it speaks.
    #[serde(default, rename = "media-types")]
    pub media_types: Vec<MediaType>,
}

/// An address with its relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// `self`
    pub rel: String,
    /// The address.
    pub href: String,
}

/// A body type and its vendor name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaType {
    /// `application/json`
    pub base: String,
    /// `application/vnd.openstack.identity-v3+json`
    #[serde(rename = "type")]
    pub vendor: String,
}

/// `GET /v3`: one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDocument {
    /// The only key of the body.
    pub version: Version,
}

/// `GET /`: all versions, one level deeper than other services have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionsDocument {
    /// The only key of the body.
    pub versions: VersionValues,
}

/// The list inside of a [`VersionsDocument`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionValues {
    /// The versions.
    pub values: Vec<Version>,
}

/// Instants as Keystone writes them: UTC with exactly six digits behind the second, which old clients insist on.
mod instant {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&instant.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests;
