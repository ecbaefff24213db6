//! What lies in a folder of images, and what was set aside in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{KeptObject, StoredObject, UNFINISHED_SUFFIX, url_of_path};

/// Beside the images, so that setting aside is a rename; the dot keeps it out of every id.
const QUARANTINE: &str = ".quarantine";

/// Every file that can be an image. Partial files and folders are none.
pub(super) fn list(datadir: &Path) -> io::Result<Vec<StoredObject>> {
    let mut objects = Vec::new();
    for entry in fs::read_dir(datadir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains('.') {
            continue;
        }
        // It may be gone since it was listed.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() {
            objects.push(StoredObject { url: url_of_path(&entry.path()), size_bytes: metadata.len() });
        }
    }
    Ok(objects)
}

/// Every file that waits for the rest of its data.
pub(super) fn list_kept(datadir: &Path) -> io::Result<Vec<KeptObject>> {
    let mut objects = Vec::new();
    for entry in fs::read_dir(datadir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(|name| name.strip_suffix(UNFINISHED_SUFFIX)) else { continue };
        let Ok(metadata) = entry.metadata() else { continue };
        objects.push(KeptObject { id: id.to_owned(), size_bytes: metadata.len() });
    }
    Ok(objects)
}

/// `<datadir>/<name>` → `<datadir>/.quarantine/<name>.<seconds since 1970>`
pub(super) fn set_aside(datadir: &Path, path: &Path, now: Timestamp) -> io::Result<()> {
    let elsewhere = || io::Error::new(io::ErrorKind::InvalidInput, "it lies outside of the store");
    if path.parent() != Some(datadir) {
        return Err(elsewhere());
    }
    let name = path.file_name().ok_or_else(elsewhere)?.to_string_lossy().into_owned();
    let quarantine = datadir.join(QUARANTINE);
    fs::create_dir_all(&quarantine)?;
    fs::rename(path, quarantine.join(format!("{name}.{}", now.as_second())))
}

/// Removes what was set aside before that moment; answers how many.
pub(super) fn purge(datadir: &Path, before: Timestamp) -> io::Result<usize> {
    let entries = match fs::read_dir(datadir.join(QUARANTINE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    let mut removed = 0;
    for path in paths {
        let seconds = path.extension().and_then(|seconds| seconds.to_str()?.parse::<i64>().ok());
        if seconds.is_some_and(|seconds| seconds < before.as_second()) {
            fs::remove_file(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_is_no_image_and_goes_when_its_time_is_over() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["image", "other.partial", "kept"] {
            fs::write(folder.path().join(name), name).expect("written");
        }
        let names = || {
            let mut urls: Vec<_> = list(folder.path()).expect("listed").into_iter().map(|o| o.url).collect();
            urls.sort();
            urls
        };
        assert_eq!(
            names(),
            [url_of_path(&folder.path().join("image")), url_of_path(&folder.path().join("kept"))]
        );
        let then = Timestamp::from_second(1000).expect("a time");
        set_aside(folder.path(), &folder.path().join("image"), then).expect("set aside");
        assert_eq!(names(), [url_of_path(&folder.path().join("kept"))]);
        let aside = folder.path().join(".quarantine/image.1000");
        assert_eq!(fs::read(&aside).expect("still there"), b"image");
        assert_eq!(purge(folder.path(), then).expect("purged"), 0);
        assert!(aside.exists());
        assert_eq!(purge(folder.path(), Timestamp::from_second(1001).expect("a time")).expect("purged"), 1);
        assert!(!aside.exists());
    }

    #[test]
    fn nothing_outside_of_the_folder_is_moved() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = tempfile::NamedTempFile::new().expect("a file");
        assert!(set_aside(folder.path(), other.path(), Timestamp::UNIX_EPOCH).is_err());
        assert!(other.path().exists());
    }
}
