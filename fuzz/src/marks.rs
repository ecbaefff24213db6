//! The targets: which marks each sets, so that no change to an image loses its format.

use glasshouse_shared::format::Format;

use crate::image::Image;

/// One target of the fuzzer.
pub struct Target {
    /// Its name, and that of its folder in the corpus.
    pub name: &'static str,
    /// Sets the marks of the format.
    pub mark: fn(&mut Image),
    /// What every image with these marks must be taken for, whatever else it is.
    pub format: Option<Format>,
    /// … if it is as long as this.
    pub needs_bytes: u64,
}

const fn target(
    name: &'static str,
    mark: fn(&mut Image),
    format: Option<Format>,
    needs_bytes: u64,
) -> Target {
    Target { name, mark, format, needs_bytes }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    target("qcow2", |image| image.write(0, b"QFI\xfb"), Some(Format::Qcow2), 512),
    target("qed", |image| image.write(0, b"QED\0"), Some(Format::Qed), 512),
    target("vhd", |image| image.write(0, b"conectix"), Some(Format::Vhd), 512),
    target("vhdx", vhdx, Some(Format::Vhdx), 8),
    target("vmdk", |image| image.write(0, b"KDMV"), Some(Format::Vmdk), 512),
    target("vdi", |image| image.write(0x40, &[0x7f, 0x10, 0xda, 0xbe]), Some(Format::Vdi), 512),
    target("iso", |image| image.write(32769, b"CD001"), Some(Format::Iso), 34 << 10),
    target("gpt", gpt, Some(Format::Gpt), 512),
    target("mbr", |image| image.write(510, &[0x55, 0xaa]), None, 0),
    target("luks", |image| image.write(0, b"LUKS\xba\xbe\0"), Some(Format::Luks), 592),
    target("file_systems", |_| {}, None, 0),
    target("wrappers", |_| {}, None, 0),
    target("detector", |_| {}, None, 0),
];

fn vhdx(image: &mut Image) {
    image.write(0, b"vhdxfile");
    image.write(192 << 10, b"regi");
}

fn gpt(image: &mut Image) {
    // Neither of these looks like a FAT file system.
    image.write(0x10, &[0]);
    image.write(450, &[0xee]);
    image.write(510, &[0x55, 0xaa]);
    image.write(512, b"EFI PART");
}
