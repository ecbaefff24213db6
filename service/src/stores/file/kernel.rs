//! What the kernel has in memory, and what it would have to wait for. Systems that do not tell have nothing in memory.

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
    use rustix::io::{Errno, ReadWriteFlags};

    /// A file whose path the kernel knows. `None` for every other one, and where that cannot be said.
    pub fn open_known(path: &Path) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok().map(File::from)
    }

    /// What of a file lies in memory; `None` when nothing does, or when the file system cannot tell.
    pub fn read_cached(file: &File, buffer: &mut [u8], offset_bytes: u64) -> io::Result<Option<usize>> {
        let mut slices = [io::IoSliceMut::new(buffer)];
        match rustix::io::preadv2(file, &mut slices, offset_bytes, ReadWriteFlags::NOWAIT) {
            Ok(length) => Ok(Some(length)),
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a file lies on a file system that has no disk, and therefore does not tell what of it lies in memory.
    pub fn is_memory(file: &File) -> bool {
        /// `TMPFS_MAGIC` and `RAMFS_MAGIC` of `linux/magic.h`.
        const MAGIC: [u64; 2] = [0x0102_1994, 0x8584_58f6];
        rustix::fs::fstatfs(file)
            .is_ok_and(|system| u64::try_from(system.f_type).is_ok_and(|kind| MAGIC.contains(&kind)))
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub fn open_known(_path: &Path) -> Option<File> {
        None
    }

    pub fn read_cached(_file: &File, _buffer: &mut [u8], _offset_bytes: u64) -> io::Result<Option<usize>> {
        Ok(None)
    }

    pub fn is_memory(_file: &File) -> bool {
        false
    }
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{is_memory, open_known, read_cached};
#[cfg(target_os = "linux")]
pub use linux::{is_memory, open_known, read_cached};

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_file_that_was_just_made_is_known_and_one_that_is_not_there_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("image");
        std::fs::write(&path, "data").expect("written");
        let mut data = String::new();
        // A kernel older than 5.12 knows none.
        if let Some(mut file) = open_known(&path) {
            file.read_to_string(&mut data).expect("read");
            assert_eq!(data, "data");
        }
        assert!(open_known(&folder.path().join("other")).is_none());
    }
}
