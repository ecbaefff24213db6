//! An upload: the file is read and digested on a thread of its own while it is sent, and what the service says
//! it stored is compared afterwards. In pieces where the service takes them, else with one PUT.

mod line;
mod pieces;
mod source;

use std::path::PathBuf;

use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use reqwest::{Body, Method, StatusCode};
use tokio::time::{Duration, Instant};

use self::pieces::Sending;
use self::source::Source;
use super::call::{Answer, Call, X_AUTH_TOKEN, secret_header};
use super::digest::{Comparison, Sums};
use super::progress::{Phase, Progress};
use super::{Client, ClientError, ErrorKind};
use crate::image::{Image, Status};

/// What to upload, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The file.
    pub path: PathBuf,
    /// Which of several stores is to keep it; the default one otherwise.
    pub store: Option<String>,
}

impl Upload {
    /// A file, into the default store.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), store: None }
    }
}

impl Client {
    /// Sends a file as the data of a queued image and compares what arrived. On failure the error says what is
    /// left on the server; nothing is deleted.
    pub async fn upload(&self, id: &str, upload: Upload, progress: &Progress) -> Result<Image, ClientError> {
        let attempted = format!("upload {} as image {id}", upload.path.display());
        let result = self.upload_and_compare(id, &upload, progress, &attempted).await;
        match result {
            Ok(image) => Ok(image),
            Err(error) => {
                let left = self.left_behind(id, &error).await;
                Err(error.leaving(left))
            }
        }
    }

    async fn upload_and_compare(
        &self,
        id: &str,
        upload: &Upload,
        progress: &Progress,
        attempted: &str,
    ) -> Result<Image, ClientError> {
        // Renews an expired token before gigabytes are sent in vain, and tells of a missing image at once.
        let image = self
            .show_image(id)
            .await
            .map_err(|error| ClientError { attempted: attempted.to_owned(), ..error })?;
        let mut call = Call::new(Method::PUT, self.address(&["images", id, "file"]), attempted)
            .with(CONTENT_TYPE, "application/octet-stream");
        if let Some(store) = &upload.store {
            call = call.with(HeaderName::from_static("x-image-meta-store"), store);
        }
        let sending = Sending { image: &image, upload, progress, attempted };
        let in_pieces = if self.inner.takes_pieces { self.send_in_pieces(&sending).await? } else { None };
        let sums = match in_pieces {
            Some(sums) => sums,
            None => self.send_file(&call, upload, progress).await?,
        };
        progress.set_phase(Phase::Verifying);
        let image = self.show_image(id).await?;
        if let Comparison::Different { algorithm, ours, theirs } = sums.compare(&image) {
            let message = format!(
                "the service stored other bytes than were sent: {algorithm} of the file is {ours}, of the image {theirs}"
            );
            return Err(call.error(ErrorKind::Corrupt, message));
        }
        Ok(image)
    }

    /// Sends the file, a second time with a new token if the first was refused.
    async fn send_file(
        &self,
        call: &Call,
        upload: &Upload,
        progress: &Progress,
    ) -> Result<Sums, ClientError> {
        let mut renewed = false;
        loop {
            let (_, number) = self.token().await;
            progress.set_bytes(0);
            progress.set_phase(Phase::Moving);
            let mut source = Source::open(&upload.path, progress)
                .await
                .map_err(|error| ClientError::local(&error, &call.attempted, &upload.path))?;
            progress.set_total(source.size_bytes());
            let call = call
                .clone()
                .with(HeaderName::from_static("x-openstack-image-size"), source.size_bytes().to_string());
            let answer = self.deliver(&call, &mut source, progress).await;
            let read = source.finish().await.and_then(|(hashed, read)| Ok(read?.then(|| hashed.finish())));
            match answer {
                Ok(answer) if answer.status == StatusCode::UNAUTHORIZED && !renewed => {
                    renewed = self.renew(number).await?;
                    if !renewed {
                        return Err(call.refused(&answer));
                    }
                }
                Ok(answer) => {
                    call.accept(answer)?;
                    return read
                        .map_err(|error| ClientError::local(&error, &call.attempted, &upload.path))?
                        .ok_or_else(|| {
                            let message = "the service was content before it had all of the file";
                            call.error(ErrorKind::Corrupt, message)
                        });
                }
                // A file that cannot be read breaks the connection too: the cause is the better answer.
                Err(error) => {
                    return Err(match read {
                        Err(cause) => ClientError::local(&cause, &call.attempted, &upload.path),
                        Ok(_) => error,
                    });
                }
            }
        }
    }

    /// Sends the file with one call, until the caller cancels or nothing moves any more.
    async fn deliver(
        &self,
        call: &Call,
        source: &mut Source,
        progress: &Progress,
    ) -> Result<Answer, ClientError> {
        let size_bytes = source.size_bytes();
        self.deliver_body(call, (Body::wrap_stream(source.stream()), size_bytes), progress).await
    }

    async fn deliver_body(
        &self,
        call: &Call,
        body: (Body, u64),
        progress: &Progress,
    ) -> Result<Answer, ClientError> {
        tokio::select! {
            biased;
            answer = self.send_body(call, body) => answer,
            () = progress.token().cancelled() => Err(ClientError::cancelled(&call.attempted)),
            error = self.stalled(call, progress) => Err(error),
        }
    }

    async fn send_body(&self, call: &Call, (body, size_bytes): (Body, u64)) -> Result<Answer, ClientError> {
        let mut request = self
            .inner
            .http
            .request(call.method.clone(), call.url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_LENGTH, size_bytes);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let (Some(token), _) = self.token().await {
            request = request.header(X_AUTH_TOKEN, secret_header(&token, &call.attempted)?);
        }
        let request = request.body(body).build();
        let request =
            request.map_err(|error| ClientError::transport(&error, &call.attempted, call.place()))?;
        // The wait for the answer is watched from outside, by the bytes that move.
        let limits = self.inner.limits;
        if line::reaches(&call.url) {
            return line::send(request, call, limits.idle).await;
        }
        let sent = self.inner.http.execute(request).await;
        let response = sent.map_err(|error| ClientError::transport(&error, &call.attempted, call.place()))?;
        call.read(response, limits.idle).await
    }

    /// Ends when nothing has moved for too long.
    async fn stalled(&self, call: &Call, progress: &Progress) -> ClientError {
        let limits = self.inner.limits;
        let (mut seen, mut since) = (progress.bytes(), Instant::now());
        let mut ticks = tokio::time::interval((limits.idle / 8).max(Duration::from_millis(1)));
        loop {
            ticks.tick().await;
            let now = (progress.bytes(), progress.phase());
            if now.0 != seen {
                (seen, since) = (now.0, Instant::now());
            }
            let limit = if now.1 == Phase::Storing { limits.commit } else { limits.idle };
            if since.elapsed() > limit {
                return call.silent(limit);
            }
        }
    }

    /// What became of the image, in words.
    async fn left_behind(&self, id: &str, error: &ClientError) -> Option<String> {
        match error.kind {
            ErrorKind::NotFound | ErrorKind::Gone | ErrorKind::Unauthorized => None,
            ErrorKind::Corrupt => {
                Some(format!("image {id} is on the server with data that cannot be trusted"))
            }
            _ => match self.show_image(id).await {
                Ok(image) if image.status == Status::Saving && self.inner.takes_pieces => Some(format!(
                    "image {id} is on the server in status {} with what came so far; the next attempt goes on from there",
                    image.status
                )),
                Ok(image) => Some(format!("image {id} is on the server in status {}", image.status)),
                Err(error) if error.kind == ErrorKind::NotFound => None,
                Err(_) => Some(format!("image {id} was created; the server does not say what became of it")),
            },
        }
    }
}
