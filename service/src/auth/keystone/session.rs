//! Our own login to a Keystone: made when it is first needed, renewed before it ends, made anew when it is refused.

use std::sync::Arc;
use std::time::{Duration, Instant};

use glasshouse_shared::identity::{Token, TokenBody, VersionDocument};
use moka::Expiry;
use moka::future::Cache;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;

use super::call::{Answer, Caller, login_request, text_of};
use super::trouble::Trouble;
use super::{KeystoneError, until};
use crate::config::KeystoneAccess;

/// Our own token is renewed so long before its end.
const RENEWAL_LEAD: Duration = Duration::from_mins(1);

/// The connection to one Keystone and the account there.
pub struct Session {
    caller: Caller,
    access: KeystoneAccess,
    own_token: Cache<(), OwnToken>,
}

#[derive(Clone)]
pub struct OwnToken {
    pub secret: Arc<str>,
    pub token: Arc<Token>,
}

struct OwnLife;

impl Expiry<(), OwnToken> for OwnLife {
    fn expire_after_create(&self, (): &(), own: &OwnToken, _: Instant) -> Option<Duration> {
        Some(until(own.token.expires_at).saturating_sub(RENEWAL_LEAD))
    }
}

impl Session {
    pub fn new(access: &KeystoneAccess) -> Result<Self, KeystoneError> {
        Ok(Self {
            caller: Caller::new(access)?,
            access: access.clone(),
            own_token: Cache::builder().max_capacity(1).expire_after(OwnLife).build(),
        })
    }

    /// The version document: is this a Keystone at all?
    pub async fn find_version(&self) -> Result<(), Trouble> {
        let answer = self.caller.send(self.caller.request(Method::GET, "", None)).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(self.not_keystone("it answers 404 Not Found")),
            _ => return Err(self.failed(&answer)),
        }
        let document: VersionDocument = serde_json::from_slice(&answer.body)
            .map_err(|_| self.not_keystone("what answers has no version document of Keystone"))?;
        if document.version.id.starts_with("v3") {
            return Ok(());
        }
        Err(self.not_keystone(&format!("it has version {} there", document.version.id)))
    }

    async fn log_in(&self) -> Result<OwnToken, Trouble> {
        let request = self
            .caller
            .request(Method::POST, "/auth/tokens", Some("nocatalog"))
            .json(&login_request(&self.access.login));
        let answer = self.caller.send(request).await?;
        match answer.status {
            StatusCode::CREATED | StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(Trouble::of_login(&self.access, text_of(&answer)));
            }
            StatusCode::NOT_FOUND => return Err(self.not_keystone("it answers 404 Not Found")),
            _ => return Err(self.failed(&answer)),
        }
        let token = self.read::<TokenBody>(&answer)?.token;
        match answer.subject_token {
            Some(secret) => Ok(OwnToken { secret: secret.into(), token: Arc::new(token) }),
            None => Err(self.not_keystone("its answer has no X-Subject-Token")),
        }
    }

    /// Our token, from memory or by a login; many askers make one login.
    pub async fn own_token(&self) -> Result<OwnToken, Trouble> {
        self.own_token.try_get_with((), self.log_in()).await.map_err(|trouble| Trouble::clone(&trouble))
    }

    /// Sends what `request` makes, with our token. If Keystone refuses the token, we log in once more and ask again.
    /// `what` says what the account must be allowed to do.
    pub async fn ask(
        &self,
        what: &'static str,
        request: impl Fn(&Caller, &OwnToken) -> RequestBuilder,
    ) -> Result<Answer, Trouble> {
        let own = self.own_token().await?;
        let mut answer = self.send(&own, &request).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            // Another request may have renewed it meanwhile; only the refused one is thrown away.
            if self.own_token.get(&()).await.is_some_and(|known| known.secret == own.secret) {
                self.own_token.invalidate(&()).await;
            }
            let own = self.own_token().await?;
            answer = self.send(&own, &request).await?;
        }
        match answer.status {
            StatusCode::UNAUTHORIZED => {
                let text = "it refuses the token of our own that it just gave".to_owned();
                Err(Trouble::of_rights(&self.access, what, text))
            }
            StatusCode::FORBIDDEN => Err(Trouble::of_rights(&self.access, what, text_of(&answer))),
            _ => Ok(answer),
        }
    }

    async fn send(
        &self,
        own: &OwnToken,
        request: &impl Fn(&Caller, &OwnToken) -> RequestBuilder,
    ) -> Result<Answer, Trouble> {
        self.caller.send(request(&self.caller, own).header("X-Auth-Token", &*own.secret)).await
    }

    pub fn access(&self) -> &KeystoneAccess {
        &self.access
    }

    /// The body of an answer, if it is what Keystone would say.
    pub fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Trouble> {
        self.caller.read(answer)
    }

    /// An answer that is neither yes nor no.
    pub fn failed(&self, answer: &Answer) -> Trouble {
        self.caller.failed(answer)
    }

    pub fn not_keystone(&self, what: &str) -> Trouble {
        self.caller.not_keystone(what)
    }
}
