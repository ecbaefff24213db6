//! Partition tables: MBR with its chain of logical partitions, and GPT (UEFI specification, chapter 5).

use super::capture::{Missing, optional};
use super::contents::{BootWay, Disk, Partition, PartitionScheme, PartitionTable};
use super::fields::{guid, le32, le64, stands, text_utf16};
use super::gpt::{BOOT_SIGNATURE, PROTECTIVE, entries};
use super::gpt_header::{GptHeader, SECTOR_SIZES};
use super::{file_systems, partition_kinds};

/// Tables may claim billions of entries; nobody reads more than this.
const MOST_PARTITIONS: usize = 128;
/// Of so many partitions it is read what is in them.
const MOST_FILE_SYSTEMS: usize = 64;
const MOST_TABLE_BYTES: u64 = 48 * 1024;
const MBR_SECTOR_BYTES: u64 = 512;
const EXTENDED: [u8; 3] = [0x05, 0x0F, 0x85];

/// The table that a boot sector belongs to, and the ways to boot that are seen in it.
pub(super) fn read(
    disk: &dyn Disk,
    sector: &[u8],
) -> Result<Option<(PartitionTable, Vec<BootWay>)>, Missing> {
    let is_protective = entries(sector).any(|entry| entry[4] == PROTECTIVE);
    let gpt = if is_protective { gpt(disk)? } else { None };
    let header = gpt.as_ref().map(|(_, header, sector_bytes)| (*header, *sector_bytes));
    let mut table = match gpt {
        Some((table, ..)) => table,
        None => mbr(disk, sector)?,
    };
    if table.partitions.is_empty() {
        return Ok(None);
    }
    for partition in table.partitions.iter().take(MOST_FILE_SYSTEMS) {
        file_systems::ask(disk, partition.start_bytes);
    }
    for partition in table.partitions.iter_mut().take(MOST_FILE_SYSTEMS) {
        if !partition_kinds::is_container(&partition.kind) {
            partition.file_system = file_systems::read(disk, partition.start_bytes)?;
        }
    }
    if let Some((header, sector_bytes)) = header {
        table.problems.extend(header.backup_problem(disk, sector_bytes)?);
    }
    let boot = ways(&table, sector);
    Ok(Some((table, boot)))
}

fn ways(table: &PartitionTable, sector: &[u8]) -> Vec<BootWay> {
    let mut ways = Vec::new();
    let has = |kind: &str| table.partitions.iter().any(|partition| partition.kind == kind);
    // Where a table was made and no boot loader installed, the code area is empty.
    if sector.get(..440).is_some_and(|code| code.iter().any(|&byte| byte != 0)) {
        ways.push(BootWay::Bios);
    }
    if has(partition_kinds::EFI_SYSTEM) {
        ways.push(BootWay::Uefi);
    }
    ways
}

/// The table, with its header and the size of the sectors that it counts in.
fn gpt(disk: &dyn Disk) -> Result<Option<(PartitionTable, GptHeader, u64)>, Missing> {
    for sector_bytes in SECTOR_SIZES {
        let header = optional(disk.read(sector_bytes, 512))?;
        let Some(header) = header.as_deref().and_then(GptHeader::parse) else { continue };
        let entry_bytes = u64::from(header.entry_bytes);
        if !(128..=4096).contains(&entry_bytes) {
            continue;
        }
        let count = u64::from(header.count).min(MOST_TABLE_BYTES / entry_bytes);
        let start = header.entries_sector.saturating_mul(sector_bytes);
        let length = usize::try_from(count * entry_bytes).unwrap_or(0);
        let Some(entries) = optional(disk.read(start, length))? else { continue };
        let problems = header.problems(&entries);
        let entry_bytes = usize::try_from(entry_bytes).unwrap_or(128);
        let entries = entries.chunks_exact(entry_bytes).zip(1..);
        let partitions = entries.filter_map(|(entry, index)| gpt_entry(entry, index, sector_bytes));
        let table = PartitionTable {
            scheme: PartitionScheme::Gpt,
            id: header.disk_id(),
            partitions: partitions.take(MOST_PARTITIONS).collect(),
            problems,
        };
        return Ok(Some((table, header, sector_bytes)));
    }
    Ok(None)
}

fn gpt_entry(entry: &[u8], index: u32, sector_bytes: u64) -> Option<Partition> {
    if entry.get(..16)?.iter().all(|&byte| byte == 0) {
        return None;
    }
    let (first, last) = (le64(entry, 32)?, le64(entry, 40)?);
    let sectors = last.checked_sub(first)?.checked_add(1)?;
    let name = text_utf16(entry.get(56..128)?);
    Some(Partition {
        index,
        kind: partition_kinds::of_guid(&guid(entry, 0)?),
        name: Some(name).filter(|name| !name.is_empty()),
        start_bytes: first.checked_mul(sector_bytes)?,
        size_bytes: sectors.checked_mul(sector_bytes)?,
        // Attribute bit 2: legacy BIOS bootable.
        active: le64(entry, 48)? & 4 != 0,
        file_system: None,
    })
}

fn mbr(disk: &dyn Disk, sector: &[u8]) -> Result<PartitionTable, Missing> {
    let mut partitions = Vec::new();
    let mut extended = None;
    for (entry, index) in entries(sector).zip(1..) {
        let Some(partition) = mbr_entry(&entry, index, 0) else { continue };
        if EXTENDED.contains(&entry[4]) {
            extended = extended.or(Some(partition.start_bytes));
        }
        partitions.push(partition);
    }
    if let Some(start) = extended {
        logical(disk, start, &mut partitions)?;
    }
    let id = le32(sector, 440).filter(|id| *id != 0).map(|id| format!("{id:08x}"));
    Ok(PartitionTable { scheme: PartitionScheme::Mbr, id, partitions, problems: Vec::new() })
}

fn mbr_entry(entry: &[u8; 16], index: u32, base_bytes: u64) -> Option<Partition> {
    let kind = entry[4];
    let (first, sectors) = (u64::from(le32(entry, 8)?), u64::from(le32(entry, 12)?));
    (kind != 0).then_some(Partition {
        index,
        kind: partition_kinds::of_code(kind),
        name: None,
        start_bytes: base_bytes.checked_add(first * MBR_SECTOR_BYTES)?,
        size_bytes: sectors * MBR_SECTOR_BYTES,
        active: entry[0] == 0x80,
        file_system: None,
    })
}

/// Logical partitions: a chain of sectors, each with one partition and the way to the next sector.
fn logical(disk: &dyn Disk, extended: u64, partitions: &mut Vec<Partition>) -> Result<(), Missing> {
    let mut start = extended;
    for index in 5.. {
        if partitions.len() >= MOST_PARTITIONS {
            break;
        }
        let Some(sector) = optional(disk.read(start, 512))? else { break };
        let mut links = entries(&sector);
        let (Some(data), Some(next)) = (links.next(), links.next()) else { break };
        if !stands(&sector, 510, BOOT_SIGNATURE) {
            break;
        }
        let Some(partition) = mbr_entry(&data, index, start) else { break };
        partitions.push(partition);
        let Some(link) = mbr_entry(&next, 0, extended).filter(|_| EXTENDED.contains(&next[4])) else { break };
        // Only ever forward: a chain that turns back would not end.
        if link.start_bytes <= start {
            break;
        }
        start = link.start_bytes;
    }
    Ok(())
}
