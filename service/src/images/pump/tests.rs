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

    async fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn keep(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

fn memory(room_bytes: usize) -> Memory {
    Memory { bytes: Vec::new(), room_bytes }
}

fn order(declared: Option<u64>) -> Order {
    let hashes = ["sha512", "sha256"].map(|name| HashDigest::new(name).expect("known")).to_vec();
    Order {
        limit: Limit { declared, maximum: 1 << 40 },
        stages: Stages::new(hashes),
        content: Vec::new(),
        stops_when_unsafe: true,
    }
}

/// All of a body at once.
async fn whole(body: Body, order: Order, writer: &mut Memory) -> Result<Pumped, PumpError> {
    pump(body, order, writer)
        .await
        .map(|moved| moved.stages.finish())
        .map_err(|interrupted| interrupted.error)
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
    let pumped = whole(body_of(frames(&data)), order(Some(size)), &mut writer).await.expect("pumped");
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
    let pumped = whole(body_of(Vec::new()), order(None), &mut memory(0)).await.expect("pumped");
    assert_eq!((pumped.size_bytes, pumped.checksum.as_str()), (0, "d41d8cd98f00b204e9800998ecf8427e"));
}

#[tokio::test]
async fn a_store_that_fails_ends_the_transfer_of_a_sender_that_waits() {
    let body = endless(frames(&vec![7; 3_000_000]));
    let failed = whole(body, order(None), &mut memory(1000)).await;
    assert!(matches!(failed.err(), Some(PumpError::Store(StoreError::Full(_)))));
}

#[tokio::test]
async fn a_dangerous_image_ends_its_transfer_at_once() {
    let failed = whole(endless(vec![hostile().into()]), order(None), &mut memory(usize::MAX)).await;
    let Err(PumpError::Unsafe(failure)) = failed else { panic!("unsafe") };
    assert_eq!(failure.check, "backing_file");
    let lenient = Order { stops_when_unsafe: false, ..order(None) };
    let pumped = whole(body_of(vec![hostile().into()]), lenient, &mut memory(usize::MAX)).await;
    let failures = pumped.expect("what is inside of a container is not judged").verdict.failures;
    assert_eq!(failures.first(), Some(&failure));
}

#[tokio::test]
async fn a_body_that_breaks_is_an_error_after_what_arrived_was_read() {
    let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(BodyError::Silent)]).boxed();
    let mut writer = memory(usize::MAX);
    let Err(failed) = pump(broken, order(None), &mut writer).await else { panic!("broken") };
    assert!(matches!(failed.error, PumpError::Body(BodyError::Silent)));
    assert_eq!(writer.bytes, b"half");
    assert_eq!(failed.stages.expect("all that was written").size_bytes(), 4);
}

#[tokio::test]
async fn more_and_less_than_announced_are_errors() {
    for declared in [3, 5] {
        let failed = whole(body_of(vec!["four".into()]), order(Some(declared)), &mut memory(9)).await;
        let Err(PumpError::NotAsDeclared { received, .. }) = failed else { panic!("{declared} announced") };
        assert_eq!(received, 4);
    }
}

#[tokio::test]
async fn pieces_one_after_the_other_are_like_the_whole() {
    let data: Vec<u8> = (0..600_000u32).flat_map(u32::to_le_bytes).collect();
    let (first, second) = data.split_at(1_000_003);
    let expected = whole(body_of(frames(&data)), order(None), &mut memory(usize::MAX)).await.expect("pumped");
    let mut writer = memory(usize::MAX);
    let broken = stream::iter([Ok(Bytes::copy_from_slice(first)), Err(BodyError::Silent)]).boxed();
    let Err(failed) = pump(broken, order(None), &mut writer).await else { panic!("broken") };
    let stages = failed.stages.expect("all that was written");
    let content = vec![HashDigest::new("sha256").expect("known")];
    let rest = Order { stages, content, ..order(Some(second.len() as u64)) };
    let moved = pump(body_of(frames(second)), rest, &mut writer).await.unwrap_or_else(|_| panic!("moved"));
    let mut digest = HashDigest::new("sha256").expect("known");
    digest.update(second);
    assert_eq!(moved.content, [digest.finish()]);
    let pumped = moved.stages.finish();
    assert_eq!((pumped.size_bytes, pumped.checksum), (expected.size_bytes, expected.checksum));
    assert_eq!(pumped.hashes, expected.hashes);
    assert!(writer.bytes == data);
}

#[tokio::test]
async fn nothing_is_said_of_data_that_the_store_did_not_take() {
    let failed = pump(body_of(vec!["four".into()]), order(None), &mut memory(3)).await;
    let Err(failed) = failed else { panic!("full") };
    assert!(failed.stages.is_none() && matches!(failed.error, PumpError::Store(_)));
}
