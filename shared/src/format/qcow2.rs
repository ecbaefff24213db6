//! QEMU copy-on-write, versions 1 to 3 (QEMU: docs/interop/qcow2). What the guest sees in it: `qcow2_guest`.

use super::Format;
use super::capture::{Missing, View, optional};
use super::details::{Details, Parent, Qcow2, Qcow2Encryption};
use super::fields::{be32, be64, stands, text};
use super::inspector::Reading;
use super::qcow2_guest;
use super::verdict::Match;

pub(super) const MAGIC: &[u8] = b"QFI\xfb";
/// A file that is shorter than this is not taken for qcow2, whatever it begins with.
const SHORTEST_BYTES: usize = 512;

pub(super) const DIRTY: u64 = 1;
pub(super) const CORRUPT: u64 = 1 << 1;
pub(super) const EXTERNAL_DATA: u64 = 1 << 2;
pub(super) const EXTENDED_L2: u64 = 1 << 4;
/// Of the features that a program which does not know them has to clear.
const DATA_FILE_RAW: u64 = 1 << 1;

/// QEMU opens nothing that claims more: what is longer was made to exhaust who reads it.
const MOST_L1_ENTRIES: u32 = (32 << 20) / 8;
const MOST_SNAPSHOTS: u32 = 65536;
const MOST_REFCOUNT_TABLE_BYTES: u64 = 8 << 20;

/// The fields of the header that are of use here.
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) backing_offset: u64,
    backing_length: u32,
    pub(super) cluster_bits: u32,
    pub(super) size_bytes: u64,
    pub(super) crypt_method: u32,
    pub(super) l1_entries: u32,
    pub(super) l1_offset: u64,
    refcount_clusters: u32,
    snapshots: u32,
    pub(super) incompatible: u64,
    compatible: u64,
    autoclear: u64,
    refcount_order: u32,
    extensions_at: u32,
    compression: u8,
}

impl Header {
    /// `None` where the magic is missing or the header too short.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if !stands(bytes, 0, MAGIC) {
            return None;
        }
        let version = be32(bytes, 4)?;
        // Before version 3 the header ends at 72: what follows has another meaning.
        let later = |at| if version >= 3 { be64(bytes, at) } else { Some(0) };
        let extensions_at = if version >= 3 { be32(bytes, 100)? } else { 72 };
        Some(Self {
            version,
            backing_offset: be64(bytes, 8)?,
            backing_length: be32(bytes, 16)?,
            cluster_bits: be32(bytes, 20)?,
            size_bytes: be64(bytes, 24)?,
            crypt_method: be32(bytes, 32)?,
            l1_entries: be32(bytes, 36)?,
            l1_offset: be64(bytes, 40)?,
            refcount_clusters: be32(bytes, 56)?,
            snapshots: be32(bytes, 60)?,
            incompatible: later(72)?,
            compatible: later(80)?,
            autoclear: later(88)?,
            refcount_order: if version >= 3 { be32(bytes, 96)? } else { 4 },
            extensions_at,
            compression: if extensions_at > 104 { *bytes.get(104)? } else { 0 },
        })
    }

    pub(super) fn cluster_size_bytes(&self) -> Option<u64> {
        (9..=21).contains(&self.cluster_bits).then(|| 1 << self.cluster_bits)
    }
}

pub(super) fn read(view: &View<'_>) -> Reading {
    let bytes = view.read(0, SHORTEST_BYTES)?;
    let Some(header) = Header::parse(bytes) else { return Ok(None) };
    let mut found = Match::new(Format::Qcow2);
    found.virtual_size_bytes = Some(header.size_bytes);
    check(&header, &mut found);
    if header.version == 1 {
        return Ok(Some(found.into()));
    }
    let extensions = Extensions::read(view, &header)?;
    if extensions.too_long {
        found.fail("header", "one of its header extensions claims to be longer than the header may be");
    }
    let compressed = qcow2_guest::is_compressed(view)?;
    let backing_file = backing_file(view, &header, extensions.backing_format)?;
    found.details = Details::Qcow2(Qcow2 {
        version: header.version,
        cluster_size_bytes: header.cluster_size_bytes(),
        backing_file,
        external_data_file: header.incompatible & EXTERNAL_DATA != 0,
        data_file: extensions.data_file,
        data_file_raw: header.autoclear & DATA_FILE_RAW != 0,
        snapshots: header.snapshots,
        encryption: match header.crypt_method {
            0 => None,
            1 => Some(Qcow2Encryption::Aes),
            2 => Some(Qcow2Encryption::Luks),
            other => Some(Qcow2Encryption::Unknown(other)),
        },
        compression_type: match header.compression {
            0 => "zlib".to_owned(),
            1 => "zstd".to_owned(),
            other => other.to_string(),
        },
        compressed,
        dirty: header.incompatible & DIRTY != 0,
        corrupt: header.incompatible & CORRUPT != 0,
        lazy_refcounts: header.compatible & 1 != 0,
        extended_l2: header.incompatible & EXTENDED_L2 != 0,
        refcount_bits: 1u64.checked_shl(header.refcount_order).unwrap_or(0),
        bitmaps: extensions.bitmaps,
        unknown_features: header.incompatible & !0x1f,
    });
    Ok(Some(found.into()))
}

/// An image must not lead whoever opens it to other files, nor to features that nobody checked.
fn check(header: &Header, found: &mut Match) {
    if header.backing_offset != 0 {
        found.fail("backing_file", "it has a backing file, and an image must not name other files");
    }
    if !matches!(header.version, 2 | 3) {
        found.fail("unknown_features", format!("version {} of QCOW2 is not supported", header.version));
        return;
    }
    check_tables(header, found);
    if header.incompatible & EXTERNAL_DATA != 0 {
        found.fail("data_file", "it keeps its data in another file, and an image must not name other files");
    }
    if header.incompatible >> 4 != 0 {
        // Extended L2 entries are known to us, but refused with the rest: so does the service that we follow.
        let features = header.incompatible & !0xf;
        found.fail(
            "unknown_features",
            format!("it needs QCOW2 features {features:#x} that are not supported"),
        );
    }
}

/// Tables without measure. Stricter than the service that we follow; no program opens such an image.
fn check_tables(header: &Header, found: &mut Match) {
    let refcount_bytes =
        header.cluster_size_bytes().map_or(0, |cluster| cluster * u64::from(header.refcount_clusters));
    if header.l1_entries > MOST_L1_ENTRIES {
        found.fail("tables", format!("its first table claims {} entries", header.l1_entries));
    } else if header.snapshots > MOST_SNAPSHOTS {
        found.fail("tables", format!("it claims {} snapshots", header.snapshots));
    } else if refcount_bytes > MOST_REFCOUNT_TABLE_BYTES {
        found.fail("tables", format!("its table of reference counts claims {refcount_bytes} bytes"));
    } else if header.cluster_size_bytes().is_some_and(|cluster| u64::from(header.extensions_at) > cluster) {
        found.fail("header", format!("its header claims {} bytes", header.extensions_at));
    }
}

fn backing_file(view: &View<'_>, header: &Header, format: Option<String>) -> Result<Option<Parent>, Missing> {
    // QEMU's own limit for the name.
    let length = usize::try_from(header.backing_length).ok().filter(|length| *length <= 1023);
    let Some(length) = length.filter(|_| header.backing_offset != 0) else { return Ok(None) };
    let name = optional(view.read(header.backing_offset, length))?;
    Ok(name.map(|name| Parent { name: text(name), format }))
}

/// What the header extensions tell.
#[derive(Default)]
struct Extensions {
    backing_format: Option<String>,
    data_file: Option<String>,
    bitmaps: u32,
    too_long: bool,
}

impl Extensions {
    fn read(view: &View<'_>, header: &Header) -> Result<Self, Missing> {
        let mut extensions = Self::default();
        let mut at = u64::from(header.extensions_at);
        // A handful is usual; the bound is for headers that lie.
        for _ in 0..32 {
            let Some(start) = optional(view.read(at, 8))? else { break };
            let (Some(kind), Some(length)) = (be32(start, 0), be32(start, 4)) else { break };
            if kind == 0 {
                break;
            }
            // They lie in the first cluster. What stands there in version 2 need not be one.
            let end = at.saturating_add(8).saturating_add(u64::from(length));
            extensions.too_long |=
                header.version >= 3 && header.cluster_size_bytes().is_some_and(|cluster| end > cluster);
            let Some(length) = usize::try_from(length).ok().filter(|length| *length <= 4096) else { break };
            let Some(bytes) = optional(view.read(at.saturating_add(8), length))? else { break };
            match kind {
                0xE279_2ACA => extensions.backing_format = Some(text(bytes)),
                0x4441_5441 => extensions.data_file = Some(text(bytes)),
                0x2385_2875 => extensions.bitmaps = be32(bytes, 0).unwrap_or(0),
                _ => {}
            }
            at = at.saturating_add(8).saturating_add(length.next_multiple_of(8) as u64);
        }
        Ok(extensions)
    }
}
