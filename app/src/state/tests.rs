//! Tests of the state as a whole: actions and events in, effects out.

use super::fixture::image;
use super::*;
use crate::action::ConnectionAction;
use crate::event::{Event, TransferNews};
use crate::state::failure::{Failure, FailureKind};
use crate::state::lab::{LabAddresses, LabPhase};
use crate::state::session::{Connected, Phase, Target};
use crate::state::uploads::Inspected;

fn state() -> State {
    let mut state = State::new("2026-11-22T06:00:00Z".parse().unwrap(), TimeZone::UTC, Settings::default());
    state.default_download_folder = "/downloads".into();
    state
}

fn connected() -> State {
    let mut state = state();
    state.update(Action::Connection(ConnectionAction::Connect(Target::Cloud {
        name: "prod".into(),
        file: None,
    })));
    let connected = Connected {
        profile: "prod".into(),
        user: Some("demo".into()),
        project: Some("infra".into()),
        project_id: Some("p1".into()),
        region: None,
        endpoint: "https://image.example.org".into(),
        is_insecure: false,
        command_prefix: "openstack --os-cloud prod".into(),
    };
    let effects = state.apply(Event::Connected { generation: 1, connected });
    assert_eq!(effects, [Effect::List { generation: 1 }]);
    state
}

#[test]
fn a_lab_that_answers_is_connected_to() {
    let mut state = state();
    assert_eq!(state.update(Action::Connection(ConnectionAction::StartLab)), [Effect::StartLab]);
    assert!(state.update(Action::Connection(ConnectionAction::StartLab)).is_empty(), "it starts once");
    let addresses = LabAddresses {
        image: "http://127.0.0.1:9292".into(),
        identity: "http://127.0.0.1:9292/identity/v3".into(),
        clouds_file: "/lab/clouds.yaml".into(),
    };
    let target = Target::Cloud { name: "glasshouse-lab".into(), file: Some("/lab/clouds.yaml".into()) };
    assert_eq!(state.apply(Event::LabReady(addresses)), [Effect::Connect { generation: 1, target }]);
    assert!(state.is_connected_to_lab());
    let effects = state.apply(Event::LabEnded { expected: false, reason: "exit code 1".into() });
    assert_eq!(effects, [Effect::Disconnect]);
    assert_eq!(state.lab.phase, LabPhase::Failed("exit code 1".into()));
    assert_eq!(state.session.phase, Phase::Away);
}

#[test]
fn an_answer_to_a_connection_that_was_left_is_dropped() {
    let mut state = connected();
    state.update(Action::Connection(ConnectionAction::Disconnect));
    state.apply(Event::Listed { generation: 1, images: vec![image("a", "a")], is_last: true });
    assert!(state.images.all.is_empty());
}

#[test]
fn a_dropped_file_goes_through_review_and_upload_into_the_list() {
    let mut state = connected();
    let effects = state.update(Action::FilesChosen(vec!["/images/debian-12.qcow2".into()]));
    assert_eq!(effects[0], Effect::Inspect { row: 1, path: "/images/debian-12.qcow2".into() });
    assert!(matches!(&effects[1], Effect::SaveSettings(saved)
        if saved.upload_folder.as_deref() == Some(Path::new("/images"))));
    assert!(state.shows_review());
    assert!(state.update(Action::Review(ReviewAction::Start)).is_empty(), "its bytes are not read yet");

    let inspected = Inspected {
        format: "qcow2".into(),
        size_bytes: 10,
        virtual_size_bytes: Some(2_147_483_648),
        warnings: Vec::new(),
    };
    state.apply(Event::Inspected { row: 1, inspected });
    state.update(Action::Review(ReviewAction::Name(1, "Debian 12".into())));
    let effects = state.update(Action::Review(ReviewAction::Start));
    let [Effect::Upload { transfer: 1, upload }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(upload.declared.name, "Debian 12");
    assert_eq!(upload.declared.disk_format, "qcow2");
    assert!(!state.shows_review());

    let news = TransferNews::Uploaded { image: Box::new(image("new", "Debian 12")) };
    state.apply(Event::Transfer { transfer: 1, news });
    assert_eq!(state.images.focused.as_deref(), Some("new"));
    assert_eq!(state.transfers.rows[0].phase, transfers::Phase::Done { digest: Some("cafe".into()) });
    assert_eq!(state.notices.toasts[0].text, "\"Debian 12\" is uploaded and verified");
}

#[test]
fn files_given_before_there_is_a_connection_wait_for_it() {
    let mut state = state();
    state.update(Action::FilesChosen(vec!["/images/a.img".into()]));
    assert!(state.review.is_open());
    assert!(!state.shows_review());
}

#[test]
fn downloads_get_a_safe_name_and_never_share_a_file() {
    let mut state = connected();
    let images = vec![image("a", "a/b: 日本"), image("b", "a/b: 日本")];
    state.apply(Event::Listed { generation: 1, images, is_last: true });
    let effects = state.update(Action::Download(vec!["a".into(), "b".into()]));
    let [Effect::Download { download, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(download.to, PathBuf::from("/downloads/a_b_ 日本.qcow2"));
    assert_eq!(state.notices.toasts[0].text, "\"a/b: 日本\" is being downloaded already");
}

#[test]
fn deleting_asks_first_and_names_what_goes() {
    let mut state = connected();
    state.apply(Event::Listed { generation: 1, images: vec![image("a", "alpine")], is_last: true });
    assert!(state.update(Action::AskDelete(vec!["a".into()])).is_empty());
    let effects = state.update(Action::ConfirmDelete);
    assert_eq!(effects, [Effect::Delete { generation: 1, id: "a".into(), name: "alpine".into() }]);
    assert_eq!(state.images.all.len(), 1, "it stays until the server has said so");
    state.apply(Event::Deleted { generation: 1, id: "a".into(), name: "alpine".into() });
    assert!(state.images.all.is_empty());
}

#[test]
fn a_failure_stays_in_the_list_of_problems() {
    let mut state = connected();
    let failure = Failure {
        kind: FailureKind::Forbidden,
        attempted: "list images".into(),
        message: "rule get_images is not met".into(),
        status: Some(403),
        request_id: Some("req-9".into()),
    };
    state.apply(Event::ListFailed { generation: 1, failure: failure.clone() });
    assert_eq!(state.images.phase, images::ListPhase::Failed(failure.clone()));
    assert_eq!(state.notices.problems[0].failure, failure);
}

#[test]
fn the_window_does_not_close_over_a_transfer_without_asking() {
    let mut state = connected();
    assert!(state.may_close());
    state.apply(Event::Listed { generation: 1, images: vec![image("a", "alpine")], is_last: true });
    state.update(Action::Download(vec!["a".into()]));
    assert!(!state.may_close());
    assert_eq!(state.dialog, Some(Dialog::Quit));
    assert_eq!(state.update(Action::Quit), [Effect::CloseWindow]);
    assert!(state.may_close());
}

#[test]
fn escape_closes_the_top_layer_only() {
    let mut state = connected();
    state.update(Action::FilesChosen(vec!["/images/a.img".into()]));
    state.update(Action::ShowDialog(Dialog::Problems));
    state.update(Action::AskDelete(vec!["a".into()]));
    state.update(Action::CloseTop);
    assert!(state.delete_question.is_empty());
    assert_eq!(state.dialog, Some(Dialog::Problems));
    state.update(Action::CloseTop);
    assert_eq!(state.dialog, None);
    assert!(state.shows_review());
    state.update(Action::CloseTop);
    assert!(!state.shows_review());
}
