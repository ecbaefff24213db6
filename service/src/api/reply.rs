//! An answer: status, headers, body.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use crate::images::download::Content;

pub enum ReplyBody {
    Empty,
    Bytes(Bytes),
    Data(Content),
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: ReplyBody,
}

impl Reply {
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: ReplyBody::Empty }
    }

    pub fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    /// A document; none of ours has keys that are no text, which is all that JSON cannot hold.
    pub fn json<D: Serialize + ?Sized>(status: StatusCode, document: &D) -> Self {
        let bytes = serde_json::to_vec(document).unwrap_or_default();
        Self::bytes(status, "application/json", bytes)
    }

    pub fn bytes(status: StatusCode, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let reply = Self { status, headers: HeaderMap::new(), body: ReplyBody::Bytes(bytes.into()) };
        reply.with(CONTENT_TYPE, content_type)
    }

    /// Adds a header; a value that no header can carry is left out.
    pub fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.insert(name, value);
        }
        self
    }
}
