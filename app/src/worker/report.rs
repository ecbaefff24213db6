//! How the worker speaks: an event into the queue, then a knock on the window. And how a client's error becomes
//! a failure.

use glasshouse_shared::client::{ClientError, ErrorKind};
use tokio::sync::mpsc;

use super::Waker;
use crate::event::{Event, TransferNews};
use crate::state::failure::{Failure, FailureKind};

#[derive(Clone)]
pub struct Reporter {
    events: mpsc::Sender<Event>,
    waker: Waker,
}

impl Reporter {
    pub fn new(events: mpsc::Sender<Event>, waker: Waker) -> Self {
        Self { events, waker }
    }

    /// Waits when the window does not keep up, so that a fast server cannot fill the memory.
    pub async fn tell(&self, event: Event) {
        // A window that is gone needs no news.
        if self.events.send(event).await.is_ok() {
            (self.waker)();
        }
    }

    pub fn of_transfer(&self, transfer: u64) -> TransferReporter {
        TransferReporter { reporter: self.clone(), transfer }
    }
}

/// A reporter for the news of one transfer.
#[derive(Clone)]
pub struct TransferReporter {
    reporter: Reporter,
    transfer: u64,
}

impl TransferReporter {
    pub async fn tell(&self, news: TransferNews) {
        self.reporter.tell(Event::Transfer { transfer: self.transfer, news }).await;
    }
}

pub fn failure(error: &ClientError) -> Failure {
    let kind = match error.kind {
        ErrorKind::Unauthorized => FailureKind::Unauthorized,
        ErrorKind::Forbidden => FailureKind::Forbidden,
        ErrorKind::Transport => FailureKind::Unreachable,
        ErrorKind::Corrupt => FailureKind::Corrupt,
        ErrorKind::Local(_) => FailureKind::File,
        ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::Gone
        | ErrorKind::TooLarge
        | ErrorKind::UnsupportedMedia
        | ErrorKind::Rejected
        | ErrorKind::Unavailable
        | ErrorKind::Cancelled => FailureKind::Refused,
    };
    Failure {
        kind,
        attempted: error.attempted.clone(),
        message: error.message.clone(),
        status: error.status,
        request_id: error.request_id.as_deref().map(str::to_owned),
    }
}
