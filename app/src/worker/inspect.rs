//! A look into the bytes of a file before it is uploaded.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use glasshouse_shared::format::{Rules, disk_format_for, inspect_reader, judge};

use super::report::Reporter;
use crate::event::Event;
use crate::state::uploads::Inspected;

pub async fn inspect(row: u64, path: PathBuf, reporter: Reporter) {
    let result = tokio::task::spawn_blocking(move || look(&path)).await;
    let event = match result {
        Ok(Ok(inspected)) => Event::Inspected { row, inspected },
        Ok(Err(reason)) => Event::InspectFailed { row, reason },
        Err(error) => {
            Event::InspectFailed { row, reason: format!("the look into the file broke off: {error}") }
        }
    };
    reporter.tell(event).await;
}

fn look(path: &Path) -> Result<Inspected, String> {
    let words = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "you may not read this file".to_owned(),
        _ => error.to_string(),
    };
    let metadata = std::fs::metadata(path).map_err(words)?;
    if metadata.is_dir() {
        return Err("this is a folder, not a disk image".to_owned());
    }
    if metadata.len() == 0 {
        return Err("the file is empty".to_owned());
    }
    let mut file = File::open(path).map_err(words)?;
    let verdict = inspect_reader(&mut file, metadata.len()).map_err(words)?;
    let mut warnings = Vec::new();
    let format = disk_format_for(&verdict).unwrap_or_else(|| {
        warnings.push(format!("It cannot be sent as a disk as it is: {}.", verdict.summary()));
        "raw"
    });
    match judge(&verdict, format, "bare", &Rules::default()) {
        Ok(accepted) => warnings.extend(accepted.warnings),
        Err(refusal) => warnings.push(format!("A service with the usual rules refuses it: {refusal}.")),
    }
    Ok(Inspected {
        format: format.to_owned(),
        size_bytes: metadata.len(),
        virtual_size_bytes: verdict.virtual_size_bytes,
        warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qcow2_header_is_seen_whatever_the_file_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk.iso");
        let mut bytes = vec![0_u8; 65_536];
        bytes[..4].copy_from_slice(b"QFI\xfb");
        bytes[7] = 2;
        bytes[23] = 16;
        bytes[24..32].copy_from_slice(&(8_u64 << 30).to_be_bytes());
        std::fs::write(&path, &bytes).unwrap();
        let inspected = look(&path).unwrap();
        assert_eq!(inspected.format, "qcow2");
        assert_eq!(inspected.virtual_size_bytes, Some(8 << 30));
        assert_eq!(inspected.size_bytes, 65_536);
    }

    #[test]
    fn what_is_not_a_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(look(folder.path()), Err("this is a folder, not a disk image".to_owned()));
        assert_eq!(look(&folder.path().join("none")), Err("there is no such file".to_owned()));
        let empty = folder.path().join("empty.img");
        std::fs::write(&empty, b"").unwrap();
        assert_eq!(look(&empty), Err("the file is empty".to_owned()));
    }
}
