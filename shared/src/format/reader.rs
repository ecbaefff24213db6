//! Inspects something in which one can jump, such as a file, and reads only the ranges that matter.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use super::Format;
use super::capture::{HEAD_BYTES, Missing, TAIL_BYTES};
use super::contents::Disk;
use super::guest::Guest;
use super::inspector::Inspector;
use super::operating_system;
use super::verdict::Verdict;

/// What is read at most to find an operating system.
const MOST_BYTES: usize = 8 << 20;

/// The verdict on the first `length` bytes of a reader: the same as that of an [`Inspector`] that saw them all, with
/// more details where those lie behind what refers to them, and with the operating system where it can be found.
pub fn inspect_reader<R: Read + Seek>(reader: &mut R, length: u64) -> io::Result<Verdict> {
    let head = read_range(reader, length, 0, HEAD_BYTES)?;
    let tail = read_range(reader, length, length.saturating_sub(TAIL_BYTES as u64), TAIL_BYTES)?;
    let mut inspector = Inspector::seekable(length, head, &tail);
    while let Some(wanted) = inspector.next_wanted() {
        let ((start, wanted_bytes), _) = wanted;
        let bytes = read_range(reader, length, start, wanted_bytes)?;
        inspector.supply(wanted, &bytes);
    }
    let mut verdict = inspector.finish();
    let file = Opened {
        reader: RefCell::new(reader),
        length,
        rest_bytes: Cell::new(MOST_BYTES),
        tables: RefCell::default(),
    };
    verdict.contents.operating_system = match verdict.format {
        Format::Raw | Format::Gpt => operating_system::find(&file, &verdict.contents),
        Format::Iso | Format::Luks => None,
        Format::Qcow2 | Format::Qed | Format::Vhd | Format::Vhdx | Format::Vmdk | Format::Vdi => {
            let guest = Guest::open(&file).ok().flatten();
            guest.and_then(|guest| operating_system::find(&guest, &verdict.contents))
        }
    };
    Ok(verdict)
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

/// The file as a disk that can be read anywhere, until it was read enough.
struct Opened<'a, R> {
    reader: RefCell<&'a mut R>,
    length: u64,
    rest_bytes: Cell<usize>,
    /// The tables of a format are asked for again for each block.
    tables: RefCell<BTreeMap<(u64, usize), Vec<u8>>>,
}

impl<R: Read + Seek> Disk for Opened<'_, R> {
    fn read(&self, start: u64, length: usize) -> Result<Cow<'_, [u8]>, Missing> {
        if let Some(bytes) = self.tables.borrow().get(&(start, length)) {
            return Ok(Cow::Owned(bytes.clone()));
        }
        let rest = self.rest_bytes.get().checked_sub(length.max(512)).ok_or(Missing::Never)?;
        self.rest_bytes.set(rest);
        // A file that cannot be read is known by now; whatever fails here only leaves the system unknown.
        let bytes = read_range(*self.reader.borrow_mut(), self.length, start, length);
        let bytes = bytes.ok().filter(|bytes| bytes.len() == length).ok_or(Missing::Never)?;
        self.tables.borrow_mut().insert((start, length), bytes.clone());
        Ok(Cow::Owned(bytes))
    }
}
