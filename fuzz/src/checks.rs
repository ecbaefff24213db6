//! What must hold for every image, however broken.

use glasshouse_shared::format::{Format, Inspector, Rules, Verdict, disk_format_for, inspect_reader, judge};

use crate::image::{Image, Opened};

/// What an inspector may keep of a stream.
const MOST_HELD_BYTES: usize = 4 << 20;
/// What may be read of a file, which is only ever looked at in places.
const MOST_READ_BYTES: u64 = 16 << 20;
const MOST_SEEKS: u64 = 16 * 1024;

/// Inspects the image in three ways and compares.
pub(crate) fn check(image: &Image, seed: u64) -> Verdict {
    let whole = streamed(image, None);
    let cut = streamed(image, Some(seed));
    assert_eq!(cut, whole, "the verdict depends on how the stream is cut");

    let mut file = Opened::new(image);
    let read = inspect_reader(&mut file, image.length()).expect("reading memory does not fail");
    assert!(file.read_bytes <= MOST_READ_BYTES, "{} bytes were read", file.read_bytes);
    assert!(file.seeks <= MOST_SEEKS, "{} places were read", file.seeks);
    assert_eq!(read.formats, whole.formats, "a file is taken for something else than a stream");
    for format in Format::ALL {
        let decide = |verdict| judge(verdict, format.as_str(), "bare", &Rules::default());
        // A file that refers backwards is read further than a stream, so it may be trusted more; never the other way.
        assert!(
            decide(&read).is_ok() || decide(&whole).is_err(),
            "a stream of {format} is accepted, a file is not"
        );
    }
    for verdict in [&read, &whole] {
        tell(verdict);
    }
    whole
}

/// The verdict of a stream: in large pieces, or cut at places that a number decides.
fn streamed(image: &Image, seed: Option<u64>) -> Verdict {
    let mut inspector = Inspector::new();
    let mut noise = seed.unwrap_or(1);
    let mut position = 0;
    while position < image.length() {
        let most = match seed {
            None => usize::MAX,
            Some(_) => {
                // xorshift: the same pieces on every run.
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                // Many cuts where something stands, few in the zeros between.
                let sizes: &[usize] = if image.is_written(position) {
                    &[1, 3, 8, 64, 511, 512]
                } else {
                    &[1, 4095, 65536, 65536]
                };
                sizes[usize::try_from(noise >> 33).unwrap_or(0) % sizes.len()]
            }
        };
        let piece = image.piece(position, most);
        inspector.update(piece);
        position += piece.len() as u64;
    }
    let held = inspector.held_bytes();
    assert!(held <= MOST_HELD_BYTES, "{held} bytes are held");
    inspector.finish()
}

/// Whatever is told about it can be told.
fn tell(verdict: &Verdict) {
    let summary = verdict.summary();
    assert!(!summary.is_empty() && !summary.chars().any(char::is_control), "{summary:?}");
    let document = serde_json::to_vec(verdict).expect("a verdict becomes JSON");
    assert!(document.len() < 1 << 20, "a verdict of {} bytes", document.len());
    let _proposed = disk_format_for(verdict);
}
