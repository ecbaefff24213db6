//! What people read about an image, and what they are proposed.

use super::Format;
use super::details::{Details, Parent};
use super::verdict::{SafetyFailure, Verdict};
use super::wrappers::Wrapper;

impl Format {
    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Raw => "raw data",
            Self::Qcow2 => "QCOW2 image",
            Self::Qed => "QED image",
            Self::Vhd => "VHD image",
            Self::Vhdx => "VHDX image",
            Self::Vmdk => "VMDK image",
            Self::Vdi => "VDI image",
            Self::Iso => "ISO image",
            Self::Gpt => "disk with a partition table",
            Self::Luks => "LUKS volume",
        }
    }
}

/// The name in a sentence: "a VMDK image", "an ISO image", "raw data".
pub(super) fn with_article(format: Format) -> String {
    match format {
        Format::Raw => format.label().to_owned(),
        Format::Iso => format!("an {}", format.label()),
        Format::Qcow2
        | Format::Qed
        | Format::Vhd
        | Format::Vhdx
        | Format::Vmdk
        | Format::Vdi
        | Format::Gpt
        | Format::Luks => format!("a {}", format.label()),
    }
}

/// What the data is, with what else is known: "raw data (a gzip archive)".
pub(super) fn detected(format: Format, hint: Option<&str>) -> String {
    let name = with_article(format);
    hint.map_or(name.clone(), |hint| format!("{name} ({hint})"))
}

pub(super) fn list(formats: &[Format]) -> String {
    formats.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) fn reasons(failures: &[SafetyFailure]) -> String {
    failures.iter().map(|failure| failure.explanation.as_str()).collect::<Vec<_>>().join("; ")
}

/// A size as people say it: "10 GiB", "1.5 MiB", "512 bytes".
pub fn readable_size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = (bytes.max(1).ilog2() / 10).min(6);
    let Some(unit) = power.checked_sub(1).and_then(|index| UNITS.get(index as usize)) else {
        return format!("{bytes} bytes");
    };
    let tenths = (u128::from(bytes) * 10) >> (10 * power);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    if tenth == 0 { format!("{whole} {unit}") } else { format!("{whole}.{tenth} {unit}") }
}

pub(super) fn summary(verdict: &Verdict) -> String {
    let mut parts = vec![verdict.format.label().to_owned()];
    if let Some(bytes) = verdict.virtual_size_bytes {
        parts.push(format!("disk of {}", readable_size(bytes)));
    }
    parts.extend(verdict.wrapper.as_ref().map(|wrapper| wrapper.label()));
    parts.extend(traits(&verdict.details));
    parts.extend(verdict.contents.words());
    if verdict.is_ambiguous() {
        parts.push(format!("can be read as {}", list(&verdict.formats)));
    }
    parts.extend(verdict.failures_that_count().map(|failure| format!("unsafe: {}", failure.explanation)));
    parts.join(", ")
}

/// What is worth a word in the header of a format.
fn traits(details: &Details) -> Vec<String> {
    let mut words = Vec::new();
    let mut say = |condition: bool, word: &str| {
        if condition {
            words.push(word.to_owned());
        }
    };
    match details {
        Details::Qcow2(qcow2) => {
            say(qcow2.encryption.is_some(), "encrypted");
            say(qcow2.compressed == Some(true), "compressed");
            say(qcow2.snapshots > 0, &format!("{} snapshots", qcow2.snapshots));
            say(qcow2.dirty, "not closed cleanly");
            say(qcow2.corrupt, "marked as corrupt");
        }
        Details::Qed(qed) => say(qed.dirty, "not closed cleanly"),
        Details::Vhd(vhd) => words.extend(vhd.parent.iter().map(needs)),
        Details::Vhdx(vhdx) => {
            say(vhdx.dirty, "not closed cleanly");
            words.extend(vhdx.parent.iter().map(needs));
        }
        Details::Vmdk(vmdk) => {
            say(vmdk.create_type.is_some(), vmdk.create_type.as_deref().unwrap_or_default());
            words.extend(vmdk.parent.iter().map(needs));
        }
        Details::Vdi(vdi) => say(vdi.parent.is_some(), "needs another image"),
        Details::Iso(iso) => {
            say(!iso.volume.is_empty(), &format!("volume {:?}", iso.volume));
            say(iso.boot_catalog, "bootable");
        }
        Details::Luks(luks) => say(true, &format!("version {}", luks.version)),
        Details::None => {}
    }
    words
}

fn needs(parent: &Parent) -> String {
    format!("needs {:?}", parent.name)
}

/// The `disk_format` to propose for an image; `None` for what cannot be sent as it is.
pub fn disk_format_for(verdict: &Verdict) -> Option<&'static str> {
    if verdict.is_ambiguous() || verdict.size_bytes == 0 {
        return None;
    }
    match (&verdict.wrapper, verdict.format) {
        // Has to be unpacked or converted first.
        (Some(Wrapper::Archive(_) | Wrapper::Ova { .. } | Wrapper::Tar { .. }), Format::Raw)
        | (_, Format::Qed) => None,
        // The first sector of a kernel for PCs looks like that of a disk.
        (Some(Wrapper::Kernel), Format::Raw | Format::Gpt) => Some("aki"),
        (Some(Wrapper::Ramdisk), Format::Raw) => Some("ari"),
        (Some(Wrapper::Ploop { .. }), Format::Raw) => Some("ploop"),
        // Few clouds list these two: a disk and an encrypted volume are sent as the raw bytes that they are.
        (_, Format::Raw | Format::Gpt | Format::Luks) => Some("raw"),
        (
            _,
            format @ (Format::Qcow2 | Format::Vhd | Format::Vhdx | Format::Vmdk | Format::Vdi | Format::Iso),
        ) => Some(format.as_str()),
    }
}

/// A name for an image made of the name of its file: without folder and without what tells its format.
pub fn suggested_name(file_name: &str) -> String {
    const ENDINGS: &[&str] = &[
        "qcow2", "qcow", "img", "raw", "iso", "vmdk", "vhd", "vpc", "vhdx", "vdi", "qed", "bin", "disk",
        "dd", "hds", "hdd", "ova", "tar", "gz", "xz", "zst", "bz2", "lz4",
    ];
    let base = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let mut name = base;
    while let Some((stem, ending)) = name.rsplit_once('.') {
        if stem.is_empty() || !ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) {
            break;
        }
        name = stem;
    }
    name.to_owned()
}
