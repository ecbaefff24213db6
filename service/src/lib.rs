//! The OpenStack Image service. The map of the house is in `ARCHITECTURE.md`.

pub mod auth;
pub mod config;
pub mod context;
pub mod db;
pub mod error;
pub mod policy;
