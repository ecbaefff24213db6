//! What lies on a disk: partition table, file systems, ways to boot.

use std::borrow::Cow;

use serde::Serialize;

use super::capture::{Missing, View};
use super::gpt::is_boot_sector;
use super::inspector::Reading;
use super::os_release::OperatingSystem;
use super::verdict::Finding;
use super::{file_systems, partitions};

/// Bytes as a guest addresses them.
pub(super) trait Disk {
    /// Exactly `length` bytes.
    fn read(&self, start: u64, length: usize) -> Result<Cow<'_, [u8]>, Missing>;

    /// Notes that a range will be read, so that several are fetched on one pass.
    fn ask(&self, start: u64, length: usize) {
        // Whether it is there yet is told by the read that follows.
        let _: Result<_, Missing> = self.read(start, length);
    }
}

impl Disk for View<'_> {
    fn read(&self, start: u64, length: usize) -> Result<Cow<'_, [u8]>, Missing> {
        View::read(self, start, length).map(Cow::Borrowed)
    }
}

/// How a disk is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PartitionScheme {
    /// The old table in the first sector.
    Mbr,
    /// GUID partition table.
    Gpt,
}

/// A file system, a volume or what else begins a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileSystem {
    /// `ext4`, `xfs`, `vfat`, `swap`, `LVM2`, …
    pub kind: &'static str,
    /// Its label, if it has one.
    pub label: Option<String>,
    /// Its identity, if it has one.
    pub uuid: Option<String>,
    /// Its size as it tells it.
    pub size_bytes: Option<u64>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// Number, as Linux counts them.
    pub index: u32,
    /// What the table says that it is for: a name where it is known, else the code.
    pub kind: String,
    /// Its name, in a GPT.
    pub name: Option<String>,
    /// Where it begins.
    pub start_bytes: u64,
    /// How long it is.
    pub size_bytes: u64,
    /// Marked to boot from.
    pub active: bool,
    /// What begins it, where that could be read.
    pub file_system: Option<FileSystem>,
}

/// How a disk is divided, and into what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionTable {
    /// MBR or GPT.
    pub scheme: PartitionScheme,
    /// Identity of the disk.
    pub id: Option<String>,
    /// The first partitions in the order of the table, at most 128.
    pub partitions: Vec<Partition>,
    /// What is wrong with it: checksums, or a backup that says something else. Only in a GPT.
    pub problems: Vec<&'static str>,
}

/// What a machine needs to start from this disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BootWay {
    /// Code in the first sector.
    Bios,
    /// An EFI system partition.
    Uefi,
}

/// What lies on a disk, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Contents {
    /// The partition table, if there is one.
    pub partition_table: Option<PartitionTable>,
    /// What fills the whole disk, if there is no table.
    pub file_system: Option<FileSystem>,
    /// The ways that were found; none does not mean that it cannot boot.
    pub boot: Vec<BootWay>,
    /// The system that is installed on it; only ever found in a file, never in a stream.
    pub operating_system: Option<OperatingSystem>,
}

impl Contents {
    /// What is worth a word in one line.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(table) = &self.partition_table {
            let scheme = match table.scheme {
                PartitionScheme::Mbr => "MBR",
                PartitionScheme::Gpt => "GPT",
            };
            let count = table.partitions.len();
            words.push(format!("{scheme} with {count} partition{}", if count == 1 { "" } else { "s" }));
        }
        words.extend(self.file_system.iter().map(|file_system| format!("{} file system", file_system.kind)));
        words.extend(self.operating_system.iter().map(|system| system.name.clone()));
        let ways: Vec<_> =
            self.boot.iter().map(|way| if *way == BootWay::Bios { "BIOS" } else { "UEFI" }).collect();
        if !ways.is_empty() {
            words.push(format!("boots by {}", ways.join(" and ")));
        }
        words
    }
}

pub(super) fn read(view: &View<'_>) -> Reading {
    Ok(Some(Finding::Contents(of_disk(view)?)))
}

pub(super) fn of_disk(disk: &dyn Disk) -> Result<Contents, Missing> {
    let sector = disk.read(0, 512)?;
    if is_boot_sector(&sector)
        && let Some((table, boot)) = partitions::read(disk, &sector)?
    {
        return Ok(Contents { partition_table: Some(table), boot, ..Contents::default() });
    }
    file_systems::ask(disk, 0);
    let mut file_system = file_systems::read(disk, 0)?;
    if file_system.is_none() {
        file_system = file_systems::udf(disk)?;
    }
    Ok(Contents { file_system, ..Contents::default() })
}
