//! Inspects something in which one can jump, such as a file, and reads only the ranges that matter.

use std::io::{self, Read, Seek, SeekFrom};

use super::capture::{HEAD_BYTES, TAIL_BYTES};
use super::inspector::Inspector;
use super::verdict::Verdict;

/// The verdict on the first `length` bytes of a reader: the same as that of an [`Inspector`] that saw them all, with
/// more details where those lie behind what refers to them.
pub fn inspect_reader<R: Read + Seek>(reader: &mut R, length: u64) -> io::Result<Verdict> {
    let head = read_range(reader, length, 0, HEAD_BYTES)?;
    let tail = read_range(reader, length, length.saturating_sub(TAIL_BYTES as u64), TAIL_BYTES)?;
    let mut inspector = Inspector::seekable(length, head, &tail);
    while let Some(wanted) = inspector.next_wanted() {
        let ((start, wanted_bytes), _) = wanted;
        let bytes = read_range(reader, length, start, wanted_bytes)?;
        inspector.supply(wanted, &bytes);
    }
    Ok(inspector.finish())
}

/// `wanted` bytes from `start`, or fewer where `length` or the reader ends.
fn read_range<R: Read + Seek>(reader: &mut R, length: u64, start: u64, wanted: usize) -> io::Result<Vec<u8>> {
    let most = (wanted as u64).min(length.saturating_sub(start));
    let mut bytes = Vec::new();
    if most > 0 {
        reader.seek(SeekFrom::Start(start))?;
        reader.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
