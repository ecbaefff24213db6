//! One upload or download: the client moves the bytes, this samples its counters ten times a second.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use glasshouse_shared::client::{
    Client, ClientError, ErrorKind, NewImage, Phase, Progress, Upload as ClientUpload,
};

use super::report::{TransferReporter, failure};
use crate::effect::{Download, Upload};
use crate::event::TransferNews;
use crate::state::failure::{Failure, FailureKind};

const SAMPLE: Duration = Duration::from_millis(100);

pub async fn upload(client: Option<Client>, upload: Upload, progress: Progress, reporter: TransferReporter) {
    let attempted = format!("upload \"{}\"", upload.declared.name);
    let Some(client) = client else { return reporter.tell(not_connected(attempted)).await };
    let image_id = match record_for(&client, &upload).await {
        Ok(image_id) => image_id,
        Err(error) => return reporter.tell(TransferNews::Failed { failure: failure(&error) }).await,
    };
    reporter.tell(TransferNews::Created { image_id: image_id.clone() }).await;
    let sending = client.upload(&image_id, ClientUpload::file(&upload.path), &progress);
    let news = match sampled(sending, &progress, &reporter).await {
        Ok(image) => TransferNews::Uploaded { image: Box::new(image) },
        Err(error) if error.kind == ErrorKind::Cancelled => {
            // The record was made for this upload alone; without data it helps nobody.
            let left_behind = client.delete_image(&image_id).await.is_err().then_some(image_id);
            TransferNews::Cancelled { left_behind }
        }
        Err(error) => TransferNews::Failed { failure: failure(&error) },
    };
    reporter.tell(news).await;
}

/// The record of an earlier attempt if it is still there, else a new one.
async fn record_for(client: &Client, upload: &Upload) -> Result<String, ClientError> {
    if let Some(id) = &upload.image_id {
        match client.show_image(id).await {
            Ok(image) => return Ok(image.id),
            Err(error) if error.kind != ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
    }
    let declared = &upload.declared;
    let image = NewImage {
        name: Some(declared.name.clone()),
        disk_format: Some(declared.disk_format.clone()),
        container_format: Some(declared.container_format.clone()),
        visibility: Some(declared.visibility),
        ..NewImage::default()
    };
    Ok(client.create_image(&image).await?.id)
}

pub async fn download(
    client: Option<Client>,
    download: Download,
    progress: Progress,
    reporter: TransferReporter,
) {
    let attempted = format!("download image {}", download.image_id);
    let Some(client) = client else { return reporter.tell(not_connected(attempted)).await };
    let to = match free_path(&download.to).await {
        Ok(to) => to,
        Err(error) => {
            let failure = Failure::of_file(attempted, format!("{}: {error}", download.to.display()));
            return reporter.tell(TransferNews::Failed { failure }).await;
        }
    };
    let receiving = client.download(&download.image_id, &to, &progress);
    let news = match sampled(receiving, &progress, &reporter).await {
        Ok(verified) => TransferNews::Downloaded {
            path: to,
            bytes: verified.size_bytes,
            digest: verified.digest.map(|(_, value)| value),
        },
        Err(error) if error.kind == ErrorKind::Cancelled => TransferNews::Cancelled { left_behind: None },
        Err(error) => TransferNews::Failed { failure: failure(&error) },
    };
    reporter.tell(news).await;
}

fn not_connected(attempted: String) -> TransferNews {
    let failure = Failure {
        kind: FailureKind::Unreachable,
        attempted,
        message: "there is no connection".to_owned(),
        status: None,
        request_id: None,
    };
    TransferNews::Failed { failure }
}

/// Waits for `work` and reports how far it is, but only when something has moved.
async fn sampled<T>(work: impl Future<Output = T>, progress: &Progress, reporter: &TransferReporter) -> T {
    let mut work = pin!(work);
    let mut ticks = tokio::time::interval(SAMPLE);
    let mut last = (Phase::Waiting, 0);
    loop {
        tokio::select! {
            result = &mut work => return result,
            _ = ticks.tick() => {
                let seen = (progress.phase(), progress.bytes());
                if seen != last {
                    last = seen;
                    reporter.tell(sample(progress)).await;
                }
            }
        }
    }
}

fn sample(progress: &Progress) -> TransferNews {
    match progress.phase() {
        Phase::Storing => TransferNews::Storing,
        Phase::Verifying => TransferNews::Verifying,
        Phase::Waiting | Phase::Moving => {
            TransferNews::Progress { done_bytes: progress.bytes(), total_bytes: progress.total_bytes() }
        }
    }
}

/// A path on which nothing lies yet: "disk.img", then "disk (2).img".
async fn free_path(wanted: &Path) -> std::io::Result<PathBuf> {
    if let Some(folder) = wanted.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let stem = wanted.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let ending =
        wanted.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    let mut path = wanted.to_owned();
    let mut number = 1;
    while tokio::fs::try_exists(&path).await? {
        number += 1;
        path = wanted.with_file_name(format!("{stem} ({number}){ending}"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_download_never_overwrites_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("new/disk.img");
        assert_eq!(free_path(&wanted).await.unwrap(), wanted);
        std::fs::write(&wanted, b"x").unwrap();
        std::fs::write(wanted.with_file_name("disk (2).img"), b"x").unwrap();
        assert_eq!(free_path(&wanted).await.unwrap(), wanted.with_file_name("disk (3).img"));
    }
}
