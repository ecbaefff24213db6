//! One at a time: whoever comes next to an upload cuts off the piece that is still arriving, and waits until what came
//! of it is safe. What was computed of the data stays here between two pieces.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, stream};
use tokio::sync::{OwnedMutexGuard, watch};

use crate::images::pump::{Body, BodyError, Stages};

/// Uploads whose digests are kept between two pieces; those of others are computed anew from the store.
const PARKED_MAX: usize = 64;

/// The uploads that this node has had in hands.
#[derive(Default)]
pub struct Uploads {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

/// What this node knows of one upload.
struct Slot {
    /// Rises with everybody who comes.
    comers: watch::Sender<u64>,
    /// Digests and inspection of what has come, as far as they are known.
    parked: Arc<tokio::sync::Mutex<Option<Stages>>>,
}

/// The sole right to an upload, as far as this node goes.
pub(super) struct Turn {
    number: u64,
    comers: watch::Receiver<u64>,
    parked: OwnedMutexGuard<Option<Stages>>,
}

impl Uploads {
    /// Waits for its turn at the upload.
    pub(super) async fn turn(&self, upload_id: &str) -> Turn {
        let slot = self.slot(upload_id);
        let mut number = 0;
        slot.comers.send_modify(|comers| {
            *comers += 1;
            number = *comers;
        });
        let parked = Arc::clone(&slot.parked).lock_owned().await;
        Turn { number, comers: slot.comers.subscribe(), parked }
    }

    /// Cuts off a piece that is still arriving, and forgets what was computed.
    pub(super) fn forget(&self, upload_id: &str) {
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(upload_id);
        if let Some(slot) = slot {
            slot.comers.send_modify(|comers| *comers += 1);
        }
    }

    fn slot(&self, upload_id: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(upload_id) {
            return Arc::clone(slot);
        }
        if slots.len() >= PARKED_MAX {
            // Nobody waits at a slot that only this map knows of.
            let idle = slots
                .iter()
                .find(|(_, slot)| Arc::strong_count(slot) == 1 && Arc::strong_count(&slot.parked) == 1);
            if let Some(idle) = idle.map(|(id, _)| id.clone()) {
                slots.remove(&idle);
            }
        }
        let slot = Arc::new(Slot { comers: watch::Sender::new(0), parked: Arc::default() });
        slots.insert(upload_id.to_owned(), Arc::clone(&slot));
        slot
    }
}

impl Turn {
    /// What was computed of the first bytes, if it is of no more than these and with all of these digests.
    pub(super) fn take_stages(&mut self, offset_bytes: u64, algorithms: &[&str]) -> Option<Stages> {
        let stages = self.parked.take()?;
        let known = stages.algorithms();
        let fits = stages.size_bytes() <= offset_bytes
            && known.first() == algorithms.first()
            && algorithms.iter().all(|algorithm| known.contains(algorithm));
        fits.then_some(stages)
    }

    /// Keeps what was computed for the next piece.
    pub(super) fn park(&mut self, stages: Option<Stages>) {
        *self.parked = stages;
    }

    /// The body until somebody else comes: then it is as if its connection had broken.
    pub(super) fn until_the_next(&self, body: Body) -> Body {
        let (number, mut comers) = (self.number, self.comers.clone());
        let next = Box::pin(async move {
            // An error says that the upload was forgotten, which is the same to whoever still sends.
            let _ = comers.wait_for(|comers| *comers > number).await;
        });
        let frames = stream::unfold(Some((body, next)), |state| async move {
            let (mut body, mut next) = state?;
            tokio::select! {
                biased;
                () = &mut next => Some((Err(BodyError::Broken(Box::new(Superseded))), None)),
                frame = body.next() => frame.map(|frame| (frame, Some((body, next)))),
            }
        });
        frames.boxed()
    }
}

/// Why a body ended that was cut off.
#[derive(Debug, thiserror::Error)]
#[error("another request of the same upload came")]
struct Superseded;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use glasshouse_shared::checksum::HashDigest;

    fn stages(algorithms: &[&str]) -> Stages {
        Stages::new(algorithms.iter().map(|name| HashDigest::new(name).expect("known")).collect())
    }

    #[tokio::test]
    async fn whoever_comes_cuts_off_what_is_still_arriving() {
        let uploads = Arc::new(Uploads::default());
        let first = uploads.turn("a").await;
        let sent = stream::iter([Ok(Bytes::from_static(b"half"))]).chain(stream::pending()).boxed();
        let mut body = first.until_the_next(sent);
        assert!(matches!(body.next().await, Some(Ok(_))));
        let other = Arc::clone(&uploads);
        let second = tokio::spawn(async move { other.turn("a").await.number });
        assert!(matches!(body.next().await, Some(Err(BodyError::Broken(_)))));
        assert!(body.next().await.is_none());
        drop(first);
        assert_eq!(second.await.expect("its turn"), 2);
        assert_eq!(uploads.turn("b").await.number, 1, "another upload");
    }

    #[tokio::test]
    async fn an_upload_that_is_forgotten_takes_no_more() {
        let uploads = Uploads::default();
        let turn = uploads.turn("a").await;
        let mut body = turn.until_the_next(stream::pending().boxed());
        uploads.forget("a");
        assert!(matches!(body.next().await, Some(Err(BodyError::Broken(_)))));
    }

    #[tokio::test]
    async fn what_was_computed_is_kept_as_long_as_it_fits() {
        let uploads = Uploads::default();
        uploads.turn("a").await.park(Some(stages(&["sha512", "sha256"])));
        let fits = |turn: &mut Turn, algorithms| turn.take_stages(0, algorithms).is_some();
        assert!(fits(&mut uploads.turn("a").await, &["sha512"]));
        assert!(!fits(&mut uploads.turn("a").await, &["sha512"]), "it was taken");
        uploads.turn("a").await.park(Some(stages(&["sha512"])));
        assert!(!fits(&mut uploads.turn("a").await, &["sha512", "sha256"]));
    }

    #[tokio::test]
    async fn only_so_many_are_remembered() {
        let uploads = Uploads::default();
        let held = uploads.turn("held").await;
        for number in 0..PARKED_MAX * 2 {
            drop(uploads.turn(&number.to_string()).await);
        }
        let slots = uploads.slots.lock().expect("slots");
        assert!(slots.len() <= PARKED_MAX && slots.contains_key("held"));
        drop(held);
    }
}
