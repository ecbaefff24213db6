//! The crates that the tree must not stand on, looked for in `Cargo.lock`: with all features, for all systems.

use std::fs;
use std::path::Path;

/// Beginnings of names, and why such a crate stays out.
const UNWANTED: &[(&str, &str)] = &[
    ("aws-lc", "ring is the one provider of cryptography; this one needs a C toolchain of its own"),
    ("openssl", "TLS is rustls; the library of the system differs from system to system"),
    ("native-tls", "TLS is rustls, the same on every system"),
    ("sqlx", "SQL is blocking, with one driver for each engine"),
];

/// Only finds where the certificates of the system lie, and links nothing.
const HARMLESS: &str = "openssl-probe";

/// What `Cargo.lock` has and must not have, each with the reason.
pub fn unwanted(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("Cargo.lock")).expect("Cargo.lock");
    unwanted_in(&text)
}

/// The same in the text of a lock file, where the name of each package stands on a line of its own.
pub fn unwanted_in(lock: &str) -> Vec<String> {
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let refused = names.filter(|name| *name != HARMLESS).filter_map(|name| {
        let (_, why) = UNWANTED.iter().find(|(start, _)| name.starts_with(start))?;
        Some(format!("{name}: {why}"))
    });
    refused.collect()
}
