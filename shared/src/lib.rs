//! What the wire says and what a disk image is: the words that the service and the desktop share.
//!
//! Nothing here runs: no runtime, no SQL, no window, no server. The HTTP client of both APIs sits behind the
//! feature `client`, so that the service does not pay for it.
#![warn(missing_docs)]

pub mod checksum;
pub mod format;
pub mod identity;
pub mod image;
pub mod listing;
pub mod patch;

#[cfg(feature = "client")]
pub mod client;
