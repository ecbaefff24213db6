//! The pump over bodies made here and a writer that remembers.

use async_trait::async_trait;
use futures_util::stream;

use super::*;

/// Keeps what it is given, up to a length.
struct Memory {
    bytes: Vec<u8>,
    room_bytes: usize,
}

#[async_trait]
impl Writer for Memory {
    async fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.bytes.extend(batch.concat());
        if self.bytes.len() > self.room_bytes {
            return Err(StoreError::Full(std::io::ErrorKind::StorageFull.into()));
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<String, StoreError> {
        Ok("memory://".to_owned())
    }

    async fn cancel(self: Box<Self>) {}
}

fn memory(room_bytes: usize) -> Memory {
    Memory { bytes: Vec::new(), room_bytes }
}

fn order(declared: Option<u64>) -> Order {
    let hashes = ["sha512", "sha256"].map(|name| HashDigest::new(name).expect("known")).to_vec();
    Order { limit: Limit { declared, maximum: 1 << 40 }, hashes, stops_when_unsafe: true }
}

/// Frames of different lengths out of `data`.
fn frames(data: &[u8]) -> Vec<Bytes> {
    let mut rest = data;
    let mut frames = Vec::new();
    for length in [1, 700_000, 16, 65_536, 300_000].into_iter().cycle() {
        let (frame, after) = rest.split_at(rest.len().min(length));
        frames.push(Bytes::copy_from_slice(frame));
        rest = after;
        if rest.is_empty() {
            return frames;
        }
    }
    frames
}

fn body_of(frames: Vec<Bytes>) -> Body {
    stream::iter(frames.into_iter().map(Ok)).boxed()
}

/// A body that never ends.
fn endless(first: Vec<Bytes>) -> Body {
    stream::iter(first.into_iter().map(Ok)).chain(stream::pending()).boxed()
}

/// A qcow2 that names a file of the host as its backing file.
fn hostile() -> Vec<u8> {
    let mut image = vec![0; 1 << 20];
    image[..8].copy_from_slice(b"QFI\xfb\0\0\0\x02");
    image[8..20].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 72, 0, 0, 0, 11]);
    image[20..24].copy_from_slice(&[0, 0, 0, 16]);
    image[72..83].copy_from_slice(b"/etc/passwd");
    image
}

#[tokio::test]
async fn every_reader_sees_every_byte_in_order() {
    let data: Vec<u8> = (0..2_500_000u32).flat_map(u32::to_le_bytes).collect();
    let mut writer = memory(usize::MAX);
    let size = data.len() as u64;
    let pumped = pump(body_of(frames(&data)), order(Some(size)), &mut writer).await.expect("pumped");
    assert!(writer.bytes == data, "what is written is what arrived");
    let digest_of = |name: &str| {
        let mut digest = HashDigest::new(name).expect("known");
        digest.update(&data);
        digest.finish()
    };
    assert_eq!(pumped.size_bytes, size);
    assert_eq!(pumped.checksum, digest_of("md5"));
    assert_eq!(pumped.hashes, [digest_of("sha512"), digest_of("sha256")]);
    assert_eq!(pumped.verdict.size_bytes, size);
}

#[tokio::test]
async fn nothing_is_a_body_too() {
    let pumped = pump(body_of(Vec::new()), order(None), &mut memory(0)).await.expect("pumped");
    assert_eq!((pumped.size_bytes, pumped.checksum.as_str()), (0, "d41d8cd98f00b204e9800998ecf8427e"));
}

#[tokio::test]
async fn a_store_that_fails_ends_the_transfer_of_a_sender_that_waits() {
    let body = endless(frames(&vec![7; 3_000_000]));
    let failed = pump(body, order(None), &mut memory(1000)).await;
    assert!(matches!(failed.err(), Some(PumpError::Store(StoreError::Full(_)))));
}

#[tokio::test]
async fn a_dangerous_image_ends_its_transfer_at_once() {
    let failed = pump(endless(vec![hostile().into()]), order(None), &mut memory(usize::MAX)).await;
    let Err(PumpError::Unsafe(failure)) = failed else { panic!("unsafe") };
    assert_eq!(failure.check, "backing_file");
    let lenient = Order { stops_when_unsafe: false, ..order(None) };
    let pumped = pump(body_of(vec![hostile().into()]), lenient, &mut memory(usize::MAX)).await;
    let failures = pumped.expect("what is inside of a container is not judged").verdict.failures;
    assert_eq!(failures.first(), Some(&failure));
}

#[tokio::test]
async fn a_body_that_breaks_is_an_error_after_what_arrived_was_read() {
    let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(BodyError::Silent)]).boxed();
    let mut writer = memory(usize::MAX);
    let failed = pump(broken, order(None), &mut writer).await;
    assert!(matches!(failed.err(), Some(PumpError::Body(BodyError::Silent))));
}

#[tokio::test]
async fn more_and_less_than_announced_are_errors() {
    for declared in [3, 5] {
        let failed = pump(body_of(vec!["four".into()]), order(Some(declared)), &mut memory(9)).await;
        let Err(PumpError::NotAsDeclared { received, .. }) = failed else { panic!("{declared} announced") };
        assert_eq!(received, 4);
    }
}
