//! Peers that hang up, and hundreds that send or take nothing any more.

use std::fs;
use std::io::Read as _;
use std::net::TcpStream;

use glasshouse_tests::alone::Alone;
use glasshouse_tests::http::Api;
use glasshouse_tests::wait;
use serde_json::Value;

use super::{file, noise, queued, record};
use crate::resume::{ask, begin, begin_piece, offset, piece};

alone_on_both_databases!(
    a_connection_cut_at_each_tenth_of_the_body_leaves_nothing_behind,
    a_connection_cut_at_each_tenth_of_a_piece_takes_nothing_that_came,
);

fn a_connection_cut_at_each_tenth_of_the_body_leaves_nothing_behind(controller: &Alone) {
    let api = controller.api();
    let data = noise(2_000_003);
    let id = queued(&api);
    for tenth in 0..10 {
        let sent = data.get(..data.len() * tenth / 10).expect("a part");
        let socket = api.begin_upload(&id, data.len() as u64, sent);
        wait::until_true("the upload under way", wait::STEP, || record(&api, &id)["status"] == "saving");
        drop(socket);
        wait::until_true("the image back in queued", wait::STEP, || record(&api, &id)["status"] == "queued");
        assert_eq!(record(&api, &id)["size"], Value::Null);
        let names =
            fs::read_dir(controller.store()).expect("the store").map(|entry| entry.expect("an entry"));
        let left: Vec<_> = names.filter(|entry| entry.file_name().to_string_lossy().contains(&id)).collect();
        assert!(left.is_empty(), "cut at tenth {tenth}, left in the store: {left:?}");
    }
    api.upload(&id, data.clone()).expect(204);
    assert!(api.get(&file(&id)).expect(200).body == data);
}

fn a_connection_cut_at_each_tenth_of_a_piece_takes_nothing_that_came(controller: &Alone) {
    let api = controller.api();
    let data = noise(2_000_003);
    let id = queued(&api);
    let path = begin(&api, &id);
    let mut at = 0;
    for tenth in 1..=10 {
        let end = data.len() * tenth / 10;
        // One more is announced than comes.
        let sent = data.get(at..end).expect("a part");
        drop(begin_piece(&api, "", &path, (at, sent.len() + 1), sent));
        // The service may not have come to this piece yet; then it is the next one that is refused.
        let now = offset(&ask(&api, &path));
        assert!((at..=end).contains(&now), "cut at tenth {tenth}: {now} is not in {at}..={end}");
        assert_eq!(record(&api, &id)["status"], "saving");
        at = now;
    }
    wait::until_true("the end of the upload", wait::STEP, || {
        let at = offset(&ask(&api, &path));
        let answer = piece(&api, &path, at, true).bytes(&data[at..]).send();
        assert!(matches!(answer.status, 204 | 409), "{}", answer.text());
        answer.status == 204
    });
    assert!(api.get(&file(&id)).expect(200).body == data);
    let names = super::names_in(&controller.store());
    assert_eq!(names.iter().filter(|name| name.contains(&id)).collect::<Vec<_>>(), [&id]);
}

/// Peers of each kind that send or take a little and then nothing.
const STALLED: usize = 100;
/// With three hundred of them. Each may hold some blocks, and no more.
const MEMORY_MAX_BYTES: u64 = 192 << 20;

#[test]
fn stalled_senders_and_readers_keep_nobody_waiting_and_cost_little_memory() {
    let controller = Alone::on_sqlite("faults-stalled");
    let api = controller.api();
    let data = noise(32 << 20);
    let read = queued(&api);
    api.upload(&read, data.clone()).expect(204);
    let readers: Vec<TcpStream> = (0..STALLED).map(|_| begun(api.begin_download(&read))).collect();
    let senders: Vec<(String, TcpStream)> = (0..STALLED)
        .map(|_| {
            let id = queued(&api);
            let socket = api.begin_upload(&id, data.len() as u64, &data[..100_000]);
            (id, socket)
        })
        .collect();
    let pieces: Vec<(String, String, TcpStream)> = (0..STALLED).map(|_| begun_piece(&api, &data)).collect();
    let last = &senders.last().expect("senders").0;
    wait::until_true("the last sender at work", wait::STEP, || record(&api, last)["status"] == "saving");

    let id = queued(&api);
    api.upload(&id, data.clone()).expect(204);
    assert!(api.get(&file(&id)).expect(200).body == data);
    let peak = controller.service.process.peak_memory_bytes();
    eprintln!("{} MiB at the peak", peak >> 20);
    assert!(peak < MEMORY_MAX_BYTES, "{} MiB at the peak", peak >> 20);

    drop(readers);
    for (id, socket) in senders {
        drop(socket);
        wait::until_true("an image back in queued", wait::STEP, || record(&api, &id)["status"] == "queued");
    }
    for (id, path, socket) in pieces {
        drop(socket);
        assert!(offset(&ask(&api, &path)) <= 100_000);
        api.delete(&path).expect(204);
        assert_eq!(record(&api, &id)["status"], "queued");
    }
    let left = fs::read_dir(controller.store()).expect("the store").count();
    assert_eq!(left, 2, "only whole images are left");
}

/// After its first bytes, so that the answer is under way.
fn begun(mut socket: TcpStream) -> TcpStream {
    let mut head = [0; 12];
    socket.set_read_timeout(Some(wait::STEP)).expect("a limit");
    socket.read_exact(&mut head).expect("an answer");
    assert_eq!(String::from_utf8_lossy(&head), "HTTP/1.1 200");
    socket
}

fn begun_piece(api: &Api, data: &[u8]) -> (String, String, TcpStream) {
    let id = queued(api);
    let path = begin(api, &id);
    let socket = begin_piece(api, "", &path, (0, data.len()), &data[..100_000]);
    (id, path, socket)
}
