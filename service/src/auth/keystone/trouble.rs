//! Why Keystone could not be asked, in words for the operator: what was tried, what came back, what to type.

use std::error::Error as StdError;
use std::io;

use url::Url;

use crate::config::{DomainRef, KeystoneAccess, LoginScope, ServiceLogin};

/// Each text names the option that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("the host {host} of {at} has no address: is the name right, and known here?")]
    Unresolved { host: String, at: Place },
    #[error("nothing answers at {at}: is Keystone running there, and is the port right (usually 5000)?")]
    Refused { at: Place },
    #[error("{at} did not answer in {secs} seconds")]
    TimedOut { at: Place, secs: u64 },
    #[error("the connection to {at} is not trusted: {why}; set cafile to the certificate of its authority")]
    Tls { at: Place, why: String },
    #[error("the connection to {at} failed: {why}")]
    Connection { at: Place, why: String },
    #[error("{at} sends its callers to {to}: write that address")]
    Moved { at: Place, to: String },
    #[error(
        "there is no Keystone v3 at {at}: {what}; write the address with its path, for example http://controller:5000 or http://controller/identity"
    )]
    NotKeystone { at: Place, what: String },
    #[error("Keystone refuses the login of {login}: {text}; {mend}")]
    Login { login: String, text: String, mend: String },
    #[error("Keystone does not let {login} {what}: {text}; it needs a role for that: {mend}")]
    NotAllowed { login: String, what: &'static str, text: String, mend: String },
    #[error("[{section}] {what}: {mend}")]
    Endpoint { section: String, what: String, mend: String },
    #[error("Keystone at {at} answered {status}: {text}")]
    Failed { at: Place, status: u16, text: String },
}

/// The option that says where Keystone is: `[section] auth_url = URL`, without a password that somebody may have
/// written into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    section: String,
    url: Box<Url>,
}

impl Place {
    pub fn new(section: &str, url: &Url) -> Self {
        let mut url = url.clone();
        if url.password().is_some() {
            // Only an address without a host refuses a password.
            let _ = url.set_password(Some("***"));
        }
        Self { section: section.to_owned(), url: Box::new(url) }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}] auth_url = {}", self.section, self.url)
    }
}

impl Trouble {
    /// What a failed connection says, found in the chain of its causes.
    pub fn of_connection(place: &Place, error: &reqwest::Error, secs: u64) -> Self {
        let at = place.clone();
        if error.is_timeout() {
            return Self::TimedOut { at, secs };
        }
        let mut why = error.to_string();
        let mut cause: Option<&(dyn StdError + 'static)> = error.source();
        while let Some(error) = cause {
            why = error.to_string();
            if why.starts_with("dns error") || why.contains("failed to lookup address") {
                return Self::Unresolved { host: at.url.host_str().unwrap_or_default().to_owned(), at };
            }
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Self::Tls { at, why: tls.to_string() };
            }
            if let Some(io) = error.downcast_ref::<io::Error>() {
                let inner = innermost(io);
                if inner.kind() == io::ErrorKind::ConnectionRefused {
                    return Self::Refused { at };
                }
                if let Some(tls) = inner.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                    return Self::Tls { at, why: tls.to_string() };
                }
            }
            cause = error.source();
        }
        Self::Connection { at, why }
    }

    /// Keystone says 401 to our own login. It does not betray what of it is wrong, so the mend names all three.
    pub fn of_login(access: &KeystoneAccess, text: String) -> Self {
        let section = &access.section;
        let mend = match &access.login {
            ServiceLogin::Password { username, scope, .. } => {
                let options = match scope {
                    LoginScope::Project { .. } => "project_name and the domains",
                    LoginScope::System => "the domain and system_scope",
                };
                format!(
                    "look at username, password, {options} in [{section}]; to make the account: \
                     openstack user create --domain default --password-prompt {username}; {}",
                    grant(username, scope)
                )
            }
            ServiceLogin::ApplicationCredential { .. } => format!(
                "look at application_credential_id and application_credential_secret in [{section}]; to make one: \
                 openstack application credential create glance"
            ),
        };
        Self::Login { login: login_name(access), text, mend }
    }

    /// Keystone knows our account but does not let it do `what`.
    pub fn of_rights(access: &KeystoneAccess, what: &'static str, text: String) -> Self {
        let mend = match &access.login {
            ServiceLogin::Password { username, scope, .. } => grant(username, scope),
            ServiceLogin::ApplicationCredential { .. } => {
                "make the application credential with the role service or admin".to_owned()
            }
        };
        Self::NotAllowed { login: login_name(access), what, text, mend }
    }
}

/// The command that gives an account the least that it needs.
fn grant(username: &str, scope: &LoginScope) -> String {
    match scope {
        LoginScope::Project { name, .. } => {
            format!("openstack role add --project {name} --user {username} service")
        }
        LoginScope::System => format!("openstack role add --system all --user {username} reader"),
    }
}

/// Input errors are wrapped in input errors, and their `source` passes the wrapped ones over.
fn innermost(error: &io::Error) -> &io::Error {
    let mut innermost = error;
    while let Some(inner) = innermost.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()) {
        innermost = inner;
    }
    innermost
}

/// The account as an operator knows it, without its secret.
fn login_name(access: &KeystoneAccess) -> String {
    let name = |domain: &DomainRef| match domain {
        DomainRef::Id(id) => id.clone(),
        DomainRef::Name(name) => name.clone(),
    };
    match &access.login {
        ServiceLogin::Password { username, user_domain, scope, .. } => {
            let scope = match scope {
                LoginScope::Project { name: project, domain } => {
                    format!("project {project} (domain {})", name(domain))
                }
                LoginScope::System => "the system".to_owned(),
            };
            format!("user {username} (domain {}) for {scope}", name(user_domain))
        }
        ServiceLogin::ApplicationCredential { id, .. } => format!("application credential {id}"),
    }
}
