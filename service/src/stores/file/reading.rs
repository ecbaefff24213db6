//! A file on its way out: out of the page cache where it lies, else read ahead in a thread.
//!
//! What the kernel has in memory is lent to whoever can have the kernel send it, or copied at once, on the thread that
//! sends it, into a buffer that was sent before and is still in the processor's cache. The first block that would have
//! to be waited for moves the stream to the blocking pool, where one block is read while the one before it is on its
//! way to the socket.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream::{Stream, try_unfold};
use tokio::task;

use super::super::{ByteRange, ByteStream, Lender, StoreError};
use super::kernel::{self, is_memory, read_cached};
use super::{READ_BLOCK_BYTES, store_error};

/// A part of a file that is being read.
pub struct Reading {
    file: Arc<File>,
    offset_bytes: u64,
    left_bytes: u64,
    shelf: Arc<Shelf>,
    lender: Option<Lender>,
    /// On a file system that has no disk, and therefore does not tell what of it lies in memory.
    is_memory: bool,
}

impl Reading {
    /// `size_bytes` is how long the file has to be, where that is known.
    pub(super) fn open(
        path: &Path,
        size_bytes: Option<u64>,
        range: Option<ByteRange>,
    ) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|error| store_error(error, path))?;
        Self::of(file, path, size_bytes, range)
    }

    /// [`Self::open`] of a file that the kernel finds without a look at the disk, so that it may be done on a thread
    /// that must not wait. `None` for every other one.
    pub(super) fn open_at_once(
        path: &Path,
        size_bytes: Option<u64>,
        range: Option<ByteRange>,
    ) -> Option<Result<Self, StoreError>> {
        let file = kernel::open_known(path)?;
        Some(Self::of(file, path, size_bytes, range))
    }

    fn of(
        file: File,
        path: &Path,
        size_bytes: Option<u64>,
        range: Option<ByteRange>,
    ) -> Result<Self, StoreError> {
        let stored_bytes = file.metadata().map_err(|error| store_error(error, path))?.len();
        if let Some(recorded_bytes) = size_bytes.filter(|recorded_bytes| *recorded_bytes != stored_bytes) {
            return Err(StoreError::WrongSize { recorded_bytes, stored_bytes });
        }
        let (offset_bytes, left_bytes) =
            range.map_or((0, stored_bytes), |range| (range.offset_bytes, range.length_bytes));
        let (is_memory, file) = (is_memory(&file), Arc::new(file));
        Ok(Self { file, offset_bytes, left_bytes, shelf: Arc::default(), lender: None, is_memory })
    }

    /// The bytes.
    pub fn stream(self) -> ByteStream {
        Box::pin(self.blocks())
    }

    /// The bytes, or in their place what the lender makes of those that lie in memory.
    pub fn stream_lent(self, lender: Lender) -> ByteStream {
        Self { lender: Some(lender), ..self }.stream()
    }

    fn blocks(self) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + Sync {
        try_unfold(Next::Cached(self), |next| async move {
            let pending = match next {
                Next::Cached(reading) if reading.left_bytes == 0 => return Ok(None),
                Next::Cached(mut reading) => match reading.cached_block()? {
                    Some(block) => return Ok(Some((block, Next::Cached(reading)))),
                    None => spawn_read(reading),
                },
                Next::Awaited(pending) => pending,
            };
            let (block, reading) = pending.await.map_err(|error| StoreError::Other(error.into()))??;
            let next = if reading.left_bytes == 0 {
                Next::Cached(reading)
            } else {
                Next::Awaited(spawn_read(reading))
            };
            Ok(Some((block, next)))
        })
    }

    /// What of the next block lies in memory; `None` when it would have to be waited for.
    fn cached_block(&mut self) -> Result<Option<Bytes>, StoreError> {
        if let Some(lent) = self.lent_block() {
            return Ok(Some(lent));
        }
        let mut buffer = self.buffer();
        let read = read_cached(&self.file, &mut buffer.bytes, self.offset_bytes);
        let length = read.map_err(|error| StoreError::Other(error.into()))?;
        length.map(|length| self.block(buffer, length)).transpose()
    }

    /// The next block without reading it, if its first and its last byte lie in memory.
    fn lent_block(&mut self) -> Option<Bytes> {
        let lender = self.lender.as_ref()?;
        let length =
            usize::try_from(self.left_bytes).unwrap_or(lender.block_bytes_max).min(lender.block_bytes_max);
        let is_cached = |offset| matches!(read_cached(&self.file, &mut [0], offset), Ok(Some(1)));
        let last = (self.offset_bytes + length as u64).saturating_sub(1);
        let lies_in_memory = self.is_memory || (is_cached(self.offset_bytes) && is_cached(last));
        let block = lies_in_memory.then(|| (lender.lend)(&self.file, self.offset_bytes, length))?;
        self.offset_bytes += length as u64;
        self.left_bytes -= length as u64;
        Some(block)
    }

    /// The next block, waited for.
    fn next_block(&mut self) -> Result<Bytes, StoreError> {
        let mut buffer = self.buffer();
        let read = read_fully(&self.file, &mut buffer.bytes, self.offset_bytes);
        let length = read.map_err(|error| StoreError::Other(error.into()))?;
        self.block(buffer, length)
    }

    /// A buffer as long as the next block.
    fn buffer(&self) -> Buffer {
        let want = usize::try_from(self.left_bytes).unwrap_or(READ_BLOCK_BYTES).min(READ_BLOCK_BYTES);
        Buffer { bytes: self.shelf.take(want), shelf: Arc::clone(&self.shelf) }
    }

    /// A file that is shorter than it was is an error, never a short answer.
    fn block(&mut self, buffer: Buffer, length: usize) -> Result<Bytes, StoreError> {
        if length == 0 {
            return Err(StoreError::Other("the file ends before its recorded length".into()));
        }
        self.offset_bytes += length as u64;
        self.left_bytes -= length as u64;
        Ok(Bytes::from_owner(buffer).slice(..length))
    }
}

/// How the next block comes.
enum Next {
    Cached(Reading),
    Awaited(task::JoinHandle<Block>),
}

type Block = Result<(Bytes, Reading), StoreError>;

fn spawn_read(mut reading: Reading) -> task::JoinHandle<Block> {
    task::spawn_blocking(move || {
        let block = reading.next_block()?;
        Ok((block, reading))
    })
}

/// Buffers between two uses. A new one costs page faults and zeroing.
#[derive(Default)]
struct Shelf(Mutex<Vec<Vec<u8>>>);

impl Shelf {
    fn take(&self, length: usize) -> Vec<u8> {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut bytes = used.unwrap_or_default();
        bytes.resize(length, 0);
        bytes
    }

    fn put(&self, bytes: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

/// Goes back to its shelf when the last slice of it was sent.
struct Buffer {
    bytes: Vec<u8>,
    shelf: Arc<Shelf>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.shelf.put(std::mem::take(&mut self.bytes));
    }
}

/// Fills the buffer as far as the file goes.
fn read_fully(mut file: &File, buffer: &mut [u8], offset_bytes: u64) -> io::Result<usize> {
    file.seek(SeekFrom::Start(offset_bytes))?;
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures_util::TryStreamExt;

    use super::*;

    fn file_of(data: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(data).expect("written");
        file
    }

    fn data() -> Vec<u8> {
        (0..300_000u32).flat_map(u32::to_le_bytes).collect()
    }

    #[tokio::test]
    async fn both_ways_bring_the_same_bytes() {
        let (data, file) = (data(), file_of(&data()));
        let range = ByteRange { offset_bytes: 11, length_bytes: 1_000_000 };
        let cached = Reading::open(file.path(), None, Some(range)).expect("open").stream();
        let awaited =
            try_unfold(Reading::open(file.path(), None, Some(range)).expect("open"), |mut reading| async {
                if reading.left_bytes == 0 {
                    return Ok(None);
                }
                Ok::<_, StoreError>(Some((reading.next_block()?, reading)))
            });
        let expected = data.get(11..1_000_011).expect("long enough");
        assert!(cached.try_collect::<Vec<_>>().await.expect("read").concat() == expected);
        assert!(awaited.try_collect::<Vec<_>>().await.expect("read").concat() == expected);
    }

    #[tokio::test]
    async fn what_lies_in_memory_is_lent_and_the_rest_is_read() {
        let (data, file) = (data(), file_of(&data()));
        // What is lent is marked; a file that was just written lies in memory.
        let lend = |_: &Arc<File>, offset: u64, length: usize| Bytes::from(format!("<{offset}+{length}>"));
        let lender = Lender { lend: Box::new(lend), block_bytes_max: 700_000 };
        let range = ByteRange { offset_bytes: 11, length_bytes: 1_000_000 };
        let reading = Reading::open(file.path(), None, Some(range)).expect("open");
        let is_lent = reading.is_memory || read_cached(&reading.file, &mut [0], 0).expect("read").is_some();
        let sent = reading.stream_lent(lender).try_collect::<Vec<_>>().await.expect("read").concat();
        if is_lent {
            assert_eq!(String::from_utf8_lossy(&sent), "<11+700000><700011+300000>");
        } else {
            assert!(sent == data[11..1_000_011], "a system that does not tell lends nothing");
        }
    }

    #[test]
    fn a_buffer_is_used_again_only_when_nobody_reads_it() {
        let (data, file) = (data(), file_of(&data()));
        let mut reading = Reading::open(file.path(), None, None).expect("open");
        let shelf = Arc::clone(&reading.shelf);
        let on_shelf = || shelf.0.lock().expect("the lock").len();
        let first = reading.next_block().expect("read");
        let second = reading.next_block().expect("read");
        assert_eq!((first.len(), second.len(), on_shelf()), (READ_BLOCK_BYTES, READ_BLOCK_BYTES, 0));
        assert!(first == data[..READ_BLOCK_BYTES] && second == data[READ_BLOCK_BYTES..2 * READ_BLOCK_BYTES]);
        drop(first);
        assert_eq!(on_shelf(), 1);
        let third = reading.next_block().expect("read");
        assert_eq!(on_shelf(), 0);
        assert!(
            second == data[READ_BLOCK_BYTES..2 * READ_BLOCK_BYTES]
                && third == data[2 * READ_BLOCK_BYTES..3 * READ_BLOCK_BYTES]
        );
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_an_error() {
        let file = file_of(&data());
        let reading = Reading::open(file.path(), None, None).expect("open");
        file.as_file().set_len(500_000).expect("cut");
        assert!(reading.stream().try_collect::<Vec<_>>().await.is_err());
    }
}
