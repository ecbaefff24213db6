//! Uploads in pieces on a disk in trouble: a full one ends them, any other trouble costs no more than was not durable.

use std::time::Duration;

use glasshouse_tests::faulty_disk::{Errno, Operation};
use glasshouse_tests::wait;

use super::{FAILED, FULL, Trouble, delete, file, noise, queued, record};
use crate::resume::{ask, begin, offset, piece};

const FIRST: usize = 1 << 20;

impl Trouble {
    /// An upload of which the first piece is durable.
    fn begun(&self, data: &[u8]) -> (String, String) {
        let id = queued(&self.api);
        let path = begin(&self.api, &id);
        piece(&self.api, &path, 0, false).bytes(&data[..FIRST]).send().expect(204);
        (id, path)
    }

    /// Goes on where the service says, and has the whole image then.
    #[track_caller]
    fn assert_goes_on(&self, (id, path): &(String, String), data: &[u8], at: usize) {
        let api = &self.api;
        assert_eq!(record(api, id)["status"], "saving");
        assert_eq!(offset(&ask(api, path)), at);
        piece(api, path, at, true).bytes(&data[at..]).send().expect(204);
        assert_eq!(record(api, id)["status"], "active");
        assert!(api.get(&file(id)).expect(200).body == data);
    }
}

#[test]
fn a_full_disk_ends_an_upload_and_leaves_nothing_of_it() {
    let trouble = Trouble::start("faults-pieces-full");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(10 << 20);
    let kept = queued(api);
    api.upload(&kept, "kept").expect(204);
    let names = std::slice::from_ref(&kept);
    for is_last in [false, true] {
        for (operation, errno) in [
            (Operation::Write, Errno::NOSPC),
            (Operation::Write, Errno::DQUOT),
            (Operation::Flush, Errno::NOSPC),
            (Operation::FlushFolder, Errno::NOSPC),
            (Operation::Rename, Errno::NOSPC),
        ] {
            if operation == Operation::Rename && !is_last {
                continue;
            }
            let (id, path) = trouble.begun(&data);
            disk.fail(operation, 1, errno);
            let answer = piece(api, &path, FIRST, is_last).bytes(&data[FIRST..]).send().expect(413);
            assert!(disk.count(operation) > 0, "{operation:?} was never tried");
            trouble.assert_told(&answer, FULL);
            trouble.assert_untouched(&id, names);
            api.call("HEAD", &path).send().expect(404);
            disk.heal();
            api.upload(&id, "whole").expect(204);
            delete(api, &id);
        }
    }
    // Of the first piece there is not even a file.
    for (operation, writes) in [(Operation::Create, 0), (Operation::Allocate, 0)] {
        let id = queued(api);
        let path = begin(api, &id);
        disk.fail(operation, 1, Errno::NOSPC);
        let call = piece(api, &path, 0, false).header("upload-length", &data.len().to_string());
        trouble.assert_told(&call.bytes(&data[..FIRST]).send().expect(413), FULL);
        assert_eq!(disk.count(Operation::Write), writes, "{operation:?}");
        trouble.assert_untouched(&id, names);
        disk.heal();
    }
    assert_eq!(api.get(&file(&kept)).expect(200).text(), "kept");
}

#[test]
fn a_disk_in_trouble_costs_no_more_than_was_not_durable() {
    let trouble = Trouble::start("faults-pieces");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(2 << 20);
    for operation in [
        Operation::Look,
        Operation::Open,
        Operation::Lock,
        Operation::Truncate,
        Operation::Write,
        Operation::Flush,
        Operation::FlushFolder,
    ] {
        let mut nth = 1;
        loop {
            let upload = trouble.begun(&data);
            disk.fail(operation, nth, Errno::IO);
            let answer = piece(api, &upload.1, FIRST, false).bytes(&data[FIRST..]).send();
            if answer.status == 204 {
                assert!(nth > 1, "{operation:?} was never tried");
                disk.heal();
                trouble.assert_goes_on(&upload, &data, data.len());
                delete(api, &upload.0);
                break;
            }
            trouble.assert_told(&answer.expect(503), FAILED);
            disk.heal();
            trouble.assert_goes_on(&upload, &data, FIRST);
            delete(api, &upload.0);
            nth += 1;
        }
    }
    assert_eq!(disk.names(), Vec::<String>::new());
}

#[test]
fn a_last_piece_whose_end_fails_is_not_taken_for_whole_and_can_be_repeated() {
    let trouble = Trouble::start("faults-pieces-last");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(2 << 20);
    for operation in [Operation::Truncate, Operation::Flush, Operation::Rename, Operation::FlushFolder] {
        let mut nth = 1;
        loop {
            let (id, path) = trouble.begun(&data);
            // Once: what failed is not tried again as if nothing had been.
            disk.fail_once(operation, nth, Errno::IO);
            let answer = piece(api, &path, FIRST, true).bytes(&data[FIRST..]).send();
            disk.heal();
            if answer.status == 204 {
                assert!(nth > 1, "{operation:?} was never tried");
                delete(api, &id);
                break;
            }
            trouble.assert_told(&answer.expect(503), FAILED);
            assert_eq!(disk.names(), [format!("{id}.unfinished")], "{operation:?} {nth}");
            let at = offset(&ask(api, &path));
            assert!(at == FIRST || at == data.len(), "{operation:?} {nth}: {at}");
            if nth % 2 == 0 {
                // A client that has had enough.
                api.delete(&path).expect(204);
                trouble.assert_untouched(&id, &[]);
            } else {
                trouble.assert_goes_on(&(id.clone(), path), &data, at);
            }
            delete(api, &id);
            nth += 1;
        }
    }
    assert_eq!(disk.names(), Vec::<String>::new());
}

#[test]
fn what_came_and_cannot_be_read_again_stays_for_a_later_try() {
    let trouble = Trouble::start("faults-pieces-read");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(2 << 20);
    for operation in [Operation::ReadCached, Operation::Read] {
        let upload = trouble.begun(&data);
        let (id, path) = &upload;
        // What was computed of the first piece is lost with the failure of the second.
        disk.fail(Operation::Write, 1, Errno::IO);
        piece(api, path, FIRST, false).bytes(&data[FIRST..]).send().expect(503);
        wait::until_true("a read that failed", wait::STEP, || {
            if operation == Operation::Read {
                disk.forget(&format!("{id}.unfinished"));
            }
            disk.fail(operation, 1, Errno::IO);
            let answer = piece(api, path, FIRST, false).bytes("").send();
            let struck = disk.count(operation) > 0;
            assert_eq!(answer.status, if struck { 503 } else { 204 }, "{operation:?}");
            if !struck {
                // It was in memory after all, and is computed now: lost again.
                disk.fail(Operation::Write, 1, Errno::IO);
                piece(api, path, FIRST, false).bytes(&data[FIRST..]).send().expect(503);
            }
            struck
        });
        disk.heal();
        trouble.assert_goes_on(&upload, &data, FIRST);
        delete(api, id);
    }
}

#[test]
fn an_upload_whose_bytes_cannot_be_removed_is_over_and_its_bytes_follow_at_the_next_start() {
    let mut trouble = Trouble::start("faults-pieces-remove");
    let data = noise(2 << 20);
    let (id, path) = trouble.begun(&data);
    trouble.disk.fail(Operation::Remove, 1, Errno::IO);
    trouble.api.delete(&path).expect(204);
    trouble.assert_untouched(&id, &[format!("{id}.unfinished")]);
    trouble.disk.heal();
    trouble.api.upload(&id, "whole").expect(204);
    trouble.controller.service.process.kill();
    trouble.controller.restart();
    assert_eq!(trouble.disk.names(), std::slice::from_ref(&id));
    assert_eq!(trouble.api.get(&file(&id)).expect(200).text(), "whole");
}

#[test]
fn a_slow_disk_makes_an_upload_slow_and_nothing_else() {
    let trouble = Trouble::start("faults-pieces-slow");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(2 << 20);
    let upload = trouble.begun(&data);
    disk.slow_down(Duration::from_millis(20));
    trouble.assert_goes_on(&upload, &data, FIRST);
    assert!(disk.count(Operation::Write) > 0);
    assert_eq!(api.get("/v2/images").expect(200).json()["images"][0]["id"], upload.0);
}
