//! Where the log goes: standard error or a file, as lines or as JSON.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::config::{LogConfig, owner_and_mode, running_user};

/// The file of the log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("[DEFAULT] log_file: {user} cannot write {} ({rights}): {source}", path.display())]
pub struct LogFileError {
    path: PathBuf,
    user: String,
    rights: String,
    source: std::io::Error,
}

/// Turns the log on, once for the process; whoever comes second keeps the first.
pub fn start(config: &LogConfig) -> Result<(), LogFileError> {
    let writer = match &config.file {
        Some(path) => BoxMakeWriter::new(Arc::new(open(path)?)),
        None => BoxMakeWriter::new(std::io::stderr),
    };
    let level = if config.debug { "info,glasshouse_service=debug" } else { "info" };
    let lines = tracing_subscriber::fmt()
        .with_writer(writer)
        // A log that cannot be written (a full disk, a closed pipe) must not take the request along: the complaint
        // about it goes to standard error, and a failure there is a panic.
        .log_internal_errors(false)
        .with_ansi(config.file.is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_env_filter(EnvFilter::new(level));
    let _ = if config.json {
        lines.json().flatten_event(true).try_init().map_err(drop)
    } else {
        lines.try_init().map_err(drop)
    };
    Ok(())
}

/// For commands that answer a person and read no configuration of the log.
pub fn start_on_terminal() {
    let config = LogConfig { debug: false, file: None, json: false };
    // Standard error is always open.
    let _ = start(&config);
}

fn open(path: &Path) -> Result<File, LogFileError> {
    OpenOptions::new().append(true).create(true).open(path).map_err(|source| LogFileError {
        path: path.to_owned(),
        user: running_user(),
        rights: owner_and_mode(path),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = open(&dir.path().join("no/such/api.log")).unwrap_err().to_string();
        assert!(error.starts_with("[DEFAULT] log_file: "), "{error}");
        assert!(error.contains("/no/such/api.log ("), "{error}");
    }
}
