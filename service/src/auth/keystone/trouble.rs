//! Why Keystone could not be asked, in words for the operator: what was tried, what came back, what to type.

use std::error::Error as StdError;
use std::io;

use url::Url;

use crate::config::{DomainRef, KeystoneConfig, ServiceLogin};

/// Each text names the option that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error(
        "the host {host} of [keystone_authtoken] auth_url = {url} has no address: is the name right, and known here?"
    )]
    Unresolved { host: String, url: String },
    #[error(
        "nothing answers at [keystone_authtoken] auth_url = {url}: is Keystone running there, and is the port right (usually 5000)?"
    )]
    Refused { url: String },
    #[error("[keystone_authtoken] auth_url = {url} did not answer in {secs} seconds")]
    TimedOut { url: String, secs: u64 },
    #[error(
        "the connection to [keystone_authtoken] auth_url = {url} is not trusted: {why}; set cafile to the certificate of its authority"
    )]
    Tls { url: String, why: String },
    #[error("the connection to [keystone_authtoken] auth_url = {url} failed: {why}")]
    Connection { url: String, why: String },
    #[error("[keystone_authtoken] auth_url = {url} sends its callers to {to}: write that address")]
    Moved { url: String, to: String },
    #[error(
        "there is no Keystone v3 at [keystone_authtoken] auth_url = {url}: {what}; write the address with its path, for example http://controller:5000 or http://controller/identity"
    )]
    NotKeystone { url: String, what: String },
    #[error("Keystone refuses the login of {login}: {text}; {mend}")]
    Login { login: String, text: String, mend: String },
    #[error("Keystone does not let {login} ask about tokens: {text}; it needs a role for that: {mend}")]
    NotAllowed { login: String, text: String, mend: String },
    #[error("Keystone at [keystone_authtoken] auth_url = {url} answered {status}: {text}")]
    Failed { url: String, status: u16, text: String },
}

impl Trouble {
    /// What a failed connection says, found in the chain of its causes.
    pub fn of_connection(url: &Url, error: &reqwest::Error, secs: u64) -> Self {
        let shown = shown(url);
        if error.is_timeout() {
            return Self::TimedOut { url: shown, secs };
        }
        let mut why = error.to_string();
        let mut cause: Option<&(dyn StdError + 'static)> = error.source();
        while let Some(error) = cause {
            why = error.to_string();
            if why.starts_with("dns error") || why.contains("failed to lookup address") {
                return Self::Unresolved { host: url.host_str().unwrap_or_default().to_owned(), url: shown };
            }
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Self::Tls { url: shown, why: tls.to_string() };
            }
            if let Some(io) = error.downcast_ref::<io::Error>() {
                let inner = innermost(io);
                if inner.kind() == io::ErrorKind::ConnectionRefused {
                    return Self::Refused { url: shown };
                }
                if let Some(tls) = inner.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                    return Self::Tls { url: shown, why: tls.to_string() };
                }
            }
            cause = error.source();
        }
        Self::Connection { url: shown, why }
    }

    /// Keystone says 401 to our own login. It does not betray what of it is wrong, so the mend names all three.
    pub fn of_login(config: &KeystoneConfig, text: String) -> Self {
        let mend = match &config.login {
            ServiceLogin::Password { username, project_name, .. } => format!(
                "look at username, password, project_name and the domains in [keystone_authtoken]; to make the account: \
                 openstack user create --domain default --password-prompt {username}; \
                 openstack role add --project {project_name} --user {username} service"
            ),
            ServiceLogin::ApplicationCredential { .. } => {
                "look at application_credential_id and application_credential_secret in [keystone_authtoken]; to make \
                 one: openstack application credential create glance"
                    .to_owned()
            }
        };
        Self::Login { login: login_name(config), text, mend }
    }

    /// Keystone knows our account but does not let it validate tokens.
    pub fn of_rights(config: &KeystoneConfig, text: String) -> Self {
        let mend = match &config.login {
            ServiceLogin::Password { username, project_name, .. } => {
                format!("openstack role add --project {project_name} --user {username} service")
            }
            ServiceLogin::ApplicationCredential { .. } => {
                "make the application credential with the role service or admin".to_owned()
            }
        };
        Self::NotAllowed { login: login_name(config), text, mend }
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
fn login_name(config: &KeystoneConfig) -> String {
    let name = |domain: &DomainRef| match domain {
        DomainRef::Id(id) => id.clone(),
        DomainRef::Name(name) => name.clone(),
    };
    match &config.login {
        ServiceLogin::Password { username, user_domain, project_name, project_domain, .. } => format!(
            "user {username} (domain {}) for project {project_name} (domain {})",
            name(user_domain),
            name(project_domain)
        ),
        ServiceLogin::ApplicationCredential { id, .. } => format!("application credential {id}"),
    }
}

/// An address without a password that somebody may have written into it.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() {
        let _ = url.set_password(Some("***"));
    }
    url.to_string()
}
