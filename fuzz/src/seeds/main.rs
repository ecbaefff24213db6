//! Writes the seeds of the corpus: images made by qemu-img, sfdisk and the mkfs programs, in the fuzzer's own form.
//!
//! Run it by hand when a format is added: `cargo run --bin make-seeds`. What a run of the fuzzer found is not its
//! business and stays.

mod recipes;

use std::fs;
use std::path::Path;
use std::process::Command;

use glasshouse_fuzz::{Image, TARGETS};
use recipes::{DISK, RECIPES};

/// Longer ones are hardly changed in the right places.
const LONGEST_SEED_BYTES: usize = 16 << 10;

fn main() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let scratch = std::env::temp_dir().join(format!("glasshouse-seeds-{}", std::process::id()));
    fs::create_dir_all(&scratch).expect("a folder for the images");
    run(DISK, &scratch);
    for (target, name, script) in RECIPES {
        assert!(TARGETS.iter().any(|known| known.name == *target), "no target {target}");
        run(script, &scratch);
        let bytes = fs::read(scratch.join("image")).expect("the script makes an image");
        let seed = Image::encode(&bytes);
        println!("{target}/{name}: {} bytes for an image of {}", seed.len(), bytes.len());
        assert!(seed.len() <= LONGEST_SEED_BYTES, "the seed {target}/{name} is too long");
        fs::create_dir_all(corpus.join(target)).expect("a folder for the seeds");
        fs::write(corpus.join(target).join(name), seed).expect("the seed is written");
        fs::remove_file(scratch.join("image")).expect("the image goes");
    }
    fs::remove_dir_all(&scratch).expect("the folder goes");
}

fn run(script: &str, folder: &Path) {
    let path = format!("{}:/sbin:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    let ended = Command::new("sh").args(["-euc", script]).current_dir(folder).env("PATH", path).status();
    assert!(ended.is_ok_and(|status| status.success()), "this failed: {script}");
}
