//! One call to Keystone: sent, repeated if that is safe and may help, read up to a bound.

use std::time::Duration;

use glasshouse_shared::identity::{AuthRequest, ErrorBody, PasswordUser, Reference, Scope, System};
use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde::de::DeserializeOwned;
use url::Url;

use crate::config::{DomainRef, KeystoneAccess, LoginScope, ServiceLogin};

use super::KeystoneError;
use super::trouble::{Place, Trouble};

/// No answer that we ask for is longer.
const ANSWER_LENGTH_MAX: usize = 4 * 1024 * 1024;
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The connection to one Keystone.
pub struct Caller {
    client: Client,
    /// `…/v3`
    base: Url,
    place: Place,
    timeout: Duration,
    max_retries: u32,
}

/// What Keystone answered.
pub struct Answer {
    pub status: StatusCode,
    pub subject_token: Option<String>,
    pub body: Vec<u8>,
}

impl Caller {
    pub fn new(access: &KeystoneAccess) -> Result<Self, KeystoneError> {
        // Whoever comes first installs it; that it is there already is well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .timeout(access.timeout)
            .connect_timeout(access.timeout)
            // A redirect would carry our token to an address that nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            // What the environment says of proxies is meant for people, not for a controller's own network.
            .no_proxy()
            .user_agent(concat!("glasshouse-service/", env!("CARGO_PKG_VERSION")));
        if let Some(cafile) = &access.cafile {
            let unreadable = |why: String| KeystoneError::Cafile {
                section: access.section.clone(),
                cafile: cafile.clone(),
                why,
            };
            let pem = std::fs::read(cafile).map_err(|error| unreadable(error.to_string()))?;
            let certificates =
                reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(error.to_string()))?;
            if certificates.is_empty() {
                return Err(unreadable("it holds no certificate in PEM form".to_owned()));
            }
            builder = builder.tls_certs_only(certificates);
        }
        if access.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        let client = builder.build().map_err(|error| KeystoneError::Client(error.to_string()))?;
        let (timeout, max_retries) = (access.timeout, access.max_retries);
        let base = versioned(&access.auth_url);
        let place = Place::new(&access.section, &base);
        Ok(Self { client, base, place, timeout, max_retries })
    }

    /// A request for a path below `/v3`.
    pub fn request(&self, method: Method, path: &str, query: Option<&str>) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url.set_query(query);
        self.client.request(method, url).header(header::ACCEPT, "application/json")
    }

    /// Sends; a lost connection and a passing failure of Keystone are tried again, a timeout is not.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, Trouble> {
        let mut pause = PAUSE_FIRST;
        let mut retries_left = self.max_retries;
        loop {
            // Our bodies are bytes in memory, so a request can always be copied.
            let copy = request.try_clone();
            let outcome = match copy {
                Some(copy) => self.send_once(copy).await,
                None => return self.send_once(request).await,
            };
            let passing = match &outcome {
                Ok(answer) => matches!(answer.status.as_u16(), 500 | 502 | 503 | 504),
                Err(trouble) => matches!(trouble, Trouble::Refused { .. } | Trouble::Connection { .. }),
            };
            if !passing || retries_left == 0 {
                return outcome;
            }
            retries_left -= 1;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn send_once(&self, request: RequestBuilder) -> Result<Answer, Trouble> {
        let of_connection = |error| Trouble::of_connection(&self.place, &error, self.timeout.as_secs());
        let mut response = request.send().await.map_err(of_connection)?;
        let status = response.status();
        let text_of = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        if status.is_redirection() && status != StatusCode::MULTIPLE_CHOICES {
            let to = text_of("location").unwrap_or_else(|| "another address".to_owned());
            return Err(Trouble::Moved { at: self.place.clone(), to });
        }
        let subject_token = text_of("x-subject-token");
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(of_connection)? {
            if body.len() + chunk.len() > ANSWER_LENGTH_MAX {
                return Err(self.not_keystone("its answer is far too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, subject_token, body })
    }

    /// The body of an answer, if it is what Keystone would say.
    pub fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Trouble> {
        serde_json::from_slice(&answer.body)
            .map_err(|error| self.not_keystone(&format!("its answer is not Keystone's ({error})")))
    }

    pub fn not_keystone(&self, what: &str) -> Trouble {
        Trouble::NotKeystone { at: self.place.clone(), what: what.to_owned() }
    }

    /// An answer that is neither yes nor no.
    pub fn failed(&self, answer: &Answer) -> Trouble {
        Trouble::Failed { at: self.place.clone(), status: answer.status.as_u16(), text: text_of(answer) }
    }
}

/// Keystone's own words, or the beginning of whatever came instead.
pub fn text_of(answer: &Answer) -> String {
    if let Ok(body) = serde_json::from_slice::<ErrorBody>(&answer.body) {
        return body.error.message.trim().trim_end_matches('.').to_owned();
    }
    let text: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
    if text.trim().is_empty() { "without a text".to_owned() } else { text.trim().to_owned() }
}

/// `auth_url` with `/v3`, however it was written.
fn versioned(auth_url: &Url) -> Url {
    let mut url = auth_url.clone();
    let path = url.path().trim_end_matches('/').trim_end_matches("/v3");
    let path = format!("{path}/v3");
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// The body of our own login.
pub fn login_request(login: &ServiceLogin) -> AuthRequest {
    match login {
        ServiceLogin::Password { username, user_domain, password, scope } => {
            let user = PasswordUser {
                id: None,
                name: Some(username.clone()),
                domain: Some(reference(user_domain)),
                password: password.expose().to_owned(),
            };
            let scope = match scope {
                LoginScope::Project { name, domain } => {
                    Scope::Project(Reference::by_name(name).within(reference(domain)))
                }
                LoginScope::System => Scope::System(System { all: true }),
            };
            AuthRequest::password(user, Some(scope))
        }
        ServiceLogin::ApplicationCredential { id, secret } => {
            AuthRequest::application_credential(id, secret.expose())
        }
    }
}

fn reference(domain: &DomainRef) -> Reference {
    match domain {
        DomainRef::Id(id) => Reference::by_id(id),
        DomainRef::Name(name) => Reference::by_name(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_put_behind_the_address_once() {
        for (written, base) in [
            ("http://controller:5000", "http://controller:5000/v3"),
            ("http://controller:5000/", "http://controller:5000/v3"),
            ("http://controller:5000/v3", "http://controller:5000/v3"),
            ("http://controller:5000/v3/", "http://controller:5000/v3"),
            ("https://controller/identity", "https://controller/identity/v3"),
        ] {
            assert_eq!(versioned(&written.parse().unwrap()).as_str(), base);
        }
    }
}
