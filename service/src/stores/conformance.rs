//! What every [`Backend`] must do: one suite over `&dyn Backend`, run for each driver.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;

use super::{Backend, ByteRange, KeptObject, StoreError};

async fn store(backend: &dyn Backend, id: &str, frames: &[&[u8]]) -> Result<String, StoreError> {
    let mut writer = backend.writer(id, None).await?;
    for frame in frames {
        writer.write(Arc::new(vec![Bytes::copy_from_slice(frame)])).await?;
    }
    writer.commit().await
}

async fn load(backend: &dyn Backend, url: &str, range: Option<ByteRange>) -> Result<Vec<u8>, StoreError> {
    let frames: Vec<Bytes> = backend.reader(url, None, range).await?.try_collect().await?;
    Ok(frames.concat())
}

/// Runs the whole suite; `left_over` counts what lies in the store beside committed objects.
pub async fn suite(backend: &dyn Backend, left_over: &(dyn Fn() -> usize + Sync)) {
    round_trip(backend).await;
    ranges(backend).await;
    holes_come_back_as_zeros(backend).await;
    duplicates_are_refused(backend).await;
    nothing_stays_of_a_cancelled_write(backend, left_over).await;
    delete_twice(backend).await;
    what_was_kept_is_resumed(backend).await;
    a_commit_that_nobody_knows_of_is_taken_back(backend).await;
    backend.probe().await.expect("the probe passes");
    assert_eq!(backend.sweep().await.expect("sweep"), 0, "nothing to sweep after a clean run");
    assert_eq!(left_over(), 0);
}

async fn round_trip(backend: &dyn Backend) {
    let data: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let frames: Vec<&[u8]> = data.chunks(300_007).collect();
    let url = store(backend, "round-trip", &frames).await.expect("store");
    assert!(url.starts_with(&format!("{}://", backend.scheme())), "{url}");
    assert_eq!(backend.size(&url).await.expect("size"), data.len() as u64);
    assert!(
        load(backend, &url, None).await.expect("load") == data,
        "the bytes that come back are the bytes stored"
    );
    let empty = store(backend, "empty", &[]).await.expect("store nothing");
    assert_eq!(load(backend, &empty, None).await.expect("load nothing"), b"");
    assert_eq!(backend.size(&empty).await.expect("size"), 0);
}

async fn ranges(backend: &dyn Backend) {
    let url = store(backend, "ranges", &[b"0123456789"]).await.expect("store");
    for (offset_bytes, length_bytes, expected) in [(0, 10, "0123456789"), (3, 4, "3456"), (9, 1, "9")] {
        let range = ByteRange { offset_bytes, length_bytes };
        assert_eq!(load(backend, &url, Some(range)).await.expect("load"), expected.as_bytes());
    }
    let beyond = ByteRange { offset_bytes: 8, length_bytes: 5 };
    let longer = backend.reader(&url, Some(11), None).await.err();
    assert!(matches!(longer, Some(StoreError::WrongSize { recorded_bytes: 11, stored_bytes: 10 })));
    assert!(
        load(backend, &url, Some(beyond)).await.is_err(),
        "an object that is too short is never a short answer"
    );
}

async fn holes_come_back_as_zeros(backend: &dyn Backend) {
    let zeros = vec![0; 200_000];
    let url = store(backend, "holes", &[&zeros, b"x", &zeros]).await.expect("store");
    let back = load(backend, &url, None).await.expect("load");
    assert_eq!(back.len(), 400_001);
    assert_eq!(back.iter().position(|byte| *byte != 0), Some(200_000));
    assert_eq!(back.iter().filter(|byte| **byte != 0).count(), 1);
}

async fn duplicates_are_refused(backend: &dyn Backend) {
    let url = store(backend, "twice", &[b"first"]).await.expect("store");
    assert!(matches!(store(backend, "twice", &[b"second"]).await, Err(StoreError::Duplicate)));
    assert_eq!(load(backend, &url, None).await.expect("load"), b"first");
    let writing = backend.writer("at-once", None).await.expect("writer");
    assert!(matches!(backend.writer("at-once", None).await.err(), Some(StoreError::Duplicate)));
    writing.cancel().await;
}

async fn nothing_stays_of_a_cancelled_write(backend: &dyn Backend, left_over: &(dyn Fn() -> usize + Sync)) {
    for cancel in [true, false] {
        let mut writer = backend.writer("half", None).await.expect("writer");
        writer.write(Arc::new(vec![Bytes::from_static(b"half of it")])).await.expect("write");
        if cancel {
            writer.cancel().await;
        } else {
            drop(writer);
        }
        assert_eq!(left_over(), 0);
    }
    store(backend, "half", &[b"whole"]).await.expect("the next upload of the same image succeeds");
}

async fn delete_twice(backend: &dyn Backend) {
    let url = store(backend, "gone", &[b"x"]).await.expect("store");
    backend.delete(&url).await.expect("delete");
    assert!(matches!(backend.delete(&url).await, Err(StoreError::NotFound)));
    assert!(matches!(load(backend, &url, None).await, Err(StoreError::NotFound)));
    assert!(matches!(backend.size(&url).await, Err(StoreError::NotFound)));
}

async fn what_was_kept_is_resumed(backend: &dyn Backend) {
    let frame = |text: &'static [u8]| Arc::new(vec![Bytes::from_static(text)]);
    let mut first = backend.resume("pieces", 0, None).await.expect("begun");
    first.write(frame(b"0123")).await.expect("written");
    first.flush().await.expect("flushed");
    first.write(frame(b"lost")).await.expect("written");
    assert!(matches!(backend.resume("pieces", 4, None).await.err(), Some(StoreError::Duplicate)));
    assert!(matches!(backend.discard("pieces").await, Err(StoreError::Duplicate)));
    drop(first);
    assert_eq!(backend.sweep().await.expect("sweep"), 0, "it waits for more");
    let kept = backend.list_kept().await.expect("listed");
    assert_eq!(kept, [KeptObject { id: "pieces".to_owned(), size_bytes: 8 }]);
    assert!(matches!(backend.resume("pieces", 9, None).await.err(), Some(StoreError::NotFound)));
    assert!(matches!(backend.resume("nothing", 1, None).await.err(), Some(StoreError::NotFound)));
    let mut second = backend.resume("pieces", 4, Some(9)).await.expect("resumed");
    second.write(frame(b"45678")).await.expect("written");
    second.keep().await.expect("kept");
    let range = ByteRange { offset_bytes: 2, length_bytes: 6 };
    let kept = backend.read_kept("pieces", range).await.expect("opened");
    let frames: Vec<Bytes> = kept.try_collect().await.expect("read");
    assert_eq!(frames.concat(), b"234567");
    let url = backend.resume("pieces", 9, None).await.expect("resumed").commit().await.expect("committed");
    assert_eq!(load(backend, &url, None).await.expect("load"), b"012345678");
    assert_eq!(backend.list_kept().await.expect("listed"), []);
    backend.resume("gone", 0, None).await.expect("begun").keep().await.expect("kept");
    backend.discard("gone").await.expect("discarded");
    assert!(matches!(backend.discard("gone").await, Err(StoreError::NotFound)));
    backend.resume("gone", 0, None).await.expect("begun").cancel().await;
    assert_eq!(backend.list_kept().await.expect("listed"), []);
}

async fn a_commit_that_nobody_knows_of_is_taken_back(backend: &dyn Backend) {
    let mut writer = backend.resume("untold", 0, None).await.expect("begun");
    writer.write(Arc::new(vec![Bytes::from_static(b"whole")])).await.expect("written");
    let url = writer.commit().await.expect("committed");
    let writer = backend.resume("untold", 5, None).await.expect("taken back");
    assert!(matches!(load(backend, &url, None).await, Err(StoreError::NotFound)));
    assert_eq!(writer.commit().await.expect("committed"), url);
    assert_eq!(load(backend, &url, None).await.expect("load"), b"whole");
}

#[tokio::test]
async fn the_file_backend_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = super::file::FileBackend::open(&folder.path().join("images"), None).expect("open");
    let datadir = folder.path().join("images");
    let left_over = move || {
        let names = std::fs::read_dir(&datadir).expect("list").map(|entry| entry.expect("entry").file_name());
        names.filter(|name| name.to_string_lossy().contains('.')).count()
    };
    suite(&backend, &left_over).await;
}
