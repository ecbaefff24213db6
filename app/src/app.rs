//! The glue between state, views and worker: drains events, runs effects, draws a frame. The clock is read here.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{self, Context, ThemePreference, ViewportCommand};
use jiff::Timestamp;
use poll_promise::Promise;
use serde_json::json;

use crate::action::{Action, Dialog, PathUse};
use crate::effect::Effect;
use crate::event_log::{EventLog, line_of_action, line_of_event};
use crate::files::{FilePicker, Picked};
use crate::state::State;
use crate::state::settings::ThemeChoice;
use crate::view::{self, Drafts};
use crate::worker::{Waker, Worker};

/// The window.
pub struct Desktop {
    pub state: State,
    drafts: Drafts,
    worker: Option<Worker>,
    picker: Box<dyn FilePicker>,
    picking: Option<(PathUse, Promise<Picked>)>,
    log: Option<EventLog>,
}

/// What wakes the window from another thread.
pub fn waker(ctx: &Context) -> Waker {
    let ctx = ctx.clone();
    Arc::new(move || ctx.request_repaint())
}

impl Desktop {
    pub fn new(ctx: &Context, state: State, worker: Worker, picker: Box<dyn FilePicker>) -> Self {
        view::theme::install(ctx);
        apply_theme(ctx, state.settings.theme);
        let drafts = Drafts::default();
        Self { state, drafts, worker: Some(worker), picker, picking: None, log: None }
    }

    /// Writes important events into this log.
    pub fn with_log(mut self, mut log: Option<EventLog>) -> Self {
        if let Some(log) = &mut log {
            log.write(&json!({ "event": "window_ready" }));
        }
        self.log = log;
        self
    }

    /// Carries out an action and everything that follows from it.
    pub fn act(&mut self, ctx: &Context, action: Action) {
        if let (Some(log), Some(line)) = (&mut self.log, line_of_action(&action)) {
            log.write(&line);
        }
        let effects = self.state.update(action);
        self.run(ctx, effects);
    }

    fn run(&mut self, ctx: &Context, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::PickFiles { folder } => {
                    let answer = self.picker.pick_files(folder.as_deref());
                    self.picking = Some((PathUse::Upload, answer));
                }
                Effect::PickFolder { folder } => {
                    let answer = self.picker.pick_folder(folder.as_deref());
                    self.picking = Some((PathUse::DownloadFolder, answer));
                }
                Effect::CopyText(text) => ctx.copy_text(text),
                Effect::ApplyTheme(choice) => apply_theme(ctx, choice),
                Effect::CloseWindow => ctx.send_viewport_cmd(ViewportCommand::Close),
                effect => {
                    let is_taken = self.worker.as_ref().is_some_and(|worker| worker.run(effect));
                    if !is_taken {
                        tracing::error!("the worker does not take any more work");
                    }
                }
            }
        }
    }

    fn take_events(&mut self, ctx: &Context) {
        let events = self.worker.as_mut().map(Worker::events).unwrap_or_default();
        for event in events {
            if let (Some(log), Some(line)) = (&mut self.log, line_of_event(&event)) {
                log.write(&line);
            }
            let effects = self.state.apply(event);
            self.run(ctx, effects);
        }
    }

    fn take_picked(&mut self, ctx: &Context) {
        let Some((path_use, promise)) = self.picking.take() else { return };
        match promise.try_take() {
            Err(promise) => self.picking = Some((path_use, promise)),
            Ok(Picked::Cancelled) => {}
            Ok(Picked::Unavailable(reason)) => {
                self.act(ctx, Action::PickerUnavailable(reason));
                self.act(ctx, Action::ShowDialog(Dialog::TypedPath(path_use)));
            }
            Ok(Picked::Files(mut paths)) => match path_use {
                PathUse::Upload => self.act(ctx, Action::FilesChosen(paths)),
                PathUse::DownloadFolder => {
                    if let Some(folder) = paths.pop() {
                        self.act(ctx, Action::DownloadFolderChosen(folder));
                    }
                }
            },
        }
    }

    fn take_drop(&mut self, ctx: &Context) {
        let paths: Vec<_> =
            ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        if !paths.is_empty() {
            self.act(ctx, Action::FilesChosen(paths));
        }
    }

    /// Nothing repaints by itself: the next frame comes with input, with news, or when a toast is to go.
    fn plan_next_frame(&self, ctx: &Context) {
        if let Some(at) = self.state.notices.next_expiry() {
            let millis = at.as_millisecond() - self.state.now.as_millisecond();
            ctx.request_repaint_after(Duration::from_millis(u64::try_from(millis).unwrap_or(0)));
        }
    }
}

impl eframe::App for Desktop {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.state.tick(Timestamp::now());
        if ctx.input(|input| input.viewport().close_requested()) && !self.state.may_close() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        }
        self.take_drop(ctx);
        self.take_picked(ctx);
        self.take_events(ctx);
        self.plan_next_frame(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        let mut actions = Vec::new();
        view::shell_ui(ui, &self.state, &mut self.drafts, &mut actions);
        let ctx = ui.ctx().clone();
        if !actions.is_empty() {
            ctx.request_repaint();
        }
        for action in actions {
            self.act(&ctx, action);
        }
    }

    fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
        if let Some(worker) = self.worker.take() {
            worker.stop();
        }
    }
}

fn apply_theme(ctx: &Context, choice: ThemeChoice) {
    ctx.set_theme(match choice {
        ThemeChoice::System => ThemePreference::System,
        ThemeChoice::Light => ThemePreference::Light,
        ThemeChoice::Dark => ThemePreference::Dark,
    });
}
