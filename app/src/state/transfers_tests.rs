//! Tests of the dock.

use super::*;
use crate::state::failure::FailureKind;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn download(n: u64) -> Work {
    Work::Download(Download { image_id: format!("id-{n}"), to: PathBuf::from(format!("/d/{n}.img")) })
}

fn with_three() -> Transfers {
    let mut transfers = Transfers::default();
    for n in 1..=3 {
        transfers.add(format!("image {n}"), Some(1_000), download(n));
    }
    transfers
}

#[test]
fn two_run_and_the_third_waits_its_turn() {
    let mut transfers = with_three();
    let started = transfers.start_waiting();
    assert!(matches!(
        started.as_slice(),
        [Effect::Download { transfer: 1, .. }, Effect::Download { transfer: 2, .. }]
    ));
    assert!(transfers.start_waiting().is_empty());
    let news = TransferNews::Downloaded { path: "/d/1.img".into(), bytes: 1_000, digest: Some("ab".into()) };
    transfers.take_news(1, &news, at(0));
    assert!(matches!(transfers.start_waiting().as_slice(), [Effect::Download { transfer: 3, .. }]));
    assert_eq!((transfers.running(), transfers.waiting()), (2, 0));
}

#[test]
fn speed_and_remaining_time_come_from_the_last_seconds() {
    let mut transfers = with_three();
    transfers.start_waiting();
    for second in 0_i64..=10 {
        let done_bytes = if second < 5 { 0 } else { (second.unsigned_abs() - 5) * 100 };
        let news = TransferNews::Progress { done_bytes, total_bytes: Some(1_000) };
        transfers.take_news(1, &news, at(second));
    }
    let row = transfers.get(1).unwrap();
    assert_eq!(row.bytes_per_sec(), Some(100));
    assert_eq!(row.remaining_secs(), Some(5));
    assert_eq!(row.fraction(), Some(0.5));
    assert_eq!(row.phase_word(), "receiving");
}

#[test]
fn a_waiting_transfer_is_cancelled_without_the_worker() {
    let mut transfers = with_three();
    transfers.start_waiting();
    assert_eq!(transfers.cancel(3), None);
    assert_eq!(transfers.cancel(1), Some(Effect::CancelTransfer { transfer: 1 }));
    assert_eq!(transfers.get(3).unwrap().phase, Phase::Cancelled { left_behind: None });
}

#[test]
fn a_retry_fills_the_record_that_exists_already() {
    let mut transfers = Transfers::default();
    let declared = crate::state::uploads::Declared {
        name: "a".into(),
        disk_format: "raw".into(),
        container_format: "bare".into(),
        visibility: glasshouse_shared::image::Visibility::Private,
    };
    let upload = Upload { path: "/d/a.img".into(), declared, image_id: None };
    transfers.add("a".into(), Some(10), Work::Upload(upload));
    transfers.start_waiting();
    transfers.take_news(1, &TransferNews::Created { image_id: "new".into() }, at(0));
    let failure = Failure {
        kind: FailureKind::Unreachable,
        attempted: "upload image \"a\"".into(),
        message: "connection reset".into(),
        status: None,
        request_id: None,
    };
    transfers.take_news(1, &TransferNews::Failed { failure }, at(1));
    transfers.retry(1);
    let effects = transfers.start_waiting();
    let [Effect::Upload { upload, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(upload.image_id.as_deref(), Some("new"));
}

#[test]
fn only_finished_rows_are_forgotten() {
    let mut transfers = with_three();
    transfers.start_waiting();
    transfers.take_news(2, &TransferNews::Cancelled { left_behind: None }, at(0));
    transfers.forget(1);
    transfers.forget_finished();
    assert_eq!(transfers.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [1, 3]);
}
