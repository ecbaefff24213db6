//! Answers and refusals in the form that Keystone gives them.

use glasshouse_shared::identity::{ErrorBody, ErrorText};
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use serde::Serialize;

use super::Call;

/// An answer before its common headers.
pub struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

/// Why a request is not answered.
pub struct Refusal {
    status: StatusCode,
    message: String,
    /// For 405.
    allow: Option<&'static str>,
}

impl Reply {
    pub fn json(status: StatusCode, document: &impl Serialize) -> Self {
        // Our documents are maps with text keys: writing them does not fail.
        let body = serde_json::to_vec(document).unwrap_or_default();
        let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { status, headers: vec![content_type], body }
    }

    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header; a value that is none is left out.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    pub fn into_response(self, method: &Method) -> Response<Vec<u8>> {
        let request_id = format!("req-{}", uuid::Uuid::new_v4());
        let length = self.body.len();
        let reply = self.with("vary", "X-Auth-Token").with("x-openstack-request-id", &request_id);
        let body = if *method == Method::HEAD { Vec::new() } else { reply.body };
        let mut response = Response::new(body);
        *response.status_mut() = reply.status;
        response.headers_mut().extend(reply.headers);
        if reply.status != StatusCode::NO_CONTENT {
            response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        }
        response
    }
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), allow: None }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Says nothing of what is wrong.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "log in first: there is no valid token or login in this request")
    }

    pub fn login(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub fn method(allow: &'static str) -> Self {
        let message = "the users and projects of the lab are fixed: this address is for reading only";
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "no login is that long")
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    pub fn reply(self, call: &Call<'_>) -> Reply {
        let title = self.status.canonical_reason().unwrap_or_default().to_owned();
        let error = ErrorText { code: self.status.as_u16(), message: self.message, title };
        let mut reply = Reply::json(self.status, &ErrorBody { error });
        if let Some(allow) = self.allow {
            reply = reply.with("allow", allow);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            reply = reply.with("www-authenticate", &format!("Keystone uri=\"{}/identity\"", call.base_url));
        }
        reply
    }
}
