//! One call: token, retries of reads, a renewed token once, and errors in words.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RANGE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use super::error::ClientError;
use super::{Client, ErrorKind, Secret, auth};

/// No list page and no error body of an honest service is larger.
const LARGEST_BODY_BYTES: usize = 64 << 20;
/// The longest wait that a service may ask of us before a retry.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(5);
pub(super) const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// What to send.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    /// "show image 7f3c…"
    pub(super) attempted: String,
    pub(super) body: Option<(&'static str, Vec<u8>)>,
    pub(super) from_byte: Option<u64>,
    /// Beside those that every call has.
    pub(super) headers: Vec<(HeaderName, String)>,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn new(method: Method, url: Url, attempted: impl Into<String>) -> Self {
        Self { method, url, attempted: attempted.into(), body: None, from_byte: None, headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn json(self, body: &impl serde::Serialize) -> Result<Self, ClientError> {
        self.typed("application/json", body)
    }

    pub(super) fn typed(
        self,
        content_type: &'static str,
        body: &impl serde::Serialize,
    ) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| ClientError::new(ErrorKind::Rejected, &self.attempted, error.to_string()))?;
        Ok(Self { body: Some((content_type, bytes)), ..self })
    }

    /// Method and address for reports. Queries hold filters, never secrets.
    pub(super) fn place(&self) -> String {
        format!("{} {}", self.method, self.url)
    }

    /// Sends it once, without reading the answer's body.
    pub(super) async fn send(
        &self,
        http: &reqwest::Client,
        token: Option<&Secret>,
        idle: Duration,
    ) -> Result<Response, ClientError> {
        let mut request = http
            .request(self.method.clone(), self.url.clone())
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            request = request.header(X_AUTH_TOKEN, secret_header(token, &self.attempted)?);
        }
        if let Some((content_type, body)) = &self.body {
            request = request.header(CONTENT_TYPE, *content_type).body(body.clone());
        }
        if let Some(first) = self.from_byte {
            request = request.header(RANGE, format!("bytes={first}-"));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        match tokio::time::timeout(idle, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(ClientError::transport(&error, &self.attempted, self.place())),
            Err(_) => Err(self.silent(idle)),
        }
    }

    pub(super) fn silent(&self, idle: Duration) -> ClientError {
        let host = self.url.host_str().unwrap_or("the server");
        let message = format!("{host} said nothing for {} seconds", idle.as_secs());
        ClientError { call: Some(self.place().into()), ..self.error(ErrorKind::Transport, message) }
    }

    pub(super) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> ClientError {
        ClientError::new(kind, &self.attempted, message)
    }

    /// Reads a body whole, within the idle time and the largest size.
    pub(super) async fn read(&self, response: Response, idle: Duration) -> Result<Answer, ClientError> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut stream = response.bytes_stream();
        let mut body = Vec::new();
        loop {
            let piece = tokio::time::timeout(idle, stream.next()).await.map_err(|_| self.silent(idle))?;
            match piece {
                Some(Ok(piece)) => body.extend_from_slice(&piece),
                // What an error answer says is known by its status already; its words may be lost.
                Some(Err(_)) if !status.is_success() => break,
                Some(Err(error)) => {
                    return Err(ClientError::transport(&error, &self.attempted, self.place()));
                }
                None => break,
            }
            if body.len() > LARGEST_BODY_BYTES {
                return Err(self.error(ErrorKind::Rejected, "the answer is larger than any list of images"));
            }
        }
        Ok(Answer { status, headers, body: body.into() })
    }

    /// Turns an answer that says no into an error.
    pub(super) fn accept(&self, answer: Answer) -> Result<Answer, ClientError> {
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(self.refused(&answer))
    }

    pub(super) fn refused(&self, answer: &Answer) -> ClientError {
        ClientError::answered(answer.status, &answer.headers, &answer.body, &self.attempted, self.place())
    }

    /// The answer's document.
    pub(super) fn document<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ClientError> {
        serde_json::from_slice(&answer.body).map_err(|error| ClientError {
            status: Some(answer.status.as_u16()),
            call: Some(self.place().into()),
            ..self.error(ErrorKind::Rejected, format!("the answer is not what the API promises: {error}"))
        })
    }
}

/// A header value that logs do not print.
pub(super) fn secret_header(token: &Secret, attempted: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(token.expose().trim()).map_err(|_| {
        ClientError::new(ErrorKind::Unauthorized, attempted, "the token holds characters that no token has")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

impl Client {
    /// Sends a call and reads its answer; an answer that says no is an error.
    pub(super) async fn ask(&self, call: &Call) -> Result<Answer, ClientError> {
        let response = self.open(call).await?;
        call.accept(call.read(response, self.inner.limits.idle).await?)
    }

    /// The same, with the document of the answer.
    pub(super) async fn fetch<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ClientError> {
        call.document(&self.ask(call).await?)
    }

    /// Sends a call and returns its answer unread, whatever its status: renews the token once on 401, and
    /// repeats a GET that found nobody listening or a service that is busy.
    pub(super) async fn open(&self, call: &Call) -> Result<Response, ClientError> {
        let limits = self.inner.limits;
        let repeatable = call.method == Method::GET;
        let (mut retries, mut wait, mut renewed) = (0, limits.back_off, false);
        loop {
            let (token, number) = self.token().await;
            let sent = Instant::now();
            let result = call.send(&self.inner.http, token.as_ref(), limits.idle).await;
            let again = repeatable && retries < limits.retries;
            match result {
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED && !renewed => {
                    if !self.renew(number).await? {
                        return Ok(response);
                    }
                    renewed = true;
                    continue;
                }
                Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE && again => {
                    wait = asked_wait(response.headers()).unwrap_or(wait);
                }
                // Who waited a minute in vain is not made to wait four.
                Err(error)
                    if error.kind == ErrorKind::Transport
                        && again
                        && sent.elapsed() < super::transport::CONNECT => {}
                other => return other,
            }
            retries += 1;
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        }
    }

    /// The token in use and its number.
    pub(super) async fn token(&self) -> (Option<Secret>, u64) {
        let token = self.inner.token.lock().await;
        (token.value.clone(), token.number)
    }

    /// Logs in again, unless somebody did since the refused token was taken. False when nothing can be done.
    pub(super) async fn renew(&self, refused: u64) -> Result<bool, ClientError> {
        if !self.inner.credentials.can_renew() {
            return Ok(false);
        }
        // Held while logging in, so that ten refused calls make one login.
        let mut token = self.inner.token.lock().await;
        if token.number == refused {
            let login =
                auth::login(&self.inner.http, &self.inner.credentials, self.inner.limits.idle).await?;
            token.value = login.token;
            token.number += 1;
        }
        Ok(true)
    }
}

/// `Retry-After` in seconds, within reason.
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}
