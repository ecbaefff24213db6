//! What is known about bytes that count as raw: packed images, archives, kernels, a fixed VHD behind its footer.
//!
//! None of this changes what is accepted; it is for the words that people read and for what they are proposed.

use serde::Serialize;

use super::capture::{View, optional};
use super::details::VhdKind;
use super::fields::{le32, le64, stands, text};
use super::inspector::Reading;
use super::verdict::Finding;
use super::vhd::Footer;

/// What raw bytes are besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wrapper {
    /// Packed: `gzip`, `xz`, `zstd`, …
    Archive(&'static str),
    /// A tar archive.
    Tar {
        /// Name of the first file in it.
        first_file: String,
    },
    /// An appliance: a tar archive that begins with an OVF descriptor.
    Ova {
        /// Name of the descriptor.
        descriptor: String,
    },
    /// Raw bytes of a disk, with the footer of a VHD behind them.
    FixedVhd {
        /// Size of the disk as the footer tells it.
        virtual_size_bytes: u64,
        /// Four letters of the program that made it.
        creator: String,
    },
    /// Parallels, or ploop of Virtuozzo: both have the same header.
    Ploop {
        /// Size of the disk.
        virtual_size_bytes: Option<u64>,
        /// Unit of allocation.
        cluster_size_bytes: Option<u64>,
        /// It was not closed cleanly.
        dirty: bool,
    },
    /// A Linux kernel.
    Kernel,
    /// An initial ramdisk.
    Ramdisk,
}

impl Wrapper {
    /// Its name for people.
    pub fn label(&self) -> String {
        match self {
            Self::Archive(kind) => format!("packed with {kind}"),
            Self::Tar { .. } => "tar archive".to_owned(),
            Self::Ova { .. } => "OVA appliance".to_owned(),
            Self::FixedVhd { .. } => "fixed VHD image".to_owned(),
            Self::Ploop { .. } => "Parallels or ploop image".to_owned(),
            Self::Kernel => "Linux kernel".to_owned(),
            Self::Ramdisk => "ramdisk".to_owned(),
        }
    }
}

/// Marks at the start, and what they mean.
const PACKED: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
];

pub(super) fn read(view: &View<'_>) -> Reading {
    let start = view.read_up_to(0, 1024)?;
    if let Some(wrapper) = at_start(start) {
        return Ok(Some(Finding::Wrapper(wrapper)));
    }
    // A footer of 512 bytes; very old programs wrote 511.
    let Some(tail) = optional(view.tail(512))? else { return Ok(None) };
    let footer = [tail, tail.get(1..).unwrap_or_default()].into_iter().find_map(Footer::parse);
    let footer = footer.filter(|footer| footer.kind == VhdKind::Fixed);
    Ok(footer.map(|footer| {
        Finding::Wrapper(Wrapper::FixedVhd { virtual_size_bytes: footer.size_bytes, creator: footer.creator })
    }))
}

fn at_start(start: &[u8]) -> Option<Wrapper> {
    if let Some((_, kind)) = PACKED.iter().find(|(mark, _)| stands(start, 0, mark)) {
        return Some(Wrapper::Archive(kind));
    }
    if stands(start, 257, b"ustar") {
        let name = text(start.get(..100)?);
        let is_descriptor = name.to_ascii_lowercase().ends_with(".ovf");
        return Some(if is_descriptor {
            Wrapper::Ova { descriptor: name }
        } else {
            Wrapper::Tar { first_file: name }
        });
    }
    if stands(start, 0, b"WithoutFreeSpace") || stands(start, 0, b"WithouFreSpacExt") {
        let cluster = le32(start, 28).map(|sectors| u64::from(sectors) * 512);
        return Some(Wrapper::Ploop {
            virtual_size_bytes: le64(start, 36).and_then(|sectors| sectors.checked_mul(512)),
            cluster_size_bytes: cluster,
            dirty: le32(start, 44) == Some(0x746F_6E59),
        });
    }
    if stands(start, 0x202, b"HdrS") || stands(start, 56, b"ARM\x64") {
        return Some(Wrapper::Kernel);
    }
    (stands(start, 0, b"070701") || stands(start, 0, b"070702")).then_some(Wrapper::Ramdisk)
}
