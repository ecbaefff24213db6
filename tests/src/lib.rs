//! What the end-to-end tests stand on: real peers, real clients, real disk images, a real screen.
//!
//! Nothing here is a stand-in for a component. Each peer is a fixture: started on first use with its own folder and
//! port, waited for by asking it, stopped when it is dropped or when the test process ends in whatever way.
#![expect(clippy::expect_used, reason = "a fixture that cannot be had must end the test")]

pub mod alone;
pub mod clients;
pub mod deployment;
pub mod faulty_disk;
pub mod glance;
pub mod http;
pub mod images;
pub mod keystone;
pub mod layers;
pub mod mariadb;
pub mod process;
pub mod scratch;
pub mod screen;
pub mod service;
pub mod tools;
pub mod wait;
pub mod web;
