//! Whom the window is connected to, and how it was asked to connect.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// How a person proves who they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    #[default]
    Password,
    ApplicationCredential,
    Token,
    /// A server that asks nobody: the address is that of the image service itself.
    NoLogin,
}

impl Method {
    pub const ALL: [Self; 4] = [Self::Password, Self::ApplicationCredential, Self::Token, Self::NoLogin];

    pub fn word(self) -> &'static str {
        match self {
            Self::Password => "Password",
            Self::ApplicationCredential => "Application credential",
            Self::Token => "Token",
            Self::NoLogin => "No login",
        }
    }
}

/// A connection as it is typed into the form.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionForm {
    pub auth_url: String,
    pub method: Method,
    /// User name, or the id of the application credential.
    pub username: String,
    #[serde(skip)]
    pub secret: String,
    pub user_domain: String,
    pub project: String,
    pub project_domain: String,
    pub region: String,
    pub ca_file: String,
}

impl fmt::Debug for ConnectionForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret stays out of every log and every panic message.
        f.debug_struct("ConnectionForm")
            .field("auth_url", &self.auth_url)
            .field("method", &self.method)
            .field("username", &self.username)
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

impl ConnectionForm {
    /// The name under which it is listed.
    pub fn title(&self) -> String {
        let host = self
            .auth_url
            .split_once("://")
            .map_or(self.auth_url.as_str(), |(_, rest)| rest)
            .split('/')
            .next()
            .unwrap_or_default();
        if self.username.is_empty() { host.to_owned() } else { format!("{} @ {host}", self.username) }
    }

    /// What is still missing before it can be tried.
    pub fn missing(&self) -> Option<&'static str> {
        if !(self.auth_url.starts_with("http://") || self.auth_url.starts_with("https://")) {
            return Some("an address that begins with http:// or https://");
        }
        match self.method {
            Method::Token if self.secret.is_empty() => Some("the token"),
            Method::Password if self.username.is_empty() => Some("the user name"),
            Method::ApplicationCredential if self.username.is_empty() => {
                Some("the id of the application credential")
            }
            Method::Password if self.secret.is_empty() => Some("the password"),
            Method::ApplicationCredential if self.secret.is_empty() => Some("the secret"),
            Method::NoLogin | Method::Token | Method::Password | Method::ApplicationCredential => None,
        }
    }
}

/// What can be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An entry of the clouds.yaml that was found, or of the one named.
    Cloud {
        name: String,
        file: Option<PathBuf>,
    },
    /// A file of `export OS_…` lines; the password when the file asks for one.
    Openrc {
        path: PathBuf,
        password: Option<String>,
    },
    Form(ConnectionForm),
}

impl Target {
    pub fn title(&self) -> String {
        match self {
            Self::Cloud { name, .. } => name.clone(),
            Self::Openrc { path, .. } => path
                .file_name()
                .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned()),
            Self::Form(form) => form.title(),
        }
    }
}

/// An entry of clouds.yaml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloud {
    pub name: String,
    pub auth_url: String,
    pub project: Option<String>,
    pub user: Option<String>,
    /// None for the cloud that the environment describes.
    pub file: Option<PathBuf>,
}

/// One of the named steps of a connection test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: &'static str,
    pub outcome: StepOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    Waiting,
    Running,
    /// With what was seen.
    Passed(String),
    Failed(String),
}

/// A connection that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// The name of the profile.
    pub profile: String,
    pub user: Option<String>,
    pub project: Option<String>,
    pub project_id: Option<String>,
    pub region: Option<String>,
    /// Where the image service answers.
    pub endpoint: String,
    pub is_insecure: bool,
    /// Words that put the command-line clients onto the same cloud.
    pub command_prefix: String,
}

impl Connected {
    /// "admin in demo", as the status bar says it.
    pub fn who(&self) -> String {
        match (&self.user, &self.project) {
            (Some(user), Some(project)) => format!("{user} in {project}"),
            (Some(user), None) => user.clone(),
            (None, _) => "nobody (no login)".to_owned(),
        }
    }

    /// "profile / project", as the drop target says it.
    pub fn place(&self) -> String {
        match &self.project {
            Some(project) => format!("{} / {project}", self.profile),
            None => self.profile.clone(),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Away,
    Connecting,
    Connected(Connected),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Session {
    pub phase: Phase,
    /// Grows with every connection; an answer to an older one is dropped.
    pub generation: u64,
    pub target: Option<Target>,
    /// Why the last attempt did not succeed.
    pub failure: Option<Failure>,
    pub clouds: Vec<Cloud>,
    /// What is wrong with the files that clouds were looked for in.
    pub cloud_problems: Vec<String>,
    pub discovery: Option<Result<String, Failure>>,
    pub steps: Vec<Step>,
}

impl Session {
    pub fn connected(&self) -> Option<&Connected> {
        match &self.phase {
            Phase::Connected(connected) => Some(connected),
            Phase::Away | Phase::Connecting => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_it_still_needs() {
        let mut form = ConnectionForm::default();
        assert_eq!(form.missing(), Some("an address that begins with http:// or https://"));
        form.auth_url = "https://cloud:5000/v3".into();
        assert_eq!(form.missing(), Some("the user name"));
        form.username = "demo".into();
        assert_eq!(form.missing(), Some("the password"));
        form.secret = "x".into();
        assert_eq!(form.missing(), None);
        assert_eq!(form.title(), "demo @ cloud:5000");
    }

    #[test]
    fn a_form_never_prints_its_secret() {
        let form = ConnectionForm { secret: "hidden".into(), ..ConnectionForm::default() };
        assert!(!format!("{form:?}").contains("hidden"));
    }
}
