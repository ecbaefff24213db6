//! Tokens are validated by a Keystone, with an account of our own, and remembered for a while.
//!
//! A remembered token is refused once it has ended; that it was revoked is only noticed when it leaves the cache
//! (`token_cache_time`). The keys of the cache are digests: no token of a caller stays in memory.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use glasshouse_shared::identity::{Token, TokenBody};
use jiff::Timestamp;
use moka::Expiry;
use moka::future::Cache;
use reqwest::{Method, StatusCode};

use crate::config::KeystoneConfig;

use crate::clock::now;

use super::{AuthError, TokenValidator};

mod call;
mod limits;
mod session;
mod trouble;

pub use limits::{Endpoint, Limits, LimitsReader, Overview};
pub use trouble::Trouble;

use call::Answer;
use session::Session;

/// So many tokens are remembered; a token without its catalog takes about a kilobyte.
const CACHE_ENTRIES_MAX: u64 = 10_000;
/// That a token is bad is remembered so long: enough for a client in a loop, too short to annoy.
const REFUSAL_TIME: Duration = Duration::from_secs(10);

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeystoneError {
    #[error("[{section}] cafile = {} cannot be used: {why}", cafile.display())]
    Cafile { section: String, cafile: PathBuf, why: String },
    #[error("the client for Keystone cannot be made: {0}")]
    Client(String),
}

/// The validator for a cloud with a Keystone.
pub struct Keystone {
    session: Session,
    config: KeystoneConfig,
    tokens: Cache<Key, Verdict>,
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

/// Zero for what is past.
fn until(instant: Timestamp) -> Duration {
    Duration::try_from(instant.duration_since(now())).unwrap_or_default()
}

impl Keystone {
    /// Nothing is asked yet; [`Self::login`] does.
    pub fn new(config: &KeystoneConfig) -> Result<Self, KeystoneError> {
        let token_cache_time = config.token_cache_time.unwrap_or_default();
        Ok(Self {
            session: Session::new(&config.access)?,
            config: config.clone(),
            tokens: Cache::builder()
                .max_capacity(CACHE_ENTRIES_MAX)
                .expire_after(Life { token_cache_time })
                .build(),
            away: AtomicBool::new(false),
        })
    }

    /// Finds the version document, logs in, and asks about the own token with itself: all that a request needs.
    pub async fn login(&self) -> Result<(), AuthError> {
        let unreachable = |trouble: Trouble| AuthError::Unreachable { reason: trouble.to_string() };
        self.session.find_version().await.map_err(unreachable)?;
        let own = self.session.own_token().await.map_err(unreachable)?;
        match self.ask(&own.secret, false).await.map_err(unreachable)? {
            Verdict::Valid(_) => Ok(()),
            Verdict::Invalid => {
                let what = "it does not know the token that it just gave; are several Keystones behind this address \
                            with different keys?";
                Err(unreachable(self.session.not_keystone(what)))
            }
        }
    }

    async fn ask(&self, token: &str, may_have_ended: bool) -> Result<Verdict, Trouble> {
        let query = if may_have_ended { "nocatalog&allow_expired=1" } else { "nocatalog" };
        let answer = self.session.ask("ask about tokens", |caller, _| {
            caller
                .request(Method::GET, "/auth/tokens", Some(query))
                .header("X-Subject-Token", token)
                .header("OpenStack-Identity-Access-Rules", "1")
        });
        self.verdict_in(&answer.await?)
    }

    fn verdict_in(&self, answer: &Answer) -> Result<Verdict, Trouble> {
        match answer.status {
            StatusCode::OK => {
                let token = self.session.read::<TokenBody>(answer)?.token;
                Ok(Verdict::Valid(Arc::new(token)))
            }
            StatusCode::NOT_FOUND => Ok(Verdict::Invalid),
            _ => Err(self.session.failed(answer)),
        }
    }

    /// The verdict from memory or from Keystone; many askers about one token make one call.
    async fn judge(&self, token: &str, may_have_ended: bool) -> Result<Arc<Token>, AuthError> {
        let key = (digest(token), may_have_ended);
        let asked = self.ask(token, may_have_ended);
        let outcome = match self.config.token_cache_time {
            Some(_) => self.tokens.try_get_with(key, asked).await.map_err(|trouble| Trouble::clone(&trouble)),
            None => asked.await,
        };
        match outcome {
            Ok(Verdict::Valid(token)) if may_have_ended || token.expires_at > now() => Ok(token),
            Ok(Verdict::Valid(_) | Verdict::Invalid) => Err(AuthError::Invalid),
            Err(trouble) => Err(AuthError::Unreachable { reason: trouble.to_string() }),
        }
    }

    /// Logs that Keystone went away and that it came back, and not every request between.
    fn note(&self, outcome: &Result<Arc<Token>, AuthError>) {
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

fn digest(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref());
    key
}

#[async_trait]
impl TokenValidator for Keystone {
    async fn validate(&self, token: &str) -> Result<Arc<Token>, AuthError> {
        let outcome = self.judge(token, false).await;
        self.note(&outcome);
        outcome
    }

    async fn validate_vouched(&self, token: &str) -> Result<Arc<Token>, AuthError> {
        let outcome = self.judge(token, true).await;
        self.note(&outcome);
        outcome
    }

    fn challenge(&self) -> Option<String> {
        let uri = self.config.www_authenticate_uri.as_ref().unwrap_or(&self.config.access.auth_url);
        Some(format!("Keystone uri=\"{}\"", uri.as_str().trim_end_matches('/')))
    }
}

#[cfg(test)]
mod tests;
