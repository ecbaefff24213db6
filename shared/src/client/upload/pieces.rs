//! An upload that survives a broken connection: it goes on where the service says that it ended
//! (draft-ietf-httpbis-resumable-upload-12). Only for a service that offers it; the bytes are the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION};
use reqwest::{Body, Method, StatusCode};
use serde::Deserialize;

use super::Upload;
use super::source::{Hashed, Source};
use crate::client::call::{Answer, Call, LONGEST_WAIT};
use crate::client::digest::Sums;
use crate::client::progress::{Phase, Progress};
use crate::client::{Client, ClientError, ErrorKind};
use crate::image::{Image, Status};

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_COMPLETE: HeaderName = HeaderName::from_static("upload-complete");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const INTEROP: HeaderName = HeaderName::from_static("upload-draft-interop-version");
/// The iteration of the draft.
const INTEROP_VERSION: &str = "8";
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const STORE: HeaderName = HeaderName::from_static("x-image-meta-store");

/// What stays the same while one file is sent.
pub(super) struct Sending<'a> {
    pub image: &'a Image,
    pub upload: &'a Upload,
    pub progress: &'a Progress,
    pub attempted: &'a str,
}

/// After a break the rest may still be sent, anything else ends the upload.
enum Trouble {
    Broken(ClientError),
    Final(ClientError),
}

/// How far the service is.
struct State {
    offset_bytes: u64,
    is_complete: bool,
}

/// An upload that waits for the rest of its data.
#[derive(Deserialize)]
struct Open {
    id: String,
    length: Option<u64>,
}

#[derive(Deserialize)]
struct Listed {
    uploads: Vec<Open>,
}

impl Sending<'_> {
    fn local(&self, error: &std::io::Error) -> ClientError {
        ClientError::local(error, self.attempted, &self.upload.path)
    }

    /// Runs until the caller cancels.
    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, ClientError> {
        tokio::select! {
            biased;
            () = self.progress.token().cancelled() => Err(ClientError::cancelled(self.attempted)),
            result = work => Ok(result),
        }
    }
}

impl Client {
    /// Sends the file, over several connections if they break. `None` when the service knows no such uploads.
    pub(super) async fn send_in_pieces(&self, sending: &Sending<'_>) -> Result<Option<Sums>, ClientError> {
        let size = Source::size_of(&sending.upload.path).await.map_err(|error| sending.local(&error))?;
        sending.progress.set_total(size);
        let Some(upload_id) = self.upload_for(sending, size).await? else { return Ok(None) };
        let mut hashed = Hashed::default();
        let mut state = self.state_in_time(sending, &upload_id, 0).await?;
        let (mut attempts, limits) = (0, self.inner.limits);
        while !state.is_complete {
            let before = state.offset_bytes;
            match self.send_rest(sending, &upload_id, (before, size), &mut hashed).await {
                Ok(()) => break,
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Broken(error)) if attempts >= limits.resumes => return Err(error),
                Err(Trouble::Broken(_)) => {}
            }
            attempts += 1;
            state = self.state_in_time(sending, &upload_id, attempts).await?;
            if state.offset_bytes > before {
                // A connection that brought something was no failed attempt.
                attempts = 1;
            }
        }
        let (path, token) = (&sending.upload.path, sending.progress.token());
        hashed = hashed.up_to(path, size, token).await.map_err(|error| sending.local(&error))?;
        Ok(Some(hashed.finish()))
    }

    /// The upload that an earlier attempt left open, or a new one.
    async fn upload_for(&self, sending: &Sending<'_>, size: u64) -> Result<Option<String>, ClientError> {
        let address = self.address(&["images", &sending.image.id, "uploads"]);
        if sending.image.status == Status::Saving {
            let listed: Listed =
                self.fetch(&Call::new(Method::GET, address.clone(), sending.attempted)).await?;
            if let Some(open) = listed.uploads.into_iter().find(|open| open.length == Some(size)) {
                return Ok(Some(open.id));
            }
        }
        let mut call = Call::new(Method::POST, address, sending.attempted)
            .with(INTEROP, INTEROP_VERSION)
            .with(UPLOAD_COMPLETE, "?0")
            .with(UPLOAD_LENGTH, size.to_string());
        if let Some(store) = &sending.upload.store {
            call = call.with(STORE, store);
        }
        let response = sending.unless_cancelled(self.open(&call)).await??;
        let answer = call.read(response, self.inner.limits.idle).await?;
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Ok(None),
            _ => {
                let answer = call.accept(answer)?;
                let id = last_segment(&answer.headers);
                id.map(Some).ok_or_else(|| {
                    call.error(ErrorKind::Rejected, "the service made an upload and did not say where")
                })
            }
        }
    }

    /// How far the service is. Asked again while it cannot be reached: it may be starting anew.
    async fn state_in_time(
        &self,
        sending: &Sending<'_>,
        upload_id: &str,
        mut attempts: u32,
    ) -> Result<State, ClientError> {
        let limits = self.inner.limits;
        loop {
            if attempts > 0 {
                let wait = limits.back_off.saturating_mul(1 << attempts.saturating_sub(1).min(16));
                sending.unless_cancelled(tokio::time::sleep(wait.min(LONGEST_WAIT))).await?;
            }
            match self.state(sending, upload_id).await {
                Ok(state) => return Ok(state),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Broken(error)) if attempts >= limits.resumes => return Err(error),
                Err(Trouble::Broken(_)) => attempts += 1,
            }
        }
    }

    async fn state(&self, sending: &Sending<'_>, upload_id: &str) -> Result<State, Trouble> {
        let address = self.address(&["images", &sending.image.id, "uploads", upload_id]);
        let call = Call::new(Method::HEAD, address, sending.attempted).with(INTEROP, INTEROP_VERSION);
        let asked = async {
            let response = self.open(&call).await?;
            call.read(response, self.inner.limits.idle).await
        };
        let answer = sending.unless_cancelled(asked).await.map_err(Trouble::Final)?.map_err(sorted)?;
        let answer = call.accept(answer).map_err(sorted)?;
        let offset = text(&answer.headers, &UPLOAD_OFFSET).and_then(|offset| offset.parse().ok());
        let offset_bytes = offset.ok_or_else(|| {
            Trouble::Final(call.error(ErrorKind::Rejected, "the service does not say how far the upload is"))
        })?;
        Ok(State { offset_bytes, is_complete: text(&answer.headers, &UPLOAD_COMPLETE) == Some("?1") })
    }

    /// One connection for the data that is missing, and one call that ends the upload with the digest of all of it.
    async fn send_rest(
        &self,
        sending: &Sending<'_>,
        upload_id: &str,
        (offset, size): (u64, u64),
        hashed: &mut Hashed,
    ) -> Result<(), Trouble> {
        let local = |error: std::io::Error| Trouble::Final(sending.local(&error));
        let address = self.address(&["images", &sending.image.id, "uploads", upload_id]);
        let piece = Call::new(Method::PATCH, address, sending.attempted)
            .with(INTEROP, INTEROP_VERSION)
            .with(CONTENT_TYPE, "application/partial-upload");
        let (path, progress) = (&sending.upload.path, sending.progress);
        progress.set_bytes(offset);
        progress.set_phase(Phase::Moving);
        let known = std::mem::take(hashed).up_to(path, offset, progress.token()).await;
        *hashed = known.map_err(|error| {
            if progress.is_cancelled() {
                Trouble::Final(ClientError::cancelled(sending.attempted))
            } else {
                local(error)
            }
        })?;
        if offset < size {
            let call = piece.clone().with(UPLOAD_OFFSET, offset.to_string()).with(UPLOAD_COMPLETE, "?0");
            let opened = Source::open_at(path, progress, (offset, size), std::mem::take(hashed)).await;
            let mut source = opened.map_err(local)?;
            let answer = self.deliver(&call, &mut source, progress).await;
            let (known, read) = source.finish().await.map_err(local)?;
            *hashed = known;
            // A file that cannot be read breaks the connection too: the cause is the better answer.
            let is_whole = read.map_err(local)?;
            self.judge(&call, answer).await?;
            if !is_whole {
                let message = "the service was content before it had all of the file";
                return Err(Trouble::Broken(call.error(ErrorKind::Transport, message)));
            }
        }
        progress.set_phase(Phase::Storing);
        let mut call = piece.with(UPLOAD_OFFSET, size.to_string()).with(UPLOAD_COMPLETE, "?1");
        if let Some(digest) = digest_field(&hashed.clone().finish()) {
            call = call.with(REPR_DIGEST, digest);
        }
        let ended = self.deliver_body(&call, (Body::from(""), 0), progress).await;
        self.judge(&call, ended).await
    }

    /// Whether the answer to a piece says that it is there.
    async fn judge(&self, call: &Call, answer: Result<Answer, ClientError>) -> Result<(), Trouble> {
        let answer = answer.map_err(sorted)?;
        if answer.status == StatusCode::UNAUTHORIZED {
            let (_, number) = self.token().await;
            return Err(match self.renew(number).await {
                Ok(true) => Trouble::Broken(call.refused(&answer)),
                Ok(false) => Trouble::Final(call.refused(&answer)),
                Err(error) => Trouble::Final(error),
            });
        }
        // Where it goes on was a misunderstanding: it is asked again.
        if answer.status == StatusCode::CONFLICT && answer.headers.contains_key(&UPLOAD_OFFSET) {
            return Err(Trouble::Broken(call.refused(&answer)));
        }
        call.accept(answer).map(|_| ()).map_err(sorted)
    }
}

/// A service that cannot be reached or is in trouble may be well again soon. One that processed all data is not asked
/// for another opinion.
fn sorted(error: ClientError) -> Trouble {
    match error.kind {
        ErrorKind::Transport | ErrorKind::Unavailable => Trouble::Broken(error),
        _ => Trouble::Final(error),
    }
}

/// The digest as RFC 9530 spells it.
fn digest_field(sums: &Sums) -> Option<String> {
    let (_, value) = sums.strong.as_ref()?;
    let digits = |position: usize| u8::from_str_radix(value.get(position..position + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..value.len()).step_by(2).map(digits).collect();
    Some(format!("sha-512=:{}:", STANDARD.encode(bytes?)))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// The id in an address. The rest of it may name a host that only the cloud itself can reach.
fn last_segment(headers: &HeaderMap) -> Option<String> {
    let address = text(headers, &LOCATION)?;
    let id = address.trim_end_matches('/').rsplit('/').next()?;
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_plain.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_spelt_as_a_byte_sequence() {
        let digest = digest_field(&Hashed::default().finish()).expect("a digest");
        assert_eq!(
            digest,
            "sha-512=:z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==:"
        );
    }

    #[test]
    fn only_the_id_of_an_address_is_believed() {
        let id = |location: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, location.parse().expect("a value"));
            last_segment(&headers)
        };
        assert_eq!(id("http://inside:9292/v2/images/a/uploads/b-1").as_deref(), Some("b-1"));
        assert_eq!(id("/v2/images/a/uploads/b-1/").as_deref(), Some("b-1"));
        for bad in ["http://host/v2/..", "/uploads/a?b", "/uploads/%2e"] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }
}
