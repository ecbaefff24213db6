//! A store on a real file system of a few MiB.

use glasshouse_tests::alone::Alone;
use glasshouse_tests::http::Api;
use glasshouse_tests::scratch::Scratch;
use serde_json::Value;

use super::{FULL, delete, file, noise, queued, record};
use crate::resume::{begin, offset, piece};

const SIZE_BYTES: usize = 12 << 20;

fn assert_full(controller: &Alone, id: &str, status: u16, text: &str, names: &[String]) {
    assert_eq!(status, 413, "{text}");
    assert!(text.contains(FULL), "{text}");
    let now = record(&controller.api(), id);
    assert_eq!((&now["status"], &now["size"]), (&"queued".into(), &Value::Null), "{now}");
    assert_eq!(super::names_in(&controller.store()), names);
}

fn send_in_pieces(api: &Api, id: &str, data: &[u8], piece_bytes: usize) -> (u16, String) {
    let path = begin(api, id);
    let mut at = 0;
    loop {
        let end = (at + piece_bytes).min(data.len());
        let answer = piece(api, &path, at, end == data.len()).bytes(&data[at..end]).send();
        if answer.status != 204 || end == data.len() {
            return (answer.status, answer.text());
        }
        at = offset(&answer);
    }
}

#[test]
fn what_does_not_fit_is_refused_whole_and_what_fits_is_stored() {
    let controller = Alone::on_small_disk("faults-small", SIZE_BYTES);
    let api = controller.api();
    let kept = queued(&api);
    let data = noise(3 << 20);
    api.upload(&kept, data.clone()).expect(204);
    let names = [kept.clone()];
    let large = noise(SIZE_BYTES + (4 << 20));
    let id = queued(&api);

    // Of announced length: room is taken ahead.
    let answer = api.upload(&id, large.clone());
    assert_full(&controller, &id, answer.status, &answer.text(), &names);
    // Of unknown length.
    let scratch = Scratch::new("faults-small-file");
    let path = scratch.join("large");
    std::fs::write(&path, &large).expect("a file");
    let answer = api.upload_file(&id, &path);
    assert_full(&controller, &id, answer.status, &answer.text(), &names);
    // In pieces.
    let (status, text) = send_in_pieces(&api, &id, &large, 4 << 20);
    assert_full(&controller, &id, status, &text, &names);

    // All that there is room for.
    let fits = noise(8 << 20);
    api.upload(&id, fits.clone()).expect(204);
    assert!(api.get(&file(&id)).expect(200).body == fits);
    delete(&api, &id);
    let id = queued(&api);
    let (status, text) = send_in_pieces(&api, &id, &fits, 3 << 20);
    assert_eq!(status, 204, "{text}");
    assert!(api.get(&file(&id)).expect(200).body == fits);
    delete(&api, &id);
    assert!(api.get(&file(&kept)).expect(200).body == data);
    assert_eq!(super::names_in(&controller.store()), names);
}

#[test]
fn holes_take_no_room() {
    let controller = Alone::on_small_disk("faults-small-holes", SIZE_BYTES);
    let api = controller.api();
    let id = queued(&api);
    // Longer than the disk, as most of a disk image is nothing; its data comes first and last.
    let data = [noise(3 << 20), vec![0; 2 * SIZE_BYTES], noise(3 << 20)].concat();
    api.upload(&id, data.clone()).expect(204);
    assert!(api.get(&file(&id)).expect(200).body == data);
}
