//! What waits for a lane, and when it is worth a thread. No thread, no clock and no algorithm is here.

use std::sync::Arc;

use tokio::sync::Notify;

use super::super::{Parcel, PumpError};

/// What a transfer may leave at the desk: enough to go on while a thread has what it left before.
const PARCELS_MAX: usize = 2;

/// The digest of a transfer as far as it got, and the data that is to go into it.
pub trait Work {
    fn push(&mut self, parcel: Parcel);
    /// All that was pushed is in the digest.
    fn is_done(&self) -> bool;
}

pub struct Desk<W> {
    /// Who was served last stands last.
    transfers: Vec<Transfer<W>>,
    threads: usize,
    lanes: usize,
    last_id: u64,
}

struct Transfer<W> {
    id: u64,
    /// `None` while a thread has it.
    work: Option<W>,
    parcels: Vec<Parcel>,
    /// What it has left waits for no other.
    is_pressed: bool,
    /// The thread that had the work failed.
    is_lost: bool,
    changed: Arc<Notify>,
}

impl<W: Work> Transfer<W> {
    fn is_ready(&self) -> bool {
        self.work.as_ref().is_some_and(|work| !self.parcels.is_empty() || !work.is_done())
    }

    fn is_pressing(&self) -> bool {
        self.is_ready() && (self.is_pressed || self.parcels.len() >= PARCELS_MAX)
    }

    /// The work with all of its data; makes room for more.
    fn take(&mut self) -> Option<(u64, W)> {
        let mut work = self.work.take()?;
        self.parcels.drain(..).for_each(|parcel| work.push(parcel));
        self.changed.notify_one();
        Some((self.id, work))
    }
}

impl<W: Work> Desk<W> {
    /// For so many threads, each of which can do so many works at once.
    pub fn new(threads: usize, lanes: usize) -> Self {
        Self { transfers: Vec::new(), threads, lanes, last_id: 0 }
    }

    /// The number of a new transfer, and what tells it that its place changed.
    pub fn open(&mut self, work: W) -> (u64, Arc<Notify>) {
        self.last_id += 1;
        let (id, changed) = (self.last_id, Arc::<Notify>::default());
        let parcels = Vec::with_capacity(PARCELS_MAX);
        let transfer = Transfer {
            id,
            work: Some(work),
            parcels,
            is_pressed: false,
            is_lost: false,
            changed: Arc::clone(&changed),
        };
        self.transfers.push(transfer);
        (id, changed)
    }

    pub fn put(&mut self, id: u64, parcel: Parcel) {
        if let Some(transfer) = self.find(id) {
            transfer.parcels.push(parcel);
        }
    }

    pub fn has_room(&mut self, id: u64) -> bool {
        self.find(id).is_none_or(|transfer| transfer.is_lost || transfer.parcels.len() < PARCELS_MAX)
    }

    /// What the transfer has left waits for no other any more.
    pub fn press(&mut self, id: u64) {
        if let Some(transfer) = self.find(id) {
            transfer.is_pressed = transfer.work.is_none() || transfer.is_ready();
        }
    }

    /// The work of a transfer, once all that it left is in it.
    pub fn finished(&mut self, id: u64) -> Result<Option<W>, PumpError> {
        let transfer = self.find(id).filter(|transfer| !transfer.is_lost).ok_or(PumpError::Digest)?;
        let is_done = transfer.work.is_some() && !transfer.is_ready();
        Ok(transfer.work.take_if(|_| is_done))
    }

    pub fn leave(&mut self, id: u64) {
        self.transfers.retain(|transfer| transfer.id != id);
    }

    /// What a thread does next, side by side.
    pub fn take(&mut self) -> Vec<(u64, W)> {
        let lanes = if self.is_quiet() { 1 } else { self.lanes };
        // Those that press, then those that wait for the longest time.
        self.transfers.sort_by_key(|transfer| !transfer.is_pressing());
        let (mut taken, mut left) = (Vec::with_capacity(lanes), Vec::with_capacity(self.transfers.len()));
        let mut works = Vec::with_capacity(lanes);
        for mut transfer in self.transfers.drain(..) {
            if works.len() < lanes
                && transfer.is_ready()
                && let Some(work) = transfer.take()
            {
                works.push(work);
                taken.push(transfer);
            } else {
                left.push(transfer);
            }
        }
        left.append(&mut taken);
        self.transfers = left;
        works
    }

    pub fn put_back(&mut self, works: impl Iterator<Item = (u64, W)>) {
        for (id, work) in works {
            // Who has left meanwhile wants it no more.
            if let Some(transfer) = self.find(id) {
                transfer.work = Some(work);
                transfer.is_pressed &= transfer.is_ready();
                transfer.changed.notify_one();
            }
        }
    }

    /// The thread that had these failed.
    pub fn lose(&mut self, ids: impl Iterator<Item = u64>) {
        for id in ids {
            if let Some(transfer) = self.find(id) {
                transfer.is_lost = true;
                transfer.changed.notify_one();
            }
        }
    }

    /// Every transfer can have a thread for itself.
    fn is_quiet(&self) -> bool {
        self.transfers.len() <= self.threads
    }

    /// Whether a thread should come for what there is.
    pub fn is_worth_it(&self) -> bool {
        let ready = self.transfers.iter().filter(|transfer| transfer.is_ready()).count();
        let enough = if self.is_quiet() { 1 } else { self.transfers.len().min(self.lanes) };
        ready >= enough.max(1) || self.transfers.iter().any(Transfer::is_pressing)
    }

    fn find(&mut self, id: u64) -> Option<&mut Transfer<W>> {
        self.transfers.iter_mut().find(|transfer| transfer.id == id)
    }
}

#[cfg(test)]
mod tests;
