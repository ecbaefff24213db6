//! Effect: what must be done outside of the state: by the worker, or by the window for the last group.

use std::path::PathBuf;

use crate::state::session::{ConnectionForm, Target};
use crate::state::settings::{Settings, ThemeChoice};
use crate::state::transfers::TransferId;
use crate::state::uploads::Declared;

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    FindClouds,
    StartLab,
    StopLab,
    Discover {
        auth_url: String,
    },
    Test {
        form: ConnectionForm,
    },
    Connect {
        generation: u64,
        target: Target,
    },
    Disconnect,
    /// Drop whatever connection attempt or listing is under way.
    Abandon,

    List {
        generation: u64,
    },
    Delete {
        generation: u64,
        id: String,
        name: String,
    },

    Inspect {
        row: u64,
        path: PathBuf,
    },
    Upload {
        transfer: TransferId,
        upload: Upload,
    },
    Download {
        transfer: TransferId,
        download: Download,
    },
    CancelTransfer {
        transfer: TransferId,
    },

    SaveSettings(Box<Settings>),

    // The window carries these out itself.
    PickFiles {
        folder: Option<PathBuf>,
    },
    PickFolder {
        folder: Option<PathBuf>,
    },
    CopyText(String),
    ApplyTheme(ThemeChoice),
    CloseWindow,
}

/// Everything the worker needs to upload one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    pub path: PathBuf,
    pub declared: Declared,
    /// The record of an earlier attempt, to be filled instead of making a second one.
    pub image_id: Option<String>,
}

/// Everything the worker needs to download one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Download {
    pub image_id: String,
    pub to: PathBuf,
}
