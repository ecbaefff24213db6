//! Tokens are validated by a Keystone, with an account of our own, and remembered for a while.
//!
//! A remembered token is refused once it has ended; that it was revoked is only noticed when it leaves the cache
//! (`token_cache_time`). The keys of the cache are digests: no token of a caller stays in memory.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use glasshouse_shared::identity::{Token, TokenBody, VersionDocument};
use jiff::Timestamp;
use moka::Expiry;
use moka::future::Cache;
use reqwest::{Method, StatusCode};

use crate::config::KeystoneConfig;

use crate::clock::now;

use super::{AuthError, TokenValidator};

mod call;
mod trouble;

pub use trouble::Trouble;

use call::{Caller, login_request, text_of};

/// So many tokens are remembered; a token without its catalog takes about a kilobyte.
const CACHE_ENTRIES_MAX: u64 = 10_000;
/// That a token is bad is remembered so long: enough for a client in a loop, too short to annoy.
const REFUSAL_TIME: Duration = Duration::from_secs(10);
/// Our own token is renewed so long before its end.
const RENEWAL_LEAD: Duration = Duration::from_secs(60);

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeystoneError {
    #[error("[keystone_authtoken] cafile = {} cannot be used: {why}", cafile.display())]
    Cafile { cafile: PathBuf, why: String },
    #[error("the client for Keystone cannot be made: {0}")]
    Client(String),
}

/// The validator for a cloud with a Keystone.
pub struct Keystone {
    caller: Caller,
    config: KeystoneConfig,
    tokens: Cache<Key, Verdict>,
    own_token: Cache<(), OwnToken>,
    /// Keystone was away at the last call: says once that it went and once that it came back.
    away: AtomicBool,
}

/// SHA-256 of a token, and whether it was asked about as one that may have ended.
type Key = ([u8; 32], bool);

#[derive(Clone)]
enum Verdict {
    Valid(Arc<Token>),
    Invalid,
}

#[derive(Clone)]
struct OwnToken {
    secret: Arc<str>,
    expires_at: Timestamp,
}

/// How long a verdict is remembered.
struct Life {
    token_cache_time: Duration,
}

impl Expiry<Key, Verdict> for Life {
    fn expire_after_create(&self, key: &Key, verdict: &Verdict, _: Instant) -> Option<Duration> {
        Some(match verdict {
            Verdict::Invalid => REFUSAL_TIME.min(self.token_cache_time),
            Verdict::Valid(_) if key.1 => self.token_cache_time,
            Verdict::Valid(token) => self.token_cache_time.min(until(token.expires_at)),
        })
    }
}

struct OwnLife;

impl Expiry<(), OwnToken> for OwnLife {
    fn expire_after_create(&self, (): &(), token: &OwnToken, _: Instant) -> Option<Duration> {
        Some(until(token.expires_at).saturating_sub(RENEWAL_LEAD))
    }
}

/// Zero for what is past.
fn until(instant: Timestamp) -> Duration {
    Duration::try_from(instant.duration_since(now())).unwrap_or_default()
}

impl Keystone {
    /// Nothing is asked yet; [`Self::login`] does.
    pub fn new(config: &KeystoneConfig) -> Result<Self, KeystoneError> {
        let token_cache_time = config.token_cache_time.unwrap_or_default();
        Ok(Self {
            caller: Caller::new(config)?,
            config: config.clone(),
            tokens: Cache::builder()
                .max_capacity(CACHE_ENTRIES_MAX)
                .expire_after(Life { token_cache_time })
                .build(),
            own_token: Cache::builder().max_capacity(1).expire_after(OwnLife).build(),
            away: AtomicBool::new(false),
        })
    }

    /// Finds the version document, logs in, and asks about the own token with itself: all that a request needs.
    pub async fn login(&self) -> Result<(), AuthError> {
        let unreachable = |trouble: Trouble| AuthError::Unreachable { reason: trouble.to_string() };
        self.find_version().await.map_err(unreachable)?;
        let own = self.log_in().await.map_err(unreachable)?;
        match self.ask(&own, &own.secret, false).await.map_err(unreachable)? {
            Outcome::Decided(Verdict::Valid(_)) => {
                self.own_token.insert((), own).await;
                Ok(())
            }
            Outcome::Decided(Verdict::Invalid) | Outcome::OwnTokenRefused => {
                let what = "it does not know the token that it just gave; are several Keystones behind this address \
                            with different keys?";
                Err(unreachable(self.caller.not_keystone(what)))
            }
        }
    }

    async fn find_version(&self) -> Result<(), Trouble> {
        let answer = self.caller.send(self.caller.request(Method::GET, "", None)).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(self.caller.not_keystone("it answers 404 Not Found")),
            _ => return Err(self.caller.failed(&answer)),
        }
        let document: VersionDocument = serde_json::from_slice(&answer.body)
            .map_err(|_| self.caller.not_keystone("what answers has no version document of Keystone"))?;
        if document.version.id.starts_with("v3") {
            return Ok(());
        }
        Err(self.caller.not_keystone(&format!("it has version {} there", document.version.id)))
    }

    async fn log_in(&self) -> Result<OwnToken, Trouble> {
        let request = self
            .caller
            .request(Method::POST, "/auth/tokens", Some("nocatalog"))
            .json(&login_request(&self.config.login));
        let answer = self.caller.send(request).await?;
        match answer.status {
            StatusCode::CREATED | StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(Trouble::of_login(&self.config, text_of(&answer)));
            }
            StatusCode::NOT_FOUND => return Err(self.caller.not_keystone("it answers 404 Not Found")),
            _ => return Err(self.caller.failed(&answer)),
        }
        let token = self.caller.read::<TokenBody>(&answer)?.token;
        match answer.subject_token {
            Some(secret) => Ok(OwnToken { secret: secret.into(), expires_at: token.expires_at }),
            None => Err(self.caller.not_keystone("its answer has no X-Subject-Token")),
        }
    }

    async fn own_token(&self) -> Result<OwnToken, Trouble> {
        self.own_token.try_get_with((), self.log_in()).await.map_err(|trouble| Trouble::clone(&trouble))
    }

    /// The verdict of Keystone. If it refuses our own token, we log in once more and ask again.
    async fn verdict(&self, token: &str, may_have_ended: bool) -> Result<Verdict, Trouble> {
        let own = self.own_token().await?;
        if let Outcome::Decided(verdict) = self.ask(&own, token, may_have_ended).await? {
            return Ok(verdict);
        }
        // Another request may have renewed it meanwhile; only the refused one is thrown away.
        if self.own_token.get(&()).await.is_some_and(|known| known.secret == own.secret) {
            self.own_token.invalidate(&()).await;
        }
        let own = self.own_token().await?;
        match self.ask(&own, token, may_have_ended).await? {
            Outcome::Decided(verdict) => Ok(verdict),
            Outcome::OwnTokenRefused => {
                let text = "it refuses the token of our own that it just gave".to_owned();
                Err(Trouble::of_rights(&self.config, text))
            }
        }
    }

    async fn ask(&self, own: &OwnToken, token: &str, may_have_ended: bool) -> Result<Outcome, Trouble> {
        let query = if may_have_ended { "nocatalog&allow_expired=1" } else { "nocatalog" };
        let request = self
            .caller
            .request(Method::GET, "/auth/tokens", Some(query))
            .header("X-Auth-Token", &*own.secret)
            .header("X-Subject-Token", token)
            .header("OpenStack-Identity-Access-Rules", "1");
        let answer = self.caller.send(request).await?;
        match answer.status {
            StatusCode::OK => {
                let token = self.caller.read::<TokenBody>(&answer)?.token;
                Ok(Outcome::Decided(Verdict::Valid(Arc::new(token))))
            }
            StatusCode::NOT_FOUND => Ok(Outcome::Decided(Verdict::Invalid)),
            StatusCode::UNAUTHORIZED => Ok(Outcome::OwnTokenRefused),
            StatusCode::FORBIDDEN => Err(Trouble::of_rights(&self.config, text_of(&answer))),
            _ => Err(self.caller.failed(&answer)),
        }
    }

    /// The verdict from memory or from Keystone; many askers about one token make one call.
    async fn judge(&self, token: &str, may_have_ended: bool) -> Result<Token, AuthError> {
        let key = (digest(token), may_have_ended);
        let asked = self.verdict(token, may_have_ended);
        let outcome = match self.config.token_cache_time {
            Some(_) => self.tokens.try_get_with(key, asked).await.map_err(|trouble| Trouble::clone(&trouble)),
            None => asked.await,
        };
        match outcome {
            Ok(Verdict::Valid(token)) if may_have_ended || token.expires_at > now() => {
                Ok(Token::clone(&token))
            }
            Ok(Verdict::Valid(_) | Verdict::Invalid) => Err(AuthError::Invalid),
            Err(trouble) => Err(AuthError::Unreachable { reason: trouble.to_string() }),
        }
    }

    /// Logs that Keystone went away and that it came back, and not every request between.
    fn note(&self, outcome: &Result<Token, AuthError>) {
        match outcome {
            Err(AuthError::Unreachable { reason }) => {
                if !self.away.swap(true, Ordering::Relaxed) {
                    tracing::error!("tokens cannot be validated: {reason}");
                }
            }
            Ok(_) | Err(AuthError::Missing | AuthError::Invalid) => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("tokens can be validated again");
                }
            }
        }
    }
}

enum Outcome {
    Decided(Verdict),
    OwnTokenRefused,
}

fn digest(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref());
    key
}

#[async_trait]
impl TokenValidator for Keystone {
    async fn validate(&self, token: &str) -> Result<Token, AuthError> {
        let outcome = self.judge(token, false).await;
        self.note(&outcome);
        outcome
    }

    async fn validate_vouched(&self, token: &str) -> Result<Token, AuthError> {
        let outcome = self.judge(token, true).await;
        self.note(&outcome);
        outcome
    }

    fn challenge(&self) -> Option<String> {
        let uri = self.config.www_authenticate_uri.as_ref().unwrap_or(&self.config.auth_url);
        Some(format!("Keystone uri=\"{}\"", uri.as_str().trim_end_matches('/')))
    }
}

#[cfg(test)]
mod tests;
