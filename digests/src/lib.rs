//! MD5 and SHA-512 of several streams of bytes at once.
//!
//! Both are serial within a stream: each block needs the state that the one before it left. Streams do not need one
//! another, so that a vector unit computes eight of them in the time of two. A crate of its own because it must be
//! optimised in debug builds too, where tests move gigabytes through it. No thread and no input or output is here.

#[cfg(not(all(target_arch = "x86_64", unix)))]
mod elsewhere;
#[cfg(all(target_arch = "x86_64", unix))]
mod md5;
#[cfg(all(target_arch = "x86_64", unix))]
mod sha512;
mod stream;
#[cfg(all(test, target_arch = "x86_64", unix))]
mod tests;
mod vector;

#[cfg(not(all(target_arch = "x86_64", unix)))]
pub use elsewhere::{Md5, Sha512};
#[cfg(all(target_arch = "x86_64", unix))]
pub use md5::Md5;
#[cfg(all(target_arch = "x86_64", unix))]
pub use sha512::Sha512;
pub use stream::{Stream, Work, advance};
pub use vector::{Algorithm, LANES, Runs, Vector};
