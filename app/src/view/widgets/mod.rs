//! The small parts that every screen is made of.

mod button;
mod card;
mod failure;
mod field;
mod progress;
mod status;

pub use button::{danger_button, icon_button, link_button, primary_button, secondary_button};
pub use card::{Tone, banner_ui, chip_ui, empty_ui, section_title, sheet_ui};
pub use failure::failure_ui;
pub use field::{copy_button, fact_ui, name_field, text_field, text_field_with_button};
pub use progress::bar_ui;
pub use status::{status_icon, status_ui, visibility_icon, visibility_ui};
