//! How far a transfer is, to be sampled from outside, and the way to stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

/// What a transfer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Nothing has moved yet.
    #[default]
    Waiting,
    /// Bytes are moving.
    Moving,
    /// All bytes are sent; the service stores them.
    Storing,
    /// Digests are compared.
    Verifying,
}

/// Counters that the transfer writes and the window samples; all clones share them.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    bytes: Arc<AtomicU64>,
    total: Arc<AtomicU64>,
    phase: Arc<AtomicU8>,
    token: CancellationToken,
}

impl Progress {
    /// A transfer that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that have been moved, those of an earlier, resumed attempt included.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes to be moved, once known.
    pub fn total_bytes(&self) -> Option<u64> {
        // Stored with one added, so that zero stays free for "unknown": empty files exist.
        self.total.load(Ordering::Relaxed).checked_sub(1)
    }

    /// What the transfer is doing.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Waiting,
            1 => Phase::Moving,
            2 => Phase::Storing,
            _ => Phase::Verifying,
        }
    }

    /// Stops the transfer; it ends with an error of kind `Cancelled`.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Whether it was told to stop.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// The token itself, to tie several transfers together.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    pub(super) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn set_total(&self, bytes: u64) {
        self.total.store(bytes.saturating_add(1), Ordering::Relaxed);
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        let number = match phase {
            Phase::Waiting => 0,
            Phase::Moving => 1,
            Phase::Storing => 2,
            Phase::Verifying => 3,
        };
        self.phase.store(number, Ordering::Relaxed);
    }
}
