//! Disk images as people have them: out of Debian packages, and converted by `qemu-img` into every format.
//!
//! What costs time to make is kept in the cache folder, under a name that changes with how it is made.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::{process, tools, wait};

/// Rises when the way an image is made changes.
const EDITION: u32 = 1;

/// One at a time: two tests must not make the same file at once.
static MAKING: Mutex<()> = Mutex::new(());

/// A bootable CD with a boot loader (grub-rescue-pc).
pub fn rescue_iso() -> PathBuf {
    packaged("/usr/lib/grub-rescue/grub-rescue-cdrom.iso", "grub-rescue-pc")
}

/// A bootable floppy without a partition table (grub-rescue-pc).
pub fn rescue_floppy() -> PathBuf {
    packaged("/usr/lib/grub-rescue/grub-rescue-floppy.img", "grub-rescue-pc")
}

/// A CD that boots from the network (ipxe).
pub fn ipxe_iso() -> PathBuf {
    packaged("/usr/lib/ipxe/ipxe.iso", "ipxe")
}

/// A kernel, as it is uploaded for `disk_format` aki (the Debian installer's).
pub fn kernel() -> PathBuf {
    packaged(&format!("{INSTALLER}/linux"), "debian-installer-12-netboot-amd64")
}

/// A first file system, as it is uploaded for `disk_format` ari (the Debian installer's).
pub fn ramdisk() -> PathBuf {
    packaged(&format!("{INSTALLER}/initrd.gz"), "debian-installer-12-netboot-amd64")
}

const INSTALLER: &str = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64";

/// A disk with a GPT and one EFI system partition, on it the Debian installer: 96 MiB, about half of it in use.
pub fn installer_disk() -> PathBuf {
    cached("installer.raw", |path| {
        const MIB: u64 = 1 << 20;
        let partition = path.with_extension("partition");
        create_sparse(&partition, 94 * MIB);
        let mut format = Command::new(tools::system_program("mkfs.vfat"));
        format.args(["-F", "32", "-n", "INSTALLER"]).arg(&partition);
        process::run_well(format, wait::STEP);
        let mut copy = Command::new(tools::system_program("mcopy"));
        copy.arg("-i").arg(&partition).arg(kernel()).arg(ramdisk()).arg("::/");
        process::run_well(copy, wait::STEP);

        create_sparse(path, 96 * MIB);
        let mut divide = Command::new("sh");
        divide.arg("-c").arg("printf 'label: gpt\nstart=2048, size=192512, type=uefi\n' | \"$0\" \"$1\"");
        divide.arg(tools::system_program("sfdisk")).arg(path);
        process::run_well(divide, wait::STEP);
        let mut place = Command::new("dd");
        place.arg(format!("if={}", partition.display())).arg(format!("of={}", path.display()));
        place.args(["bs=1M", "seek=1", "conv=notrunc,sparse", "status=none"]);
        process::run_well(place, wait::STEP);
        fs::remove_file(&partition).expect("the partition's file goes");
    })
}

/// The installer's disk in another format of `qemu-img`, with its options: `("qcow2", "compat=0.10")`.
pub fn converted(format: &str, options: &str) -> PathBuf {
    let source = installer_disk();
    let name = format!("installer-{options}.{format}")
        .replace(['=', ',', '.'], "-")
        .replace(&format!("-{format}"), "");
    cached(&format!("{name}.{format}"), |path| {
        let mut convert = Command::new(tools::system_program("qemu-img"));
        convert.args(["convert", "-f", "raw", "-O", format]);
        if !options.is_empty() {
            convert.args(["-o", options]);
        }
        convert.arg(&source).arg(path);
        process::run_well(convert, wait::START);
    })
}

/// The common case: a qcow2 of version 3.
pub fn qcow2() -> PathBuf {
    converted("qcow2", "compat=1.1")
}

/// The qcow2 of old tools: version 2.
pub fn qcow2_version_2() -> PathBuf {
    converted("qcow2", "compat=0.10")
}

/// A small qcow2, for tests that do not care what is in it.
pub fn small_qcow2() -> PathBuf {
    cached("floppy.qcow2", |path| {
        let mut convert = Command::new(tools::system_program("qemu-img"));
        convert.args(["convert", "-f", "raw", "-O", "qcow2"]).arg(rescue_floppy()).arg(path);
        process::run_well(convert, wait::START);
    })
}

/// Every format that can be uploaded under a name of its own: (`disk_format`, file).
pub fn every_format() -> Vec<(&'static str, PathBuf)> {
    vec![
        ("raw", installer_disk()),
        ("qcow2", qcow2()),
        ("qcow2", qcow2_version_2()),
        ("vmdk", converted("vmdk", "subformat=streamOptimized")),
        ("vmdk", converted("vmdk", "subformat=monolithicSparse")),
        ("vdi", converted("vdi", "")),
        ("vhdx", converted("vhdx", "")),
        // qemu-img calls the older format by its maker's product.
        ("vhd", converted("vpc", "force_size=on")),
        ("iso", rescue_iso()),
        ("iso", ipxe_iso()),
    ]
}

/// The virtual size that `qemu-img` reads in a file.
pub fn virtual_size_bytes(path: &Path, format: &str) -> u64 {
    let mut info = Command::new(tools::system_program("qemu-img"));
    info.args(["info", "--output=json", "-f", format]).arg(path);
    let said = process::run_well(info, wait::STEP).stdout;
    let value: serde_json::Value = serde_json::from_str(&said).expect("JSON from qemu-img");
    value["virtual-size"].as_u64().expect("a virtual size")
}

/// A raw image of 2 GiB and a little with data at both ends and a hole between.
pub fn sparse_2_gib() -> PathBuf {
    cached("sparse-2-gib.raw", |path| {
        use std::os::unix::fs::FileExt as _;
        let floppy = fs::read(rescue_floppy()).expect("the floppy");
        let file = File::create(path).expect("a file");
        file.write_all_at(&floppy, 0).expect("the first bytes");
        file.write_all_at(&floppy, 1 << 31).expect("the last bytes");
    })
}

/// A file of this many bytes, all of them a hole.
pub fn create_sparse(path: &Path, size_bytes: u64) {
    File::create(path).and_then(|file| file.set_len(size_bytes)).expect("a sparse file");
}

fn packaged(path: &str, package: &str) -> PathBuf {
    let path = PathBuf::from(path);
    assert!(
        path.is_file(),
        "there is no {} (package {package}): run `tests/run setup` first",
        path.display()
    );
    path
}

/// A file of the cache, made when it is not there. It appears under its name only when it is whole.
fn cached(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = tools::cache().join(format!("images-{EDITION}"));
    let path = folder.join(name);
    let _one_at_a_time = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !path.is_file() {
        fs::create_dir_all(&folder).expect("a folder for images");
        let partial = folder.join(format!("{}.{}.partial", name, std::process::id()));
        make(&partial);
        fs::rename(&partial, &path).expect("the image gets its name");
    }
    path
}
