//! The way of the bytes into a store: body → limit → inspection, two digests and the writer, side by side.
//!
//! One batch is worked on while the next arrives. Each stage runs on the blocking pool for one batch at a time and
//! gives its thread back, so that a slow sender holds no thread and at most two batches of memory.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::task;

use crate::stores::{Batch, StoreError, Writer};
use glasshouse_shared::checksum::{HashDigest, Md5Digest};
use glasshouse_shared::format::{Inspector, Verdict};

/// Frames are collected until they are worth the hop to another thread.
const BATCH_BYTES: usize = 512 * 1024;
/// A sender of tiny frames fills a batch by their number.
const BATCH_FRAMES: usize = 512;

/// The data of an image as it arrives.
pub type Body = BoxStream<'static, Result<Bytes, BodyError>>;

/// Why the data stopped to arrive.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the sender was silent for too long")]
    Silent,
    #[error("the connection broke: {0}")]
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

/// How much may arrive, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// What the client announced; neither more nor less may come.
    pub declared: Option<u64>,
    /// What the operator allows.
    pub maximum: u64,
}

/// What is known of the data once all of it passed.
pub struct Pumped {
    pub size_bytes: u64,
    pub checksum: String,
    pub hash: String,
    pub verdict: Verdict,
}

#[derive(Debug, thiserror::Error)]
pub enum PumpError {
    #[error("{0}")]
    Body(#[from] BodyError),
    #[error("the data is {received} bytes long, {declared} were announced")]
    NotAsDeclared { declared: u64, received: u64 },
    #[error("the data is longer than the {maximum} bytes that are allowed")]
    OverMaximum { maximum: u64 },
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("a stage of the upload failed: {0}")]
    Stage(#[from] task::JoinError),
}

/// Moves the whole body through every stage. The caller commits or cancels the writer.
pub async fn pump(
    body: Body,
    limit: Limit,
    hash: HashDigest,
    writer: &mut dyn Writer,
) -> Result<Pumped, PumpError> {
    let mut source = Source { body, limit, received_bytes: 0, ended: false };
    let mut md5 = Stage(Some(Md5Digest::new()));
    let mut hash = Stage(Some(hash));
    let mut inspector = Stage(Some(Inspector::new()));
    let mut next = source.receive().await?;
    while let Some(batch) = next {
        let work = async {
            tokio::try_join!(
                md5.run(&batch, Md5Digest::update),
                hash.run(&batch, HashDigest::update),
                inspector.run(&batch, Inspector::update),
                async { Ok(writer.write(Arc::clone(&batch)).await?) },
            )
        };
        (_, next) = tokio::try_join!(work, source.receive())?;
    }
    Ok(Pumped {
        size_bytes: source.received_bytes,
        checksum: md5.finish()?.finish(),
        hash: hash.finish()?.finish(),
        verdict: inspector.finish()?.finish(),
    })
}

/// The body, counted.
struct Source {
    body: Body,
    limit: Limit,
    received_bytes: u64,
    ended: bool,
}

impl Source {
    /// The next batch; `None` at the end of a body that is as long as it was announced.
    async fn receive(&mut self) -> Result<Option<Batch>, PumpError> {
        let mut frames = Vec::new();
        let mut batch_bytes = 0;
        while !self.ended && batch_bytes < BATCH_BYTES && frames.len() < BATCH_FRAMES {
            let Some(frame) = self.body.next().await.transpose()? else {
                self.ended = true;
                self.check_end()?;
                break;
            };
            self.count(frame.len())?;
            batch_bytes += frame.len();
            frames.push(frame);
        }
        Ok((!frames.is_empty()).then(|| Arc::new(frames)))
    }

    fn count(&mut self, frame_bytes: usize) -> Result<(), PumpError> {
        self.received_bytes = self.received_bytes.saturating_add(frame_bytes as u64);
        if let Some(declared) = self.limit.declared.filter(|declared| self.received_bytes > *declared) {
            return Err(PumpError::NotAsDeclared { declared, received: self.received_bytes });
        }
        if self.received_bytes > self.limit.maximum {
            return Err(PumpError::OverMaximum { maximum: self.limit.maximum });
        }
        Ok(())
    }

    fn check_end(&self) -> Result<(), PumpError> {
        match self.limit.declared {
            Some(declared) if declared != self.received_bytes => {
                Err(PumpError::NotAsDeclared { declared, received: self.received_bytes })
            }
            _ => Ok(()),
        }
    }
}

/// Something that reads every byte; it is away only while a batch is on the blocking pool.
struct Stage<T>(Option<T>);

impl<T: Send + 'static> Stage<T> {
    async fn run(&mut self, batch: &Batch, step: fn(&mut T, &[u8])) -> Result<(), PumpError> {
        let Some(mut state) = self.0.take() else { return Err(abandoned()) };
        let batch = Arc::clone(batch);
        let worked = task::spawn_blocking(move || {
            batch.iter().for_each(|frame| step(&mut state, frame));
            state
        });
        self.0 = Some(worked.await?);
        Ok(())
    }

    fn finish(self) -> Result<T, PumpError> {
        self.0.ok_or_else(abandoned)
    }
}

fn abandoned() -> PumpError {
    PumpError::Store(StoreError::Other("a stage was abandoned half way".into()))
}
