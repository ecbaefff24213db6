//! Finds `os-release` in an ext2, ext3 or ext4 file system, with `ext4-view`.
//!
//! The library asks for bytes in its own order, so it is run on the pages that are known and run again once those that
//! it missed were fetched. That bounds what is read. What it would do without a bound itself is kept from it: file
//! systems with very many groups (it makes room for all at once), journals to replay, directories and links of any
//! length, and trees of extents that are deeper than those of small directories (they may refer to one block again and
//! again).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::rc::Rc;

use ext4_view::{Ext4, Ext4Error, Ext4Read};

use super::capture::optional;
use super::contents::{Contents, Disk};
use super::fields::{le16, le32};
use super::os_release::OperatingSystem;

const PAGE_SIZE: usize = 4096;
const PAGE_BYTES: u64 = PAGE_SIZE as u64;
const MOST_PAGES: usize = 512;
const MOST_ROUNDS: usize = 64;
const MOST_VOLUMES: usize = 8;
const MOST_GROUPS: u64 = 16 * 1024;
const MOST_FOLDER_BYTES: u64 = 1 << 20;
const MOST_FILE_BYTES: u64 = 16 * 1024;
/// An incompatible feature: the journal has to be replayed first.
const NEEDS_RECOVERY: u32 = 4;
const EXTENT_NODE: u16 = 0xF30A;

/// In the order in which systemd looks, without its links: each is a list of folders and a file.
const PLACES: [&[&str]; 2] = [&["/usr", "/usr/lib", "/usr/lib/os-release"], &["/etc", "/etc/os-release"]];

/// The system on the first volume of a disk that has one.
pub(super) fn find(disk: &dyn Disk, contents: &Contents) -> Option<OperatingSystem> {
    let is_ext = |kind: &str| matches!(kind, "ext2" | "ext3" | "ext4");
    let whole = contents.file_system.iter().filter(|found| is_ext(found.kind)).map(|_| 0);
    let table = contents.partition_table.iter().flat_map(|table| &table.partitions);
    let parts = table
        .filter(|partition| partition.file_system.as_ref().is_some_and(|found| is_ext(found.kind)))
        .map(|partition| partition.start_bytes);
    // Partitions of a hostile table may lie on each other, and each look at a large volume takes its time.
    let mut seen = BTreeSet::new();
    let starts = whole.chain(parts).filter(|start| seen.insert(*start));
    starts.take(MOST_VOLUMES).find_map(|start| on_volume(disk, start))
}

fn on_volume(disk: &dyn Disk, start: u64) -> Option<OperatingSystem> {
    let superblock = disk.read(start.checked_add(1024)?, 1024).ok()?;
    let block_bytes = bounded(&superblock)?;
    let known = Rc::new(RefCell::new(Known::default()));
    for _ in 0..MOST_ROUNDS {
        let pages = Pages { known: Rc::clone(&known), block_bytes };
        if let Ok(text) = os_release(pages) {
            return text.as_deref().and_then(OperatingSystem::parse);
        }
        let missing = std::mem::take(&mut known.borrow_mut().missing);
        if missing.is_empty() || known.borrow().pages.len() + missing.len() > MOST_PAGES {
            return None;
        }
        for page in missing {
            let place = page.checked_mul(PAGE_BYTES)?.checked_add(start)?;
            let bytes = optional(disk.read(place, PAGE_SIZE)).ok()??.into_owned();
            known.borrow_mut().pages.insert(page, bytes);
        }
    }
    None
}

/// The size of its blocks, if it is a file system of which reading has bounds.
fn bounded(superblock: &[u8]) -> Option<usize> {
    let blocks = u64::from(le32(superblock, 0x150)?) << 32 | u64::from(le32(superblock, 4)?);
    let groups = blocks.checked_div(u64::from(le32(superblock, 32)?))?;
    let clean = le32(superblock, 96)? & NEEDS_RECOVERY == 0;
    let shift = le32(superblock, 24)?;
    (groups < MOST_GROUPS && clean && shift <= 6).then(|| 1024 << shift)
}

/// The text of the file; `None` if there is none. An error may only mean that pages are missing.
fn os_release(pages: Pages) -> Result<Option<Vec<u8>>, Ext4Error> {
    let volume = Ext4::load(Box::new(pages))?;
    if !is_small_folder(&volume, "/")? {
        return Ok(None);
    }
    for place in PLACES {
        if let Some((file, folders)) = place.split_last()
            && all_small_folders(&volume, folders)?
            && is_small_file(&volume, file)?
        {
            return volume.read(*file).map(Some);
        }
    }
    Ok(None)
}

fn all_small_folders(volume: &Ext4, folders: &[&str]) -> Result<bool, Ext4Error> {
    for folder in folders {
        if !is_small_folder(volume, folder)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_small_folder(volume: &Ext4, path: &str) -> Result<bool, Ext4Error> {
    match volume.symlink_metadata(path) {
        Ok(found) => Ok(found.is_dir() && found.len() <= MOST_FOLDER_BYTES),
        Err(Ext4Error::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_small_file(volume: &Ext4, path: &str) -> Result<bool, Ext4Error> {
    match volume.symlink_metadata(path) {
        Ok(found) => Ok(found.file_type().is_regular_file() && found.len() <= MOST_FILE_BYTES),
        Err(Ext4Error::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The pages of a volume that were fetched, and those that were missed.
#[derive(Default)]
struct Known {
    pages: BTreeMap<u64, Vec<u8>>,
    missing: BTreeSet<u64>,
}

/// What the library reads from.
struct Pages {
    known: Rc<RefCell<Known>>,
    block_bytes: usize,
}

impl Ext4Read for Pages {
    fn read(&mut self, start_byte: u64, dst: &mut [u8]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let end = start_byte.checked_add(dst.len() as u64).ok_or("behind the end")?;
        let mut known = self.known.borrow_mut();
        for page in start_byte / PAGE_BYTES..end.div_ceil(PAGE_BYTES) {
            if !known.pages.contains_key(&page) && known.missing.len() <= MOST_PAGES {
                known.missing.insert(page);
            }
        }
        if !known.missing.is_empty() {
            return Err("not fetched yet".into());
        }
        dst.fill(0);
        let (mut at, mut rest) = (start_byte, &mut *dst);
        while !rest.is_empty() {
            let inside = usize::try_from(at % PAGE_BYTES)?;
            let (piece, after) = rest.split_at_mut(rest.len().min(PAGE_SIZE - inside));
            let page = known.pages.get(&(at / PAGE_BYTES)).and_then(|page| page.get(inside..));
            for (byte, there) in piece.iter_mut().zip(page.unwrap_or_default()) {
                *byte = *there;
            }
            at += piece.len() as u64;
            rest = after;
        }
        let deep = |block: &[u8]| le16(block, 0) == Some(EXTENT_NODE) && le16(block, 6) != Some(0);
        if dst.chunks(self.block_bytes).any(deep) {
            return Err("a tree of extents that is too deep".into());
        }
        Ok(())
    }
}
