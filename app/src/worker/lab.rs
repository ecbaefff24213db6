//! The lab as a child process of our own program: started, listened to, ended with the window.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::report::Reporter;
use crate::event::Event;
use crate::state::lab::LabAddresses;

/// Where clients look for an image service first.
const USUAL_ADDRESS: &str = "127.0.0.1:9292";
/// So long a lab gets to end by itself.
const PATIENCE: Duration = Duration::from_secs(6);

/// How the lab is started.
#[derive(Debug, Clone)]
pub struct LabCommand {
    pub program: PathBuf,
    /// What comes before `--data-dir`.
    pub first_arguments: Vec<OsString>,
    pub data_dir: PathBuf,
}

/// Lines of the child, told apart by where they came from.
enum Line {
    Answer(String),
    Log(String),
}

pub async fn run(command: LabCommand, stop: CancellationToken, reporter: Reporter) {
    let (expected, reason) = match spawn(&command).await {
        Ok(child) => attend(child, &stop, &reporter).await,
        Err(error) => (false, format!("The lab could not be started: {error}.")),
    };
    reporter.tell(Event::LabEnded { expected, reason }).await;
}

async fn spawn(command: &LabCommand) -> io::Result<Child> {
    let mut child = Command::new(&command.program);
    child.args(&command.first_arguments).arg("--data-dir").arg(&command.data_dir);
    // Another program on the usual port is no reason not to have a lab.
    if TcpListener::bind(USUAL_ADDRESS).await.is_err() {
        child.args(["--listen", "127.0.0.1:0"]);
    }
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()
}

/// Reads what the child says until it ends; returns whether that was asked for, and the reason in words.
async fn attend(mut child: Child, stop: &CancellationToken, reporter: &Reporter) -> (bool, String) {
    let (lines_in, mut lines) = mpsc::channel(64);
    let readers = [
        child.stdout.take().map(|out| tokio::spawn(read(out, lines_in.clone(), Line::Answer))),
        child.stderr.take().map(|out| tokio::spawn(read(out, lines_in.clone(), Line::Log))),
    ];
    drop(lines_in);
    let mut ready = Ready::default();
    let mut last_words = String::new();
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => take(line, &mut ready, &mut last_words, reporter).await,
                None => break,
            },
            () = stop.cancelled() => {
                return (true, end_heard(&mut child, &mut lines, reporter).await);
            }
        }
    }
    for reader in readers.into_iter().flatten() {
        // Both pipes are closed, so both are done.
        let _ = reader.await;
    }
    let status = child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
    let reason = if last_words.is_empty() { format!("The lab ended ({status}).") } else { last_words };
    (stop.is_cancelled(), reason)
}

/// Ends the child and keeps reading meanwhile, so that it never waits for a full pipe.
async fn end_heard(child: &mut Child, lines: &mut mpsc::Receiver<Line>, reporter: &Reporter) -> String {
    let mut ending = std::pin::pin!(end(child));
    loop {
        tokio::select! {
            reason = &mut ending => return reason,
            Some(Line::Answer(text) | Line::Log(text)) = lines.recv() => {
                reporter.tell(Event::LabLine(text)).await;
            }
        }
    }
}

async fn take(line: Line, ready: &mut Ready, last_words: &mut String, reporter: &Reporter) {
    let text = match line {
        Line::Answer(text) => {
            if let Some(addresses) = ready.take(&text) {
                reporter.tell(Event::LabReady(addresses)).await;
            }
            text
        }
        Line::Log(text) => {
            last_words.clone_from(&text);
            text
        }
    };
    reporter.tell(Event::LabLine(text)).await;
}

async fn read<R: AsyncRead + Unpin>(from: R, to: mpsc::Sender<Line>, wrap: fn(String) -> Line) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if to.send(wrap(line)).await.is_err() {
            return;
        }
    }
}

/// Asks the child to end, waits, and makes an end of it when it does not.
async fn end(child: &mut Child) -> String {
    // The child also ends when this pipe closes, which is how it learns of a window that crashed.
    drop(child.stdin.take());
    #[cfg(unix)]
    if let Some(pid) =
        child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
    {
        // It may have ended in this very moment.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        Ok(Ok(status)) => format!("The lab was stopped ({status})."),
        Ok(Err(error)) => error.to_string(),
        Err(_) => {
            let _ = child.kill().await;
            "The lab did not end when asked and was killed.".to_owned()
        }
    }
}

/// The lines by which a lab says where it answers.
#[derive(Debug, Default)]
struct Ready {
    image: Option<String>,
    identity: Option<String>,
    clouds: Option<PathBuf>,
}

impl Ready {
    /// Takes a line; gives the addresses once, when they are complete.
    fn take(&mut self, line: &str) -> Option<LabAddresses> {
        let (word, value) = line.trim_start().split_once(' ')?;
        let value = value.trim();
        match word {
            "image" => self.image = Some(value.to_owned()),
            "identity" => self.identity = Some(value.to_owned()),
            "clouds" => self.clouds = Some(PathBuf::from(value)),
            _ => return None,
        }
        match (&self.image, &self.identity, &self.clouds) {
            (Some(image), Some(identity), Some(clouds)) => Some(LabAddresses {
                image: image.clone(),
                identity: identity.clone(),
                clouds_file: clouds.clone(),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "lab_tests.rs"]
mod tests;
