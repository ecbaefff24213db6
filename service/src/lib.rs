//! The OpenStack Image service. The map of the house is in `ARCHITECTURE.md`.

pub mod api;
pub mod app;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod db;
pub mod doctor;
pub mod error;
pub mod images;
pub mod jobs;
pub mod lab;
pub mod outbound;
pub mod policy;
pub mod quota;
pub mod service;
pub mod stores;
