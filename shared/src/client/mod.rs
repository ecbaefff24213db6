//! The HTTP client of the image and identity APIs: one [`Client`] per connection, cheap to clone.
//!
//! It speaks Images API v2 below whatever address the service catalog names, asks Keystone v3 for its token and
//! renews it once when the service refuses it. It keeps no list, no cache and no queue: those are the caller's.

mod auth;
mod call;
mod credentials;
mod digest;
mod discovery;
mod download;
mod error;
mod images;
mod members;
mod probe;
mod progress;
mod transport;
mod upload;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use url::Url;

pub use crate::identity::{Project, User};
pub use credentials::{ApplicationCredential, Credentials, Domain, Interface, Method, Named, Secret};
pub use download::Verified;
pub use error::{ClientError, ErrorKind};
pub use images::{ImportMethods, NewImage, Page};
pub use members::{Member, MemberStatus};
pub use probe::{Step, probe};
pub use progress::{Phase, Progress};
pub use upload::Upload;

use auth::Login;
use discovery::Found;

/// A connection to one Image service as one user in one project.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    credentials: Credentials,
    /// Base of all calls, with the trailing slash: `https://host/image/v2/`.
    endpoint: Url,
    /// The service takes uploads in pieces.
    takes_pieces: bool,
    user: Option<User>,
    project: Option<Project>,
    token: Mutex<Token>,
    limits: Limits,
}

/// The token in use. The number tells a caller whether somebody else renewed it already.
#[derive(Clone, Default)]
struct Token {
    value: Option<Secret>,
    number: u64,
}

/// How long to wait and how often to try; tests shorten them.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// For the head of an answer, and between two pieces of a body.
    idle: Duration,
    /// For the answer to an upload whose last byte was sent: the service moves the data into its store first.
    commit: Duration,
    /// How often a read is tried again.
    retries: u32,
    /// How often an upload in pieces goes on after a break that brought nothing.
    resumes: u32,
    /// Wait before the first retry; doubled for each further one.
    back_off: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(1),
            commit: Duration::from_mins(10),
            retries: 3,
            resumes: 16,
            back_off: Duration::from_millis(300),
        }
    }
}

impl Client {
    /// Logs in and finds the Image service.
    pub async fn connect(credentials: Credentials) -> Result<Self, ClientError> {
        Self::connect_within(credentials, Limits::default()).await
    }

    async fn connect_within(credentials: Credentials, limits: Limits) -> Result<Self, ClientError> {
        let http = transport::build(&credentials, false)?;
        let login = auth::login(&http, &credentials, limits.idle).await?;
        let found = discovery::image_endpoint(&http, &login.endpoint, limits.idle).await?;
        Ok(Self::assemble(http, credentials, (login, found), limits))
    }

    fn assemble(
        http: reqwest::Client,
        credentials: Credentials,
        (login, found): (Login, Found),
        limits: Limits,
    ) -> Self {
        let token = Mutex::new(Token { value: login.token, number: 0 });
        let inner = Inner {
            http,
            credentials,
            endpoint: found.endpoint,
            takes_pieces: found.takes_pieces,
            user: login.user,
            project: login.project,
            token,
            limits,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Base address of the calls, with the version and a trailing slash.
    pub fn endpoint(&self) -> &Url {
        &self.inner.endpoint
    }

    /// Who is logged in; unknown without Keystone.
    pub fn user(&self) -> Option<&User> {
        self.inner.user.as_ref()
    }

    /// The project of the token; unknown without Keystone or for an unscoped token.
    pub fn project(&self) -> Option<&Project> {
        self.inner.project.as_ref()
    }

    /// What was used to connect.
    pub fn credentials(&self) -> &Credentials {
        &self.inner.credentials
    }
}
