//! A small Keystone v3 for the lab: enough that unchanged clients log in, find the image service and look around.
//!
//! It has one domain, and its users and projects are fixed: there is nothing to write but tokens.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use glasshouse_shared::identity::Token;
use http::{HeaderMap, Method, Response, StatusCode};

use crate::auth::{AuthError, TokenValidator};
use crate::clock::now;

use super::LabError;
use super::cloud_files::CloudFiles;
use super::directory::Directory;
use super::folder::Folder;
use super::tokens::Tokens;

mod catalog;
mod collections;
mod login;
mod reply;
mod versions;

use login::Passwords;
use reply::{Refusal, Reply};

/// The identity of a running lab. Clones are the same one.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Directory,
    tokens: Tokens,
    passwords: Passwords,
    /// Holds the lock of the folder for as long as the lab lives.
    folder: Folder,
    listen: RwLock<SocketAddr>,
}

/// One request, as far as identity looks at it.
struct Call<'r> {
    method: &'r Method,
    /// The parts of the path, without empty ones.
    path: Vec<&'r str>,
    query: Vec<(String, String)>,
    headers: &'r HeaderMap,
    body: &'r [u8],
    /// `http://127.0.0.1:9292`
    base_url: &'r str,
}

impl Call<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?.to_str().ok()?.trim();
        Some(value).filter(|value| !value.is_empty())
    }

    /// Whether a query key is there, whatever its value: `?nocatalog`.
    fn has(&self, key: &str) -> bool {
        self.query.iter().any(|(known, _)| known == key)
    }
}

impl Identity {
    pub(super) fn new(directory: Directory, folder: Folder, listen: SocketAddr) -> Result<Self, LabError> {
        let inner = Inner {
            directory,
            tokens: Tokens::default(),
            passwords: Passwords::new()?,
            folder,
            listen: RwLock::new(listen),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Says where the lab really listens: `clouds.yaml` and `openrc` are rewritten if they say otherwise.
    pub fn announce(&self, listen: SocketAddr) -> Result<(), LabError> {
        let cloud_files = CloudFiles::new(&self.inner.folder);
        *self.inner.listen.write().unwrap_or_else(PoisonError::into_inner) = listen;
        match cloud_files.passwords()? {
            Some(passwords) => cloud_files.write(&passwords, listen),
            None => Err(LabError::CorruptClouds {
                file: cloud_files.clouds(),
                why: "the entries of the lab vanished while it started".to_owned(),
            }),
        }
    }

    /// Answers a request for a path below `/identity`. `base_url` is scheme, host and port as the client sees them.
    pub async fn answer(
        &self,
        (method, path, query): (&Method, &str, Option<&str>),
        headers: &HeaderMap,
        body: &[u8],
        base_url: &str,
    ) -> Response<Vec<u8>> {
        let call = Call {
            method,
            path: path.split('/').filter(|part| !part.is_empty()).collect(),
            query: url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect(),
            headers,
            body,
            base_url: base_url.trim_end_matches('/'),
        };
        let reply = self.inner.reply(&call).await.unwrap_or_else(|refusal| refusal.reply(&call));
        reply.into_response(method)
    }
}

impl Inner {
    async fn reply(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let reads = *call.method == Method::GET || *call.method == Method::HEAD;
        match call.path.as_slice() {
            [] if reads => versions::all(call),
            ["v3"] if reads => versions::one(call),
            ["v3", "auth", "tokens"] => match call.method.as_str() {
                "POST" => self.log_in(call).await,
                "GET" | "HEAD" => self.show_token(call),
                "DELETE" => self.revoke_token(call),
                _ => Err(Refusal::method("GET, HEAD, POST, DELETE")),
            },
            ["v3", rest @ ..] => {
                let caller = self.caller(call)?;
                let answered = self.look_up(call, rest, &caller)?;
                if reads { Ok(answered) } else { Err(Refusal::method("GET, HEAD")) }
            }
            _ => Err(Refusal::not_found("there is nothing at this address of the identity service")),
        }
    }

    /// Whose token came with the request.
    fn caller(&self, call: &Call<'_>) -> Result<Arc<Token>, Refusal> {
        let secret = call.header("x-auth-token").ok_or_else(Refusal::unauthenticated)?;
        self.tokens.get(secret, now()).ok_or_else(Refusal::unauthenticated)
    }

    /// `GET /v3/auth/tokens`: what a token says, for its owner, administrators and services.
    fn show_token(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let secret = self.subject(call)?;
        let token = self.tokens.get(secret, now()).ok_or_else(no_token)?;
        Ok(self.token_reply(call, StatusCode::OK, &token, secret))
    }

    fn revoke_token(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let secret = self.subject(call)?;
        if self.tokens.revoke(secret) { Ok(Reply::empty(StatusCode::NO_CONTENT)) } else { Err(no_token()) }
    }

    /// The token that a request is about, if the caller may ask about it.
    fn subject<'r>(&self, call: &'r Call<'_>) -> Result<&'r str, Refusal> {
        let caller = self.caller(call)?;
        let subject = call
            .header("x-subject-token")
            .ok_or_else(|| Refusal::bad_request("the header X-Subject-Token is missing"))?;
        let own = call.header("x-auth-token") == Some(subject);
        if own || has_role(&caller, "admin") || has_role(&caller, "service") {
            return Ok(subject);
        }
        Err(Refusal::forbidden("only administrators and services may ask about the tokens of others"))
    }

    fn token_reply(&self, call: &Call<'_>, status: StatusCode, token: &Token, secret: &str) -> Reply {
        let scoped = token.project.is_some() || token.system.is_some();
        let catalog = (scoped && !call.has("nocatalog")).then(|| self.catalog(call.base_url));
        let token = Token { catalog, ..token.clone() };
        Reply::json(status, &glasshouse_shared::identity::TokenBody { token }).with("x-subject-token", secret)
    }
}

fn no_token() -> Refusal {
    Refusal::not_found("there is no such token, or it has ended")
}

fn has_role(token: &Token, name: &str) -> bool {
    token.roles.iter().any(|role| role.name == name)
}

#[async_trait]
impl TokenValidator for Identity {
    async fn validate(&self, token: &str) -> Result<Arc<Token>, AuthError> {
        self.inner.tokens.get(token, now()).ok_or(AuthError::Invalid)
    }

    fn challenge(&self) -> Option<String> {
        let listen = *self.inner.listen.read().unwrap_or_else(PoisonError::into_inner);
        Some(format!("Keystone uri=\"http://{listen}/identity\""))
    }
}

#[cfg(test)]
mod tests;
