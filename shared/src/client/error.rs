//! The one error of the client: what was tried, what came back, and in which kind of trouble we are.

use std::fmt;
use std::io;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::words;

/// A call that failed. Its `Display` is one sentence; [`ClientError::report`] has everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    /// What callers decide on.
    pub kind: ErrorKind,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The reason in plain words, without markup.
    pub message: String,
    /// `x-openstack-request-id` of the answer: the operator finds it in the log.
    pub request_id: Option<String>,
    /// What was tried on what, beginning with a verb: "upload image 7f3c…".
    pub attempted: String,
    /// Method and address of the call, if it came that far.
    pub call: Option<Box<str>>,
    /// What is left on the server or on the disk, if anything is.
    pub left_behind: Option<Box<str>>,
}

/// The kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 401: who one is was not believed.
    Unauthorized,
    /// 403: known, but not allowed.
    Forbidden,
    /// 404: not there, or not to be seen.
    NotFound,
    /// 409: the image is in another state than this needs.
    Conflict,
    /// 410: deleted meanwhile.
    Gone,
    /// 413: a limit or quota is reached.
    TooLarge,
    /// 415: the service refuses this content.
    UnsupportedMedia,
    /// Any other answer that says no, or an answer that was not understood.
    Rejected,
    /// 5xx: the service is in trouble.
    Unavailable,
    /// The bytes are not those that were sent.
    Corrupt,
    /// Stopped by the caller.
    Cancelled,
    /// A file of ours could not be read or written.
    Local(io::ErrorKind),
    /// No answer: name, network, encryption, time-out.
    Transport,
}

impl ErrorKind {
    fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            409 => Self::Conflict,
            410 => Self::Gone,
            413 => Self::TooLarge,
            415 => Self::UnsupportedMedia,
            500.. => Self::Unavailable,
            _ => Self::Rejected,
        }
    }
}

impl ClientError {
    /// An error that did not come as an answer.
    pub fn new(kind: ErrorKind, attempted: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            status: None,
            message: message.into(),
            request_id: None,
            attempted: attempted.into(),
            call: None,
            left_behind: None,
        }
    }

    /// An answer that says no.
    pub(super) fn answered(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        attempted: &str,
        call: String,
    ) -> Self {
        Self {
            status: Some(status.as_u16()),
            request_id: request_id(headers),
            call: Some(call.into()),
            ..Self::new(ErrorKind::of_status(status), attempted, words::of_answer(status, headers, body))
        }
    }

    /// No answer came.
    pub(super) fn transport(error: &reqwest::Error, attempted: &str, call: String) -> Self {
        Self {
            call: Some(call.into()),
            ..Self::new(ErrorKind::Transport, attempted, words::of_transport(error))
        }
    }

    /// A file of ours is in the way.
    pub(super) fn local(error: &io::Error, attempted: &str, path: &std::path::Path) -> Self {
        let path = path.display();
        let message = match error.kind() {
            io::ErrorKind::StorageFull => format!("the disk is full while writing {path}"),
            io::ErrorKind::QuotaExceeded => format!("the disk quota is reached while writing {path}"),
            io::ErrorKind::NotFound => format!("{path} does not exist"),
            io::ErrorKind::PermissionDenied => format!("no permission for {path}"),
            io::ErrorKind::ReadOnlyFilesystem => format!("{path} is on a read-only file system"),
            io::ErrorKind::FileTooLarge => format!("{path} grows larger than its file system allows"),
            _ => format!("{path}: {error}"),
        };
        Self::new(ErrorKind::Local(error.kind()), attempted, message)
    }

    /// Stopped by the caller.
    pub(super) fn cancelled(attempted: &str) -> Self {
        Self::new(ErrorKind::Cancelled, attempted, "cancelled")
    }

    /// Says what is left.
    pub(super) fn leaving(self, left_behind: Option<String>) -> Self {
        Self { left_behind: left_behind.map(Into::into).or(self.left_behind), ..self }
    }

    /// Everything that is known, one fact per line, for a bug report. No token and no password is in it.
    pub fn report(&self) -> String {
        let mut lines = vec![format!("attempted: {}", self.attempted), format!("reason: {}", self.message)];
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                lines.push(format!("{name}: {value}"));
            }
        };
        add("status", self.status.map(words::status_line));
        add("request id", self.request_id.clone());
        add("call", self.call.as_deref().map(str::to_owned));
        add("left behind", self.left_behind.as_deref().map(str::to_owned));
        add("kind", Some(format!("{:?}", self.kind)));
        lines.join("\n")
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.attempted, self.message)?;
        match (self.status, &self.request_id) {
            (Some(status), Some(id)) => write!(f, " ({status}, {id})"),
            (Some(status), None) => write!(f, " ({status})"),
            (None, _) => Ok(()),
        }
    }
}

impl std::error::Error for ClientError {}

/// The request id of an answer; Keystone and Glance use the same header.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-openstack-request-id")?.to_str().ok()?;
    Some(value.to_owned()).filter(|id| !id.is_empty())
}
