//! Hyper-V ([MS-VHDX]): a region table leads to a metadata table, which leads to the items.

use super::Format;
use super::capture::{Missing, View, optional};
use super::details::{Details, Parent, Vhdx};
use super::fields::{guid, le16, le32, le64, stands, text_utf16};
use super::inspector::Reading;
use super::verdict::Match;

const HEADERS: [u64; 2] = [64 * 1024, 128 * 1024];
const REGION_TABLE: u64 = 192 * 1024;
/// Both tables have at most this size.
const TABLE_BYTES: usize = 64 * 1024;
const MOST_ENTRIES: usize = 2047;
const ENTRY_BYTES: usize = 32;

const METADATA_REGION: &str = "8b7ca206-4790-4b9a-b8fe-575f050f886e";
const FILE_PARAMETERS: &str = "caa16737-fa36-4d43-b3b6-33f0aa44e76b";
const VIRTUAL_DISK_SIZE: &str = "2fa54224-cd1b-4876-b211-5dbed83bf4b8";
const LOGICAL_SECTOR_SIZE: &str = "8141bf1d-a96f-4709-ba47-f233a8faab5f";
const PARENT_LOCATOR: &str = "a8d35f2d-b30b-454d-abf7-d3d84834ab0c";

pub(super) fn read(view: &View<'_>) -> Reading {
    if !stands(view.read(0, 8)?, 0, b"vhdxfile") {
        return Ok(None);
    }
    view.ask(HEADERS[1], 80);
    let mut found = Match::new(Format::Vhdx);
    let Some(regions) = optional(view.read(REGION_TABLE, TABLE_BYTES))? else {
        return Ok(Some(Match::truncated(Format::Vhdx).into()));
    };
    let metadata = entry(regions, b"regi", 8, 16, METADATA_REGION).and_then(|entry| le64(entry, 16));
    let Some(metadata) = metadata else {
        // The same as a broken table: a size that cannot be told is not taken on trust.
        found.fail("metadata", "its region table does not lead to the metadata");
        return Ok(Some(found.into()));
    };
    let table = optional(view.read(metadata, TABLE_BYTES))?;
    let items = table.and_then(|table| Items::parse(table, metadata));
    let Some(items) = items else {
        found.fail("metadata", "its metadata table is broken");
        return Ok(Some(found.into()));
    };
    items.ask_all(view);
    let Some(size) = item(view, items.size, 8)? else {
        found.fail("metadata", "its metadata does not tell the size of the disk");
        return Ok(Some(found.into()));
    };
    found.virtual_size_bytes = le64(size, 0);
    found.details = Details::Vhdx(details(view, &items)?);
    Ok(Some(found.into()))
}

/// Finds an entry by its GUID in a table that begins with `signature` and holds its count at `count_at`.
fn entry<'a>(
    table: &'a [u8],
    signature: &[u8],
    count_at: usize,
    first: usize,
    wanted: &str,
) -> Option<&'a [u8]> {
    let count = usize::from(le16(table, count_at)?);
    if !stands(table, 0, signature) || count > MOST_ENTRIES {
        return None;
    }
    let entries = table.get(first..)?.chunks_exact(ENTRY_BYTES).take(count);
    entries.into_iter().find(|entry| guid(entry, 0).as_deref() == Some(wanted))
}

/// Where the items of the metadata lie in the file.
struct Items {
    size: Option<u64>,
    parameters: Option<u64>,
    sector: Option<u64>,
    parent: Option<u64>,
}

impl Items {
    fn parse(table: &[u8], start: u64) -> Option<Self> {
        let place = |wanted| {
            let entry = entry(table, b"metadata", 10, 32, wanted)?;
            start.checked_add(u64::from(le32(entry, 16)?))
        };
        stands(table, 0, b"metadata").then(|| Self {
            size: place(VIRTUAL_DISK_SIZE),
            parameters: place(FILE_PARAMETERS),
            sector: place(LOGICAL_SECTOR_SIZE),
            parent: place(PARENT_LOCATOR),
        })
    }

    fn ask_all(&self, view: &View<'_>) {
        for (place, length) in [(self.size, 8), (self.parameters, 8), (self.sector, 4), (self.parent, 4096)] {
            if let Some(start) = place {
                // A parent locator is seldom that long; what the file has of it is enough.
                view.ask(start, length);
            }
        }
    }
}

fn details(view: &View<'_>, items: &Items) -> Result<Vhdx, Missing> {
    let mut details = Vhdx::default();
    if let Some(parameters) = item(view, items.parameters, 8)? {
        details.block_size_bytes = le32(parameters, 0).map(u64::from);
        let flags = le32(parameters, 4).unwrap_or(0);
        details.fixed = flags & 1 != 0;
        details.has_parent = flags & 2 != 0;
    }
    let sector = item(view, items.sector, 4)?;
    details.logical_sector_bytes = sector.and_then(|sector| le32(sector, 0)).map(u64::from);
    if let Some(start) = items.parent.filter(|_| details.has_parent) {
        let locator = optional(view.read_up_to(start, 4096))?;
        details.parent = locator.and_then(parent);
    }
    details.dirty = is_dirty(view)?;
    Ok(details)
}

fn item<'a>(view: &'a View<'_>, place: Option<u64>, length: usize) -> Result<Option<&'a [u8]>, Missing> {
    place.map_or(Ok(None), |start| optional(view.read(start, length)))
}

/// The locator is a table of keys and values; the path relative to the image is the most telling one.
fn parent(locator: &[u8]) -> Option<Parent> {
    let count = usize::from(le16(locator, 18)?).min(16);
    let mut best = None;
    for index in 0..count {
        let at = 20 + index * 12;
        let place = |start: u32, length: u16| {
            let start = usize::try_from(start).ok()?;
            locator.get(start..start.checked_add(usize::from(length))?).map(text_utf16)
        };
        let key = place(le32(locator, at)?, le16(locator, at + 8)?)?;
        let value = place(le32(locator, at + 4)?, le16(locator, at + 10)?)?;
        let relative = key == "relative_path";
        if relative || (best.is_none() && key.ends_with("_path")) {
            best = Some(Parent { name: value, format: Some("vhdx".to_owned()) });
        }
        if relative {
            break;
        }
    }
    best
}

/// Of the two headers the one with the higher number counts; a log that is not empty must be replayed.
fn is_dirty(view: &View<'_>) -> Result<bool, Missing> {
    let mut newest = (0, false);
    for start in HEADERS {
        let Some(header) = optional(view.read(start, 80))? else { continue };
        if let (true, Some(sequence), Some(log)) =
            (stands(header, 0, b"head"), le64(header, 8), header.get(48..64))
        {
            newest = newest.max((sequence, log.iter().any(|&byte| byte != 0)));
        }
    }
    Ok(newest.1)
}
