//! The corpus of the fuzz targets, and some thousands of changes to it, as a plain test on the stable toolchain.
//!
//! What a target checks is in `fuzz/`; libFuzzer itself runs there (`fuzz/run`). The changes are the same on every run.
#![expect(clippy::expect_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::path::PathBuf;

use glasshouse_fuzz::{TARGETS, examine};
use glasshouse_tests::tools::source_root;

const CHANGES_OF_EACH: usize = 60;
/// Values that break arithmetic.
const NASTY: [u64; 8] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];

/// xorshift, from a fixed start.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % bound.max(1)
    }
}

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = source_root().join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .expect("a folder of seeds")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a seed"))).collect()
}

fn change(bytes: &mut Vec<u8>, noise: &mut Noise) {
    for _ in 0..=noise.below(5) {
        let at = noise.below(bytes.len());
        let value = NASTY[noise.below(NASTY.len())];
        let value = if noise.below(2) == 0 { value.to_be_bytes() } else { value.to_le_bytes() };
        let width = [1, 2, 4, 8][noise.below(4)];
        match noise.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..at, value[..width].iter().copied())),
            2 => drop(bytes.drain(at..(at + width).min(bytes.len()))),
            _ => bytes.iter_mut().skip(at).zip(&value[..width]).for_each(|(byte, new)| *byte = *new),
        }
    }
}

#[test]
fn every_target_stands_its_corpus_and_changes_to_it() {
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    for target in TARGETS {
        for (path, seed) in seeds(target.name) {
            // Where a check fails, this is the last line above the words of it.
            println!("{}: {}", target.name, path.display());
            examine(target.name, &seed);
            for _ in 0..CHANGES_OF_EACH {
                let mut bytes = seed.clone();
                change(&mut bytes, &mut noise);
                examine(target.name, &bytes);
            }
        }
    }
}

#[test]
fn an_input_is_the_image_that_it_was_made_of() {
    use std::io::Read as _;
    let mut bytes = vec![0; 100_000];
    bytes[3] = 1;
    bytes[511..514].copy_from_slice(&[2, 3, 4]);
    bytes[99_999] = 5;
    let image = glasshouse_fuzz::Image::decode(&glasshouse_fuzz::Image::encode(&bytes));
    let mut back = Vec::new();
    glasshouse_fuzz::Opened::new(&image).read_to_end(&mut back).expect("memory");
    assert!(back == bytes);
}
