//! Room on the disk that is taken ahead of the data, so that a file of known length lies in few pieces.
//!
//! Some steps ahead only: who announces a terabyte and sends nothing takes no terabyte from others.

use std::fs::File;
use std::io;

use super::super::is_full;

/// Smaller files gain nothing.
const WORTHWHILE_BYTES: u64 = 8 * 1024 * 1024;
const STEP_BYTES: u64 = 64 * 1024 * 1024;

/// How far a file has room, and how far it will go.
pub(super) struct Reserve {
    end_bytes: u64,
    goal_bytes: u64,
}

impl Reserve {
    pub(super) fn of(size_hint_bytes: Option<u64>) -> Self {
        let goal_bytes = size_hint_bytes.filter(|size| *size >= WORTHWHILE_BYTES).unwrap_or(0);
        Self { end_bytes: 0, goal_bytes }
    }

    /// Makes sure of room for what is written next. Fails only when there is none for that: whatever else is wrong,
    /// the write tells.
    pub(super) fn take(&mut self, file: &File, offset_bytes: u64, length_bytes: u64) -> io::Result<()> {
        let needed_bytes = offset_bytes.saturating_add(length_bytes);
        if needed_bytes <= self.end_bytes || self.end_bytes >= self.goal_bytes {
            return Ok(());
        }
        let start_bytes = self.end_bytes.max(offset_bytes);
        let end_bytes = needed_bytes.saturating_add(STEP_BYTES).min(self.goal_bytes);
        let taken = match end_bytes.checked_sub(start_bytes).filter(|room| *room > 0) {
            Some(room) => allocate(file, start_bytes, room),
            None => Err(io::ErrorKind::Unsupported.into()),
        };
        match taken {
            Ok(()) => self.end_bytes = end_bytes,
            Err(error) if is_full(&error) => {
                // Some of it may have been taken all the same. A full disk is not asked ahead again; for this it has to
                // have room, for the rest it need not if the rest is holes.
                (self.end_bytes, self.goal_bytes) = (end_bytes, 0);
                return match allocate(file, offset_bytes, length_bytes) {
                    Err(error) if is_full(&error) => Err(error),
                    _ => Ok(()),
                };
            }
            // Not every file system can.
            Err(_) => self.goal_bytes = 0,
        }
        Ok(())
    }

    /// A hole needs no room; what was taken for it goes back.
    pub(super) fn give_back(&self, file: &File, offset_bytes: u64, length_bytes: u64) -> io::Result<()> {
        let taken_bytes = self.end_bytes.saturating_sub(offset_bytes).min(length_bytes);
        if taken_bytes == 0 {
            return Ok(());
        }
        // Some file systems punch nothing behind the end of a file.
        file.set_len(offset_bytes + length_bytes)?;
        punch(file, offset_bytes, taken_bytes)
    }
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, offset_bytes: u64, length_bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::retry_on_intr;
    Ok(retry_on_intr(|| fallocate(file, FallocateFlags::KEEP_SIZE, offset_bytes, length_bytes))?)
}

#[cfg(not(target_os = "linux"))]
fn allocate(_file: &File, _offset_bytes: u64, _length_bytes: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
fn punch(file: &File, offset_bytes: u64, length_bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::{Errno, retry_on_intr};
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    match retry_on_intr(|| fallocate(file, flags, offset_bytes, length_bytes)) {
        // Room that stays taken reads as zeros just as well. A full disk may have no place for the list of holes.
        Err(Errno::OPNOTSUPP | Errno::NOSPC) => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
fn punch(_file: &File, _offset_bytes: u64, _length_bytes: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn allocated_bytes(file: &File) -> u64 {
        file.metadata().expect("metadata").blocks() * 512
    }

    #[test]
    fn room_is_taken_in_steps_and_never_beyond_the_goal() {
        let mut file = tempfile::tempfile().expect("a file");
        let mut reserve = Reserve::of(Some(70 * MIB));
        reserve.take(&file, 0, MIB).expect("room");
        if reserve.goal_bytes == 0 {
            return; // The file system of the temporary folder cannot.
        }
        assert_eq!((reserve.end_bytes, file.metadata().expect("metadata").len()), (65 * MIB, 0));
        assert!(allocated_bytes(&file) >= 65 * MIB);
        file.write_all(&[1]).expect("write");
        reserve.take(&file, 65 * MIB, MIB).expect("room");
        assert_eq!(reserve.end_bytes, 70 * MIB);
    }

    #[test]
    fn a_hole_gives_its_room_back_and_harms_nothing_beside_it() {
        let mut file = tempfile::tempfile().expect("a file");
        let mut reserve = Reserve::of(Some(40 * MIB));
        reserve.take(&file, 0, 10).expect("room");
        file.write_all(b"0123456789").expect("write");
        reserve.give_back(&file, 10, 30 * MIB).expect("punched");
        file.seek(SeekFrom::Start(10 + 30 * MIB)).expect("seek");
        file.write_all(b"end").expect("write");
        file.set_len(40 * MIB).expect("length");
        assert!(allocated_bytes(&file) <= 11 * MIB, "{} bytes", allocated_bytes(&file));
        let mut start = [0; 12];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut start, 0).expect("read");
        assert_eq!(&start, b"0123456789\0\0");
    }

    #[test]
    fn without_an_announced_length_nothing_is_taken() {
        let file = tempfile::tempfile().expect("a file");
        for hint in [None, Some(MIB)] {
            let mut reserve = Reserve::of(hint);
            reserve.take(&file, 0, MIB).expect("room");
            assert_eq!((reserve.end_bytes, allocated_bytes(&file)), (0, 0));
        }
    }
}
