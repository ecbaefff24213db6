//! What a driver must know: how to keep bytes under an image id. It knows nothing of images.

use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use jiff::Timestamp;

use super::StoreError;
use super::file::Reading;

/// Frames as they came from the network, shared between the stages of the pump without a copy.
pub type Batch = Arc<Vec<Bytes>>;

/// The bytes of an image on their way out. `Sync` because the HTTP body asks for it.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send + Sync>>;

/// The bytes of an image that were found.
pub enum Content {
    /// In a file of this system, where the kernel may send them by itself.
    File(Reading),
    Stream(ByteStream),
}

impl Content {
    /// The bytes, wherever they lie.
    pub fn stream(self) -> ByteStream {
        match self {
            Self::File(reading) => reading.stream(),
            Self::Stream(bytes) => bytes,
        }
    }
}

/// File, offset and length in bytes.
pub type Lend = Box<dyn Fn(&Arc<File>, u64, usize) -> Bytes + Send + Sync>;

/// Makes something that stands for a part of a file, for whoever sends it without reading it.
pub struct Lender {
    pub lend: Lend,
    pub block_bytes_max: usize,
}

/// Which bytes: `length_bytes` from `offset_bytes` on. Both lie within the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    pub offset_bytes: u64,
    pub length_bytes: u64,
}

/// Something that a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    pub url: String,
    pub size_bytes: u64,
}

/// Something that is not whole yet, and was kept to go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptObject {
    pub id: String,
    pub size_bytes: u64,
}

/// Keeps bytes under an image id.
#[async_trait]
pub trait Backend: Send + Sync {
    /// First part of the locations that it writes: `file`, `http`, …
    fn scheme(&self) -> &'static str;

    /// Whether it can read locations that begin so.
    fn reads(&self, scheme: &str) -> bool {
        scheme == self.scheme()
    }

    /// Opens a place for the bytes of `id`. `Duplicate` when something is stored under it already.
    async fn writer(&self, id: &str, size_hint_bytes: Option<u64>) -> Result<Box<dyn Writer>, StoreError>;

    /// The bytes behind `url`, whole or a part. `WrongSize` before the first byte when the object is not as long as
    /// `size_bytes` says, where the driver can tell.
    async fn reader(
        &self,
        url: &str,
        size_bytes: Option<u64>,
        range: Option<ByteRange>,
    ) -> Result<ByteStream, StoreError>;

    /// The same, in the form that is the cheapest to send.
    async fn open(
        &self,
        url: &str,
        size_bytes: Option<u64>,
        range: Option<ByteRange>,
    ) -> Result<Content, StoreError> {
        self.reader(url, size_bytes, range).await.map(Content::Stream)
    }

    /// Length of what lies behind `url`, in bytes.
    async fn size(&self, url: &str) -> Result<u64, StoreError>;

    /// The URL that a commit under `id` answers.
    fn location(&self, id: &str) -> Result<String, StoreError>;

    /// Removes what lies behind `url`. `NotFound` when nothing does.
    async fn delete(&self, url: &str) -> Result<(), StoreError>;

    /// Writes, reads and deletes a small object, to find out before the first request whether that works.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Everything that is stored whole. A driver that only reads keeps nothing of ours.
    async fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        Ok(Vec::new())
    }

    /// Takes what lies behind `url` out of sight, where it can be brought back from until it is purged.
    async fn set_aside(&self, _url: &str, _now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    /// Removes what was set aside before that moment; answers how many.
    async fn purge(&self, _before: Timestamp) -> Result<usize, StoreError> {
        Ok(0)
    }

    /// Goes on with what a writer kept of `id`, from `offset_bytes` on; what lies behind goes. `NotFound` when less
    /// than that was kept, `Duplicate` while another writer has it. From 0 on it begins.
    ///
    /// The caller has seen to it that nobody else's bytes can lie under `id`: a commit that nobody came to know of is
    /// taken back.
    async fn resume(
        &self,
        _id: &str,
        _offset_bytes: u64,
        _size_hint_bytes: Option<u64>,
    ) -> Result<Box<dyn Writer>, StoreError> {
        Err(StoreError::ReadOnly)
    }

    /// A part of what was kept of `id`.
    async fn read_kept(&self, _id: &str, _range: ByteRange) -> Result<ByteStream, StoreError> {
        Err(StoreError::NotFound)
    }

    /// Everything that was kept to go on with.
    async fn list_kept(&self) -> Result<Vec<KeptObject>, StoreError> {
        Ok(Vec::new())
    }

    /// Removes what was kept of `id`. `NotFound` when nothing was, `Duplicate` while a writer has it.
    async fn discard(&self, _id: &str) -> Result<(), StoreError> {
        Err(StoreError::NotFound)
    }

    /// Removes what writers of dead processes left behind; answers how many.
    async fn sweep(&self) -> Result<usize, StoreError>;
}

/// Bytes become visible at `commit`, and only then. Dropping cancels, unless it was opened to resume.
#[async_trait]
pub trait Writer: Send {
    async fn write(&mut self, batch: Batch) -> Result<(), StoreError>;

    /// Makes the bytes durable and visible; answers the URL of the location.
    async fn commit(self: Box<Self>) -> Result<String, StoreError>;

    /// Makes what was written so far durable, so that it can be resumed from here whatever happens.
    async fn flush(&mut self) -> Result<(), StoreError>;

    /// Lets go of what was written, and leaves it for [`Backend::resume`].
    async fn keep(self: Box<Self>) -> Result<(), StoreError>;

    /// Removes everything that was written.
    async fn cancel(self: Box<Self>);
}
