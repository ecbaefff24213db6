//! Each store that can be written: a probe file is written, read and deleted.

use std::io::{Read as _, Write as _};
use std::path::Path;

use super::{Finding, Neighbour, place};
use crate::config::{Loaded, Severity, StoreConfig, StoreKind, owner_and_mode, running_user};

/// Below this an upload of any use would fail.
const LITTLE_ROOM_BYTES: u64 = 1 << 30;

/// Probes all stores, off the async threads: a mount may hang.
pub async fn check(loaded: &Loaded) -> Vec<Finding> {
    let mut findings = Vec::new();
    for store in &loaded.config.stores.stores {
        let section = if loaded.config.stores.multi { store.id.as_str() } else { "glance_store" };
        let place = place(&loaded.sources, section, "filesystem_store_datadir");
        let store = store.clone();
        let probing = tokio::task::spawn_blocking(move || check_store(&store, &place));
        match probing.await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(wrong("STORE_PROBE", error.to_string(), String::new())),
        }
    }
    findings
}

fn wrong(code: &'static str, sentence: String, mend: String) -> Finding {
    Finding::error(Neighbour::Store, code, sentence, mend)
}

fn check_store(store: &StoreConfig, place: &str) -> Vec<Finding> {
    let StoreKind::File { datadir, .. } = &store.kind else { return Vec::new() };
    let (shown, user) = (datadir.display(), running_user());
    // As Glance does: a directory that is absent is made.
    if let Err(error) = std::fs::create_dir_all(datadir) {
        let sentence =
            format!("{place}: the directory {shown} of the store {} cannot be made: {error}", store.id);
        return vec![wrong(
            "STORE_DIRECTORY",
            sentence,
            format!("type `mkdir -p {shown} && chown {user} {shown}`"),
        )];
    }
    if let Err(error) = probe(datadir) {
        let rights = owner_and_mode(datadir);
        let sentence = format!(
            "{place}: {user} cannot keep a file in {shown} of the store {}: {error} ({rights})",
            store.id
        );
        let mend = match error.kind() {
            std::io::ErrorKind::StorageFull => format!("make room in {shown}"),
            _ => format!("type `chown {user} {shown}`, or name another directory"),
        };
        return vec![wrong("STORE_NOT_WRITABLE", sentence, mend)];
    }
    little_room(datadir)
        .map(|free_bytes| {
            let sentence = format!("{place}: only {} MiB are free in {shown}", free_bytes >> 20);
            wrong("STORE_ALMOST_FULL", sentence, "make room or name another directory".to_owned())
                .weighing(Severity::Warning)
        })
        .into_iter()
        .collect()
}

/// Written, read and deleted; it is gone in every case.
fn probe(datadir: &Path) -> std::io::Result<()> {
    let path = datadir.join(format!(".probe-{}.partial", uuid::Uuid::new_v4()));
    let wanted = path.as_os_str().as_encoded_bytes();
    let tried = write_and_read(&path, wanted);
    let deleted = std::fs::remove_file(&path);
    let content = tried?;
    deleted?;
    if content == wanted {
        Ok(())
    } else {
        Err(std::io::Error::other("what was read is not what was written"))
    }
}

fn write_and_read(path: &Path, content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    let mut found = Vec::new();
    std::fs::File::open(path)?.read_to_end(&mut found)?;
    Ok(found)
}

/// How many bytes are free, where they are few.
fn little_room(datadir: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let room = rustix::fs::statvfs(datadir).ok()?;
        Some(room.f_bavail.saturating_mul(room.f_frsize)).filter(|free_bytes| *free_bytes < LITTLE_ROOM_BYTES)
    }
    #[cfg(not(unix))]
    {
        let _ = (datadir, LITTLE_ROOM_BYTES);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(datadir: &Path) -> StoreConfig {
        let kind = StoreKind::File { datadir: datadir.to_owned(), file_perm: None, thin_provisioning: false };
        StoreConfig { id: "fast".into(), description: None, weight: 0, kind }
    }

    #[test]
    fn a_good_store_is_made_and_left_empty() {
        let dir = tempfile::tempdir().unwrap();
        let datadir = dir.path().join("deep/images");
        let errors: Vec<_> = check_store(&store(&datadir), "x")
            .into_iter()
            .filter(|f| f.severity == Severity::Error)
            .collect();
        assert_eq!(errors, []);
        assert_eq!(std::fs::read_dir(&datadir).unwrap().count(), 0);
    }

    #[test]
    fn a_file_where_the_directory_should_be_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let found = check_store(&store(file.path()), "f:1: [fast] filesystem_store_datadir");
        assert_eq!(found[0].code, "STORE_DIRECTORY");
        let start =
            format!("f:1: [fast] filesystem_store_datadir: the directory {} of", file.path().display());
        assert!(found[0].sentence.starts_with(&start), "{}", found[0].sentence);
    }
}
