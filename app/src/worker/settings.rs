//! The settings file: JSON, versioned, written whole and renamed into its place.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::report::Reporter;
use crate::event::Event;
use crate::state::settings::{Settings, VERSION};

/// What is in the file; the defaults when there is none or it is of another version.
pub fn load(path: &Path) -> Settings {
    let read = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Settings>(&bytes).ok());
    read.filter(|settings| settings.version == VERSION).unwrap_or_default()
}

pub async fn save(settings: Settings, path: PathBuf, reporter: Reporter) {
    let target = path.clone();
    let result = tokio::task::spawn_blocking(move || write(&settings, &target)).await;
    let reason = match result {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    reporter.tell(Event::SettingsNotSaved { path, reason }).await;
}

fn write(settings: &Settings, path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let partial = path.with_extension("json.new");
    let mut file = std::fs::File::create(&partial)?;
    serde_json::to_writer_pretty(&mut file, settings)?;
    file.flush()?;
    std::fs::rename(&partial, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::settings::ThemeChoice;

    #[test]
    fn what_is_written_is_read_again_and_another_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/settings.json");
        let mut settings = Settings { theme: ThemeChoice::Dark, ..Settings::default() };
        write(&settings, &path).unwrap();
        assert_eq!(load(&path), settings);
        settings.version = VERSION + 1;
        write(&settings, &path).unwrap();
        assert_eq!(load(&path), Settings::default());
    }
}
