//! Views: they read the state, edit only drafts, and push actions. No input or output, no clock, nothing that
//! blocks a frame.

pub mod icons;
pub mod text;
pub mod theme;
pub mod widgets;

mod connection_form;
mod dialogs;
mod dock;
mod drop_target;
mod image_detail;
mod image_list;
mod lab_log;
mod review;
mod shell;
mod shortcuts;
mod status_bar;
mod toasts;
mod top_bar;
mod welcome;

pub use shell::shell_ui;

use crate::state::session::ConnectionForm;

/// What is being typed and is not an action yet, and what only the drawing needs to know.
#[derive(Debug, Clone, Default)]
pub struct Drafts {
    pub form: ConnectionForm,
    pub openrc_path: String,
    pub openrc_password: String,
    pub typed_path: String,
    /// The search field asks for the keyboard in the next frame.
    pub focus_search: bool,
    /// The last move of the focus that the table has scrolled to.
    pub revealed: u64,
}
