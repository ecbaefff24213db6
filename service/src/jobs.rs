//! Work that goes on when its request was answered, one job for an image: how much of it, and its end. What the work
//! is stands where it is begun.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

/// Jobs that work at the same time; the others wait.
const AT_WORK: usize = 8;
/// Jobs that may be there at all.
const JOBS_MAX: usize = 512;

/// As many jobs as may be are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{JOBS_MAX} jobs are waiting already")]
pub struct Full;

/// The jobs of this process.
#[derive(Debug)]
pub struct Jobs {
    tracker: TaskTracker,
    /// Where they work: not on the threads that answer.
    runtime: Handle,
    by_image: Mutex<HashMap<String, AbortHandle>>,
    places: Arc<Semaphore>,
}

impl Jobs {
    pub fn new(runtime: Handle) -> Self {
        Self {
            tracker: TaskTracker::new(),
            runtime,
            by_image: Mutex::new(HashMap::new()),
            places: Arc::new(Semaphore::new(AT_WORK)),
        }
    }

    /// Whether one more may be begun.
    pub fn check_room(&self) -> Result<(), Full> {
        if self.tracker.len() >= JOBS_MAX { Err(Full) } else { Ok(()) }
    }

    /// Begins a job for an image as soon as there is a place for it. One that is at work on the image ends.
    pub fn start(&self, image_id: &str, work: impl Future<Output = ()> + Send + 'static) {
        let places = Arc::clone(&self.places);
        let job = async move {
            // Never closed.
            if let Ok(_place) = places.acquire().await {
                work.await;
            }
        };
        let job = self.tracker.spawn_on(job, &self.runtime);
        let mut by_image = self.by_image.lock().unwrap_or_else(PoisonError::into_inner);
        by_image.retain(|_, job| !job.is_finished());
        if let Some(former) = by_image.insert(image_id.to_owned(), job.abort_handle()) {
            former.abort();
        }
    }

    /// Ends the job for an image wherever it is; whoever asks cleans up after it. Answers whether there was one.
    pub fn cancel(&self, image_id: &str) -> bool {
        let job = self.by_image.lock().unwrap_or_else(PoisonError::into_inner).remove(image_id);
        let Some(job) = job.filter(|job| !job.is_finished()) else { return false };
        job.abort();
        true
    }

    /// Ends every job. What they have under a lease goes on at the next start.
    pub async fn stop(&self) {
        for job in self.by_image.lock().unwrap_or_else(PoisonError::into_inner).values() {
            job.abort();
        }
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    #[tokio::test]
    async fn a_cancelled_job_ends_and_the_others_go_on() {
        let jobs = Jobs::new(Handle::current());
        let (begun, mut beginnings) = mpsc::channel(2);
        let (release, released) = oneshot::channel::<()>();
        let (done, was_done) = oneshot::channel::<&str>();
        let (never, dropped) = oneshot::channel::<()>();
        let first = begun.clone();
        jobs.start("kept", async move {
            first.send("kept").await.expect("somebody listens");
            released.await.expect("released");
            done.send("done").expect("somebody listens");
        });
        jobs.start("cancelled", async move {
            begun.send("cancelled").await.expect("somebody listens");
            std::future::pending::<()>().await;
            never.send(()).expect("never");
        });
        let mut seen = [beginnings.recv().await.expect("a job"), beginnings.recv().await.expect("a job")];
        seen.sort_unstable();
        assert_eq!(seen, ["cancelled", "kept"]);
        assert!(jobs.cancel("cancelled"));
        assert!(!jobs.cancel("cancelled"), "there is one job for an image");
        assert!(dropped.await.is_err(), "the job was dropped");
        release.send(()).expect("the other job waits");
        assert_eq!(was_done.await, Ok("done"));
        jobs.stop().await;
    }

    #[tokio::test]
    async fn a_stop_waits_for_nobody() {
        let jobs = Jobs::new(Handle::current());
        for image in 0..2 * AT_WORK {
            jobs.start(&image.to_string(), std::future::pending());
        }
        jobs.stop().await;
        assert!(jobs.tracker.is_empty());
    }
}
