//! `inspect FILE`: what a disk image is, for people or as JSON. Reads only what tells; needs no configuration.

use std::fs::File;
use std::io;
use std::path::Path;

use glasshouse_shared::format::{
    FileSystem, Partition, PartitionScheme, Verdict, disk_format_for, inspect_reader, readable_size,
};
use serde_json::{Value, json};

use super::ExitCode;
use super::out::Out;

/// Width of the names of what is told.
const NAME_WIDTH: usize = 20;

pub fn run(file: &Path, as_json: bool, out: &mut Out) -> ExitCode {
    let verdict = match inspect(file) {
        Ok(verdict) => verdict,
        Err(error) => {
            out.remark(format_args!("cannot read {}: {error}", file.display()));
            return ExitCode::Usage;
        }
    };
    if as_json {
        out.say(format_args!("{:#}", document(file, &verdict)));
    } else {
        for (name, value) in rows(file, &verdict) {
            out.say(format_args!("{name:<NAME_WIDTH$}{value}"));
        }
        for line in partition_lines(&verdict) {
            out.say(line);
        }
    }
    if is_refused(&verdict) { ExitCode::Wrong } else { ExitCode::Ok }
}

fn inspect(path: &Path) -> io::Result<Verdict> {
    let mut file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // Of a block device, too, the end is where one can jump to.
    let length = io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
    inspect_reader(&mut file, length)
}

/// What no declaration could make acceptable.
fn is_refused(verdict: &Verdict) -> bool {
    verdict.is_ambiguous() || verdict.failures_that_count().next().is_some()
}

fn document(file: &Path, verdict: &Verdict) -> Value {
    let mut document = json!({
        "file": file.display().to_string(),
        "summary": verdict.summary(),
        "disk_format": disk_format_for(verdict),
        "acceptable": !is_refused(verdict),
    });
    // A struct of plain fields always becomes an object.
    if let (Some(all), Ok(Value::Object(found))) = (document.as_object_mut(), serde_json::to_value(verdict)) {
        all.extend(found);
    }
    document
}

/// Everything but the partitions, as names and values.
fn rows(file: &Path, verdict: &Verdict) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    row("file", plain(&file.display().to_string()));
    row("format", verdict.format.label().to_owned());
    row("file size", exact_size(verdict.size_bytes));
    row("disk size", verdict.virtual_size_bytes.map_or_else(|| "unknown".to_owned(), exact_size));
    row(
        "disk_format",
        disk_format_for(verdict).unwrap_or("none fits: unpack or convert it first").to_owned(),
    );
    if let Some(wrapper) = &verdict.wrapper {
        row("packing", wrapper.label());
    }
    if let Ok(Value::Object(details)) = serde_json::to_value(&verdict.details) {
        for (_, fields) in details {
            detail_rows(&fields, &mut row);
        }
    }
    if let Some(file_system) = &verdict.contents.file_system {
        row("file system", file_system_words(file_system));
    }
    if let Some(system) = &verdict.contents.operating_system {
        row("operating system", plain(&system.name));
    }
    for way in &verdict.contents.boot {
        row("boots by", format!("{way:?}").to_uppercase());
    }
    for problem in verdict.contents.partition_table.iter().flat_map(|table| &table.problems) {
        row("partition table", (*problem).to_owned());
    }
    if verdict.is_ambiguous() {
        let formats: Vec<_> = verdict.formats.iter().map(|format| format.as_str()).collect();
        row("refused", format!("it can be read as {}", formats.join(", ")));
    }
    for failure in &verdict.failures {
        row("refused", plain(&failure.explanation));
    }
    rows
}

/// The fields of a header under their own names. What a header does not have is left out.
fn detail_rows(fields: &Value, row: &mut impl FnMut(&str, String)) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        let words = name.trim_end_matches("_bytes").replace('_', " ");
        match value {
            Value::Null | Value::Bool(false) => {}
            Value::Array(items) => {
                for item in items {
                    row(&words, plain(&compact(item)));
                }
            }
            Value::Number(number) if name.ends_with("_bytes") => {
                row(&words, number.as_u64().map_or_else(|| number.to_string(), exact_size));
            }
            other => row(&words, plain(&compact(other))),
        }
    }
}

/// A value on one line.
fn compact(value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let told = fields.iter().filter(|(_, value)| !value.is_null());
            told.map(|(name, value)| format!("{name} {}", compact(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn partition_lines(verdict: &Verdict) -> Vec<String> {
    let Some(table) = &verdict.contents.partition_table else { return Vec::new() };
    let scheme = match table.scheme {
        PartitionScheme::Mbr => "MBR",
        PartitionScheme::Gpt => "GPT",
    };
    let id = table.id.as_deref().map(|id| format!(", disk {}", plain(id))).unwrap_or_default();
    let head = ["#", "start", "size", "type", "name", "file system"].map(str::to_owned);
    let body = table.partitions.iter().map(partition_cells);
    let cells: Vec<_> = std::iter::once(head).chain(body).collect();
    let width = |column: usize| {
        let of_column = cells.iter().filter_map(|line| line.get(column));
        of_column.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..6).map(width).collect();
    let title = format!("{:<NAME_WIDTH$}{scheme}{id}", "partition table");
    let line = |cells: &[String; 6]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("  {}", padded.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    std::iter::once(title).chain(cells.iter().map(line)).collect()
}

fn partition_cells(partition: &Partition) -> [String; 6] {
    let star = if partition.active { "*" } else { "" };
    [
        format!("{}{star}", partition.index),
        readable_size(partition.start_bytes),
        readable_size(partition.size_bytes),
        plain(&partition.kind),
        partition.name.as_deref().map(plain).unwrap_or_default(),
        partition.file_system.as_ref().map(file_system_words).unwrap_or_default(),
    ]
}

fn file_system_words(file_system: &FileSystem) -> String {
    let mut words = vec![file_system.kind.to_owned()];
    words.extend(file_system.label.as_deref().map(|label| format!("\"{}\"", plain(label))));
    words.extend(file_system.uuid.as_deref().map(plain));
    words.join(" ")
}

/// "10 GiB (10737418240 bytes)", or only the bytes.
fn exact_size(bytes: u64) -> String {
    match readable_size(bytes) {
        small if small.ends_with(" bytes") => small,
        readable => format!("{readable} ({bytes} bytes)"),
    }
}

/// Text out of an image, which may have been made to move the cursor of the terminal that it is printed on.
fn plain(text: &str) -> String {
    let shown = |character: char| {
        if character.is_control() { character.escape_default().to_string() } else { character.to_string() }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspected(bytes: &[u8], as_json: bool) -> (ExitCode, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let (mut answer, mut remarks) = (Vec::new(), Vec::new());
        let code = run(file.path(), as_json, &mut Out { answer: &mut answer, remarks: &mut remarks });
        assert!(remarks.is_empty());
        (code, String::from_utf8(answer).unwrap())
    }

    /// A qcow2 of 4 GiB in clusters of 64 KiB, with or without a backing file.
    fn qcow2(backing_file: &[u8]) -> Vec<u8> {
        let mut image = vec![0; 1 << 17];
        image[..8].copy_from_slice(b"QFI\xfb\0\0\0\x02");
        if !backing_file.is_empty() {
            image[15] = 72;
            image[19] = u8::try_from(backing_file.len()).unwrap();
            image[72..72 + backing_file.len()].copy_from_slice(backing_file);
        }
        image[23] = 16;
        image[27] = 1;
        image
    }

    #[test]
    fn a_header_is_told_in_rows() {
        let (code, text) = inspected(&qcow2(b""), false);
        assert_eq!(code, ExitCode::Ok, "{text}");
        for line in [
            "format              QCOW2 image",
            "file size           128 KiB (131072 bytes)",
            "disk size           4 GiB (4294967296 bytes)",
            "disk_format         qcow2",
            "cluster size        64 KiB (65536 bytes)",
            "version             2",
        ] {
            assert!(text.lines().any(|told| told == line), "no {line:?} in\n{text}");
        }
    }

    #[test]
    fn danger_ends_with_one_and_cannot_reach_the_terminal() {
        let (code, text) = inspected(&qcow2(b"/etc/\x1b[2Jpasswd"), false);
        assert_eq!(code, ExitCode::Wrong);
        assert!(text.contains("refused             it has a backing file"), "{text}");
        assert!(text.contains("[2Jpasswd") && !text.contains('\x1b'), "{text}");
        assert_eq!(plain("a\x1b[2J\nb"), r"a\u{1b}[2J\nb");
        let (code, text) = inspected(&qcow2(b"/etc/passwd"), true);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, &document["acceptable"]), (ExitCode::Wrong, &json!(false)));
        assert_eq!(document["details"]["qcow2"]["backing_file"]["name"], "/etc/passwd");
    }

    #[test]
    fn partitions_stand_in_a_table() {
        let mut disk = vec![0; 4 << 20];
        disk[446..462].copy_from_slice(&[0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0]);
        disk[510..512].copy_from_slice(&[0x55, 0xaa]);
        let (_, text) = inspected(&disk, false);
        let lines: Vec<_> = text.lines().collect();
        let title =
            lines.iter().position(|line| line.starts_with("partition table     MBR")).expect("a table");
        assert!(lines[title + 1].starts_with("  #   start  size"), "{text}");
        assert!(lines[title + 2].starts_with("  1*  1 MiB  2 MiB"), "{text}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let (mut answer, mut remarks) = (Vec::new(), Vec::new());
        let mut out = Out { answer: &mut answer, remarks: &mut remarks };
        assert_eq!(run(Path::new("/nowhere/at.all"), true, &mut out), ExitCode::Usage);
        assert!(answer.is_empty());
        assert!(String::from_utf8(remarks).unwrap().starts_with("cannot read /nowhere/at.all: "));
    }
}
