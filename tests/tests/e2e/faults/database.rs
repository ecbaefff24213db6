//! A database whose disk is full or broken, or whose answer gets lost, while the store is well.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use glasshouse_tests::alone::Alone;
use glasshouse_tests::deployment::Database;
use glasshouse_tests::faulty_disk::{Errno, FaultyDisk, Operation};
use glasshouse_tests::mariadb::Mariadb;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{mariadb, wait};
use serde_json::json;

use super::{Trouble, file, names_in, noise, queued, record};

#[test]
fn an_image_whose_data_came_while_the_database_failed_is_queued_again_when_it_is_well() {
    let trouble =
        Trouble::start_with("faults-database", |scratch| FaultyDisk::of(&scratch.folder("database")));
    let Trouble { api, disk, .. } = &trouble;
    let kept = queued(api);
    api.upload(&kept, "kept").expect(204);
    let data = noise(1 << 20);
    let (first, rest) = data.split_at(data.len() / 2);
    for (operation, errno) in
        [(Operation::Write, Errno::NOSPC), (Operation::Write, Errno::IO), (Operation::Flush, Errno::IO)]
    {
        let id = queued(api);
        let mut socket = api.begin_upload(&id, data.len() as u64, first);
        wait::until_true("the upload under way", wait::STEP, || record(api, &id)["status"] == "saving");
        disk.fail(operation, 1, errno);
        socket.write_all(rest).expect("the rest is taken");
        socket.set_read_timeout(Some(wait::STEP)).expect("a limit");
        let mut head = [0; 12];
        socket.read_exact(&mut head).expect("an answer");
        assert_eq!(String::from_utf8_lossy(&head), "HTTP/1.1 503", "{operation:?} {errno}");
        // Nothing new is begun meanwhile, and what is there is still served.
        let refused = api.post_json("/v2/images", &json!({"name": "new"})).expect(503);
        trouble.assert_told(&refused, "database cannot be reached");
        assert_eq!(api.get(&file(&kept)).expect(200).text(), "kept");
        assert!(disk.count(operation) > 0, "{operation:?} was never tried");
        disk.heal();
        wait::until_true("the image back in queued", wait::STEP, || record(api, &id)["status"] == "queued");
        trouble.assert_untouched(&id, std::slice::from_ref(&kept));
        api.upload(&id, data.clone()).expect(204);
        assert!(api.get(&file(&id)).expect(200).body == data);
        super::delete(api, &id);
    }
}

/// Stands before a server, and once breaks a connection between a commit and its answer.
struct Relay {
    port: u16,
    struck: Arc<AtomicBool>,
}

impl Relay {
    /// The commit is the one of a transaction with these words in it.
    fn to(server: u16, words: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let struck = Arc::new(AtomicBool::new(false));
        let strikes = Arc::clone(&struck);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let (strikes, swallows) = (Arc::clone(&strikes), Arc::new(AtomicBool::new(false)));
                let back = (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
                let swallowing = Arc::clone(&swallows);
                thread::spawn(move || pass(back, |_| !swallowing.load(Ordering::SeqCst)));
                thread::spawn(move || {
                    let mut has_words = false;
                    pass((client, server), |bytes| {
                        let text = String::from_utf8_lossy(bytes);
                        has_words |= text.contains(words);
                        if has_words && text.contains("COMMIT") && !strikes.swap(true, Ordering::SeqCst) {
                            swallows.store(true, Ordering::SeqCst);
                        }
                        true
                    });
                });
            }
        });
        Self { port, struck }
    }
}

/// Hands on what comes as long as that is wanted; the end of it is the end of both.
fn pass((mut from, mut to): (TcpStream, TcpStream), mut is_wanted: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..count];
        if !is_wanted(bytes) || to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_commit_whose_answer_got_lost_costs_no_data() {
    let made = Mariadb::shared().create_database();
    let relay = Relay::to(made.port, "INSERT INTO image_locations");
    let database = Database::Mariadb(mariadb::Database { port: relay.port, ..made });
    let controller = Alone::start(Scratch::new("faults-commit"), &database, Vec::new());
    let api = controller.api();
    let id = queued(&api);
    let data = noise(1 << 20);
    api.upload(&id, data.clone()).expect(204);
    assert!(relay.struck.load(Ordering::SeqCst), "no connection was broken");
    assert_eq!(record(&api, &id)["status"], "active");
    assert!(api.get(&file(&id)).expect(200).body == data);
    assert_eq!(names_in(&controller.store()), [id]);
}
