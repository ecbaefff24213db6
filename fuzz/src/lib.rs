//! Checks of the disk-image inspection on bytes that nobody chose: what a target of the fuzzer does with one input.
//!
//! The same function is run by libFuzzer (`fuzz/run`) and, over the corpus and changes to it, by a plain test. Which
//! bytes make an image is in `image`, what must hold for every image in `checks`.

mod checks;
mod image;
mod marks;

pub use image::{Image, Opened};
pub use marks::{TARGETS, Target};

/// Makes an image of the input, sets the marks of the target's format into it, and asserts what must hold.
///
/// # Panics
/// If the inspection does what it must not, which is what the fuzzer looks for; or if there is no such target.
pub fn examine(target: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|known| known.name == target).expect("a target of this name");
    let mut image = Image::decode(input);
    (target.mark)(&mut image);
    let verdict = checks::check(&image, seed_of(input));
    if let Some(format) = target.format
        && image.length() >= target.needs_bytes
    {
        assert!(verdict.formats.contains(&format), "an image with the marks of {format} is not taken for it");
    }
}

/// A number that depends on every byte: how the image is cut must be the same on every run.
fn seed_of(input: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    input.iter().fold(0xcbf2_9ce4_8422_2325, mix) | 1
}
