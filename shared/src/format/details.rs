//! What each format's own header tells beyond size and danger. Plain data; the reading is in the format's file.

use serde::Serialize;

/// Another file that an image needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parent {
    /// As the header names it.
    pub name: String,
    /// Its format, if the header says.
    pub format: Option<String>,
}

/// What the header of the detected format tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Details {
    /// There is no header, or nothing in it for people.
    #[default]
    None,
    /// QEMU copy-on-write.
    Qcow2(Qcow2),
    /// QEMU enhanced disk.
    Qed(Qed),
    /// Virtual PC.
    Vhd(Vhd),
    /// Hyper-V.
    Vhdx(Vhdx),
    /// VMware.
    Vmdk(Vmdk),
    /// VirtualBox.
    Vdi(Vdi),
    /// Optical disc.
    Iso(Iso),
    /// Encrypted volume.
    Luks(Luks),
}

/// How the clusters of a qcow2 image are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Qcow2Encryption {
    /// The old scheme, no longer thought safe.
    Aes,
    /// A LUKS header inside of the image.
    Luks,
    /// A method of this number.
    Unknown(u32),
}

/// QEMU copy-on-write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Qcow2 {
    /// 1, 2 (`compat=0.10`) or 3 (`compat=1.1`).
    pub version: u32,
    /// Unit of allocation; `None` when the header asks for an impossible one.
    pub cluster_size_bytes: Option<u64>,
    /// The image under this one.
    pub backing_file: Option<Parent>,
    /// The guest's data lies in another file.
    pub external_data_file: bool,
    /// Name of that file, if the header has it.
    pub data_file: Option<String>,
    /// The other file reads as a raw image by itself.
    pub data_file_raw: bool,
    /// Internal snapshots.
    pub snapshots: u32,
    /// `None`: not encrypted.
    pub encryption: Option<Qcow2Encryption>,
    /// How compressed clusters are compressed, if there are any: `zlib` or `zstd`.
    pub compression_type: String,
    /// Whether clusters at the start of the disk are compressed; `None` where that could not be read.
    pub compressed: Option<bool>,
    /// Reference counts may be wrong; QEMU repairs them when it opens the image.
    pub dirty: bool,
    /// QEMU found damage and opens it only for reading.
    pub corrupt: bool,
    /// Reference counts are written late.
    pub lazy_refcounts: bool,
    /// Subclusters.
    pub extended_l2: bool,
    /// Width of a reference count.
    pub refcount_bits: u64,
    /// Persistent dirty bitmaps.
    pub bitmaps: u32,
    /// Incompatible features that nobody here knows, as a bit mask.
    pub unknown_features: u64,
}

/// QEMU enhanced disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Qed {
    /// Unit of allocation.
    pub cluster_size_bytes: u64,
    /// The image under this one.
    pub backing_file: Option<Parent>,
    /// It was not closed cleanly.
    pub dirty: bool,
}

/// How a VHD keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VhdKind {
    /// Raw bytes and a footer.
    Fixed,
    /// Blocks as needed.
    Dynamic,
    /// Changes to another image.
    Differencing,
    /// A type of this number.
    Unknown(u32),
}

/// Virtual PC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vhd {
    /// How it keeps its data.
    pub kind: VhdKind,
    /// Four letters of the program that made it.
    pub creator: String,
    /// Unit of allocation.
    pub block_size_bytes: Option<u64>,
    /// The image under this one.
    pub parent: Option<Parent>,
    /// It was saved while its machine was running.
    pub saved_state: bool,
}

/// Hyper-V.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Vhdx {
    /// Unit of allocation.
    pub block_size_bytes: Option<u64>,
    /// What the guest takes for a sector.
    pub logical_sector_bytes: Option<u64>,
    /// All blocks are allocated.
    pub fixed: bool,
    /// It holds changes to another image.
    pub has_parent: bool,
    /// That image.
    pub parent: Option<Parent>,
    /// It was not closed cleanly: its log has to be replayed.
    pub dirty: bool,
}

/// One extent line of a VMDK descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VmdkExtent {
    /// `RW`, `RDONLY` or `NOACCESS`.
    pub access: String,
    /// Length in bytes.
    pub size_bytes: Option<u64>,
    /// `SPARSE`, `FLAT`, `ZERO`, …
    pub kind: String,
    /// The file that holds it.
    pub file_name: Option<String>,
}

/// VMware.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Vmdk {
    /// `createType` as the descriptor spells it.
    pub create_type: Option<String>,
    /// `ide`, `lsilogic`, …
    pub adapter_type: Option<String>,
    /// Unit of allocation; `None` for a descriptor without data.
    pub grain_size_bytes: Option<u64>,
    /// Grains are deflated.
    pub compressed: bool,
    /// The header repeats at the end and only that one counts.
    pub footer: bool,
    /// The machine was not stopped cleanly.
    pub dirty: bool,
    /// The text says where the data is; this file has none.
    pub descriptor_only: bool,
    /// The image under this one.
    pub parent: Option<Parent>,
    /// The first extents, at most 64.
    pub extents: Vec<VmdkExtent>,
}

/// VirtualBox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vdi {
    /// Major and minor version.
    pub version: String,
    /// `dynamic`, `static`, `undo`, `differencing` or a number.
    pub kind: String,
    /// Unit of allocation.
    pub block_size_bytes: u64,
    /// Blocks in use.
    pub allocated_blocks: u64,
    /// Identity of the image under this one.
    pub parent: Option<String>,
}

/// Optical disc.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Iso {
    /// Name of the volume.
    pub volume: String,
    /// It carries UDF structures.
    pub udf: bool,
    /// It has a boot catalog (El Torito).
    pub boot_catalog: bool,
    /// The catalog has an entry for UEFI.
    pub boots_uefi: bool,
    /// The catalog has an entry for the BIOS.
    pub boots_bios: bool,
    /// It carries long names (Joliet).
    pub joliet: bool,
}

/// Encrypted volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Luks {
    /// 1 or 2.
    pub version: u16,
    /// `aes-xts-plain64`
    pub cipher: Option<String>,
    /// `sha256`
    pub hash: Option<String>,
    /// Length of the master key.
    pub key_bits: Option<u64>,
    /// Where the encrypted bytes begin.
    pub payload_offset_bytes: Option<u64>,
    /// Key slots in use.
    pub key_slots: Option<u32>,
    /// How a key is made of a passphrase: `pbkdf2`, `argon2id`.
    pub key_derivation: Option<String>,
    /// Label, in version 2.
    pub label: Option<String>,
    /// Identity of the volume.
    pub uuid: String,
}
