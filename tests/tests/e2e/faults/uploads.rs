//! Uploads in one request, and deletes, on a disk in trouble.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use glasshouse_tests::faulty_disk::{Errno, Operation};
use glasshouse_tests::wait;

use super::{FAILED, FULL, Trouble, delete, file, noise, queued, record};

#[test]
fn whatever_fails_during_an_upload_is_told_and_leaves_nothing_behind() {
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
        (Operation::Look, 1, Errno::IO, 503, FAILED),
        (Operation::Lock, 1, Errno::NOLCK, 503, FAILED),
        (Operation::Truncate, 1, Errno::IO, 503, FAILED),
        (Operation::Flush, 1, Errno::IO, 503, FAILED),
        (Operation::Flush, 1, Errno::NOSPC, 413, FULL),
        (Operation::Rename, 1, Errno::IO, 503, FAILED),
        (Operation::FlushFolder, 1, Errno::IO, 503, FAILED),
        (Operation::FlushFolder, 1, Errno::NOSPC, 413, FULL),
    ];
    for (operation, nth, errno, status, words) in faults {
        let id = queued(api);
        // Once: what fails is not tried again as if nothing had been.
        disk.fail_once(operation, nth, errno);
        trouble.assert_refused(&id, &data, (status, words), &names);
        assert!(disk.count(operation) >= nth, "{operation:?} was never tried");
        disk.heal();
        api.upload(&id, data.clone()).expect(204);
        delete(api, &id);
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
                delete(api, &id);
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

#[test]
fn a_disk_without_room_for_what_comes_next_refuses_it_before_it_is_written() {
    let trouble = Trouble::start("faults-room");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(9 << 20);
    let id = queued(api);
    for errno in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
        disk.fail(Operation::Allocate, 1, errno);
        trouble.assert_refused(&id, &data, (413, FULL), &[]);
        assert_eq!(disk.count(Operation::Write), 0, "nothing was written");
    }
    // The room ends behind a hole that is longer than what is taken ahead.
    let holed = [noise(1 << 20), vec![0; 66 << 20], noise(1 << 20)].concat();
    disk.fail(Operation::Allocate, 2, Errno::NOSPC);
    trouble.assert_refused(&id, &holed, (413, FULL), &[]);
    assert!(disk.count(Operation::Write) > 0 && disk.count(Operation::Punch) > 0);
    disk.heal();
    api.upload(&id, data.clone()).expect(204);
    assert!(api.get(&file(&id)).expect(200).body == data);
}

#[test]
fn room_that_cannot_be_taken_ahead_is_no_failure() {
    let trouble = Trouble::start("faults-no-room-ahead");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(9 << 20);
    let holed = [noise(1 << 20), vec![0; 8 << 20], noise(1 << 20)].concat();
    for (operation, errno, data) in [
        // A file system that cannot take room ahead, or make holes.
        (Operation::Allocate, Errno::OPNOTSUPP, &data),
        (Operation::Allocate, Errno::NOSYS, &data),
        (Operation::Punch, Errno::OPNOTSUPP, &holed),
        // One that has no place to note the hole in.
        (Operation::Punch, Errno::NOSPC, &holed),
    ] {
        let id = queued(api);
        disk.fail(operation, 1, errno);
        api.upload(&id, data.clone()).expect(204);
        assert!(disk.count(operation) > 0, "{operation:?} was never tried");
        assert!(api.get(&file(&id)).expect(200).body == *data, "{operation:?} {errno}");
        delete(api, &id);
    }
    // Not enough for all that may come, but for what comes.
    let id = queued(api);
    disk.fail_once(Operation::Allocate, 1, Errno::NOSPC);
    api.upload(&id, data.clone()).expect(204);
    assert!(api.get(&file(&id)).expect(200).body == data);
    for word in ["WARN", "ERROR"] {
        assert_eq!(trouble.told_in_the_log(&[word]), trouble.told_in_the_log(&[word, "no_auth"]), "{word}");
    }
}
