//! How many connections are held at once. Further ones wait in the kernel's queue until one ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Descriptors for what is not a connection: databases, logs, the neighbours.
const RESERVED: u64 = 128;
/// A transfer has its socket and the file in the store.
const PER_CONNECTION: u64 = 2;
const CONNECTIONS_MIN: u64 = 64;
/// More than clients of one node ever make; each may cost the memory of its headers.
const CONNECTIONS_MAX: u64 = 32_768;
/// Where the system does not tell how many files a program may open.
#[cfg(not(unix))]
const DESCRIPTORS_ASSUMED: u64 = 1024;

/// The places for connections.
pub struct Admission {
    places: Arc<Semaphore>,
    count: usize,
    /// Said since the last time that there was a place at once: a crowd is one line in the log, not one for each.
    is_full: AtomicBool,
}

impl Admission {
    /// As many places as this process may have descriptors for, after it was given all it is allowed.
    pub fn new() -> Self {
        Self::with_places(places_for(raise_descriptors()))
    }

    fn with_places(count: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(count)), count, is_full: AtomicBool::new(false) }
    }

    /// A place, held until it is dropped. Waits for one when all are taken, and says so in the log.
    pub async fn admit(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            self.is_full.store(false, Ordering::Relaxed);
            return Some(place);
        }
        if !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "all {} connections are taken: the next one waits until one of them ends",
                self.count
            );
        }
        // The places are never closed, so that this is always Some.
        Arc::clone(&self.places).acquire_owned().await.ok()
    }
}

fn places_for(descriptors: u64) -> usize {
    let places = descriptors.saturating_sub(RESERVED) / PER_CONNECTION;
    usize::try_from(places.clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)).unwrap_or(usize::MAX)
}

/// Lifts the soft limit to the hard one, and tells it: the soft one is low only for programs that use `select`.
#[cfg(unix)]
fn raise_descriptors() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    let in_force = if setrlimit(Resource::Nofile, limit).is_ok() { limit.maximum } else { before };
    // None stands for no limit at all.
    in_force.unwrap_or(u64::MAX)
}

#[cfg(not(unix))]
fn raise_descriptors() -> u64 {
    DESCRIPTORS_ASSUMED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_has_two_descriptors_and_the_rest_of_the_service_its_own() {
        assert_eq!(places_for(1024), 448);
        assert_eq!(places_for(16), 64);
        assert_eq!(places_for(u64::MAX), 32_768);
    }

    #[tokio::test]
    async fn who_finds_no_place_gets_the_next_that_is_free() {
        let admission = Admission::with_places(1);
        let first = admission.admit().await;
        assert!(first.is_some());
        let mut second = Box::pin(admission.admit());
        assert!(futures_util::poll!(second.as_mut()).is_pending(), "there is only one place");
        drop(first);
        assert!(second.await.is_some());
    }
}
