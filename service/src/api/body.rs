//! The body of a request.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::error::Error;
use crate::images::upload::{Body as ImageBody, UploadBodyError};

/// No document of the API comes near this.
const DOCUMENT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// So many times the patience with silence is the patience with the whole of a document.
const PATIENCE_ALTOGETHER: u32 = 10;

/// The fields behind a body; empty until all of it was read.
pub type Trailers = Arc<OnceLock<HeaderMap>>;

/// Far more than an image has attributes. A value of two bytes takes forty when it is read, so that the length alone
/// is no limit.
const DOCUMENT_MAX_VALUES: usize = 64 * 1024;

/// The bytes of a request, not yet read.
pub struct Body {
    stream: ImageBody,
    announced: bool,
    trailers: Trailers,
    patience: Duration,
}

impl Body {
    /// `patience` is how long the sender of a document may be silent; `stream` has its own, for data of images.
    pub fn new(headers: &HeaderMap, stream: ImageBody, trailers: Trailers, patience: Duration) -> Self {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let announced =
            headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length.trim() != "0");
        Self { stream, announced, trailers, patience }
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
        if values_in(&bytes) > DOCUMENT_MAX_VALUES {
            return Err(Error::TooLarge(format!(
                "The body holds more than the {DOCUMENT_MAX_VALUES} values that a document may have."
            )));
        }
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::BadRequest(format!("Malformed JSON in the body of the request: {error}")))
    }

    /// The whole body, of a length that a document may have, from a sender who does not take for ever: it may be
    /// anybody. 408 otherwise.
    pub async fn collect(mut self) -> Result<Bytes, Error> {
        let mut whole = BytesMut::new();
        let end = Instant::now() + self.patience * PATIENCE_ALTOGETHER;
        loop {
            let next = timeout_at(end.min(Instant::now() + self.patience), self.stream.next());
            let frame = match next.await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(UploadBodyError::Silent))) | Err(_) => return Err(too_slow()),
                Ok(Some(Err(UploadBodyError::Broken(_)))) => {
                    let message = "The connection broke before the whole body arrived.";
                    return Err(Error::BadRequest(message.to_owned()));
                }
            };
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

fn too_slow() -> Error {
    Error::TooSlow(
        "The body of the request did not arrive in time: the sender was silent for too long.".to_owned(),
    )
}

/// How many values a JSON document holds at most: each but the first stands behind a comma or an opening bracket.
/// Those inside of strings are not counted.
fn values_in(document: &[u8]) -> usize {
    let (mut values, mut in_string, mut escaped) = (1, false, false);
    for byte in document {
        match (byte, in_string) {
            _ if escaped => escaped = false,
            (b'\\', true) => escaped = true,
            (b'"', _) => in_string = !in_string,
            (b',' | b'[' | b'{', false) => values += 1,
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: String) -> Body {
        arriving(futures_util::stream::iter([Ok(Bytes::from(text))]).boxed(), Duration::from_mins(1))
    }

    fn arriving(stream: ImageBody, patience: Duration) -> Body {
        Body { stream, announced: true, trailers: Trailers::default(), patience }
    }

    #[tokio::test]
    async fn a_sender_who_falls_silent_is_not_waited_for() {
        let begun = futures_util::stream::iter([Ok(Bytes::from_static(b"{"))]);
        let silent = begun.chain(futures_util::stream::pending()).boxed();
        let refused = arriving(silent, Duration::from_millis(10)).json().await;
        assert!(matches!(refused, Err(Error::TooSlow(text)) if text.contains("silent")));
    }

    #[tokio::test]
    async fn a_sender_who_never_comes_to_an_end_is_not_waited_for() {
        let drops = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((Ok(Bytes::from_static(b" ")), ()))
        });
        let refused = arriving(drops.boxed(), Duration::from_millis(20)).collect().await;
        assert!(matches!(refused, Err(Error::TooSlow(_))));
    }

    #[test]
    fn values_are_counted_outside_of_strings() {
        assert_eq!(values_in(b"1"), 1);
        assert_eq!(values_in(br#"{"a": "b,[{", "c\\\",": [1, 2]}"#), 5);
    }

    #[tokio::test]
    async fn a_document_of_very_many_values_is_refused_before_it_is_read() {
        let many = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        assert!(body(many(DOCUMENT_MAX_VALUES - 1)).json().await.is_ok());
        let refused = body(many(DOCUMENT_MAX_VALUES)).json().await;
        assert!(matches!(refused, Err(Error::TooLarge(text)) if text.contains("65536 values")));
        let text = format!("\"{}\"", ",".repeat(DOCUMENT_MAX_VALUES));
        assert!(body(text).json().await.is_ok());
    }
}
