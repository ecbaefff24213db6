//! QEMU enhanced disk (QEMU: docs/interop/qed_spec). Always refused: nobody supports it any more.

use super::Format;
use super::capture::{View, optional};
use super::details::{Details, Parent, Qed};
use super::fields::{le32, le64, stands, text};
use super::inspector::Reading;
use super::verdict::Match;

const HAS_BACKING_FILE: u64 = 1;
const NEEDS_CHECK: u64 = 1 << 1;

pub(super) fn read(view: &View<'_>) -> Reading {
    let bytes = view.read(0, 512)?;
    if !stands(bytes, 0, b"QED\0") {
        return Ok(None);
    }
    let mut found = Match::new(Format::Qed);
    found.fail("banned", "the QED format is not supported");
    let fields = (le32(bytes, 4), le64(bytes, 16), le64(bytes, 48), le32(bytes, 56), le32(bytes, 60));
    let (Some(cluster), Some(features), Some(size), Some(name_at), Some(name_length)) = fields else {
        return Ok(Some(found.into()));
    };
    found.virtual_size_bytes = Some(size);
    let mut backing_file = None;
    if features & HAS_BACKING_FILE != 0 && name_length <= 1023 {
        let name = optional(view.read(u64::from(name_at), usize::try_from(name_length).unwrap_or(0)))?;
        backing_file = name.map(|name| Parent { name: text(name), format: None });
    }
    found.details = Details::Qed(Qed {
        cluster_size_bytes: u64::from(cluster),
        backing_file,
        dirty: features & NEEDS_CHECK != 0,
    });
    Ok(Some(found.into()))
}
