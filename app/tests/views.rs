//! The views, drawn without a window from made-up states: what is there, what a click pushes.
//!
//! The harness itself fails when a control has no name for screen readers, and when the window does not come to
//! rest.

mod fixture;

use std::sync::Arc;

use egui::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use glasshouse::action::{Action, ConnectionAction, Dialog, ListAction, ReviewAction, TransferAction};
use glasshouse::state::State;
use glasshouse::state::images::{Column, Scope};
use glasshouse::state::session::Target;
use glasshouse::view::{Drafts, shell_ui, theme};

/// What a harness keeps between frames.
struct Screen {
    state: State,
    drafts: Drafts,
    actions: Vec<Action>,
}

fn harness(state: State) -> Harness<'static, Screen> {
    let screen = Screen { state, drafts: Drafts::default(), actions: Vec::new() };
    let mut harness = Harness::builder()
        .with_size(egui::vec2(1280.0, 800.0))
        // The fonts of this machine decide which Japanese glyphs there are.
        .allow_missing_glyphs()
        .with_context_setup(theme::install)
        .build_ui_state(
            |ui, screen: &mut Screen| shell_ui(ui, &screen.state, &mut screen.drafts, &mut screen.actions),
            screen,
        );
    harness.run();
    harness
}

/// Clicks what bears this label and returns what that pushed.
fn pushed(harness: &mut Harness<'_, Screen>, label: &str) -> Vec<Action> {
    harness.state_mut().actions.clear();
    harness.get_by_label(label).click();
    harness.run();
    std::mem::take(&mut harness.state_mut().actions)
}

#[test]
fn every_screen_comes_to_rest_and_names_every_control() {
    for (name, make) in fixture::SCREENS {
        let harness = harness(make());
        assert_eq!(harness.unnamed_widgets(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn every_screen_fits_the_smallest_window_in_both_themes() {
    for (name, make) in fixture::SCREENS {
        for shade in [egui::Theme::Light, egui::Theme::Dark] {
            let screen = Screen { state: make(), drafts: Drafts::default(), actions: Vec::new() };
            let mut harness = Harness::builder()
                .with_size(theme::MIN_WINDOW)
                .with_theme(shade)
                .allow_missing_glyphs()
                .with_context_setup(theme::install)
                .build_ui_state(
                    |ui, screen: &mut Screen| {
                        shell_ui(ui, &screen.state, &mut screen.drafts, &mut screen.actions);
                    },
                    screen,
                );
            harness.run();
            let window = egui::Rect::from_min_size(egui::Pos2::ZERO, theme::MIN_WINDOW);
            let used = harness.ctx.globally_used_rect();
            assert!(window.expand(1.0).contains_rect(used), "{name}, {shade:?}: {used:?}");
        }
    }
}

#[test]
fn the_welcome_screen_offers_lab_clouds_and_form() {
    let mut harness = harness(fixture::welcome());
    assert_eq!(pushed(&mut harness, "Start the lab"), [Action::Connection(ConnectionAction::StartLab)]);
    assert_eq!(pushed(&mut harness, "Look again"), [Action::Connection(ConnectionAction::FindClouds)]);
    assert_eq!(pushed(&mut harness, "Fill in a form…"), [Action::ShowDialog(Dialog::ConnectionForm)]);
}

#[test]
fn a_cloud_is_one_click_away() {
    let mut harness = harness(fixture::welcome_clouds());
    harness.get_by_label("3 clouds in your clouds.yaml.");
    harness.state_mut().actions.clear();
    harness.get_by_label_contains("staging").click();
    harness.run();
    let expected =
        Target::Cloud { name: "staging".into(), file: Some("/home/me/.config/openstack/clouds.yaml".into()) };
    assert_eq!(harness.state().actions, [Action::Connection(ConnectionAction::Connect(expected))]);
}

#[test]
fn a_failed_login_shows_its_reason_and_its_request_id() {
    let mut harness = harness(fixture::welcome_failed());
    harness.get_by_label_contains("The request you have made requires authentication.");
    harness.get_by_label("req-51e8a7b8-2f0c-4f3e-8df0-3c1d6c1d3a11");
    let actions = pushed(&mut harness, "Copy report");
    let [Action::CopyText { text, what: "report" }] = actions.as_slice() else { panic!("{actions:?}") };
    assert!(text.contains("HTTP status: 401"), "{text}");
    assert_eq!(
        pushed(&mut harness, "Connect to prod-tokyo again"),
        [Action::Connection(ConnectionAction::Reconnect)]
    );
}

#[test]
fn the_form_connects_only_when_nothing_is_missing() {
    let mut harness = harness(fixture::form());
    harness.get_by_label("Still needed: an address that begins with http:// or https://");
    assert!(pushed(&mut harness, "Connect").is_empty());
    for (role, field, text) in [
        (Role::TextInput, "Address of the identity service", "https://c:5000/v3"),
        (Role::TextInput, "User", "demo"),
        (Role::PasswordInput, "Password", "pw"),
    ] {
        harness.get_by_role_and_label(role, field).focus();
        harness.run();
        harness.get_by_role_and_label(role, field).type_text(text);
        harness.run();
    }
    let actions = pushed(&mut harness, "Connect");
    let [Action::Connection(ConnectionAction::Connect(Target::Form(form)))] = actions.as_slice() else {
        panic!("{actions:?}")
    };
    assert_eq!(
        (form.auth_url.as_str(), form.username.as_str(), form.secret.as_str()),
        ("https://c:5000/v3", "demo", "pw")
    );
}

#[test]
fn the_list_selects_sorts_and_scopes() {
    let mut harness = harness(fixture::list());
    let id = harness.state().state.images.all[1].id.clone();
    harness.get_by_role_and_label(Role::Row, "ubuntu-24.04-server").click();
    harness.run();
    assert_eq!(harness.state().actions, [Action::List(ListAction::Select(id))]);
    assert_eq!(pushed(&mut harness, "Sort by size"), [Action::List(ListAction::SortBy(Column::Size))]);
    assert_eq!(
        pushed(&mut harness, "Shared with me 1"),
        [Action::List(ListAction::Scope(Scope::SharedWithMe))]
    );
    assert_eq!(pushed(&mut harness, "Refresh (F5)"), [Action::List(ListAction::Refresh)]);
}

#[test]
fn ten_thousand_rows_lay_out_only_what_is_seen() {
    let harness = harness(fixture::many());
    harness.get_by_role_and_label(Role::Row, "image-00000");
    assert!(harness.query_by_role_and_label(Role::Row, "image-09999").is_none());
    let rows = harness.root().children_recursive().filter(|node| node.accesskit_node().role() == Role::Row);
    let rows = rows.count();
    assert!((10..40).contains(&rows), "{rows} rows were laid out");
}

#[test]
fn typing_into_the_search_filters() {
    let mut harness = harness(fixture::list());
    harness.get_by_role_and_label(Role::TextInput, "Search").focus();
    harness.run();
    harness.get_by_role_and_label(Role::TextInput, "Search").type_text("fed");
    harness.run();
    assert_eq!(harness.state().actions, [Action::List(ListAction::Search("fed".into()))]);
}

#[test]
fn the_details_copy_download_and_say_why_not() {
    let mut harness = harness(fixture::list());
    let image = harness.state().state.images.focused_image().unwrap().clone();
    let copied = Action::CopyText { text: image.id.clone(), what: "id" };
    assert_eq!(pushed(&mut harness, "Copy id"), [copied]);
    assert_eq!(pushed(&mut harness, "Download"), [Action::Download(vec![image.id.clone()])]);
    assert!(pushed(&mut harness, "Delete…").is_empty(), "a protected image cannot be deleted");
    let actions = pushed(&mut harness, "Copy show command");
    let text = format!("openstack --os-cloud prod-tokyo image show {}", image.id);
    assert_eq!(actions, [Action::CopyText { text, what: "command" }]);
}

#[test]
fn keys_work_on_the_list() {
    let mut harness = harness(fixture::list());
    let id = harness.state().state.images.focused.clone().unwrap();
    for (modifiers, key, expected) in [
        (egui::Modifiers::COMMAND, egui::Key::U, Action::PickFiles),
        (egui::Modifiers::COMMAND, egui::Key::D, Action::Download(vec![id.clone()])),
        (egui::Modifiers::NONE, egui::Key::F5, Action::List(ListAction::Refresh)),
        (egui::Modifiers::NONE, egui::Key::ArrowDown, Action::List(ListAction::Move(1))),
        (egui::Modifiers::NONE, egui::Key::Delete, Action::AskDelete(vec![id.clone()])),
        (egui::Modifiers::NONE, egui::Key::Escape, Action::CloseTop),
    ] {
        harness.state_mut().actions.clear();
        harness.key_press_modifiers(modifiers, key);
        harness.run();
        assert_eq!(harness.state().actions, [expected]);
    }
}

#[test]
fn the_review_warns_and_waits_for_every_file() {
    let mut harness = harness(fixture::review());
    harness.get_by_label("Upload 3 files to prod-tokyo / infra");
    harness.get_by_label("qcow2, 412 MiB, a disk of 2.0 GiB");
    harness.get_by_label("The bytes look like qcow2, but raw is declared. The server may refuse it.");
    harness.get_by_label("reading the file…");
    assert!(pushed(&mut harness, "Start upload").is_empty());
    assert_eq!(pushed(&mut harness, "Leave out appliance.vmdk"), [Action::Review(ReviewAction::Remove(3))]);
    harness.state_mut().state.review.remove(3);
    harness.run();
    // A sheet that has shrunk finds its middle in the frame after.
    harness.run();
    assert_eq!(pushed(&mut harness, "Start upload"), [Action::Review(ReviewAction::Start)]);
}

#[test]
fn a_name_is_edited_in_the_review() {
    let mut harness = harness(fixture::review());
    harness.get_by_label("Name of appliance.vmdk").focus();
    harness.run();
    harness.get_by_label("Name of appliance.vmdk").type_text("!");
    harness.run();
    assert_eq!(harness.state().actions, [Action::Review(ReviewAction::Name(3, "appliance!".into()))]);
}

#[test]
fn the_dock_cancels_retries_and_clears() {
    let mut harness = harness(fixture::transfers());
    harness.get_by_label_contains("quota image_size_total is exceeded");
    harness.get_by_label("sending, 228 MiB of 412 MiB, 46 MiB/s, 4 s left");
    let name = "debian-12-generic-amd64";
    assert_eq!(
        pushed(&mut harness, &format!("Cancel {name}")),
        [Action::Transfer(TransferAction::Cancel(1))]
    );
    assert_eq!(pushed(&mut harness, "Retry disk image 日本"), [Action::Transfer(TransferAction::Retry(2))]);
    assert_eq!(pushed(&mut harness, "Clear finished"), [Action::Transfer(TransferAction::ForgetFinished)]);
}

#[test]
fn deleting_names_the_image_and_can_be_left() {
    let mut harness = harness(fixture::delete());
    harness.get_by_label("Delete \"alpine-3.22-netboot\"?");
    assert_eq!(pushed(&mut harness, "Keep"), [Action::CloseTop]);
    assert_eq!(pushed(&mut harness, "Delete"), [Action::ConfirmDelete]);
}

#[test]
fn empty_forbidden_and_offline_say_what_to_do() {
    let mut empty = harness(fixture::empty());
    empty.get_by_label("No images in infra yet");
    assert_eq!(pushed(&mut empty, "Choose files…"), [Action::PickFiles]);

    let mut forbidden = harness(fixture::forbidden());
    forbidden.get_by_label("You may not list images here");
    forbidden.get_by_label("HTTP 403");
    assert_eq!(pushed(&mut forbidden, "Try again"), [Action::List(ListAction::Refresh)]);

    let offline = harness(fixture::offline());
    offline.get_by_label("Could not list images: connection refused by image.example.org:9292");
    offline.get_by_role_and_label(Role::Row, "debian-12-generic");

    let mut nothing = harness(fixture::no_match());
    nothing.get_by_label("0 of 9 match");
    assert_eq!(
        pushed(&mut nothing, "Show all images"),
        [Action::List(ListAction::Search(String::new())), Action::List(ListAction::Scope(Scope::All))]
    );
}

#[test]
fn hovering_files_are_named_with_the_place_they_would_go_to() {
    let mut harness = harness(fixture::list());
    harness.input_mut().hovered_files = vec![egui::HoveredFile {
        path: Some("/d/disk image 日本.qcow2".into()),
        ..egui::HoveredFile::default()
    }];
    // While files hover egui draws frame after frame.
    harness.run_steps(3);
    harness.get_by_label("Drop to upload to prod-tokyo / infra: disk image 日本.qcow2");
}

/// A dropped file as the window system hands it over.
#[derive(Debug)]
struct Dropped(std::path::PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("a disk image is never read whole".into())
    }
}

mod desktop {
    //! The glue, with a real worker and without a server.

    use std::path::{Path, PathBuf};

    use glasshouse::app::{Desktop, waker};
    use glasshouse::clouds::Places;
    use glasshouse::files::{FilePicker, Picked};
    use glasshouse::worker::lab::LabCommand;
    use glasshouse::worker::{Setup, Worker};
    use poll_promise::Promise;

    use super::*;

    struct Answer(Picked);

    impl FilePicker for Answer {
        fn pick_files(&self, _: Option<&Path>) -> Promise<Picked> {
            Promise::from_ready(self.0.clone())
        }

        fn pick_folder(&self, _: Option<&Path>) -> Promise<Picked> {
            Promise::from_ready(self.0.clone())
        }
    }

    #[expect(clippy::unwrap_used, reason = "a test without a worker is no test")]
    fn desktop(folder: &Path, picked: Picked) -> Harness<'static, Desktop> {
        let setup = Setup {
            places: Places::default(),
            settings_file: folder.join("settings.json"),
            lab: LabCommand {
                program: PathBuf::from("/nonexistent/program"),
                first_arguments: Vec::new(),
                data_dir: folder.join("lab"),
            },
        };
        Harness::builder().with_size(egui::vec2(1280.0, 800.0)).with_max_steps(64).build_eframe(move |cc| {
            let worker = Worker::start(setup, waker(&cc.egui_ctx)).unwrap();
            Desktop::new(&cc.egui_ctx, fixture::connected(), worker, Box::new(Answer(picked)))
        })
    }

    /// Steps until the state says so; the worker is a thread of its own.
    fn until(harness: &mut Harness<'_, Desktop>, what: &str, holds: impl Fn(&State) -> bool) {
        let start = std::time::Instant::now();
        while !holds(&harness.state().state) {
            assert!(start.elapsed().as_secs() < 30, "still not: {what}");
            std::thread::yield_now();
            harness.step();
        }
    }

    #[test]
    fn a_dropped_file_is_inspected_by_its_bytes_and_the_folder_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk.img");
        let mut bytes = vec![0_u8; 65_536];
        bytes[..4].copy_from_slice(b"QFI\xfb");
        bytes[7] = 3;
        bytes[23] = 16;
        bytes[24..32].copy_from_slice(&(1_u64 << 30).to_be_bytes());
        bytes[103] = 104;
        std::fs::write(&path, bytes).unwrap();
        let mut harness = desktop(folder.path(), Picked::Cancelled);
        harness.input_mut().dropped_files = vec![Arc::new(Dropped(path.clone()))];
        harness.step();
        until(&mut harness, "inspected", |state| {
            state.review.rows.first().is_some_and(|row| row.inspected().is_some())
        });
        let row = &harness.state().state.review.rows[0];
        assert_eq!((row.path.as_path(), row.declared.disk_format.as_str()), (path.as_path(), "qcow2"));
        let settings = folder.path().join("settings.json");
        until(&mut harness, "saved", |_| settings.exists());
        assert!(std::fs::read_to_string(settings).unwrap().contains("upload_folder"));
    }

    #[test]
    fn without_a_file_dialog_a_path_can_be_typed() {
        let folder = tempfile::tempdir().unwrap();
        let mut harness = desktop(folder.path(), Picked::Unavailable("There is no file dialog here.".into()));
        harness.get_by_label("Upload…").click();
        until(&mut harness, "asked", |state| state.dialog.is_some());
        harness.step();
        harness.get_by_label("There is no file dialog here.");
        harness.get_by_role_and_label(Role::TextInput, "Path of the disk image").focus();
        harness.step();
        harness.get_by_role_and_label(Role::TextInput, "Path of the disk image").type_text("/nowhere/a.img");
        harness.step();
        harness.get_by_label("Use it").click();
        until(&mut harness, "refused", |state| {
            state.review.rows.first().and_then(|row| row.objection()).as_deref()
                == Some("there is no such file")
        });
    }

    #[test]
    fn a_lab_that_cannot_start_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let mut harness = desktop(folder.path(), Picked::Cancelled);
        let ctx = harness.ctx.clone();
        harness.state_mut().act(&ctx, Action::Connection(ConnectionAction::StartLab));
        until(&mut harness, "failed", |state| {
            matches!(&state.lab.phase, glasshouse::state::lab::LabPhase::Failed(reason)
                if reason.starts_with("The lab could not be started: "))
        });
    }
}
