//! The numbers that the program ends with.

use crate::config::Severity;
use crate::doctor::{Finding, Neighbour};

/// Why the program ended. `db check` has numbers of its own, which are Glance's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// 0: done, or ended when asked to.
    Ok,
    /// 1: `doctor` and `config check` found something wrong, `inspect` an image that is not safe, `fsck` data
    /// that is lost or stray, `scrub` data that is damaged; `db check` could not look.
    Wrong,
    /// 2: the command line cannot be understood, or there is nothing to look at.
    Usage,
    /// 3: the configuration cannot be started with.
    Configuration,
    /// 4: the database cannot be reached, or its tables are not those that are needed.
    Database,
    /// 5: a store cannot be written.
    Store,
    /// 6: Keystone cannot be reached, or does not know the account of the service.
    Identity,
    /// 7: the address is taken, or cannot be listened on.
    Listen,
    /// 8: the folder of the lab cannot be used.
    LabFolder,
    /// 9: a fault of the program.
    Internal,
    /// 3, of `db check` alone: an expand is needed.
    ExpandNeeded,
    /// 4, of `db check` alone: a migration of data is needed.
    MigrateNeeded,
    /// 5, of `db check` alone: a contract is needed.
    ContractNeeded,
}

impl ExitCode {
    pub fn number(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Wrong => 1,
            Self::Usage => 2,
            Self::Configuration | Self::ExpandNeeded => 3,
            Self::Database | Self::MigrateNeeded => 4,
            Self::Store | Self::ContractNeeded => 5,
            Self::Identity => 6,
            Self::Listen => 7,
            Self::LabFolder => 8,
            Self::Internal => 9,
        }
    }

    /// Of the first finding that forbids the start; `None` when none does.
    pub fn of_findings(findings: &[Finding]) -> Option<Self> {
        // A name that does not resolve says why the neighbour behind it is away, but it is that neighbour who is.
        let errors = || findings.iter().filter(|finding| finding.severity == Severity::Error);
        let named =
            errors().find(|finding| finding.neighbour != Neighbour::Network).or_else(|| errors().next())?;
        Some(match named.neighbour {
            Neighbour::Configuration | Neighbour::Network => Self::Configuration,
            Neighbour::Database => Self::Database,
            Neighbour::Store => Self::Store,
            Neighbour::Identity => Self::Identity,
        })
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

/// What `--help` says about them.
pub const HELP: &str = "Exit codes: 0 well; 1 something is wrong (doctor, config check, inspect, fsck, scrub); 2 usage; 3 configuration; \
4 database; 5 store; 6 identity; 7 address in use; 8 folder of the lab; 9 a fault of the program. db check: 0 up to \
date; 1 cannot look; 3 expand, 4 migrate, 5 contract is needed.";
