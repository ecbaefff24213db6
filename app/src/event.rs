//! Event: what a worker reports. [`crate::state::State::apply`] takes it in.

use std::path::PathBuf;

use glasshouse_shared::image::Image;

use crate::state::failure::Failure;
use crate::state::lab::LabAddresses;
use crate::state::session::{Cloud, Connected, Step};
use crate::state::transfers::TransferId;
use crate::state::uploads::Inspected;

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    CloudsFound {
        clouds: Vec<Cloud>,
        problems: Vec<String>,
    },

    LabReady(LabAddresses),
    /// A line that the lab wrote.
    LabLine(String),
    /// The lab ended; `expected` when it was asked to.
    LabEnded {
        expected: bool,
        reason: String,
    },

    /// What answered at an identity address, in words, or why nothing did.
    Discovered {
        auth_url: String,
        answer: Result<String, Failure>,
    },
    /// How far the test of a connection has come.
    Tested {
        steps: Vec<Step>,
    },

    Connected {
        generation: u64,
        connected: Connected,
    },
    ConnectFailed {
        generation: u64,
        failure: Failure,
    },

    /// One page of the list; `is_last` closes it.
    Listed {
        generation: u64,
        images: Vec<Image>,
        is_last: bool,
    },
    ListFailed {
        generation: u64,
        failure: Failure,
    },

    Deleted {
        generation: u64,
        id: String,
        name: String,
    },
    DeleteFailed {
        generation: u64,
        failure: Failure,
    },

    Inspected {
        row: u64,
        inspected: Inspected,
    },
    InspectFailed {
        row: u64,
        reason: String,
    },

    Transfer {
        transfer: TransferId,
        news: TransferNews,
    },

    SettingsNotSaved {
        path: PathBuf,
        reason: String,
    },
}

/// What can happen to a transfer.
#[derive(Debug, Clone, PartialEq)]
pub enum TransferNews {
    /// The record of the image exists now.
    Created {
        image_id: String,
    },
    Progress {
        done_bytes: u64,
        total_bytes: Option<u64>,
    },
    /// All bytes are across; the service puts them away.
    Storing,
    /// The digests of both sides are being compared.
    Verifying,
    Uploaded {
        image: Box<Image>,
    },
    Downloaded {
        path: PathBuf,
        bytes: u64,
        digest: Option<String>,
    },
    /// `left_behind` is the record of an image that could not be taken back.
    Cancelled {
        left_behind: Option<String>,
    },
    Failed {
        failure: Failure,
    },
}
