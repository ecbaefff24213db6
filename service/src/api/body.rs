//! The body of a request.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use serde_json::Value;

use crate::error::Error;
use crate::images::upload::{Body as ImageBody, UploadBodyError};

/// No document of the API comes near this.
const DOCUMENT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// The fields behind a body; empty until all of it was read.
pub type Trailers = Arc<OnceLock<HeaderMap>>;

/// The bytes of a request, not yet read.
pub struct Body {
    stream: ImageBody,
    announced: bool,
    trailers: Trailers,
}

impl Body {
    pub fn new(headers: &HeaderMap, stream: ImageBody, trailers: Trailers) -> Self {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let announced =
            headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length.trim() != "0");
        Self { stream, announced, trailers }
    }

    /// 400 for a call that takes no body.
    pub fn refuse(&self) -> Result<(), Error> {
        if self.announced {
            return Err(Error::BadRequest("A body is not expected with this request.".to_owned()));
        }
        Ok(())
    }

    /// The whole body as a JSON document. 400 when there is none or it is malformed, 413 when it is far too long.
    pub async fn json(self) -> Result<Value, Error> {
        let bytes = self.collect().await?;
        if bytes.is_empty() {
            return Err(Error::BadRequest(
                "A JSON document is expected in the body of this request.".to_owned(),
            ));
        }
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::BadRequest(format!("Malformed JSON in the body of the request: {error}")))
    }

    /// The whole body, of a length that a document may have.
    pub async fn collect(mut self) -> Result<Bytes, Error> {
        let mut whole = BytesMut::new();
        while let Some(frame) = self.stream.next().await {
            let frame = frame.map_err(|error| {
                Error::BadRequest(match error {
                    UploadBodyError::Silent => "The sender was silent for too long.".to_owned(),
                    UploadBodyError::Broken(_) => {
                        "The connection broke before the whole body arrived.".to_owned()
                    }
                })
            })?;
            if whole.len() + frame.len() > DOCUMENT_MAX_BYTES {
                return Err(Error::TooLarge(format!(
                    "The body is longer than the {DOCUMENT_MAX_BYTES} bytes that a document may have."
                )));
            }
            whole.extend_from_slice(&frame);
        }
        Ok(whole.freeze())
    }

    pub fn trailers(&self) -> Trailers {
        Arc::clone(&self.trailers)
    }

    pub fn into_stream(self) -> ImageBody {
        self.stream
    }
}
