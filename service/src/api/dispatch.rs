//! From a parsed HTTP request to a reply: request id, versions, identity, route, errors, log.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use http::header::{ACCEPT, HOST};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::body::Body;
use super::fault::Setting;
use super::reply::Reply;
use super::request::Request;
use super::route::{Found, Router};
use super::versions::{self, Features};
use super::{ROUTES, cors, fault, health, openapi, uploads};
use crate::app::App;
use crate::auth::{AuthError, Authenticator};
use crate::clock;
use crate::config::ServerConfig;
use crate::error::Error;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");
const KNOWN_METHODS: &[Method] =
    &[Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH];

/// Something else that answers below a path of its own on the same listener, as the lab's identity does.
#[async_trait]
pub trait Neighbour: Send + Sync {
    /// First segment of its paths, with a slash in front.
    fn prefix(&self) -> &'static str;

    /// `path` is decoded and without the prefix.
    async fn answer(
        &self,
        head: &http::request::Parts,
        path: &str,
        body: &[u8],
        base_url: &str,
    ) -> http::Response<Vec<u8>>;
}

/// Everything that is needed to answer.
pub struct Api {
    pub app: Arc<App>,
    pub authenticator: Authenticator,
    pub neighbour: Option<Arc<dyn Neighbour>>,
    pub server: ServerConfig,
    router: Router,
}

impl Api {
    pub fn new(
        app: Arc<App>,
        authenticator: Authenticator,
        neighbour: Option<Arc<dyn Neighbour>>,
        server: ServerConfig,
    ) -> Result<Self, matchit::InsertError> {
        Ok(Self { app, authenticator, neighbour, server, router: Router::new(ROUTES)? })
    }

    /// Answers one request; every failure is a reply.
    pub async fn answer(&self, head: &http::request::Parts, body: Body) -> Reply {
        let started = Instant::now();
        let path = match percent_decode_str(head.uri.path()).decode_utf8() {
            Ok(path) => path.into_owned(),
            Err(_) => {
                return fault::reply(
                    &Error::BadRequest("The path is not valid UTF-8.".to_owned()),
                    &head.headers,
                    self.fault_setting(None),
                );
            }
        };
        if is_below(&path, "/healthcheck") {
            return health::check(&head.method, &head.headers, self.server.disable_by_file.as_deref());
        }
        if head.method == Method::OPTIONS {
            return self.options(&path, &head.headers);
        }
        let reply = self.answer_path(head, &path, body, started).await;
        cors::decorate(&self.server.cors, &head.headers, reply)
    }

    /// No route has OPTIONS: it is answered for all of them, and tells where uploads can begin.
    fn options(&self, path: &str, headers: &HeaderMap) -> Reply {
        let reply = cors::preflight(&self.server.cors, headers);
        let path = versions::resolve(path, text(headers, &ACCEPT), self.features());
        let found = path.map(|path| self.router.find(&Method::POST, &path));
        match found {
            Some(Found::Route { route, .. }) if route.path == uploads::PATH => {
                let limits = &self.app.limits;
                uploads::offer(reply, limits.image_size_cap, limits.upload_expiry.as_secs())
            }
            _ => reply,
        }
    }

    async fn answer_path(
        &self,
        head: &http::request::Parts,
        path: &str,
        body: Body,
        started: Instant,
    ) -> Reply {
        // What is answered without a version and without a token.
        if is_below(path, "/versions") {
            return versions::document(StatusCode::OK, self.features(), &self.base_url(head));
        }
        if path == "/openapi.json" && head.method == Method::GET {
            return openapi::show(&self.base_url(head), &self.app.images);
        }
        if let Some(neighbour) =
            self.neighbour.as_deref().filter(|neighbour| is_below(path, neighbour.prefix()))
        {
            return self.answer_by(neighbour, head, path, body).await;
        }
        let accept = text(&head.headers, &ACCEPT);
        let Some(path) = versions::resolve(path, accept, self.features()) else {
            return versions::document(StatusCode::MULTIPLE_CHOICES, self.features(), &self.base_url(head));
        };
        let (request_id, reply) = match self.request_id(&head.headers) {
            Ok(request_id) => {
                let reply = self.answer_versioned(head, &path, body, &request_id).await;
                (request_id, reply)
            }
            Err(error) => (fresh_request_id(), Err(error)),
        };
        let reply = reply.unwrap_or_else(|error| self.fault(&error, &head.headers, &request_id));
        let status = reply.status.as_u16();
        let elapsed_ms = started.elapsed().as_millis();
        tracing::info!(request_id, method = %head.method, path, status, elapsed_ms, "answered");
        reply.with(REQUEST_ID, &request_id)
    }

    async fn answer_by(
        &self,
        neighbour: &dyn Neighbour,
        head: &http::request::Parts,
        path: &str,
        body: Body,
    ) -> Reply {
        let bytes = match body.collect().await {
            Ok(bytes) => bytes,
            Err(error) => return fault::reply(&error, &head.headers, self.fault_setting(None)),
        };
        let below = path.strip_prefix(neighbour.prefix()).unwrap_or(path);
        let (parts, body) = neighbour.answer(head, below, &bytes, &self.base_url(head)).await.into_parts();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: super::reply::ReplyBody::Bytes(body.into()),
        }
    }

    async fn answer_versioned(
        &self,
        head: &http::request::Parts,
        path: &str,
        body: Body,
        request_id: &str,
    ) -> Result<Reply, Error> {
        let mut context = self
            .authenticator
            .authenticate_call(&head.method, path, &head.headers)
            .await
            .map_err(auth_error)?;
        request_id.clone_into(&mut context.request_id);
        context.is_admin = self.app.enforcer.is_admin(&context);
        let (route, params) = match self.router.find(&head.method, path) {
            Found::Route { route, params } => (route, params),
            Found::Allow(allow) => {
                return Err(Error::MethodNotAllowed { method: head.method.to_string(), allow });
            }
            Found::Nothing if KNOWN_METHODS.contains(&head.method) => {
                return Err(Error::NotFound("The resource could not be found.".to_owned()));
            }
            Found::Nothing => {
                return Err(Error::NotImplemented(format!("The method {} is not implemented.", head.method)));
            }
        };
        let request = Request {
            app: Arc::clone(&self.app),
            context,
            route_path: route.path,
            params,
            query: head.uri.query().unwrap_or("").to_owned(),
            headers: head.headers.clone(),
            body,
            base_url: self.base_url(head),
        };
        (route.handler)(request).await
    }

    /// The reply to a failure; what only the operator may read goes to the log, once.
    fn fault(&self, error: &Error, headers: &HeaderMap, request_id: &str) -> Reply {
        let cause = if let Error::Processed(cause) = error { cause } else { error };
        match cause {
            Error::Internal(source) => {
                tracing::error!(request_id, error = chain(&**source), "a request failed");
            }
            Error::Unavailable { message, source } => {
                let cause = source.as_ref().map_or(String::new(), |source| chain(&**source));
                tracing::error!(request_id, cause, "{message}");
            }
            Error::StoreFull(source) => tracing::error!(request_id, error = %source, "the store is full"),
            _ => {}
        }
        fault::reply(error, headers, self.fault_setting(self.authenticator.challenge().as_deref()))
    }

    /// How failures are told.
    pub fn fault_setting<'a>(&self, challenge: Option<&'a str>) -> Setting<'a> {
        Setting { challenge, flat_json: self.server.flat_json_errors }
    }

    fn features(&self) -> Features {
        Features { has_stores: self.app.stores.is_multi(), has_cache: false }
    }

    /// The client's own request id if it is short enough, with the prefix that all have.
    fn request_id(&self, headers: &HeaderMap) -> Result<String, Error> {
        let given = text(headers, &REQUEST_ID);
        if given.is_empty() {
            return Ok(fresh_request_id());
        }
        let maximum = self.server.max_request_id_length;
        if given.len() > maximum {
            return Err(Error::HeaderTooLarge(format!(
                "The request id is longer than {maximum} characters."
            )));
        }
        Ok(if given.starts_with("req-") { given.to_owned() } else { format!("req-{given}") })
    }

    /// Scheme and host for absolute links, without a slash at the end.
    fn base_url(&self, head: &http::request::Parts) -> String {
        if let Some(public) = &self.server.public_endpoint {
            return public.as_str().trim_end_matches('/').to_owned();
        }
        let forwarded = |name: &'static str| {
            let value = text(&head.headers, &HeaderName::from_static(name));
            Some(value.split(',').next().unwrap_or("").trim())
                .filter(|value| self.server.trust_proxy_headers && !value.is_empty())
        };
        let scheme = forwarded("x-forwarded-proto").unwrap_or("http");
        let authority = head.uri.authority().map_or("", |authority| authority.as_str());
        let host = forwarded("x-forwarded-host").unwrap_or_else(|| match text(&head.headers, &HOST) {
            "" => authority,
            host => host,
        });
        let prefix = forwarded("x-forwarded-prefix").unwrap_or("").trim_end_matches('/');
        format!("{scheme}://{host}{prefix}")
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn fresh_request_id() -> String {
    format!("req-{}", clock::fresh_id())
}

/// An error with everything that caused it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn auth_error(error: AuthError) -> Error {
    match error {
        AuthError::Missing | AuthError::Invalid => {
            Error::Unauthenticated("This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.".to_owned())
        }
        AuthError::Unreachable { .. } => Error::Unavailable {
            message: "The Keystone service is temporarily unavailable.".to_owned(),
            source: Some(Box::new(error)),
        },
    }
}
