//! Images made to harm whoever opens them. Each: 415 with the reason, under every name that could take it; nothing
//! left behind; and a good image goes into the same record afterwards.

use std::fs;
use std::path::Path;
use std::process::Command;

use glasshouse_tests::clients::sha512_of;
use glasshouse_tests::deployment::Deployment;
use glasshouse_tests::http::Api;
use glasshouse_tests::keystone::MEMBER;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{images, process, wait};
use serde_json::{Value, json};

on_both_databases!(
    images_that_name_other_files_are_refused,
    images_that_are_several_things_are_refused,
    images_that_lie_about_sizes_are_refused,
    packed_images_are_never_unpacked,
);

/// An image: what it is for people, how to make `image`, under which formats it is refused, a word of the reason.
type Case = (&'static str, &'static str, &'static [&'static str], &'static str);

const NAMING: &[Case] = &[
    (
        "a qcow2 over a file of the host",
        "qemu-img create -q -f qcow2 -u -F raw -b /etc/passwd image 1M",
        &["qcow2", "raw"],
        "backing file",
    ),
    (
        "a qcow2 that names what it is over in another cluster",
        "qemu-img create -q -f qcow2 image 1M; printf '/etc/passwd' | dd of=image bs=1 seek=131072 conv=notrunc \
         status=none; printf '\\0\\0\\0\\0\\0\\2\\0\\0\\0\\0\\0\\13' | dd of=image bs=1 seek=8 conv=notrunc status=none",
        &["qcow2", "raw"],
        "backing file",
    ),
    (
        "a qcow2 with its data in a file of the host",
        "qemu-img create -q -f qcow2 -o data_file=other.raw,data_file_raw=on image 1M; \
         sed -i 's#other.raw#/etc/motd#' image",
        &["qcow2", "raw"],
        "another file",
    ),
    (
        "a vmdk whose extent is a file of the host",
        "qemu-img create -q -f vmdk -o subformat=monolithicSparse image 1M; \
         sed -i 's#SPARSE \"image\"#FLAT \"/etc/a\"#' image",
        &["vmdk", "raw"],
        "path",
    ),
    (
        "a vmdk of a type that reads files of the host",
        "qemu-img create -q -f vmdk -o subformat=monolithicSparse image 1M; \
         sed -i 's#monolithicSparse#monolithicFlat\" #' image",
        &["vmdk", "raw"],
        "monolithicFlat",
    ),
    (
        "a vmdk over another",
        "qemu-img create -q -f vmdk base 1M; qemu-img create -q -f vmdk -b base -F vmdk image",
        &["vmdk", "raw"],
        "parent",
    ),
    (
        "a bare vmdk descriptor",
        "qemu-img create -q -f vmdk -o subformat=monolithicFlat flat.vmdk 1M; \
         sed 's#flat-flat.vmdk#/etc/shadow#' flat.vmdk > image",
        &["vmdk", "raw"],
        "VMDK",
    ),
    (
        "a bare vmdk descriptor, filled up",
        "qemu-img create -q -f vmdk -o subformat=monolithicFlat flat.vmdk 1M; cp flat.vmdk image; \
         truncate -s 64K image",
        &["vmdk", "raw"],
        "VMDK",
    ),
    (
        "a qed over a file of the host",
        "qemu-img create -q -f qed -u -F raw -b /etc/passwd image 1M",
        &["raw"],
        "QED",
    ),
];

const SEVERAL: &[Case] = &[
    (
        "a disc that is also a qcow2",
        "mkdir tree; genisoimage -quiet -o disc tree; qemu-img create -q -f qcow2 image 1M; \
         dd if=disc of=image bs=2048 skip=16 seek=16 count=4 conv=notrunc status=none",
        &["qcow2", "iso", "raw"],
        "ultiple formats detected",
    ),
    (
        "a disk with a partition table that is also a qcow2",
        "qemu-img create -q -f qcow2 image 1M; truncate -s 1M disk; \
         echo 'label: gpt\n' | sfdisk -q disk; \
         dd if=disk of=image bs=1 skip=446 seek=446 count=578 conv=notrunc status=none",
        &["qcow2", "raw"],
        "ultiple formats detected",
    ),
    (
        "a disk with a partition table that is also a vdi",
        "qemu-img create -q -f vdi image 1M; printf '\\125\\252' | dd of=image bs=1 seek=510 conv=notrunc status=none",
        &["vdi", "raw"],
        "ultiple formats detected",
    ),
    (
        "a disc that is also a vmdk",
        "mkdir tree; genisoimage -quiet -o disc tree; qemu-img create -q -f vmdk image 1M; \
         dd if=disc of=image bs=2048 skip=16 seek=16 count=4 conv=notrunc status=none",
        &["vmdk", "iso", "raw"],
        "ultiple formats detected",
    ),
    (
        "a luks volume that is also a disc",
        "mkdir tree; genisoimage -quiet -o image tree; \
         printf 'LUKS\\272\\276\\0\\1' | dd of=image bs=1 conv=notrunc status=none",
        &["iso", "raw"],
        "ultiple formats detected",
    ),
];

const LYING: &[Case] = &[
    (
        "a qcow2 with a first table of 32 GiB",
        "AT=36; BYTES='\\377\\377\\377\\377'",
        &["qcow2", "raw"],
        "first table",
    ),
    (
        "a qcow2 with four milliard snapshots",
        "AT=60; BYTES='\\377\\377\\377\\377'",
        &["qcow2", "raw"],
        "snapshots",
    ),
    (
        "a qcow2 with endless reference counts",
        "AT=56; BYTES='\\377\\377\\377\\377'",
        &["qcow2", "raw"],
        "counts",
    ),
    (
        "a qcow2 with a header of 2 GiB",
        "AT=100; BYTES='\\177\\377\\377\\377'",
        &["qcow2", "raw"],
        "header claims",
    ),
    (
        "a qcow2 with an endless extension",
        "AT=116; BYTES='\\177\\377\\377\\377'",
        &["qcow2", "raw"],
        "extensions",
    ),
    (
        "a qcow2 larger than any disk",
        "AT=24; BYTES='\\377\\377\\377\\377\\377\\377'",
        &["qcow2", "raw"],
        "claims a disk",
    ),
    (
        "a vmdk larger than any disk",
        "qemu-img create -q -f vmdk image 1M; \
         printf '\\377\\377\\377\\377\\377\\377\\377\\177' | dd of=image bs=1 seek=12 conv=notrunc status=none",
        &["vmdk", "raw"],
        "claims a disk",
    ),
    (
        "a vdi larger than any disk",
        "qemu-img create -q -f vdi image 1M; \
         printf '\\377\\377\\377\\377\\377\\377\\377\\377' | dd of=image bs=1 seek=368 conv=notrunc status=none",
        &["vdi", "raw"],
        "claims a disk",
    ),
    (
        "a vhd whose footers disagree",
        "qemu-img create -q -f vpc image 16M; \
         printf '\\0\\0\\0\\2' | dd of=image bs=1 seek=$(($(stat -c %s image) - 452)) conv=notrunc status=none",
        &["vhd", "raw"],
        "footer",
    ),
    (
        "a vmdk whose footer disagrees",
        // The program never writes a footer: one is made of the header, with another size in it.
        "qemu-img create -q -f vmdk -o subformat=streamOptimized image 1M; head -c 512 image > footer; \
         printf '\\1' | dd of=footer bs=1 seek=14 conv=notrunc status=none; \
         printf '\\377\\377\\377\\377\\377\\377\\377\\377' | dd of=image bs=1 seek=56 conv=notrunc status=none; \
         { head -c 12 /dev/zero; printf '\\3'; head -c 499 /dev/zero; cat footer; head -c 512 /dev/zero; } >> image",
        &["vmdk", "raw"],
        "footer",
    ),
    (
        "a gpt with four milliard entries",
        "truncate -s 4M image; echo 'label: gpt\nsize=1M' | sfdisk -q image; \
         printf '\\377\\377\\377\\377' | dd of=image bs=1 seek=592 conv=notrunc status=none",
        &["raw"],
        "claims 549755813760 bytes",
    ),
    (
        "a vhdx without tables",
        "printf 'vhdxfile' > image; truncate -s 1M image",
        &["vhdx", "raw"],
        "region table",
    ),
];

const PACKED: &[Case] = &[
    (
        "zeros without end in a megabyte",
        "head -c 256M /dev/zero | gzip -1 > image",
        &["qcow2", "vmdk", "iso"],
        "gzip",
    ),
    ("an archive in an archive", "head -c 64M /dev/zero | xz -0 | xz -0 > image", &["qcow2", "vhd"], "xz"),
];

fn images_that_name_other_files_are_refused(controller: &Deployment) {
    refuse_all(controller, NAMING);
}

fn images_that_are_several_things_are_refused(controller: &Deployment) {
    refuse_all(controller, SEVERAL);
}

fn images_that_lie_about_sizes_are_refused(controller: &Deployment) {
    refuse_all(controller, LYING);
}

fn packed_images_are_never_unpacked(controller: &Deployment) {
    refuse_all(controller, PACKED);
}

fn refuse_all(controller: &Deployment, cases: &[Case]) {
    let api = controller.api(MEMBER);
    for (what, script, formats, word) in cases {
        let scratch = Scratch::new("hostile-image");
        let file = scratch.join("image");
        make(script, scratch.path());
        for format in *formats {
            refuse((controller, &api), &file, format, (&format!("{what}, sent as {format}"), word));
        }
    }
}

/// Sends the file under this format, and looks at the answer and at what it leaves behind.
fn refuse((controller, api): (&Deployment, &Api), file: &Path, format: &str, (what, word): (&str, &str)) {
    let id = api.create_image(&json!({"disk_format": format, "container_format": "bare"}));
    let answer = api.upload_file(&id, file);
    assert_eq!(answer.status, 415, "{what}: {}", answer.text());
    let reason = answer.text();
    assert!(reason.contains(word), "{what}: no {word:?} in {reason}");
    assert!(!reason.contains("/etc/"), "{what}: the file's own words are not told on: {reason}");

    let path = format!("/v2/images/{id}");
    let record = || api.get(&path).expect(200).json();
    wait::until_true("the image back in queued", wait::STEP, || record()["status"] == "queued");
    let left = record();
    for key in ["size", "virtual_size", "checksum", "os_hash_value"] {
        assert_eq!(left[key], Value::Null, "{what}: {key} in {left}");
    }
    wait::until_true("a store without it", wait::STEP, || {
        let names = fs::read_dir(controller.store()).expect("the store").flatten();
        names.map(|entry| entry.file_name()).all(|name| !name.to_string_lossy().contains(&id))
    });
    let good = images::small_qcow2();
    api.patch(&path, &json!([{"op": "replace", "path": "/disk_format", "value": "qcow2"}])).expect(200);
    api.upload_file(&id, &good).expect(204);
    assert_eq!(record()["os_hash_value"], json!(sha512_of(&good)), "{what}");
    api.delete(&path).expect(204);
}

/// Runs the script in a folder; one that only names bytes writes them into the header of a fresh qcow2.
fn make(script: &str, folder: &Path) {
    let script = if script.starts_with("AT=") {
        format!(
            "qemu-img create -q -f qcow2 image 1M; {script}; \
             printf \"$BYTES\" | dd of=image bs=1 seek=$AT conv=notrunc status=none"
        )
    } else {
        script.to_owned()
    };
    let mut command = Command::new("sh");
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    command.args(["-euc", &script]).current_dir(folder).env("PATH", path);
    process::run_well(command, wait::START);
}
