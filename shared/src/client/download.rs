//! A download: into a `.part` file that a later attempt continues, compared with the service's digest, renamed.

mod part;

use std::path::Path;

use futures_util::StreamExt;
use reqwest::header::{CONTENT_RANGE, ETAG, IF_RANGE};
use reqwest::{Method, Response, StatusCode};
use tokio::time::timeout;

use self::part::Part;
use super::call::Call;
use super::digest::{Comparison, Sums};
use super::progress::{Phase, Progress};
use super::{Client, ClientError, ErrorKind};
use crate::image::Image;

/// A download that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The digest that matched: its name and value. `None` when the service names none to compare with.
    pub digest: Option<(String, String)>,
    /// Length of the file.
    pub size_bytes: u64,
    /// How much of it an earlier attempt had brought.
    pub resumed_bytes: u64,
}

/// What does not change during one download.
struct Order<'a> {
    call: Call,
    image: Image,
    part: &'a Path,
    progress: &'a Progress,
}

/// What the connections of one download have in common.
struct SoFar {
    /// How much an earlier attempt had brought.
    resumed_bytes: u64,
    /// Which data the service sent: the rest is of use only if it still has the same. A real Glance does not say.
    tag: Option<String>,
}

/// A broken connection may be tried again, anything else ends the download.
enum Trouble {
    Broken(ClientError),
    Final(ClientError),
}

impl Order<'_> {
    fn local(&self, error: &std::io::Error) -> ClientError {
        ClientError::local(error, &self.call.attempted, self.part)
    }

    fn algorithm(&self) -> &str {
        self.image.os_hash_algo.as_deref().unwrap_or("sha512")
    }

    async fn open_part(&self) -> Result<Part, ClientError> {
        let part = Part::open(self.part, self.algorithm()).await.map_err(|error| self.local(&error))?;
        self.progress.set_bytes(part.length_bytes());
        Ok(part)
    }

    async fn restart(&self, part: Part) -> Result<Part, ClientError> {
        self.progress.set_bytes(0);
        part.restart().await.map_err(|error| self.local(&error))
    }

    /// Runs until the caller cancels.
    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, ClientError> {
        tokio::select! {
            biased;
            () = self.progress.token().cancelled() => Err(ClientError::cancelled(&self.call.attempted)),
            result = work => Ok(result),
        }
    }
}

impl Client {
    /// Fetches the data of an image into a file. What a broken attempt leaves is `<to>.part`; the next attempt
    /// continues it. The file gets its name only when its digest is right.
    pub async fn download(&self, id: &str, to: &Path, progress: &Progress) -> Result<Verified, ClientError> {
        let attempted = format!("download image {id} to {}", to.display());
        let shown = self.show_image(id).await;
        let image = shown.map_err(|error| ClientError { attempted: attempted.clone(), ..error })?;
        if let Some(size) = image.size {
            progress.set_total(size);
        }
        let call = Call::new(Method::GET, self.address(&["images", id, "file"]), attempted);
        let part = part::path_of(to);
        let order = Order { call, image, part: &part, progress };
        match self.fetch_whole(&order).await {
            Ok((sums, resumed_bytes)) => {
                progress.set_phase(Phase::Verifying);
                let digest = verified(&order, &sums)?;
                part::publish(&part, to)
                    .await
                    .map_err(|error| ClientError::local(&error, &order.call.attempted, to))?;
                Ok(Verified { digest, size_bytes: progress.bytes(), resumed_bytes })
            }
            Err(error) => {
                // A file of ours that could not be opened may be another download's.
                if !matches!(error.kind, ErrorKind::Local(_)) {
                    part::discard_empty(&part).await;
                }
                let kept =
                    (progress.bytes() > 0).then(|| format!("{} holds what came so far", part.display()));
                Err(error.leaving(kept))
            }
        }
    }

    /// Brings the `.part` file to its full length, over several connections if they break.
    async fn fetch_whole(&self, order: &Order<'_>) -> Result<(Sums, u64), ClientError> {
        let mut part = order.open_part().await?;
        let had = part.length_bytes();
        if let Some(size) = order.image.size.filter(|size| had > 0 && had >= *size) {
            // Complete already: an attempt that was stopped before the rename, or one that went wrong.
            let sums = part.finish().await.map_err(|error| order.local(&error))?;
            if had == size && !matches!(sums.compare(&order.image), Comparison::Different { .. }) {
                return Ok((sums, had));
            }
            part = order.restart(order.open_part().await?).await?;
        }
        let mut so_far = SoFar { resumed_bytes: part.length_bytes(), tag: None };
        let (mut retries, mut wait) = (0, self.inner.limits.back_off);
        loop {
            let before = part.length_bytes();
            let error = match self.fetch_rest(order, part, &mut so_far).await {
                Ok(part) => {
                    let sums = part.finish().await.map_err(|error| order.local(&error))?;
                    return Ok((sums, so_far.resumed_bytes));
                }
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Broken(error)) => error,
            };
            part = order.open_part().await?;
            // A connection that brought something was no failed attempt.
            retries = if part.length_bytes() > before { 1 } else { retries + 1 };
            if retries > self.inner.limits.retries {
                return Err(error);
            }
            order.unless_cancelled(tokio::time::sleep(wait)).await?;
            wait = wait.saturating_mul(2).min(super::transport::CONNECT);
        }
    }

    /// One connection: from where the `.part` file ends to the end of the image.
    async fn fetch_rest(&self, order: &Order<'_>, part: Part, so_far: &mut SoFar) -> Result<Part, Trouble> {
        let first = part.length_bytes();
        let mut call = Call { from_byte: (first > 0).then_some(first), ..order.call.clone() };
        if let Some(tag) = so_far.tag.as_ref().filter(|_| first > 0) {
            call = call.with(IF_RANGE, tag);
        }
        let response = order.unless_cancelled(self.open(&call)).await.map_err(Trouble::Final)?;
        let response = response.map_err(Trouble::Final)?;
        so_far.tag = strong_tag(&response).or_else(|| so_far.tag.take());
        let part = match response.status() {
            StatusCode::PARTIAL_CONTENT if starts_at(&response, first) => part,
            // The service does not resume: it sends everything.
            StatusCode::OK => {
                so_far.resumed_bytes = 0;
                order.restart(part).await.map_err(Trouble::Final)?
            }
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if first > 0 => {
                so_far.resumed_bytes = 0;
                order.restart(part).await.map_err(Trouble::Final)?;
                let message = "the service could not continue where the last attempt ended";
                return Err(Trouble::Broken(call.error(ErrorKind::Rejected, message)));
            }
            StatusCode::NO_CONTENT => {
                let message = format!("the image has no data, its status is {}", order.image.status);
                let status = Some(StatusCode::NO_CONTENT.as_u16());
                return Err(Trouble::Final(ClientError {
                    status,
                    ..call.error(ErrorKind::NotFound, message)
                }));
            }
            _ => {
                let answer = call.read(response, self.inner.limits.idle).await.map_err(Trouble::Final)?;
                return Err(Trouble::Final(call.refused(&answer)));
            }
        };
        self.receive(order, response, part).await
    }

    /// Moves the body into the file. The thread that writes has ended when this returns.
    async fn receive(&self, order: &Order<'_>, response: Response, part: Part) -> Result<Part, Trouble> {
        let idle = self.inner.limits.idle;
        order.progress.set_phase(Phase::Moving);
        let mut body = response.bytes_stream();
        let writer = part.append();
        let ended = loop {
            let piece = match order.unless_cancelled(timeout(idle, body.next())).await {
                Ok(Ok(Some(Ok(piece)))) => piece,
                Ok(Ok(None)) => break Ok(()),
                Ok(Ok(Some(Err(error)))) => {
                    let call = &order.call;
                    break Err(Trouble::Broken(ClientError::transport(
                        &error,
                        &call.attempted,
                        call.place(),
                    )));
                }
                Ok(Err(_)) => break Err(Trouble::Broken(order.call.silent(idle))),
                Err(cancelled) => break Err(Trouble::Final(cancelled)),
            };
            let count = piece.len() as u64;
            // The thread has ended: why, it says itself below.
            if writer.pieces.send(piece).await.is_err() {
                break Ok(());
            }
            order.progress.add_bytes(count);
        };
        let part = writer.close().await.map_err(|error| Trouble::Final(order.local(&error)))?;
        ended?;
        match order.image.size {
            Some(size) if part.length_bytes() < size => {
                let message = format!("the data ended after {} of {size} bytes", part.length_bytes());
                Err(Trouble::Broken(order.call.error(ErrorKind::Transport, message)))
            }
            _ => Ok(part),
        }
    }
}

/// The digest that matched. Different digests keep the `.part` file, so that it can be looked at.
fn verified(order: &Order<'_>, sums: &Sums) -> Result<Option<(String, String)>, ClientError> {
    match sums.compare(&order.image) {
        Comparison::Same { algorithm, value } => Ok(Some((algorithm, value))),
        Comparison::Unknown => Ok(None),
        Comparison::Different { algorithm, ours, theirs } => {
            let message = format!(
                "the data is not what the service stored: its {algorithm} is {ours}, that of the image {theirs}"
            );
            let left = format!("{} holds the wrong data; the next attempt starts anew", order.part.display());
            Err(order.call.error(ErrorKind::Corrupt, message).leaving(Some(left)))
        }
    }
}

/// The entity tag of an answer, if it stands for the very bytes.
fn strong_tag(response: &Response) -> Option<String> {
    let tag = response.headers().get(ETAG)?.to_str().ok()?.trim();
    (tag.starts_with('"') && tag.len() > 2).then(|| tag.to_owned())
}

/// Whether a partial answer begins where ours ends: "bytes 100-199/200".
fn starts_at(response: &Response, first: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let start = range.and_then(|range| range.trim().strip_prefix("bytes ")?.split_once('-')?.0.parse().ok());
    start == Some(first)
}
