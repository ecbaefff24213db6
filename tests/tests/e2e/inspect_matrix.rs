//! Everything that `qemu-img` can create, inspected by us and by it.

use std::path::Path;
use std::process::Command;

use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{process, service, wait};
use serde_json::{Value, json};

/// Format, options of `qemu-img create`, where its own name for the format is not ours.
const CREATED: &[(&str, &str)] = &[
    ("raw", "-f raw image 8M"),
    ("qcow2", "-f qcow2 -o compat=0.10 image 8M"),
    ("qcow2", "-f qcow2 -o compat=1.1 image 8M"),
    ("qcow2", "-f qcow2 -o cluster_size=512 image 8M"),
    ("qcow2", "-f qcow2 -o cluster_size=2M image 8M"),
    ("qcow2", "-f qcow2 -o compression_type=zstd image 8M"),
    ("qcow2", "-f qcow2 -o extended_l2=on,cluster_size=128k image 8M"),
    ("qcow2", "-f qcow2 -o lazy_refcounts=on,refcount_bits=1 image 8M"),
    ("qcow2", "-f qcow2 -o preallocation=metadata image 8M"),
    ("qcow2", "-f qcow2 -F raw -b base.raw image"),
    ("qcow2", "-f qcow2 -o data_file=data.raw image 8M"),
    (
        "qcow2",
        "-f qcow2 --object secret,id=key,data=secret \
         -o encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10 image 8M",
    ),
    (
        "qcow2",
        "-f qcow2 --object secret,id=key,data=secret -o encrypt.format=aes,encrypt.key-secret=key image 8M",
    ),
    ("vmdk", "-f vmdk -o subformat=monolithicSparse image 8M"),
    ("vmdk", "-f vmdk -o subformat=streamOptimized image 8M"),
    ("vmdk", "-f vmdk -o subformat=monolithicFlat image 8M"),
    ("vmdk", "-f vmdk -o subformat=twoGbMaxExtentSparse image 8M"),
    ("vmdk", "-f vmdk -o subformat=twoGbMaxExtentFlat image 8M"),
    ("vmdk", "-f vmdk -o subformat=monolithicSparse,compat6 image 8M"),
    ("vdi", "-f vdi image 8M"),
    ("vdi", "-f vdi -o static=on image 8M"),
    ("vhdx", "-f vhdx image 8M"),
    ("vhdx", "-f vhdx -o subformat=fixed image 8M"),
    ("vhdx", "-f vhdx -o block_size=1M image 8M"),
    ("vhd", "-f vpc image 8M"),
    ("vhd", "-f vpc -o force_size=on image 8M"),
    ("vhd", "-f vpc -o subformat=fixed image 8M"),
    ("vhd", "-f vpc -o subformat=fixed,force_size=on image 8M"),
    ("qed", "-f qed image 8M"),
    ("qed", "-f qed -o cluster_size=1M image 8M"),
    ("qed", "-f qed -F raw -b base.raw image"),
    ("luks", "-f luks --object secret,id=key,data=secret -o key-secret=key,iter-time=10 image 8M"),
    ("parallels", "-f parallels image 8M"),
];

fn shell(folder: &Path, script: &str) -> String {
    let mut command = Command::new("sh");
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    command.args(["-euc", script]).current_dir(folder).env("PATH", path);
    process::run_well(command, wait::STEP).stdout
}

/// What we say of `image` and what qemu-img says, if need be after it was told what it is.
fn both(folder: &Path, hint: &str) -> (Value, Value) {
    let ended = service::run(&["inspect", "--json", &folder.join("image").to_string_lossy()]);
    assert!(matches!(ended.status.code(), Some(0 | 1)), "{ended:?}");
    let ours = serde_json::from_str(&ended.stdout).expect("JSON from us");
    let theirs = serde_json::from_str(&shell(folder, &format!("qemu-img info {hint} --output=json image")));
    (ours, theirs.expect("JSON from qemu-img"))
}

/// Our details of the format, whatever it is.
fn details(ours: &Value) -> &Value {
    ours["details"].as_object().and_then(|details| details.values().next()).unwrap_or(&Value::Null)
}

/// Format and size, which for two formats stand in what the raw bytes are wrapped in.
fn told(ours: &Value) -> (Value, Value) {
    let format = match ours["format"].as_str() {
        Some("vhd") => "vpc",
        Some(other) => other,
        None => "",
    };
    for (wrapper, name) in [("fixedvhd", "vpc"), ("ploop", "parallels")] {
        if let Some(size) = ours["wrapper"].get(wrapper) {
            return (json!(name), size["virtual_size_bytes"].clone());
        }
    }
    (json!(format), ours["virtual_size_bytes"].clone())
}

fn assert_agreement(what: &str, ours: &Value, theirs: &Value) {
    let (format, size) = told(ours);
    let only_text = details(ours)["descriptor_only"] == true;
    assert_eq!(format, theirs["format"], "{what}");
    // The text of a VMDK tells the sizes of its extents, and is refused.
    if only_text {
        let extents = details(ours)["extents"].as_array().expect("extents").iter();
        let sum: u64 = extents.filter_map(|extent| extent["size_bytes"].as_u64()).sum();
        assert_eq!(json!(sum), theirs["virtual-size"], "{what}");
    } else {
        assert_eq!(size, theirs["virtual-size"], "{what}");
    }
    let cluster = ["cluster_size_bytes", "grain_size_bytes", "block_size_bytes"]
        .iter()
        .find_map(|name| details(ours).get(*name).filter(|value| !value.is_null()));
    let cluster = cluster.or_else(|| ours["wrapper"].get("ploop").map(|ploop| &ploop["cluster_size_bytes"]));
    if let (Some(theirs), false) = (theirs.get("cluster-size"), only_text) {
        assert_eq!(cluster, Some(theirs), "{what}: cluster size");
    }
    let parent = &details(ours)["backing_file"]["name"];
    assert_eq!(parent, theirs.get("backing-filename").unwrap_or(&Value::Null), "{what}: backing file");
    let encrypted = format == "luks" || !details(ours)["encryption"].is_null();
    assert_eq!(encrypted, theirs["encrypted"] == true, "{what}: encryption");
    let snapshots = theirs["snapshots"].as_array().map_or(0, Vec::len);
    assert_eq!(details(ours)["snapshots"].as_u64().unwrap_or(0), snapshots as u64, "{what}: snapshots");
    assert_eq!(details(ours)["dirty"] == true, theirs["dirty-flag"] == true, "{what}: dirty");
    assert_specifics(what, details(ours), &theirs["format-specific"]["data"]);
}

/// What `qemu-img` tells of qcow2, VMDK and LUKS alone.
fn assert_specifics(what: &str, ours: &Value, theirs: &Value) {
    let pairs = [
        ("lazy_refcounts", "lazy-refcounts"),
        ("refcount_bits", "refcount-bits"),
        ("corrupt", "corrupt"),
        ("extended_l2", "extended-l2"),
        ("compression_type", "compression-type"),
        ("data_file", "data-file"),
        ("data_file_raw", "data-file-raw"),
        ("create_type", "create-type"),
        ("payload_offset_bytes", "payload-offset"),
        ("hash", "hash-alg"),
        ("uuid", "uuid"),
    ];
    for (name, name_there) in pairs {
        if let Some(value) = theirs.get(name_there) {
            assert_eq!(&ours[name], value, "{what}: {name}");
        }
    }
    if let Some(format) = theirs["encrypt"].get("format") {
        assert_eq!(&ours["encryption"], format, "{what}: encryption");
    }
}

#[test]
fn inspect_agrees_with_qemu_img_on_everything_that_it_creates() {
    for (format, options) in CREATED {
        let scratch = Scratch::new("matrix");
        shell(scratch.path(), &format!("truncate -s 4M base.raw; qemu-img create -q {options}"));
        // Of a fixed one, whose mark stands at the end, it does not know by itself.
        let fixed = options.starts_with("-f vpc") && options.contains("fixed");
        let (ours, theirs) = both(scratch.path(), if fixed { "-f vpc" } else { "" });
        assert_agreement(options, &ours, &theirs);
        let proposed = ours["disk_format"].as_str();
        let usual = match *format {
            "luks" | "parallels" | "raw" | "qed" => None,
            "vhd" if options.contains("fixed") => None,
            other => Some(other),
        };
        assert!(usual.is_none() || proposed == usual, "{options}: {proposed:?}");
    }
}

#[test]
fn inspect_agrees_on_what_happens_to_an_image_later() {
    const LIVES: &[(&str, &str, &str)] = &[
        ("two snapshots", "qemu-img snapshot -c a image; qemu-img snapshot -c b image", "snapshots"),
        ("a bitmap", "qemu-img bitmap --add image changes", "bitmaps"),
        ("a larger disk", "qemu-img resize -q image 64M", ""),
        ("a dirty flag", "printf '\\001' | dd of=image bs=1 seek=79 conv=notrunc status=none", "dirty"),
        ("a mark of damage", "printf '\\002' | dd of=image bs=1 seek=79 conv=notrunc status=none", "corrupt"),
    ];
    for (what, script, field) in LIVES {
        let scratch = Scratch::new("matrix");
        shell(scratch.path(), &format!("qemu-img create -q -f qcow2 image 8M; {script}"));
        let (ours, theirs) = both(scratch.path(), "");
        assert_agreement(what, &ours, &theirs);
        let value = &details(&ours)[*field];
        assert!(field.is_empty() || *value == json!(true) || value.as_u64() > Some(0), "{what}: {value}");
    }
}

#[test]
fn inspect_sees_table_file_systems_and_system_in_every_format_it_can_look_into() {
    let scratch = Scratch::new("matrix");
    let make = "mkdir -p tree/etc; printf 'ID=some\\nPRETTY_NAME=\"Some Linux 4\"\\n' > tree/etc/os-release
        truncate -s 8M root; mkfs.ext4 -q -F -L root -d tree root
        truncate -s 8M esp; mkfs.vfat -n ESP esp >/dev/null
        truncate -s 32M disk
        printf 'label: gpt\\nstart=2048, size=16384, type=uefi\\nstart=20480, size=16384, type=linux, name=root\\n' | \
        sfdisk -q disk
        dd if=esp of=disk bs=1M seek=1 conv=notrunc status=none
        dd if=root of=disk bs=1M seek=10 conv=notrunc status=none";
    shell(scratch.path(), make);
    for format in
        ["raw", "qcow2", "vdi", "vpc -o force_size=on", "vpc -o subformat=fixed,force_size=on", "vmdk"]
    {
        shell(scratch.path(), &format!("qemu-img convert -f raw -O {format} disk image"));
        let (ours, _) = both(scratch.path(), "");
        let contents = &ours["contents"];
        let table = &contents["partition_table"];
        assert_eq!((&table["scheme"], &table["problems"]), (&json!("gpt"), &json!([])), "{format}");
        let kinds: Vec<_> = table["partitions"].as_array().expect("partitions").iter().collect();
        let systems: Vec<_> = kinds.iter().map(|part| &part["file_system"]["kind"]).collect();
        assert_eq!(systems, ["vfat", "ext4"], "{format}");
        assert_eq!(kinds[1]["name"], "root", "{format}");
        assert_eq!(contents["boot"], json!(["uefi"]), "{format}");
        assert_eq!(contents["operating_system"]["name"], "Some Linux 4", "{format}");
    }
}
