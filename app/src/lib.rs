//! The desktop of Glasshouse: everything but the flags and the lab's process, which are `main.rs`.
//!
//! One direction: a view pushes an [`action::Action`]; [`state::State`] changes and returns
//! [`effect::Effect`]s; the worker carries them out and reports [`event::Event`]s; the state changes again.

pub mod action;
pub mod app;
pub mod clouds;
pub mod effect;
pub mod event;
pub mod event_log;
pub mod files;
pub mod state;
pub mod view;
pub mod worker;
