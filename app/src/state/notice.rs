//! Notices: short-lived toasts for results of background work, and the list of problems that stays.

use jiff::{SignedDuration, Timestamp};

use super::failure::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    Success,
    Plain,
    Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub id: u64,
    pub kind: NoticeKind,
    pub text: String,
    pub until: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub failure: Failure,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notices {
    pub toasts: Vec<Notice>,
    /// Newest first.
    pub problems: Vec<Problem>,
    next_id: u64,
}

/// So many problems are kept.
const PROBLEMS: usize = 200;

impl Notices {
    pub fn say(&mut self, kind: NoticeKind, text: impl Into<String>, now: Timestamp) {
        self.next_id += 1;
        let secs = if kind == NoticeKind::Problem { 10 } else { 4 };
        let until = now.checked_add(SignedDuration::from_secs(secs)).unwrap_or(now);
        self.toasts.push(Notice { id: self.next_id, kind, text: text.into(), until });
    }

    /// Shows a failure and keeps it.
    pub fn report(&mut self, failure: Failure, now: Timestamp) {
        self.say(NoticeKind::Problem, failure.sentence(), now);
        self.keep(failure, now);
    }

    /// Keeps a failure that is already shown where it happened.
    pub fn keep(&mut self, failure: Failure, now: Timestamp) {
        self.problems.insert(0, Problem { failure, at: now });
        self.problems.truncate(PROBLEMS);
    }

    pub fn dismiss(&mut self, id: u64) {
        self.toasts.retain(|toast| toast.id != id);
    }

    pub fn expire(&mut self, now: Timestamp) {
        self.toasts.retain(|toast| toast.until > now);
    }

    /// When the next toast goes away.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.toasts.iter().map(|toast| toast.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toast_goes_away_and_its_problem_stays() {
        let now: Timestamp = "2026-11-22T06:00:00Z".parse().unwrap();
        let mut notices = Notices::default();
        notices.report(Failure::of_file("read \"/d/a\"", "permission denied"), now);
        notices.say(NoticeKind::Success, "Copied the id", now);
        assert_eq!(notices.next_expiry(), Some("2026-11-22T06:00:04Z".parse().unwrap()));
        notices.expire("2026-11-22T06:00:04Z".parse().unwrap());
        assert_eq!(notices.toasts.len(), 1);
        assert_eq!(notices.toasts[0].text, "Could not read \"/d/a\": permission denied");
        notices.expire("2026-11-22T06:00:10Z".parse().unwrap());
        assert!(notices.toasts.is_empty());
        assert_eq!(notices.problems.len(), 1);
    }
}
