//! Disk-image inspection, sans-I/O: bytes go in, a verdict comes out.
//!
//! An [`Inspector`] is fed the bytes of an image in pieces of any size and keeps less than 4 MiB of them; its
//! [`Verdict`] tells what the image is, how large the disk in it is, what it contains and what is dangerous about it.
//! [`judge`](fn@judge) holds a verdict against what somebody declared. [`inspect_reader`] does the same for a file,
//! reading only what is needed. Nothing here trusts a length, an offset or a count that it reads.
//!
//! Which formats count as *detected* is the same as in the Glance of the day, and so are the checks that make an image
//! dangerous, so that both refuse the same images. Stricter are only checks that say so where they stand: they refuse
//! what names other files and what no program opens. What is known beyond that (a fixed VHD behind its footer, an
//! archive, the partitions inside an image, the operating system on them) is told in the details and never changes what
//! is accepted.

mod capture;
mod contents;
mod details;
mod fields;
mod file_systems;
mod gpt;
mod gpt_header;
mod guest;
mod inspector;
mod iso;
mod judge;
mod luks;
mod luks2;
mod operating_system;
mod os_release;
mod partition_kinds;
mod partitions;
mod qcow2;
mod qcow2_guest;
mod qed;
mod reader;
mod vdi;
mod verdict;
mod vhd;
mod vhdx;
mod vmdk;
mod vmdk_descriptor;
mod vmdk_grains;
mod words;
mod wrappers;

#[cfg(test)]
mod tests;

pub use contents::{BootWay, Contents, FileSystem, Partition, PartitionScheme, PartitionTable};
pub use details::{
    Details, Iso, Luks, Parent, Qcow2, Qcow2Encryption, Qed, Vdi, Vhd, VhdKind, Vhdx, Vmdk, VmdkExtent,
};
pub use inspector::Inspector;
pub use judge::{Accepted, Refusal, Rules, judge};
pub use os_release::OperatingSystem;
pub use reader::inspect_reader;
pub use verdict::{SafetyFailure, Verdict};
pub use words::{disk_format_for, readable_size, suggested_name};
pub use wrappers::Wrapper;

use serde::Serialize;

/// A format that is told apart from raw bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Nothing that is known.
    Raw,
    /// QEMU's copy-on-write format, of any version.
    Qcow2,
    /// QEMU's enhanced disk, long given up.
    Qed,
    /// Connectix and Microsoft Virtual PC, with a header at the start (dynamic and differencing).
    Vhd,
    /// Hyper-V.
    Vhdx,
    /// VMware.
    Vmdk,
    /// VirtualBox.
    Vdi,
    /// An optical disc: ISO 9660 or UDF.
    Iso,
    /// A bare disk with a partition table, MBR or GPT.
    Gpt,
    /// An encrypted volume.
    Luks,
}

impl Format {
    /// Every format, raw first.
    pub const ALL: &[Self] = &[
        Self::Raw,
        Self::Qcow2,
        Self::Qed,
        Self::Vhd,
        Self::Vhdx,
        Self::Vmdk,
        Self::Vdi,
        Self::Iso,
        Self::Gpt,
        Self::Luks,
    ];

    /// The word that `disk_format` has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Qed => "qed",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Iso => "iso",
            Self::Gpt => "gpt",
            Self::Luks => "luks",
        }
    }

    /// The format that a `disk_format` names; `None` for one that has no marks to know it by (`ami`, `ploop`, …).
    pub fn from_disk_format(disk_format: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.as_str() == disk_format)
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
