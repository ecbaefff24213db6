//! Failure: an error as a person reads it: what was tried, what was answered, and by which request.

use jiff::Timestamp;

/// The families that the window treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The server wants another login.
    Unauthorized,
    /// The login is good, a policy says no.
    Forbidden,
    /// Nobody answered.
    Unreachable,
    /// The server answered that it cannot do it.
    Refused,
    /// A file on this machine could not be read or written.
    File,
    /// The bytes that arrived are not the bytes that were sent.
    Corrupt,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// Verb and object: "upload image \"debian-12\"".
    pub attempted: String,
    /// What the other side said, in its words.
    pub message: String,
    pub status: Option<u16>,
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure of this machine, without a server in it.
    pub fn of_file(attempted: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::File,
            attempted: attempted.into(),
            message: message.into(),
            status: None,
            request_id: None,
        }
    }

    /// One sentence, as it stands in a row or a card.
    pub fn sentence(&self) -> String {
        format!("Could not {}: {}", self.attempted, self.message)
    }

    /// What to try next, in words.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            FailureKind::Unauthorized => "The login was not accepted or has expired. Connect again.",
            FailureKind::Forbidden => {
                "A policy of this cloud does not allow it for your roles in this project. Ask an administrator, \
                 or connect to another project."
            }
            FailureKind::Unreachable => {
                "Nothing answered. Check the address, the network and whether the service is running."
            }
            FailureKind::Refused => "The server gave the reason above.",
            FailureKind::File => {
                "Check that the path exists, that you may use it and that the disk is not full."
            }
            FailureKind::Corrupt => {
                "Nothing was kept. Try again; if it happens twice, look at disks and network."
            }
        }
    }

    /// The text that "Copy report" puts on the clipboard.
    pub fn report(&self, at: Timestamp) -> String {
        let mut lines = vec![
            format!("Glasshouse {}", env!("CARGO_PKG_VERSION")),
            format!("Time: {at}"),
            format!("Tried to: {}", self.attempted),
            format!("Answer: {}", self.message),
        ];
        if let Some(status) = self.status {
            lines.push(format!("HTTP status: {status}"));
        }
        if let Some(request_id) = &self.request_id {
            lines.push(format!("Request id: {request_id}"));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_carries_time_status_and_request_id() {
        let failure = Failure {
            kind: FailureKind::Refused,
            attempted: "upload image \"debian\"".into(),
            message: "quota exceeded".into(),
            status: Some(413),
            request_id: Some("req-1".into()),
        };
        let report = failure.report("2026-11-22T06:00:00Z".parse().unwrap());
        assert!(report.contains("Time: 2026-11-22T06:00:00Z"));
        assert!(report.contains("Tried to: upload image \"debian\""));
        assert!(report.contains("HTTP status: 413"));
        assert!(report.ends_with("Request id: req-1"));
    }
}
