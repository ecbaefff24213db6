//! The review before an upload: one row per file, what was found in its bytes, and what will be declared.

use std::path::{Path, PathBuf};

use glasshouse_shared::format::suggested_name;
use glasshouse_shared::image::Visibility;

/// What a look into the bytes of a file has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// The word for `disk_format`.
    pub format: String,
    pub size_bytes: u64,
    /// The size of the disk that a guest sees, where the format tells it.
    pub virtual_size_bytes: Option<u64>,
    /// What a server is likely to refuse, or what a person should know.
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inspection {
    Running,
    Done(Inspected),
    Failed(String),
}

/// What the image will be declared as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub name: String,
    pub disk_format: String,
    pub container_format: String,
    pub visibility: Visibility,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRow {
    pub id: u64,
    pub path: PathBuf,
    pub declared: Declared,
    pub inspection: Inspection,
}

/// The words that Glance accepts for `disk_format` unless configured otherwise, as a person would look for them.
pub const DISK_FORMATS: [&str; 12] =
    ["qcow2", "raw", "iso", "vmdk", "vdi", "vhd", "vhdx", "ploop", "aki", "ari", "ami", "gpt"];
/// The words for `container_format`.
pub const CONTAINER_FORMATS: [&str; 8] = ["bare", "ovf", "ova", "docker", "compressed", "aki", "ari", "ami"];

impl ReviewRow {
    pub fn file_name(&self) -> String {
        file_name(&self.path)
    }

    pub fn inspected(&self) -> Option<&Inspected> {
        match &self.inspection {
            Inspection::Done(inspected) => Some(inspected),
            Inspection::Running | Inspection::Failed(_) => None,
        }
    }

    /// What must be mended before this row can start.
    pub fn objection(&self) -> Option<String> {
        let characters = self.declared.name.chars().count();
        match &self.inspection {
            Inspection::Running => Some("still reading the file".into()),
            Inspection::Failed(reason) => Some(reason.clone()),
            Inspection::Done(_) if characters == 0 => Some("the name is empty".into()),
            Inspection::Done(_) if characters > 255 => {
                Some(format!("the name has {characters} characters, at most 255 are allowed"))
            }
            Inspection::Done(_) => None,
        }
    }

    /// A warning that is true only for what is declared now.
    pub fn mismatch(&self) -> Option<String> {
        let inspected = self.inspected()?;
        (inspected.format != self.declared.disk_format).then(|| {
            format!(
                "The bytes look like {}, but {} is declared. The server may refuse it.",
                inspected.format, self.declared.disk_format
            )
        })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    pub rows: Vec<ReviewRow>,
    next_id: u64,
}

impl Review {
    pub fn is_open(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Adds a row per file that is not there yet; returns what must be inspected.
    pub fn add(&mut self, paths: Vec<PathBuf>) -> Vec<(u64, PathBuf)> {
        let mut added = Vec::new();
        for path in paths {
            if self.rows.iter().any(|row| row.path == path) {
                continue;
            }
            self.next_id += 1;
            let id = self.next_id;
            added.push((id, path.clone()));
            let declared = Declared {
                name: suggested_name(&file_name(&path)),
                disk_format: "raw".into(),
                container_format: "bare".into(),
                visibility: Visibility::Private,
            };
            self.rows.push(ReviewRow { id, path, declared, inspection: Inspection::Running });
        }
        added
    }

    pub fn row_mut(&mut self, id: u64) -> Option<&mut ReviewRow> {
        self.rows.iter_mut().find(|row| row.id == id)
    }

    pub fn inspected(&mut self, id: u64, inspected: Inspected) {
        if let Some(row) = self.row_mut(id) {
            row.declared.disk_format.clone_from(&inspected.format);
            row.inspection = Inspection::Done(inspected);
        }
    }

    pub fn inspect_failed(&mut self, id: u64, reason: String) {
        if let Some(row) = self.row_mut(id) {
            row.inspection = Inspection::Failed(reason);
        }
    }

    pub fn remove(&mut self, id: u64) {
        self.rows.retain(|row| row.id != id);
    }

    /// Whether every row may start.
    pub fn is_ready(&self) -> bool {
        self.is_open() && self.rows.iter().all(|row| row.objection().is_none())
    }

    pub fn take(&mut self) -> Vec<ReviewRow> {
        std::mem::take(&mut self.rows)
    }

    /// Bytes of all files together, as far as they are known.
    pub fn total_bytes(&self) -> u64 {
        self.rows.iter().filter_map(|row| row.inspected()).map(|inspected| inspected.size_bytes).sum()
    }
}

pub fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(format: &str) -> Inspected {
        Inspected { format: format.into(), size_bytes: 5, virtual_size_bytes: None, warnings: Vec::new() }
    }

    #[test]
    fn a_file_is_reviewed_once_and_starts_when_its_bytes_were_read() {
        let mut review = Review::default();
        let added = review.add(vec!["/d/a.img".into(), "/d/a.img".into()]);
        assert_eq!(added, [(1, PathBuf::from("/d/a.img"))]);
        assert!(!review.is_ready());
        review.inspected(1, ready("qcow2"));
        assert!(review.is_ready());
        assert_eq!(review.rows[0].declared.disk_format, "qcow2");
        assert_eq!(review.total_bytes(), 5);
    }

    #[test]
    fn a_name_of_300_characters_is_refused_with_its_length() {
        let mut review = Review::default();
        review.add(vec!["/d/a.img".into()]);
        review.inspected(1, ready("raw"));
        review.row_mut(1).unwrap().declared.name = "名".repeat(300);
        assert_eq!(
            review.rows[0].objection().as_deref(),
            Some("the name has 300 characters, at most 255 are allowed")
        );
        assert!(!review.is_ready());
    }

    #[test]
    fn declaring_another_format_than_the_bytes_show_is_warned_about() {
        let mut review = Review::default();
        review.add(vec!["/d/a.img".into()]);
        review.inspected(1, ready("qcow2"));
        assert_eq!(review.rows[0].mismatch(), None);
        review.row_mut(1).unwrap().declared.disk_format = "raw".into();
        assert!(review.rows[0].mismatch().unwrap().contains("look like qcow2, but raw is declared"));
    }

    #[test]
    fn a_file_that_cannot_be_read_holds_the_start() {
        let mut review = Review::default();
        review.add(vec!["/d/a.img".into(), "/d/b.img".into()]);
        review.inspected(1, ready("raw"));
        review.inspect_failed(2, "permission denied".into());
        assert!(!review.is_ready());
        review.remove(2);
        assert!(review.is_ready());
    }
}
