//! A disk that fails, a disk that is slow, and peers that cut or stall: the right words, nothing left behind, nobody
//! else harmed, and the next try succeeds.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use glasshouse_tests::alone::Alone;
use glasshouse_tests::deployment::Database;
use glasshouse_tests::faulty_disk::{Errno, FaultyDisk, Operation};
use glasshouse_tests::http::{Answer, Api};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::wait;
use serde_json::{Value, json};

/// Makes of each function a test on SQLite and on MariaDB.
macro_rules! alone_on_both_databases {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            use glasshouse_tests::alone::Alone;

            #[test]
            fn on_sqlite() {
                super::$name(&Alone::on_sqlite(stringify!($name)));
            }

            #[test]
            fn on_mariadb() {
                super::$name(&Alone::on_mariadb(stringify!($name)));
            }
        }
    )+ };
}

alone_on_both_databases!(
    a_connection_cut_at_each_tenth_of_the_body_leaves_nothing_behind,
    data_of_another_length_is_refused_before_the_first_byte,
);

/// A service whose store lies on a disk that fails on command.
struct Trouble {
    controller: Alone,
    api: Api,
    disk: FaultyDisk,
}

impl Trouble {
    fn start(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let disk = FaultyDisk::of(&scratch.folder("images"));
        let database = Database::sqlite_in(scratch.path());
        let controller = Alone::start(scratch, &database, disk.environment());
        Self { api: controller.api(), controller, disk }
    }

    /// The image is as if nothing had been tried, and only these files are there.
    #[track_caller]
    fn assert_untouched(&self, id: &str, names: &[String]) {
        let now = record(&self.api, id);
        assert_eq!(now["status"], "queued", "{now}");
        for key in ["size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value"] {
            assert_eq!(now[key], Value::Null, "{key} in {now}");
        }
        assert_eq!(self.disk.names(), names);
    }

    /// An upload under the fault of the moment ends in these words, and leaves nothing behind.
    #[track_caller]
    fn assert_refused(&self, id: &str, data: &[u8], (status, words): (u16, &str), names: &[String]) {
        let answer = self.api.upload(id, data).expect(status);
        self.assert_told(&answer, words);
        self.assert_untouched(id, names);
    }

    /// The failure has words and the request's id, and names nothing of the host.
    #[track_caller]
    fn assert_told(&self, answer: &Answer, words: &str) {
        let text = answer.text();
        assert!(text.contains(words), "no {words:?} in: {text}");
        assert!(answer.header("x-openstack-request-id").is_some_and(|id| id.starts_with("req-")), "{text}");
        let folder = self.controller.store();
        assert!(!text.contains(&*folder.to_string_lossy()), "a path of the host in: {text}");
    }
}

fn queued(api: &Api) -> String {
    api.create_image(&json!({"name": "trouble", "disk_format": "raw", "container_format": "bare"}))
}

fn record(api: &Api, id: &str) -> Value {
    api.get(&format!("/v2/images/{id}")).expect(200).json()
}

fn file(id: &str) -> String {
    format!("/v2/images/{id}/file")
}

/// Without holes: each byte is written.
fn noise(length: usize) -> Vec<u8> {
    let mut data = vec![0; length];
    fastrand::Rng::with_seed(7).fill(&mut data);
    data
}

#[test]
fn whatever_fails_during_an_upload_is_told_and_leaves_nothing_behind() {
    const FULL: &str = "not enough space";
    const FAILED: &str = "store failed";
    let trouble = Trouble::start("faults-upload");
    let Trouble { api, disk, controller } = &trouble;
    let data = noise(1 << 20);
    // Somebody else's upload is under way all the time.
    let other = queued(api);
    let long = noise(4 << 20);
    let (first, rest) = long.split_at(3 << 20);
    let mut sender = api.begin_upload(&other, long.len() as u64, first);
    let partial = format!("{other}.partial");
    wait::until_true("data of the other upload", wait::STEP, || {
        fs::metadata(controller.store().join(&partial)).is_ok_and(|file| file.len() > 0)
    });

    let mut names = vec![partial];
    let kept = queued(api);
    api.upload(&kept, data.clone()).expect(204);
    names.push(kept.clone());
    names.sort();

    let faults = [
        (Operation::Create, 1, Errno::NOSPC, 413, FULL),
        (Operation::Create, 1, Errno::IO, 503, FAILED),
        (Operation::Create, 1, Errno::ROFS, 503, "refuses to be written"),
        (Operation::Truncate, 1, Errno::IO, 503, FAILED),
        (Operation::Flush, 1, Errno::IO, 503, FAILED),
        (Operation::Flush, 1, Errno::NOSPC, 413, FULL),
        (Operation::Rename, 1, Errno::IO, 503, FAILED),
        (Operation::FlushFolder, 1, Errno::IO, 503, FAILED),
    ];
    for (operation, nth, errno, status, words) in faults {
        let id = queued(api);
        disk.fail(operation, nth, errno);
        trouble.assert_refused(&id, &data, (status, words), &names);
        assert!(disk.count(operation) >= nth, "{operation:?} was never tried");
        disk.heal();
        api.upload(&id, data.clone()).expect(204);
        api.delete(&format!("/v2/images/{id}")).expect(204);
    }
    for (errno, status, words) in
        [(Errno::NOSPC, 413, FULL), (Errno::DQUOT, 413, FULL), (Errno::IO, 503, FAILED)]
    {
        // How many writes there are depends on how the data comes: each one fails until there is none left.
        let mut writes = 0;
        loop {
            let id = queued(api);
            disk.fail(Operation::Write, writes + 1, errno);
            if api.upload(&id, data.clone()).status == 204 {
                assert!(api.get(&file(&id)).expect(200).body == data);
                api.delete(&format!("/v2/images/{id}")).expect(204);
                break;
            }
            trouble.assert_refused(&id, &data, (status, words), &names);
            writes += 1;
        }
        assert!(writes > 1, "{writes} writes");
    }
    assert!(api.get(&file(&kept)).expect(200).body == data, "what was there is still there");
    disk.heal();
    sender.write_all(rest).expect("the rest is taken");
    wait::until_true("the end of the other upload", wait::STEP, || record(api, &other)["status"] == "active");
    assert!(api.get(&file(&other)).expect(200).body == long);
}

#[test]
fn a_partial_file_that_cannot_be_removed_does_not_block_the_next_upload() {
    let trouble = Trouble::start("faults-partial");
    let Trouble { api, disk, .. } = &trouble;
    let id = queued(api);
    disk.fail(Operation::Remove, 1, Errno::IO);
    let call = api.call("PUT", &file(&id)).header("content-type", "application/octet-stream");
    call.header("x-openstack-image-size", "5").bytes("four").send().expect(400);
    trouble.assert_untouched(&id, &[format!("{id}.partial")]);
    disk.heal();
    api.upload(&id, "whole").expect(204);
    assert_eq!(disk.names(), std::slice::from_ref(&id));
    assert_eq!(api.get(&file(&id)).expect(200).text(), "whole");
}

#[test]
fn a_deleted_image_whose_bytes_cannot_be_removed_is_gone_and_its_bytes_follow_at_the_next_start() {
    let mut trouble = Trouble::start("faults-delete");
    let id = queued(&trouble.api);
    trouble.api.upload(&id, "data").expect(204);
    trouble.disk.fail(Operation::Remove, 1, Errno::IO);
    trouble.api.delete(&format!("/v2/images/{id}")).expect(204);
    trouble.api.get(&format!("/v2/images/{id}")).expect(404);
    assert_eq!(trouble.disk.names(), std::slice::from_ref(&id));
    trouble.disk.heal();
    trouble.controller.service.process.kill();
    trouble.controller.restart();
    assert_eq!(trouble.disk.names(), Vec::<String>::new());
}

#[test]
fn a_failing_read_never_ends_in_a_short_answer() {
    let trouble = Trouble::start("faults-read");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(2 << 20);
    let id = queued(api);
    api.upload(&id, data.clone()).expect(204);
    for nth in 1..=3 {
        // What lies in the kernel's memory cannot fail, and the kernel need not let go of it when it is asked to.
        wait::until_true("a read that failed", wait::STEP, || {
            disk.forget(&id);
            disk.fail(Operation::Read, nth, Errno::IO);
            let answer = api.call("GET", &file(&id)).try_send();
            let struck = disk.count(Operation::Read) >= nth;
            assert!(answer.is_err() || !struck, "read {nth} failed, and the download ended well");
            struck
        });
        disk.heal();
        assert!(api.get(&file(&id)).expect(200).body == data);
    }
    disk.fail(Operation::Open, 1, Errno::IO);
    let answer = api.get(&file(&id)).expect(503);
    trouble.assert_told(&answer, "cannot be read at the moment");
    disk.heal();
    assert!(api.get(&file(&id)).expect(200).body == data);
}

#[test]
fn a_slow_disk_slows_nobody_who_does_not_need_it() {
    let trouble = Trouble::start("faults-slow");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(1 << 20);
    let id = queued(api);
    disk.slow_down(Duration::from_millis(50));
    std::thread::scope(|scope| {
        let upload = scope.spawn(|| api.upload(&id, data.clone()));
        wait::until_true("the upload under way", wait::STEP, || record(api, &id)["status"] == "saving");
        let mut answers = 0;
        while !upload.is_finished() {
            api.get("/v2/images").expect(200);
            answers += 1;
        }
        assert!(answers > 0);
        upload.join().expect("an upload").expect(204);
    });
    assert!(api.get(&file(&id)).expect(200).body == data);
}

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

fn data_of_another_length_is_refused_before_the_first_byte(controller: &Alone) {
    let api = controller.api();
    let id = queued(&api);
    api.upload(&id, "0123456789").expect(204);
    let stored = OpenOptions::new().write(true).open(controller.store().join(&id)).expect("the file");
    for length in [9, 11] {
        stored.set_len(length).expect("another length");
        let lines = |word: &str| {
            let log = controller.service.process.log();
            log.lines().filter(|line| line.contains(&id) && line.contains(word)).count()
        };
        let word = format!("{length} bytes are stored and 10 are recorded");
        let answer = api.get(&file(&id)).expect(503);
        assert!(answer.text().contains("stored data of the image is damaged"), "{}", answer.text());
        assert!(!answer.text().contains("012345"), "{}", answer.text());
        assert_eq!(lines(&word), 1, "logged once");
        api.call("GET", &file(&id)).header("range", "bytes=0-3").send().expect(503);
        api.call("HEAD", &file(&id)).send().expect(503);
    }
    stored.set_len(10).expect("the length that it had");
    api.get(&file(&id)).expect(200);
    assert_eq!(api.call("HEAD", &file(&id)).send().expect(200).header("content-length"), Some("10"));
}

/// Peers of each kind that send or take a little and then nothing.
const STALLED: usize = 100;
/// With two hundred of them. Each may hold some blocks, and no more.
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
