//! Downloads, `scrub` and `fsck` of a store that cannot be read.

use std::fs::OpenOptions;
use std::io::Read as _;

use glasshouse_tests::alone::Alone;
use glasshouse_tests::faulty_disk::{Errno, Operation};
use glasshouse_tests::{service, wait};
use serde_json::Value;

use super::{Trouble, file, noise, queued, record};

alone_on_both_databases!(data_of_another_length_is_refused_before_the_first_byte);

/// How the log tells of a download that did not come to its end.
const CUT_OFF: &str = "a download was cut off";

#[test]
fn a_failing_read_never_ends_in_a_short_answer_and_is_told_once() {
    let trouble = Trouble::start("faults-read");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(3 << 20);
    let id = queued(api);
    api.upload(&id, data.clone()).expect(204);
    let mut cut = 0;
    // From the disk; out of the kernel's memory, by it alone and by way of ours.
    for operation in [Operation::Read, Operation::Send, Operation::ReadCached] {
        for nth in 1..=3 {
            // What lies in the kernel's memory is not read from the disk; what does not is not sent by the kernel. It
            // need not do as it is told in either.
            wait::until_true("a read that failed", wait::STEP, || {
                match operation {
                    Operation::Read => disk.forget(&id),
                    _ => assert_eq!(std::fs::read(trouble.controller.store().join(&id)).expect("read"), data),
                }
                disk.fail(operation, nth, Errno::IO);
                let answer =
                    api.call("GET", &file(&id)).header("x-openstack-request-id", "req-unread").try_send();
                let struck = disk.count(operation) >= nth;
                assert!(
                    answer.is_err() || !struck,
                    "{operation:?} {nth} failed, and the download ended well"
                );
                struck
            });
            cut += 1;
            wait::until_true("a line in the log", wait::STEP, || trouble.told_in_the_log(&[CUT_OFF]) >= cut);
            disk.heal();
            assert!(api.get(&file(&id)).expect(200).body == data);
        }
    }
    // Whoever hangs up is no failure of the disk.
    let mut hasty = api.begin_download(&id);
    hasty.read_exact(&mut [0; 12]).expect("an answer");
    drop(hasty);
    disk.fail(Operation::Open, 1, Errno::IO);
    let answer = api.get(&file(&id)).expect(503);
    trouble.assert_told(&answer, "cannot be read at the moment");
    disk.heal();
    assert!(api.get(&file(&id)).expect(200).body == data);
    let words = [CUT_OFF, "req-unread", &id, "os error 5"];
    assert_eq!((trouble.told_in_the_log(&[CUT_OFF]), trouble.told_in_the_log(&words)), (cut, cut));
}

#[test]
fn a_part_that_cannot_be_read_is_not_sent_short() {
    let trouble = Trouble::start("faults-read-part");
    let Trouble { api, disk, .. } = &trouble;
    let data = noise(3 << 20);
    let id = queued(api);
    api.upload(&id, data.clone()).expect(204);
    let part = || api.call("GET", &file(&id)).header("range", "bytes=1000-2999999");
    disk.fail(Operation::ReadCached, 1, Errno::IO);
    assert!(part().try_send().is_err());
    disk.heal();
    assert!(part().send().expect(206).body == data[1000..3_000_000]);
}

#[test]
fn scrub_says_of_what_it_cannot_read_that_it_is_unreadable_and_not_that_it_is_lost() {
    let trouble = Trouble::start("faults-scrub");
    let Trouble { api, disk, controller } = &trouble;
    let [sound, unread] = [(); 2].map(|()| {
        let id = queued(api);
        api.upload(&id, noise(1 << 20)).expect(204);
        id
    });
    let scrub = || {
        let mut command = service::command();
        command.args(["scrub", "--json", "--rate", "0", "--config-file"]).arg(&controller.configuration);
        command.envs(disk.environment());
        let ended = glasshouse_tests::process::run(command, wait::STEP);
        let found: Vec<Value> = serde_json::from_str(&ended.stdout).expect("a JSON list");
        (ended.status.code(), found)
    };
    for operation in [Operation::ReadCached, Operation::Open] {
        disk.fail(operation, 1, Errno::IO);
        let (code, found) = scrub();
        assert!(disk.count(operation) > 0, "{operation:?} was never tried");
        assert_eq!(code, Some(1), "{found:?}");
        for entry in found {
            assert_eq!(entry["outcome"], "unreadable", "{entry}");
            assert!(entry["found"].as_str().is_some_and(|found| found.contains("os error 5")), "{entry}");
        }
    }
    for id in [&sound, &unread] {
        assert_eq!(record(api, id)["status"], "active");
    }
    disk.heal();
    let (code, found) = scrub();
    assert_eq!((code, found.len()), (Some(0), 2));
    assert!(found.iter().all(|entry| entry["outcome"] == "sound"), "{found:?}");
}

#[test]
fn fsck_takes_no_image_for_lost_when_the_store_cannot_be_listed() {
    let trouble = Trouble::start("faults-fsck");
    let Trouble { api, disk, controller } = &trouble;
    let id = queued(api);
    api.upload(&id, "data").expect(204);
    let fsck = || {
        let mut command = service::command();
        command
            .args(["fsck", "--repair", "--deactivate-lost", "--config-file"])
            .arg(&controller.configuration);
        command.envs(disk.environment());
        glasshouse_tests::process::run(command, wait::STEP)
    };
    for operation in [Operation::List, Operation::Look, Operation::Open] {
        disk.fail(operation, 1, Errno::IO);
        let ended = fsck();
        assert!(operation == Operation::Open || !ended.status.success(), "{operation:?}: {ended:?}");
        disk.heal();
        assert_eq!(record(api, &id)["status"], "active", "{operation:?}: {ended:?}");
        assert_eq!(disk.names(), std::slice::from_ref(&id), "{operation:?}: {ended:?}");
    }
    let ended = fsck();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(api.get(&file(&id)).expect(200).text(), "data");
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
