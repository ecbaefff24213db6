//! The lab: an Image service with an identity of its own, made in one folder at the first start.
//!
//! ```text
//! DIR/lock            held by the running lab
//! DIR/identity.json   projects, users, hashes of passwords; nothing secret in clear
//! DIR/clouds.yaml     for `openstack --os-cloud glasshouse-lab`: the only place with passwords in clear,
//! DIR/openrc          together with this one
//! DIR/glance.sqlite   the database        DIR/images/   the data        DIR/policy.yaml   if the owner wants one
//! ```
//! It is for one machine: it listens on loopback and nowhere else. Tokens live in memory, so a restart ends them;
//! clients log in again by themselves.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::Config;

mod cloud_files;
mod configuration;
mod directory;
mod folder;
mod identity;
mod secret;
mod tokens;

pub use cloud_files::{CLOUD_ADMIN, CLOUD_DEMO};
pub use identity::Identity;

use cloud_files::{CloudFiles, Passwords};
use directory::Directory;
use folder::Folder;

/// Where the lab is and where it listens.
#[derive(Debug, Clone)]
pub struct LabOptions {
    pub data_dir: PathBuf,
    /// Loopback only. With port 0, [`Identity::announce`] must be called once the port is known.
    pub listen: SocketAddr,
}

/// Why the lab cannot start: one sentence with the mend.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    #[error("the lab listens on this machine only and {0} is not loopback: use 127.0.0.1:{port} or [::1]:{port}", port = .0.port())]
    NotLoopback(SocketAddr),
    #[error("the lab folder {} cannot be written ({source}): make it yours, or name another with --data-dir", dir.display())]
    NotWritable { dir: PathBuf, source: std::io::Error },
    #[error("the lab folder {} is in use by another lab: stop that one, or name another folder with --data-dir", dir.display())]
    InUse { dir: PathBuf },
    #[error("{} cannot be read as the identity of a lab ({why}): put a copy of it back, or move the file away to begin with new users and passwords", file.display())]
    CorruptIdentity { file: PathBuf, why: String },
    #[error("{} cannot be read as YAML ({why}): mend it, or move the file away to get a new one with new passwords", file.display())]
    CorruptClouds { file: PathBuf, why: String },
    #[error("{} cannot be used ({source}): look at the rights of the file and at the room on the disk", file.display())]
    File { file: PathBuf, source: std::io::Error },
    #[error("the lab cannot make its passwords: {0}")]
    Secret(String),
}

/// Makes the folder at the first start, reads it at later ones. Blocking: hashing passwords takes a while.
pub fn prepare(options: &LabOptions) -> Result<(Config, Identity), LabError> {
    if !options.listen.ip().is_loopback() {
        return Err(LabError::NotLoopback(options.listen));
    }
    let folder = Folder::open(&options.data_dir)?;
    let cloud_files = CloudFiles::new(&folder);
    let directory = match Directory::load(&folder)? {
        None => first_start(&folder, &cloud_files, options.listen)?,
        Some(directory) => later_start(directory, &folder, &cloud_files, options.listen)?,
    };
    let config = configuration::of(&folder, options.listen)?;
    Ok((config, Identity::new(directory, folder, options.listen)?))
}

/// The files with the clear passwords come first: if we are killed between, the next start is a first start again.
fn first_start(folder: &Folder, cloud_files: &CloudFiles, listen: SocketAddr) -> Result<Directory, LabError> {
    let mut directory = Directory::new()?;
    renew_passwords(&mut directory, folder, cloud_files, listen)?;
    tracing::info!("a new lab was made in {}", folder.path().display());
    Ok(directory)
}

fn later_start(
    mut directory: Directory,
    folder: &Folder,
    cloud_files: &CloudFiles,
    listen: SocketAddr,
) -> Result<Directory, LabError> {
    match cloud_files.passwords()? {
        Some(passwords) if directory.knows(&passwords) => cloud_files.write(&passwords, listen)?,
        known => {
            let lost = if known.is_some() { "do not fit the users of the lab" } else { "are lost" };
            tracing::warn!(
                "the passwords in {} {lost}: new ones were made and written there",
                cloud_files.clouds().display()
            );
            renew_passwords(&mut directory, folder, cloud_files, listen)?;
        }
    }
    Ok(directory)
}

fn renew_passwords(
    directory: &mut Directory,
    folder: &Folder,
    cloud_files: &CloudFiles,
    listen: SocketAddr,
) -> Result<(), LabError> {
    let passwords = Passwords { admin: secret::password()?, demo: secret::password()? };
    directory.set_passwords(&passwords)?;
    cloud_files.write(&passwords, listen)?;
    directory.save(folder)
}

#[cfg(test)]
mod tests;
