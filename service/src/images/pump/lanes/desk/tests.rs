//! Which transfers a thread is given, and when. The work is done here by emptying it.

use bytes::Bytes;

use super::*;

const LANES: usize = 8;

/// How many parcels it has and has not done.
#[derive(Debug, Default, PartialEq)]
struct Count(usize);

impl Work for Count {
    fn push(&mut self, _: Parcel) {
        self.0 += 1;
    }

    fn is_done(&self) -> bool {
        self.0 == 0
    }
}

async fn parcel() -> Parcel {
    Parcel::pack(Arc::new(vec![Bytes::from_static(b"data")])).await.expect("room")
}

/// A desk with so many transfers, none of which has left anything yet.
fn desk(threads: usize, transfers: usize) -> (Desk<Count>, Vec<u64>) {
    let mut desk = Desk::new(threads, LANES);
    let ids = (0..transfers).map(|_| desk.open(Count::default()).0).collect();
    (desk, ids)
}

fn ids(works: &[(u64, Count)]) -> Vec<u64> {
    works.iter().map(|(id, _)| *id).collect()
}

#[tokio::test]
async fn who_can_have_a_thread_waits_for_nobody() {
    let (mut desk, transfers) = desk(2, 2);
    assert!(!desk.is_worth_it(), "nothing is there");
    desk.put(transfers[1], parcel().await);
    desk.put(transfers[0], parcel().await);
    assert!(desk.is_worth_it());
    // One by one: alone each is quicker.
    assert_eq!(desk.take(), [(transfers[0], Count(1))]);
    assert_eq!(desk.take(), [(transfers[1], Count(1))]);
    assert!(!desk.is_worth_it());
}

#[tokio::test]
async fn with_more_transfers_than_threads_all_have_data_before_one_goes() {
    let (mut desk, transfers) = desk(1, 3);
    for id in &transfers {
        assert!(!desk.is_worth_it());
        desk.put(*id, parcel().await);
    }
    assert!(desk.is_worth_it());
    assert_eq!(ids(&desk.take()), transfers);
}

#[tokio::test]
async fn more_transfers_than_lanes_take_turns() {
    let (mut desk, transfers) = desk(1, LANES + 2);
    for id in &transfers {
        desk.put(*id, parcel().await);
    }
    let first = desk.take();
    assert_eq!(ids(&first), transfers[..LANES]);
    for id in &transfers[..LANES] {
        desk.put(*id, parcel().await);
    }
    desk.put_back(first.into_iter().map(|(id, _)| (id, Count(0))));
    let second = ids(&desk.take());
    assert_eq!(second[..2], transfers[LANES..]);
    assert_eq!(second[2..], transfers[..LANES - 2]);
}

#[tokio::test]
async fn who_has_no_room_left_does_not_wait_for_the_others() {
    let (mut desk, transfers) = desk(1, 3);
    for _ in 0..PARCELS_MAX {
        assert!(!desk.is_worth_it() && desk.has_room(transfers[1]));
        desk.put(transfers[1], parcel().await);
    }
    assert!(!desk.has_room(transfers[1]));
    assert!(desk.is_worth_it());
    assert_eq!(desk.take(), [(transfers[1], Count(PARCELS_MAX))]);
    assert!(desk.has_room(transfers[1]), "what a thread has is no longer at the desk");
}

#[tokio::test]
async fn who_presses_goes_until_all_of_it_is_done() {
    let (mut desk, transfers) = desk(1, 3);
    desk.press(transfers[2]);
    desk.put(transfers[2], parcel().await);
    assert!(!desk.is_worth_it(), "with nothing there was nothing to press for");
    desk.put(transfers[0], parcel().await);
    desk.press(transfers[2]);
    assert_eq!(ids(&desk.take()), [transfers[2], transfers[0]], "and takes others along");
    // Another was done before it: half of it comes back, and goes on without being asked.
    desk.put_back([(transfers[2], Count(1)), (transfers[0], Count(0))].into_iter());
    assert_eq!(desk.take(), [(transfers[2], Count(1))]);
    desk.put_back([(transfers[2], Count(0))].into_iter());
    desk.put(transfers[2], parcel().await);
    assert!(!desk.is_worth_it(), "what comes after waits again");
}

#[tokio::test]
async fn who_presses_while_a_thread_has_the_work_is_not_forgotten() {
    let (mut desk, transfers) = desk(1, 2);
    for id in &transfers {
        desk.put(*id, parcel().await);
    }
    let works = desk.take();
    desk.put(transfers[0], parcel().await);
    desk.press(transfers[0]);
    assert_eq!(desk.finished(transfers[0]).expect("not lost"), None);
    desk.put_back(works.into_iter().map(|(id, _)| (id, Count(0))));
    assert_eq!(desk.take(), [(transfers[0], Count(1))]);
    desk.put_back([(transfers[0], Count(0))].into_iter());
    assert_eq!(desk.finished(transfers[0]).expect("not lost"), Some(Count(0)));
}

#[tokio::test]
async fn who_has_left_is_forgotten_and_who_was_lost_is_told() {
    let (mut desk, transfers) = desk(1, 2);
    for id in &transfers {
        desk.put(*id, parcel().await);
    }
    let works = desk.take();
    desk.leave(transfers[0]);
    desk.lose(ids(&works).into_iter());
    assert!(desk.has_room(transfers[1]), "it must not wait for room either");
    assert!(matches!(desk.finished(transfers[1]), Err(PumpError::Digest)));
    assert!(matches!(desk.finished(transfers[0]), Err(PumpError::Digest)));
    assert!(!desk.is_worth_it());
}
