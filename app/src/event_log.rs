//! The event log: one line of JSON per important event, appended to the file that `GLASSHOUSE_EVENT_LOG` names.
//! It is what a test from outside waits for; without the variable nothing is written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::action::Action;
use crate::event::{Event, TransferNews};
use crate::state::failure::Failure;

pub struct EventLog {
    file: File,
}

impl EventLog {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().create(true).append(true).open(path)? })
    }

    pub fn write(&mut self, line: &Value) {
        // A log that cannot be written must not disturb the window.
        let _ = writeln!(self.file, "{line}");
    }
}

/// The line for something a person did, where it matters from outside.
pub fn line_of_action(action: &Action) -> Option<Value> {
    match action {
        Action::FilesChosen(paths) => Some(json!({ "event": "files_chosen", "paths": paths })),
        _ => None,
    }
}

/// The line for something that happened, where it matters from outside.
pub fn line_of_event(event: &Event) -> Option<Value> {
    let line = match event {
        Event::LabReady(addresses) => json!({
            "event": "lab_ready", "image": addresses.image, "identity": addresses.identity,
            "clouds": addresses.clouds_file,
        }),
        Event::LabEnded { expected, reason } => {
            json!({ "event": "lab_ended", "expected": expected, "reason": reason })
        }
        Event::Connected { connected, .. } => json!({
            "event": "connected", "as": connected.who(), "endpoint": connected.endpoint,
            "profile": connected.profile,
        }),
        Event::Listed { images, is_last, .. } => {
            json!({ "event": "listed", "images": images.len(), "is_last": is_last })
        }
        Event::Inspected { row, inspected } => json!({
            "event": "inspected", "row": row, "format": inspected.format, "size": inspected.size_bytes,
            "virtual_size": inspected.virtual_size_bytes, "warnings": inspected.warnings,
        }),
        Event::InspectFailed { row, reason } => {
            json!({ "event": "error", "attempted": "inspect", "row": row, "message": reason })
        }
        Event::Deleted { id, name, .. } => json!({ "event": "deleted", "id": id, "name": name }),
        Event::ConnectFailed { failure, .. }
        | Event::ListFailed { failure, .. }
        | Event::DeleteFailed { failure, .. } => error(failure),
        Event::Transfer { transfer, news } => return line_of_news(*transfer, news),
        Event::SettingsNotSaved { path, reason } => {
            json!({ "event": "error", "attempted": "save settings", "path": path, "message": reason })
        }
        Event::CloudsFound { clouds, .. } => json!({
            "event": "clouds_found",
            "names": clouds.iter().map(|cloud| cloud.name.as_str()).collect::<Vec<_>>(),
        }),
        Event::LabLine(_) | Event::Discovered { .. } | Event::Tested { .. } => return None,
    };
    Some(line)
}

fn line_of_news(transfer: u64, news: &TransferNews) -> Option<Value> {
    let line = match news {
        TransferNews::Created { image_id } => {
            json!({ "event": "upload_started", "transfer": transfer, "id": image_id })
        }
        TransferNews::Uploaded { image } => json!({
            "event": "upload_done", "transfer": transfer, "id": image.id, "name": image.name,
            "size": image.size, "checksum": image.checksum,
            "os_hash_algo": image.os_hash_algo, "os_hash_value": image.os_hash_value,
        }),
        TransferNews::Downloaded { path, bytes, digest } => json!({
            "event": if digest.is_some() { "download_verified" } else { "download_unverified" },
            "transfer": transfer, "path": path, "size": bytes, "digest": digest,
        }),
        TransferNews::Cancelled { left_behind } => {
            json!({ "event": "transfer_cancelled", "transfer": transfer, "left_behind": left_behind })
        }
        TransferNews::Failed { failure } => error(failure),
        TransferNews::Progress { .. } | TransferNews::Storing | TransferNews::Verifying => return None,
    };
    Some(line)
}

fn error(failure: &Failure) -> Value {
    json!({
        "event": "error", "attempted": failure.attempted, "message": failure.message,
        "status": failure.status, "request_id": failure.request_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_as_json() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let action = Action::FilesChosen(vec!["/d/a.img".into()]);
        for _ in 0..2 {
            EventLog::open(&path).unwrap().write(&line_of_action(&action).unwrap());
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], json!({ "event": "files_chosen", "paths": ["/d/a.img"] }));
    }

    #[test]
    fn an_error_carries_its_request_id() {
        let failure =
            Failure { request_id: Some("req-1".into()), ..Failure::of_file("upload \"a\"", "refused") };
        let event = Event::Transfer { transfer: 3, news: TransferNews::Failed { failure } };
        let line = line_of_event(&event).unwrap();
        assert_eq!(line["event"], "error");
        assert_eq!(line["request_id"], "req-1");
    }
}
