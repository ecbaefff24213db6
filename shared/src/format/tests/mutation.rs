//! Headers that lie: random changes to real ones must neither panic nor take long.

use std::time::{Duration, Instant};

use super::headers::{gpt_disk, iso, luks1, mbr_disk, qcow2, qed, vmdk_text};
use super::*;

/// A small generator of our own: the same changes on every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound as u64)).unwrap()
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("disk"), mbr_disk()).unwrap();
    let mut seeds = vec![qcow2(2, 1 << 30), qed(), iso(), mbr_disk(), gpt_disk(), luks1()];
    seeds.push(vmdk_text("streamOptimized", "RW 1 SPARSE \"x\"").into_bytes());
    for format in ["qcow2", "vmdk", "vdi", "vhdx", "vpc", "qed", "parallels"] {
        run(folder.path(), "qemu-img", &["convert", "-f", "raw", "-O", format, "disk", "image"]);
        let mut bytes = std::fs::read(folder.path().join("image")).unwrap();
        bytes.truncate(4 << 20);
        seeds.push(bytes);
    }
    seeds
}

/// Values that break arithmetic.
const NASTY: [u64; 8] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];

fn change(bytes: &mut Vec<u8>, noise: &mut Noise) {
    for _ in 0..=noise.below(6) {
        // Mostly where headers are.
        let reach = [128, 600, 4096, bytes.len()][noise.below(4)].min(bytes.len());
        let at = noise.below(reach.max(1));
        let value = NASTY[noise.below(NASTY.len())];
        let value = if noise.below(2) == 0 { value.to_be_bytes() } else { value.to_le_bytes() };
        match noise.below(8) {
            0 => bytes.truncate(at),
            1..=3 => put(bytes, at, &value[..4]),
            4 | 5 => put(bytes, at & !7, &value),
            _ => put(bytes, at, &[noise.next().to_le_bytes()[0]]),
        }
    }
}

#[test]
fn no_header_can_make_the_inspection_panic_or_slow() {
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let started = Instant::now();
    let mut slowest = Duration::ZERO;
    for seed in seeds() {
        for _ in 0..150 {
            let mut bytes = seed.clone();
            change(&mut bytes, &mut noise);
            let piece_bytes = 1 + noise.below(70_000);
            let began = Instant::now();
            let whole = streamed(&bytes, usize::MAX);
            slowest = slowest.max(began.elapsed());
            assert_eq!(streamed(&bytes, piece_bytes), whole);
            let read = inspect_reader(&mut Cursor::new(&bytes), bytes.len() as u64).unwrap();
            assert_eq!(read.formats, whole.formats);
            for format in Format::ALL {
                // A file that refers backwards may be read further than a stream, never the other way round.
                let rules = Rules::default();
                let stream = judge(&whole, format.as_str(), "bare", &rules).is_ok();
                let file = judge(&read, format.as_str(), "bare", &rules).is_ok();
                assert!(file || !stream, "{format}: {whole:?} {read:?}");
            }
            let _words = whole.summary();
        }
    }
    assert!(slowest < Duration::from_secs(2), "one image took {slowest:?} of {:?}", started.elapsed());
}

#[test]
fn a_chain_of_logical_partitions_that_never_ends_is_left() {
    let mut disk = vec![0; 1 << 20];
    for sector in 0..2000 {
        put(&mut disk, sector * 512 + 446 + 4, &[0x83, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
        let next = u32::try_from(sector + 1).unwrap().to_le_bytes();
        put(
            &mut disk,
            sector * 512 + 462 + 4,
            &[0x05, 0, 0, 0, next[0], next[1], next[2], next[3], 1, 0, 0, 0],
        );
        put(&mut disk, sector * 512 + 510, &[0x55, 0xAA]);
    }
    let table = inspected(&disk).contents.partition_table.unwrap();
    assert!((64..=128).contains(&table.partitions.len()), "{}", table.partitions.len());
}
