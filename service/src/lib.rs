//! The OpenStack Image service. The map of the house is in `ARCHITECTURE.md`.

pub mod api;
pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod context;
pub mod db;
pub mod error;
pub mod images;
pub mod policy;
pub mod service;
pub mod stores;
