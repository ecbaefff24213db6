//! A file is read where it matters and nowhere else.

use std::io::{self, Read, Seek, SeekFrom};

use super::headers::{gpt_disk, qcow2};
use super::*;

/// A file of zeros with some bytes in it, which counts what is read.
struct Sparse {
    pieces: Vec<(u64, Vec<u8>)>,
    length: u64,
    position: u64,
    read_bytes: u64,
}

impl Sparse {
    fn new(length: u64, pieces: Vec<(u64, Vec<u8>)>) -> Self {
        Self { pieces, length, position: 0, read_bytes: 0 }
    }
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = usize::try_from((self.length - self.position).min(buffer.len() as u64)).unwrap();
        for (byte, at) in buffer[..count].iter_mut().zip(self.position..) {
            let value = |(start, bytes): &(u64, Vec<u8>)| {
                at.checked_sub(*start).and_then(|index| bytes.get(usize::try_from(index).unwrap())).copied()
            };
            *byte = self.pieces.iter().find_map(value).unwrap_or(0);
        }
        self.position += count as u64;
        self.read_bytes += count as u64;
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(position) = to else { panic!("only ever from the start") };
        self.position = position;
        Ok(position)
    }
}

/// A superblock of ext2 at its place in a volume.
fn ext2() -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    put(&mut bytes, 1024 + 56, &0xEF53u16.to_le_bytes());
    bytes
}

#[test]
fn a_huge_disk_is_understood_from_a_few_kilobytes() {
    let length = 8 << 40;
    let start_sector = 1u64 << 32;
    let mut head = gpt_disk();
    put(&mut head, 512, b"EFI PART");
    put(&mut head, 512 + 72, &2u64.to_le_bytes());
    put(&mut head, 512 + 80, &128u32.to_le_bytes());
    put(&mut head, 512 + 84, &128u32.to_le_bytes());
    put(&mut head, 1024, &[7; 16]);
    put(&mut head, 1024 + 32, &start_sector.to_le_bytes());
    put(&mut head, 1024 + 40, &(start_sector + 9).to_le_bytes());
    let mut file = Sparse::new(length, vec![(0, head), (start_sector * 512, ext2())]);
    let verdict = inspect_reader(&mut file, length).unwrap();
    assert_eq!((verdict.format, verdict.virtual_size_bytes), (Format::Gpt, Some(length)));
    let partition = &verdict.contents.partition_table.unwrap().partitions[0];
    assert_eq!((partition.start_bytes, partition.size_bytes), (start_sector * 512, 5120));
    assert_eq!(partition.file_system.as_ref().unwrap().kind, "ext2");
    assert!(file.read_bytes < 512 << 10, "{} bytes were read", file.read_bytes);
}

#[test]
fn a_file_may_refer_backwards_where_a_stream_may_not() {
    let length = 16 << 20;
    let mut head = qcow2(3, 1 << 30);
    put(&mut head, 36, &1u32.to_be_bytes());
    put(&mut head, 40, &(12u64 << 20).to_be_bytes());
    let table = |target: u64| target.to_be_bytes().to_vec();
    // The first table is behind the second, and that one behind the guest's first cluster.
    let pieces = vec![(0, head), (12 << 20, table(8 << 20)), (8 << 20, table(4 << 20)), (4 << 20, ext2())];
    let mut file = Sparse::new(length, pieces);
    let read = inspect_reader(&mut file, length).unwrap();
    assert_eq!(read.contents.file_system.map(|found| found.kind), Some("ext2"));
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let passed = streamed(&bytes, 65536);
    assert_eq!((passed.format, passed.virtual_size_bytes), (read.format, read.virtual_size_bytes));
    assert_eq!(passed.contents, Contents::default());
}

#[test]
fn a_file_that_is_shorter_than_said_is_no_panic() {
    let mut short = Cursor::new(qcow2(3, 1 << 30));
    let verdict = inspect_reader(&mut short, 1 << 40).unwrap();
    assert_eq!(verdict.format, Format::Qcow2);
}
