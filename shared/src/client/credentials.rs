//! What it takes to log in. Where it was read from (a file, a form, the environment) is not known here.

use std::fmt;
use std::path::PathBuf;

use url::Url;

/// How to reach a cloud and who to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Keystone's address, with or without `/v3`. Not looked at with [`Method::None`].
    pub auth_url: Url,
    /// How to prove who one is.
    pub method: Method,
    /// Only endpoints of this region are taken from the catalog.
    pub region: Option<String>,
    /// Which of the catalog's addresses to use.
    pub interface: Interface,
    /// Address of the Image service to use in place of the catalog's.
    pub image_endpoint: Option<Url>,
    /// Certificates (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Trust any certificate.
    pub insecure: bool,
}

/// How to prove who one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// User and password, in a project.
    Password {
        /// The user.
        user: Named,
        /// The password.
        password: Secret,
        /// The project; without one the user's default project is asked for.
        project: Option<Named>,
    },
    /// An application credential; its project comes with it.
    ApplicationCredential {
        /// By id, or by the credential's name and its user.
        credential: ApplicationCredential,
        /// Its secret.
        secret: Secret,
    },
    /// A token that somebody else obtained; it cannot be renewed.
    Token {
        /// The token.
        token: Secret,
        /// The project to exchange it for; without one it is used as it is.
        project: Option<Named>,
    },
    /// No identity service: the Image service is spoken to without a token.
    None {
        /// Address of the Image service.
        endpoint: Url,
    },
}

/// How an application credential is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationCredential {
    /// By its id.
    Id(String),
    /// By its name, which is unique for its user.
    Name {
        /// Name of the credential.
        name: String,
        /// The user it belongs to.
        user: Named,
    },
}

/// A user or a project: by id, or by a name that is unique within a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By id.
    Id(String),
    /// By name.
    Name {
        /// The name.
        name: String,
        /// The domain in which it is unique.
        domain: Domain,
    },
}

/// A domain by id or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

impl Default for Domain {
    /// The domain that every Keystone is installed with.
    fn default() -> Self {
        Self::Id("default".to_owned())
    }
}

/// Which of the addresses in the catalog to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interface {
    /// For everybody.
    #[default]
    Public,
    /// For the cloud's own network.
    Internal,
    /// For its administrators.
    Admin,
}

impl Interface {
    /// The word in the catalog.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }

    /// Reads the word; the old spellings with `URL` are understood.
    pub fn parse(word: &str) -> Option<Self> {
        match word.strip_suffix("URL").unwrap_or(word) {
            "public" => Some(Self::Public),
            "internal" => Some(Self::Internal),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// A word that must not be shown: its `Debug` prints stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the word in.
    pub fn new(word: impl Into<String>) -> Self {
        Self(word.into())
    }

    /// The word, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Credentials {
    /// Credentials for one method with everything else as clients have it by default.
    pub fn new(auth_url: Url, method: Method) -> Self {
        Self {
            auth_url,
            method,
            region: None,
            interface: Interface::default(),
            image_endpoint: None,
            ca_file: None,
            insecure: false,
        }
    }

    /// Credentials for an Image service that asks for no token.
    pub fn without_identity(endpoint: Url) -> Self {
        Self::new(endpoint.clone(), Method::None { endpoint })
    }
}

impl Named {
    /// A name in a domain.
    pub fn name(name: impl Into<String>, domain: Domain) -> Self {
        Self::Name { name: name.into(), domain }
    }
}
