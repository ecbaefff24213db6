//! Tests of the inspection as a whole, and the fixtures that they share.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

mod disks;
mod headers;
mod lies;
mod matrix;
mod mutation;
mod os;
mod parents;
mod reader;
mod table;

/// The verdict of a stream that comes in pieces of this size.
fn streamed(bytes: &[u8], piece_bytes: usize) -> Verdict {
    let mut inspector = Inspector::new();
    for piece in bytes.chunks(piece_bytes) {
        inspector.update(piece);
    }
    assert!(inspector.held_bytes() < 4 << 20, "an inspector keeps little");
    inspector.finish()
}

/// The verdict of a file, after asserting that streams of it come to the same, however they are cut.
fn inspected(bytes: &[u8]) -> Verdict {
    let whole = streamed(bytes, usize::MAX);
    for (piece_bytes, most_bytes) in [(4096, usize::MAX), (7, 1 << 20), (1, 256 << 10)] {
        if bytes.len() <= most_bytes {
            assert_eq!(streamed(bytes, piece_bytes), whole, "in pieces of {piece_bytes}");
        }
    }
    let read = inspect_reader(&mut Cursor::new(bytes), bytes.len() as u64).unwrap();
    assert_eq!((&read.formats, read.format), (&whole.formats, whole.format));
    assert_eq!(read.virtual_size_bytes, whole.virtual_size_bytes);
    assert_eq!(read.failures, whole.failures);
    read
}

/// Writes bytes at a position, making room for them.
fn put(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    bytes.resize(bytes.len().max(at + what.len()), 0);
    bytes[at..at + what.len()].copy_from_slice(what);
}

/// Whether a program can be used; where tests must be complete, a missing one fails the test.
fn has_program(name: &str) -> bool {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&places).collect();
    places.extend(["/sbin".into(), "/usr/sbin".into()]);
    let found = places.iter().any(|place| place.join(name).exists());
    let required = std::env::var_os("GLASSHOUSE_TEST_REQUIRE").is_some() || std::env::var_os("CI").is_some();
    assert!(found || !required, "{name} is needed by the tests");
    found
}

/// Runs a program in a folder and gives back what it printed.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let path = format!("{}:/sbin:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(program).args(arguments).current_dir(folder).env("PATH", path).output();
    let output = output.unwrap_or_else(|error| panic!("{program} could not be started: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
