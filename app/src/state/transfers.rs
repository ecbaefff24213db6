//! The dock: every upload and download with its phase, its speed and what is left to do.
//!
//! A queue with a limit: at most [`AT_ONCE`] are under way, the rest wait their turn in order.

use std::collections::VecDeque;
use std::path::PathBuf;

use jiff::Timestamp;

use super::failure::Failure;
use crate::effect::{Download, Effect, Upload};
use crate::event::TransferNews;

pub type TransferId = u64;

/// So many transfers run side by side.
pub const AT_ONCE: usize = 2;
/// The speed is that of the last so many milliseconds.
const SPEED_WINDOW_MS: i64 = 5_000;

#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    Upload(Upload),
    Download(Download),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    Waiting,
    /// Asked for, no byte has moved.
    Starting,
    Moving,
    /// All bytes are sent, the service puts them away.
    Storing,
    Verifying,
    /// The digest that both sides agree on.
    Done {
        digest: Option<String>,
    },
    Cancelled {
        left_behind: Option<String>,
    },
    Failed {
        failure: Failure,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    pub id: TransferId,
    /// The name of the image.
    pub name: String,
    pub work: Work,
    pub phase: Phase,
    pub done_bytes: u64,
    pub total_bytes: Option<u64>,
    samples: VecDeque<(Timestamp, u64)>,
}

impl Transfer {
    pub fn is_upload(&self) -> bool {
        matches!(self.work, Work::Upload(_))
    }

    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Moving | Phase::Storing | Phase::Verifying)
    }

    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Done { .. } | Phase::Cancelled { .. } | Phase::Failed { .. })
    }

    /// The word for what happens now.
    pub fn phase_word(&self) -> &'static str {
        match (&self.phase, self.is_upload()) {
            (Phase::Waiting, _) => "waiting",
            (Phase::Starting, _) => "starting",
            (Phase::Moving, true) => "sending",
            (Phase::Moving, false) => "receiving",
            (Phase::Storing, _) => "storing",
            (Phase::Verifying, _) => "verifying",
            (Phase::Done { digest: Some(_) }, true) => "uploaded and verified",
            (Phase::Done { digest: Some(_) }, false) => "downloaded and verified",
            (Phase::Done { digest: None }, true) => "uploaded, without a digest to compare",
            (Phase::Done { digest: None }, false) => "downloaded, without a digest to compare",
            (Phase::Cancelled { .. }, _) => "cancelled",
            (Phase::Failed { .. }, _) => "failed",
        }
    }

    /// From 0 to 1; unknown while the size is.
    pub fn fraction(&self) -> Option<f32> {
        match (&self.phase, self.total_bytes) {
            (Phase::Done { .. }, _) => Some(1.0),
            (_, Some(0)) => Some(0.0),
            #[expect(clippy::cast_precision_loss, reason = "a bar needs three digits")]
            (_, Some(total)) => Some((self.done_bytes as f32 / total as f32).clamp(0.0, 1.0)),
            (_, None) => None,
        }
    }

    /// Bytes per second over the last seconds.
    pub fn bytes_per_sec(&self) -> Option<u64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let millis = u64::try_from(last.0.as_millisecond() - first.0.as_millisecond()).ok()?;
        if millis < 200 {
            return None;
        }
        Some(last.1.saturating_sub(first.1).saturating_mul(1_000) / millis)
    }

    pub fn remaining_secs(&self) -> Option<u64> {
        let left = self.total_bytes?.saturating_sub(self.done_bytes);
        match self.bytes_per_sec()? {
            0 => None,
            speed => Some(left.div_ceil(speed)),
        }
    }

    fn progress(&mut self, done_bytes: u64, total_bytes: Option<u64>, now: Timestamp) {
        self.phase = Phase::Moving;
        if done_bytes < self.done_bytes {
            // A connection broke, and its end is sent again: what was measured before says nothing any more.
            self.samples.clear();
        }
        self.done_bytes = done_bytes;
        self.total_bytes = total_bytes.or(self.total_bytes);
        self.samples.push_back((now, done_bytes));
        while self.samples.len() > 2
            && self
                .samples
                .front()
                .is_some_and(|(at, _)| now.as_millisecond() - at.as_millisecond() > SPEED_WINDOW_MS)
        {
            self.samples.pop_front();
        }
    }

    fn effect(&self) -> Effect {
        match &self.work {
            Work::Upload(upload) => Effect::Upload { transfer: self.id, upload: upload.clone() },
            Work::Download(download) => Effect::Download { transfer: self.id, download: download.clone() },
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transfers {
    pub rows: Vec<Transfer>,
    pub is_collapsed: bool,
    next_id: TransferId,
}

impl Transfers {
    pub fn get(&self, id: TransferId) -> Option<&Transfer> {
        self.rows.iter().find(|row| row.id == id)
    }

    pub fn add(&mut self, name: String, total_bytes: Option<u64>, work: Work) {
        self.next_id += 1;
        self.is_collapsed = false;
        self.rows.push(Transfer {
            id: self.next_id,
            name,
            work,
            phase: Phase::Waiting,
            done_bytes: 0,
            total_bytes,
            samples: VecDeque::new(),
        });
    }

    /// Starts what waits while there is room.
    pub fn start_waiting(&mut self) -> Vec<Effect> {
        let mut room = AT_ONCE.saturating_sub(self.rows.iter().filter(|row| row.is_running()).count());
        let mut effects = Vec::new();
        for row in self.rows.iter_mut().filter(|row| row.phase == Phase::Waiting) {
            if room == 0 {
                break;
            }
            room -= 1;
            row.phase = Phase::Starting;
            effects.push(row.effect());
        }
        effects
    }

    /// A waiting transfer is cancelled here and now; a running one by the worker.
    pub fn cancel(&mut self, id: TransferId) -> Option<Effect> {
        let row = self.rows.iter_mut().find(|row| row.id == id)?;
        if row.phase == Phase::Waiting {
            row.phase = Phase::Cancelled { left_behind: None };
            return None;
        }
        row.is_running().then_some(Effect::CancelTransfer { transfer: id })
    }

    pub fn retry(&mut self, id: TransferId) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.id == id && row.is_finished()) {
            row.phase = Phase::Waiting;
            row.done_bytes = 0;
            row.samples.clear();
        }
    }

    pub fn forget(&mut self, id: TransferId) {
        self.rows.retain(|row| row.id != id || !row.is_finished());
    }

    pub fn forget_finished(&mut self) {
        self.rows.retain(|row| !row.is_finished());
    }

    pub fn running(&self) -> usize {
        self.rows.iter().filter(|row| row.is_running()).count()
    }

    pub fn waiting(&self) -> usize {
        self.rows.iter().filter(|row| row.phase == Phase::Waiting).count()
    }

    /// The target of a download under way, so that two never write to one file.
    pub fn writes_to(&self, path: &std::path::Path) -> bool {
        self.rows.iter().any(
            |row| matches!(&row.work, Work::Download(download) if download.to == path && !row.is_finished()),
        )
    }

    pub fn take_news(&mut self, id: TransferId, news: &TransferNews, now: Timestamp) {
        let Some(row) = self.rows.iter_mut().find(|row| row.id == id) else { return };
        match news {
            TransferNews::Created { image_id } => {
                if let Work::Upload(upload) = &mut row.work {
                    upload.image_id = Some(image_id.clone());
                }
            }
            TransferNews::Progress { done_bytes, total_bytes } => {
                row.progress(*done_bytes, *total_bytes, now);
            }
            TransferNews::Storing => row.phase = Phase::Storing,
            TransferNews::Verifying => row.phase = Phase::Verifying,
            TransferNews::Uploaded { image } => {
                row.done_bytes = image.size.unwrap_or(row.done_bytes);
                row.phase = Phase::Done { digest: image.os_hash_value.clone().or(image.checksum.clone()) };
            }
            TransferNews::Downloaded { path, bytes, digest } => {
                row.done_bytes = *bytes;
                row.set_target(path.clone());
                row.phase = Phase::Done { digest: digest.clone() };
            }
            TransferNews::Cancelled { left_behind } => {
                if let Work::Upload(upload) = &mut row.work {
                    upload.image_id.clone_from(left_behind);
                }
                row.phase = Phase::Cancelled { left_behind: left_behind.clone() };
            }
            TransferNews::Failed { failure } => {
                row.phase = Phase::Failed { failure: failure.clone(), at: now };
            }
        }
    }
}

impl Transfer {
    fn set_target(&mut self, path: PathBuf) {
        if let Work::Download(download) = &mut self.work {
            download.to = path;
        }
    }
}

#[cfg(test)]
#[path = "transfers_tests.rs"]
mod tests;
