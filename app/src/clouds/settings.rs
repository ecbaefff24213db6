//! Settings by the names that `clouds.yaml` and, in capitals, the `OS_*` variables share; credentials out of them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use glasshouse_shared::client::{
    ApplicationCredential, Credentials, Domain, Interface, Method, Named, Secret,
};
use url::Url;

/// Names to values, and for some names the reason why there is no value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<String, String>,
    unknown: BTreeMap<String, String>,
}

/// A setting without which there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// `password`, `auth_url`, …
    pub setting: String,
    /// Why it is missing, where that is known.
    pub reason: Option<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{}: {reason}", self.setting),
            None => write!(f, "{} is not given", self.setting),
        }
    }
}

/// Names only: values may be passwords.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Settings {
    /// Those of the variables that begin with `OS_`.
    pub fn from_variables<'a>(variables: impl Iterator<Item = (&'a String, &'a String)>) -> Self {
        variables.fold(Self::default(), |settings, (name, value)| match name.strip_prefix("OS_") {
            Some(name) => settings.set(&name.to_ascii_lowercase(), value),
            None => settings,
        })
    }

    /// With one value; an empty one takes it away, as unset and empty mean the same to the clients.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.unknown.remove(name);
        if value.is_empty() {
            self.values.remove(name);
        } else {
            self.values.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// Without a value, for this reason.
    pub(super) fn unknown(mut self, name: &str, reason: &str) -> Self {
        self.values.remove(name);
        self.unknown.insert(name.to_owned(), reason.to_owned());
        self
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// What the client needs, or all that is missing from it.
    pub fn credentials(&self, home: Option<&Path>) -> Result<Credentials, Vec<Missing>> {
        let mut needs = Needs { settings: self, missing: Vec::new() };
        let kind = self.kind();
        let auth_url = match kind {
            Kind::None => needs.address("endpoint"),
            _ => needs.address("auth_url"),
        };
        let method = match kind {
            Kind::None => needs.address("endpoint").map(|endpoint| Method::None { endpoint }),
            Kind::Password => needs.password(),
            Kind::Token => {
                needs.secret("token").map(|token| Method::Token { token, project: needs.project() })
            }
            Kind::ApplicationCredential => needs.application_credential(),
            Kind::Other(name) => {
                needs.lack("auth_type", Some(format!("the login method {name} is not supported")));
                None
            }
        };
        let interface = needs.interface();
        let image_endpoint = match self.first(&["image_endpoint_override", "image_endpoint"]) {
            Some(_) => needs.address("image_endpoint_override"),
            None => None,
        };
        needs.missing.dedup();
        match (auth_url, method) {
            (Some(auth_url), Some(method)) if needs.missing.is_empty() => Ok(Credentials {
                auth_url,
                method,
                region: self.get("region_name").map(str::to_owned),
                interface,
                image_endpoint,
                ca_file: self.get("cacert").map(|path| expanded(path, home)),
                insecure: self.is_insecure(),
            }),
            _ => Err(needs.missing),
        }
    }

    fn kind(&self) -> Kind<'_> {
        match self.get("auth_type") {
            Some("password" | "v3password") => Kind::Password,
            Some("token" | "v3token") => Kind::Token,
            Some("v3applicationcredential") => Kind::ApplicationCredential,
            Some("none") => Kind::None,
            Some(other) => Kind::Other(other),
            None if self.get("application_credential_secret").is_some() => Kind::ApplicationCredential,
            None if self.get("token").is_some() && self.get("password").is_none() => Kind::Token,
            None => Kind::Password,
        }
    }

    fn is_insecure(&self) -> bool {
        let says = |name: &str, words: &[&str]| {
            self.get(name).is_some_and(|value| words.contains(&value.to_ascii_lowercase().as_str()))
        };
        says("verify", &["false", "no", "0"]) || says("insecure", &["true", "yes", "1"])
    }
}

enum Kind<'a> {
    Password,
    Token,
    ApplicationCredential,
    None,
    Other(&'a str),
}

/// Collects what is missing while credentials are put together.
struct Needs<'a> {
    settings: &'a Settings,
    missing: Vec<Missing>,
}

impl Needs<'_> {
    fn lack(&mut self, setting: &str, reason: Option<String>) {
        let reason = reason.or_else(|| self.settings.unknown.get(setting).cloned());
        let missing = Missing { setting: setting.to_owned(), reason };
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    fn text(&mut self, setting: &str) -> Option<String> {
        let value = self.settings.get(setting).map(str::to_owned);
        if value.is_none() {
            self.lack(setting, None);
        }
        value
    }

    fn secret(&mut self, setting: &str) -> Option<Secret> {
        self.text(setting).map(Secret::new)
    }

    fn address(&mut self, setting: &str) -> Option<Url> {
        let text = self.text(setting)?;
        match Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Some(url),
            Ok(_) | Err(_) => {
                let reason = format!("{text:?} is not an address that begins with http:// or https://");
                self.lack(setting, Some(reason));
                None
            }
        }
    }

    fn interface(&mut self) -> Interface {
        let word = self.settings.first(&["interface", "endpoint_type"]);
        word.map_or(Some(Interface::default()), Interface::parse).unwrap_or_else(|| {
            let reason = format!("{:?} is none of public, internal, admin", word.unwrap_or_default());
            self.lack("interface", Some(reason));
            Interface::default()
        })
    }

    fn password(&mut self) -> Option<Method> {
        let user = self.user();
        let password = self.secret("password");
        Some(Method::Password { user: user?, password: password?, project: self.project() })
    }

    fn application_credential(&mut self) -> Option<Method> {
        let secret = self.secret("application_credential_secret");
        let credential = match self.settings.get("application_credential_name") {
            Some(name) if self.settings.get("application_credential_id").is_none() => {
                let name = name.to_owned();
                self.user().map(|user| ApplicationCredential::Name { name, user })
            }
            _ => self.text("application_credential_id").map(ApplicationCredential::Id),
        };
        Some(Method::ApplicationCredential { credential: credential?, secret: secret? })
    }

    fn user(&mut self) -> Option<Named> {
        if let Some(id) = self.settings.get("user_id") {
            return Some(Named::Id(id.to_owned()));
        }
        let name = self.text("username")?;
        Some(Named::name(name, self.domain("user_domain")))
    }

    fn project(&self) -> Option<Named> {
        if let Some(id) = self.settings.first(&["project_id", "tenant_id"]) {
            return Some(Named::Id(id.to_owned()));
        }
        let name = self.settings.first(&["project_name", "tenant_name"])?;
        Some(Named::name(name, self.domain("project_domain")))
    }

    /// Without any setting it is the domain that every Keystone is installed with, as for the clients.
    fn domain(&self, prefix: &str) -> Domain {
        let id =
            self.settings.get(&format!("{prefix}_id")).or_else(|| self.settings.get("default_domain_id"));
        if let Some(id) = id {
            return Domain::Id(id.to_owned());
        }
        match self
            .settings
            .get(&format!("{prefix}_name"))
            .or_else(|| self.settings.get("default_domain_name"))
        {
            Some(name) => Domain::Name(name.to_owned()),
            None => self
                .settings
                .get("default_domain")
                .map_or_else(Domain::default, |id| Domain::Id(id.to_owned())),
        }
    }
}

fn expanded(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}
