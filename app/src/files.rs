//! Asking the operating system for files, behind a trait so that tests answer by themselves.

use std::path::{Path, PathBuf};

use poll_promise::Promise;
use tokio::runtime::Handle;

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picked {
    Files(Vec<PathBuf>),
    Cancelled,
    /// There is nobody to ask; a path has to be typed.
    Unavailable(String),
}

pub trait FilePicker {
    fn pick_files(&self, folder: Option<&Path>) -> Promise<Picked>;
    fn pick_folder(&self, folder: Option<&Path>) -> Promise<Picked>;
}

/// The dialogs of the desktop.
pub struct SystemPicker {
    runtime: Handle,
    /// Why there are no dialogs, found out once: without a portal and without zenity a request ends like a
    /// cancelled one.
    trouble: Option<String>,
    /// Called when an answer is there.
    wake: super::worker::Waker,
}

impl SystemPicker {
    pub fn new(runtime: Handle, trouble: Option<String>, wake: super::worker::Waker) -> Self {
        Self { runtime, trouble, wake }
    }

    fn ask(&self, answer: impl Future<Output = Vec<PathBuf>> + Send + 'static) -> Promise<Picked> {
        let wake = self.wake.clone();
        let _inside = self.runtime.enter();
        Promise::spawn_async(async move {
            let files = answer.await;
            wake();
            if files.is_empty() { Picked::Cancelled } else { Picked::Files(files) }
        })
    }
}

impl FilePicker for SystemPicker {
    fn pick_files(&self, folder: Option<&Path>) -> Promise<Picked> {
        if let Some(trouble) = &self.trouble {
            return Promise::from_ready(Picked::Unavailable(trouble.clone()));
        }
        let question = dialog("Upload disk images", folder).pick_files();
        self.ask(async move {
            let handles = question.await.unwrap_or_default();
            handles.iter().map(|handle| handle.path().to_owned()).collect()
        })
    }

    fn pick_folder(&self, folder: Option<&Path>) -> Promise<Picked> {
        if let Some(trouble) = &self.trouble {
            return Promise::from_ready(Picked::Unavailable(trouble.clone()));
        }
        let question = dialog("Folder for downloads", folder).pick_folder();
        self.ask(async move { question.await.map(|handle| handle.path().to_owned()).into_iter().collect() })
    }
}

fn dialog(title: &str, folder: Option<&Path>) -> rfd::AsyncFileDialog {
    let dialog = rfd::AsyncFileDialog::new().set_title(title);
    match folder {
        Some(folder) if folder.is_dir() => dialog.set_directory(folder),
        _ => dialog,
    }
}

/// Why the desktop has no file dialogs, if it has none. `has_bus` tells whether a session bus was announced.
#[cfg(target_os = "linux")]
pub fn trouble(search_path: Option<&std::ffi::OsStr>, has_bus: bool) -> Option<String> {
    let has_zenity = search_path
        .is_some_and(|folders| std::env::split_paths(folders).any(|folder| folder.join("zenity").is_file()));
    (!has_bus && !has_zenity).then(|| {
        "This desktop offers no file dialog (neither a portal nor zenity is installed), so type the path, or drop \
         the file on the window."
            .to_owned()
    })
}

/// Windows and macOS always have dialogs.
#[cfg(not(target_os = "linux"))]
pub fn trouble(_: Option<&std::ffi::OsStr>, _: bool) -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn without_bus_and_zenity_a_path_has_to_be_typed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str();
        assert!(trouble(Some(path), false).unwrap().contains("type the path"));
        assert_eq!(trouble(Some(path), true), None);
        std::fs::write(folder.path().join("zenity"), b"").unwrap();
        assert_eq!(trouble(Some(path), false), None);
    }
}
