//! Action: what a person did. A view pushes them, [`crate::state::State::update`] carries them out.

use std::path::PathBuf;

use glasshouse_shared::image::Visibility;

use crate::state::images::{Column, Scope};
use crate::state::session::{ConnectionForm, Target};
use crate::state::settings::ThemeChoice;
use crate::state::transfers::TransferId;

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Connection(ConnectionAction),
    List(ListAction),
    Review(ReviewAction),
    Transfer(TransferAction),

    /// Files arrived: dropped on the window, picked, typed or given on the command line.
    FilesChosen(Vec<PathBuf>),
    /// Ask the operating system for files to upload.
    PickFiles,
    /// Ask the operating system for the folder that downloads go to.
    PickDownloadFolder,
    /// A folder was chosen for downloads.
    DownloadFolderChosen(PathBuf),
    /// The operating system has no file picker, for the reason given.
    PickerUnavailable(String),

    /// Download these images into the download folder.
    Download(Vec<String>),
    /// Ask before deleting.
    AskDelete(Vec<String>),
    /// The question was answered with yes.
    ConfirmDelete,

    CopyText {
        text: String,
        what: &'static str,
    },
    SetTheme(ThemeChoice),
    ShowDialog(Dialog),
    /// Esc: closes the top layer only.
    CloseTop,
    /// Close the window although transfers are under way.
    Quit,
    DismissNotice(u64),
    ClearProblems,
}

/// How a server is found and left.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionAction {
    StartLab,
    StopLab,
    Connect(Target),
    Disconnect,
    /// Log in again the way it was done last.
    Reconnect,
    Discover(String),
    Test(ConnectionForm),
    /// Read clouds.yaml again.
    FindClouds,
    /// Leave the running attempt.
    GiveUp,
}

/// What is done in the list of images.
#[derive(Debug, Clone, PartialEq)]
pub enum ListAction {
    Refresh,
    Search(String),
    Scope(Scope),
    SortBy(Column),
    /// Select one image and nothing else.
    Select(String),
    /// Add to or take from the selection.
    Toggle(String),
    /// Select everything from the focused image to this one.
    Extend(String),
    SelectAll,
    /// Move the focus by so many rows.
    Move(i32),
    OpenDetails,
    CloseDetails,
}

/// What is done in the sheet that opens before an upload.
#[derive(Debug, Clone, PartialEq)]
pub enum ReviewAction {
    Name(u64, String),
    DiskFormat(u64, String),
    ContainerFormat(u64, String),
    Visibility(u64, Visibility),
    VisibilityOfAll(Visibility),
    Remove(u64),
    Start,
    Cancel,
}

/// What is done in the dock of transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferAction {
    Cancel(TransferId),
    Retry(TransferId),
    /// Take a finished row out of the dock.
    Forget(TransferId),
    ForgetFinished,
    Collapse(bool),
}

/// The layers that can lie over the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialog {
    Welcome,
    ConnectionForm,
    LabLog,
    Problems,
    TypedPath(PathUse),
    Shortcuts,
    /// Transfers are under way while the window is asked to close.
    Quit,
}

/// What a path that is typed by hand is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathUse {
    Upload,
    DownloadFolder,
}
