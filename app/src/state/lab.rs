//! The lab as the window sees it: off, starting, running at an address, or ended with a reason.

use std::collections::VecDeque;
use std::path::PathBuf;

/// The name of the lab in the clouds.yaml that it writes.
pub const CLOUD: &str = "glasshouse-lab";

/// So many lines of the lab's log are kept.
const LOG_LINES: usize = 2_000;

/// Where a running lab answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabAddresses {
    pub image: String,
    pub identity: String,
    pub clouds_file: PathBuf,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LabPhase {
    #[default]
    Off,
    Starting,
    Running(LabAddresses),
    Stopping,
    /// It ended by itself.
    Failed(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lab {
    pub phase: LabPhase,
    /// The clouds.yaml of the lab that was started last.
    pub clouds_file: Option<PathBuf>,
    pub log: VecDeque<String>,
}

impl Lab {
    pub fn push_line(&mut self, line: String) {
        if self.log.len() == LOG_LINES {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    /// The word beside the dot in the status bar.
    pub fn word(&self) -> &'static str {
        match self.phase {
            LabPhase::Off => "off",
            LabPhase::Starting => "starting",
            LabPhase::Running(_) => "running",
            LabPhase::Stopping => "stopping",
            LabPhase::Failed(_) => "failed",
        }
    }

    pub fn is_up(&self) -> bool {
        matches!(self.phase, LabPhase::Starting | LabPhase::Running(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_the_newest_lines() {
        let mut lab = Lab::default();
        for n in 0..LOG_LINES + 3 {
            lab.push_line(format!("line {n}"));
        }
        assert_eq!(lab.log.len(), 2_000);
        assert_eq!(lab.log.front().map(String::as_str), Some("line 3"));
        assert_eq!(lab.log.back().map(String::as_str), Some("line 2002"));
    }
}
