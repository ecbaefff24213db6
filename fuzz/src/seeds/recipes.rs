//! How each seed is made: a script that leaves `image` behind, in a folder where `disk.raw` lies.

/// A disk of 4 MiB with a GPT and one ext4 file system that has an `/etc/os-release`.
pub const DISK: &str = "
mkdir -p tree/etc tree/usr/lib
printf 'NAME=\"Debian GNU/Linux\"\\nID=debian\\nVERSION_ID=\"12\"\\nPRETTY_NAME=\"Debian 12\"\\n' > tree/usr/lib/os-release
ln -sf ../usr/lib/os-release tree/etc/os-release
truncate -s 2M ext4.raw
mkfs.ext4 -q -F -b 1024 -I 128 -N 16 -O ^has_journal,^resize_inode -L root -d tree ext4.raw
truncate -s 4M disk.raw
printf 'label: gpt\\nstart=2048, size=4096, type=linux, name=root\\n' | sfdisk -q disk.raw
dd if=ext4.raw of=disk.raw bs=1M seek=1 conv=notrunc,sparse status=none
";

/// Target, name of the seed, script.
pub const RECIPES: &[(&str, &str, &str)] = &[
    ("qcow2", "version-2", "qemu-img convert -f raw -O qcow2 -o compat=0.10 disk.raw image"),
    ("qcow2", "version-3", "qemu-img convert -f raw -O qcow2 disk.raw image"),
    ("qcow2", "clusters-of-512", "qemu-img convert -f raw -O qcow2 -o cluster_size=512 disk.raw image"),
    (
        "qcow2",
        "extended",
        "qemu-img convert -f raw -O qcow2 -o extended_l2=on,cluster_size=128k disk.raw image",
    ),
    ("qcow2", "zstd", "qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd disk.raw image"),
    ("qcow2", "backing-file", "qemu-img create -q -f qcow2 -u -F raw -b /etc/passwd image 1M"),
    ("qcow2", "data-file", "qemu-img create -q -f qcow2 -o data_file=other.raw,data_file_raw=on image 1M"),
    (
        "qcow2",
        "snapshots-and-bitmap",
        "qemu-img convert -f raw -O qcow2 disk.raw image; qemu-img snapshot -c one image; \
         qemu-img bitmap --add image two",
    ),
    (
        "qcow2",
        "encrypted",
        "qemu-img create -q -f qcow2 --object secret,id=key,data=secret \
         -o encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10 image 1M; truncate -s 70K image",
    ),
    ("qed", "plain", "qemu-img convert -f raw -O qed disk.raw image; truncate -s 512K image"),
    ("qed", "backing-file", "qemu-img create -q -f qed -b disk.raw -F raw image; truncate -s 128K image"),
    ("vhd", "dynamic", "qemu-img convert -f raw -O vpc -o subformat=dynamic,force_size=on disk.raw image"),
    ("vhd", "empty", "qemu-img create -q -f vpc image 1G"),
    ("vhdx", "dynamic", "qemu-img convert -f raw -O vhdx -o block_size=1M disk.raw image"),
    ("vmdk", "sparse", "qemu-img convert -f raw -O vmdk disk.raw image"),
    ("vmdk", "stream", "qemu-img convert -f raw -O vmdk -o subformat=streamOptimized disk.raw image"),
    (
        "vmdk",
        "parent",
        "qemu-img create -q -f vmdk base 1M; qemu-img create -q -f vmdk -b base -F vmdk image",
    ),
    (
        "detector",
        "vmdk-descriptor",
        "qemu-img create -q -f vmdk -o subformat=monolithicFlat flat.vmdk 1M; cp flat.vmdk image",
    ),
    ("vdi", "dynamic", "qemu-img convert -f raw -O vdi disk.raw image"),
    ("vdi", "static", "qemu-img convert -f raw -O vdi -o static=on disk.raw image"),
    ("iso", "joliet", "genisoimage -quiet -V DISC -J -R -o image tree"),
    (
        "iso",
        "bootable-udf",
        "head -c 2048 /dev/zero | tr '\\0' U > tree/boot; \
         genisoimage -quiet -V DISC -udf -b boot -no-emul-boot -o image tree; rm tree/boot",
    ),
    ("gpt", "one-partition", "cp disk.raw image"),
    (
        "gpt",
        "several",
        "truncate -s 8M image; printf 'label: gpt\\nsize=1M, type=uefi\\nsize=2M\\nsize=1M, type=swap\\n' | \
         sfdisk -q image",
    ),
    (
        "mbr",
        "logical",
        "truncate -s 8M image; printf 'label: dos\\n1: size=1M, type=83, bootable\\n2: size=5M, type=5\\n\
         5: size=1M, type=82\\n6: size=1M, type=8e\\n' | sfdisk -q image",
    ),
    (
        "luks",
        "version-1",
        "qemu-img create -q --object secret,id=key,data=secret -f luks -o key-secret=key,iter-time=10 image 1M; \
         truncate -s 8K image",
    ),
    ("file_systems", "ext4", "cp ext4.raw image"),
    ("file_systems", "ext2", "truncate -s 1M image; mkfs.ext2 -q -F -N 16 -d tree image"),
    ("file_systems", "vfat", "truncate -s 1M image; mkfs.vfat -n LABEL image >/dev/null"),
    ("file_systems", "swap", "truncate -s 1M image; mkswap -q -L label image"),
    ("file_systems", "squashfs", "mksquashfs tree image -quiet -no-progress >/dev/null"),
    ("file_systems", "btrfs", "truncate -s 128M image; mkfs.btrfs -q -L label image; truncate -s 80K image"),
    ("file_systems", "xfs", "truncate -s 320M image; mkfs.xfs -q -L label image; truncate -s 8K image"),
    (
        "wrappers",
        "fixed-vhd",
        "qemu-img convert -f raw -O vpc -o subformat=fixed,force_size=on disk.raw image",
    ),
    ("wrappers", "parallels", "qemu-img convert -f raw -O parallels disk.raw image; truncate -s 64K image"),
    ("wrappers", "gzip", "gzip -c tree/usr/lib/os-release > image"),
    ("wrappers", "ova", "echo '<Envelope/>' > a.ovf; tar -cf image a.ovf disk.raw; truncate -s 4K image"),
    ("wrappers", "cpio", "{ printf '070701%0104d' 0; printf 'TRAILER!!!'; } > image"),
    (
        "detector",
        "disc-and-disk",
        "genisoimage -quiet -V DISC -o image tree; printf '\\125\\252' | \
      dd of=image bs=1 seek=510 conv=notrunc status=none",
    ),
    (
        "detector",
        "qcow2-and-disc",
        "genisoimage -quiet -V DISC -o disc tree; \
      qemu-img convert -f raw -O qcow2 disk.raw image; \
      dd if=disc of=image bs=1 skip=32768 seek=32768 count=2048 conv=notrunc status=none",
    ),
];
