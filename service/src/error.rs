//! The one error of the domain. `api::fault` alone decides which status each becomes.

/// What a use case answers when it cannot do what was asked.
///
/// Every text is for the client: it names no path, host or SQL. What an operator must know is in the source of
/// [`Error::Internal`], [`Error::Unavailable`] and [`Error::StoreFull`], which is logged once, with the request id.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be understood or breaks a rule of the schema.
    #[error("{0}")]
    BadRequest(String),
    /// No token, or one that identity refuses.
    #[error("{0}")]
    Unauthenticated(String),
    /// Visible to the caller, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// Not there, or not visible to the caller.
    #[error("{0}")]
    NotFound(String),
    /// The path is known, the method is not.
    #[error("the method {method} is not allowed for this resource")]
    MethodNotAllowed { method: String, allow: String },
    /// The request did not arrive in time.
    #[error("{0}")]
    TooSlow(String),
    /// The state of the image does not permit it, or it exists already.
    #[error("{0}")]
    Conflict(String),
    /// The image was deleted while its data arrived.
    #[error("{0}")]
    Gone(String),
    /// A limit or a quota.
    #[error("{0}")]
    TooLarge(String),
    /// The store has no room for the data that came.
    #[error("There is not enough space in the store for this image.")]
    StoreFull(#[source] std::io::Error),
    /// `accept_patch` fills the header of that name where a PATCH was refused.
    #[error("{message}")]
    UnsupportedMedia { media_type: String, message: String, accept_patch: Option<&'static str> },
    /// `size_bytes` of the whole, where the request got so far that it is known.
    #[error("{message}")]
    RangeNotSatisfiable { message: String, size_bytes: Option<u64> },
    /// A step of a resumable upload does not fit the state that the upload is in.
    #[error("{message}")]
    UploadStep { problem: UploadProblem, message: String },
    /// All data of a resumable upload arrived, and then was refused.
    #[error("{0}")]
    Processed(Box<Error>),
    /// A request header is longer than the configured limit.
    #[error("{0}")]
    HeaderTooLarge(String),
    /// A verb outside the API on a path that is not routed.
    #[error("{0}")]
    NotImplemented(String),
    /// A neighbour (identity, database, store) is away: safe to repeat later.
    #[error("{message}")]
    Unavailable { message: String, source: Option<Box<dyn std::error::Error + Send + Sync>> },
    /// Our fault or a neighbour's; the client reads a fixed sentence.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What does not fit (draft-ietf-httpbis-resumable-upload-12 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadProblem {
    /// The data begins elsewhere than where the last ended.
    MismatchingOffset { expected: u64, provided: u64 },
    /// All of it is there already.
    Completed,
    /// Two lengths were announced, or one that is not kept.
    InconsistentLength,
}

impl Error {
    /// Wraps a failure that no client can mend.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}
