//! Tests of the lab's process, with a shell in its place.

use std::sync::Arc;

use super::*;

fn shell(script: &str) -> LabCommand {
    LabCommand {
        program: "/bin/sh".into(),
        first_arguments: vec!["-c".into(), script.into()],
        data_dir: "/nowhere".into(),
    }
}

fn reporter() -> (Reporter, mpsc::Receiver<Event>) {
    let (sender, events) = mpsc::channel(64);
    (Reporter::new(sender, Arc::new(|| {})), events)
}

#[test]
fn the_addresses_are_complete_with_the_third_line() {
    let mut ready = Ready::default();
    assert_eq!(ready.take("  image     http://127.0.0.1:9292"), None);
    assert_eq!(ready.take("some other line"), None);
    assert_eq!(ready.take("identity http://127.0.0.1:9292/identity/v3"), None);
    let addresses = ready.take("clouds /data/my lab/clouds.yaml").unwrap();
    assert_eq!(addresses.image, "http://127.0.0.1:9292");
    assert_eq!(addresses.clouds_file, PathBuf::from("/data/my lab/clouds.yaml"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_lab_is_heard_and_ends_when_it_is_asked_to() {
    let script =
        "echo image http://i; echo identity http://k; echo clouds /c.yaml; echo hello >&2; cat >/dev/null";
    let (reporter, mut events) = reporter();
    let stop = CancellationToken::new();
    let lab = tokio::spawn(run(shell(script), stop.clone(), reporter));
    let mut seen = Vec::new();
    while let Some(event) = events.recv().await {
        if matches!(event, Event::LabReady(_)) {
            stop.cancel();
        }
        seen.push(event);
    }
    lab.await.unwrap();
    let Some(Event::LabEnded { expected: true, reason }) = seen.last() else { panic!("{seen:?}") };
    assert!(reason.starts_with("The lab was stopped"), "{reason}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_last_words_of_a_lab_are_the_reason_of_its_end() {
    let (reporter, mut events) = reporter();
    let script = "echo 'the folder /x is not writable' >&2; exit 3";
    run(shell(script), CancellationToken::new(), reporter).await;
    let mut seen = Vec::new();
    while let Ok(event) = events.try_recv() {
        seen.push(event);
    }
    let reason = "the folder /x is not writable".to_owned();
    assert_eq!(seen.last(), Some(&Event::LabEnded { expected: false, reason }));
}
