//! Waiting: ask until the answer is there, and give up after a stated time. Never a fixed pause.

use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to come up on a busy machine.
pub const START: Duration = Duration::from_mins(2);
/// How long one step of a test may take.
pub const STEP: Duration = Duration::from_mins(1);

pub(crate) const BETWEEN_QUESTIONS: Duration = Duration::from_millis(20);

/// Asks until there is an answer; panics with `what` when there is none in time.
pub fn until<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain for {what}");
        thread::sleep(BETWEEN_QUESTIONS);
    }
}

/// [`until`] for a yes or no.
pub fn until_true(what: &str, limit: Duration, mut ask: impl FnMut() -> bool) {
    until(what, limit, || ask().then_some(()));
}
