//! The window as a whole: bars, panes, and what lies over them.

use egui::{CentralPanel, Frame, Margin, Panel, Stroke, Ui};

use super::theme::{self, tokens};
use super::{
    Drafts, connection_form, dialogs, dock, drop_target, image_detail, image_list, lab_log, review,
    shortcuts, status_bar, toasts, top_bar, welcome,
};
use crate::action::{Action, Dialog};
use crate::state::State;

pub fn shell_ui(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    shortcuts::read(ui, state, drafts, actions);
    status_panel(ui, state, actions);
    let dock_height = dock::height(&state.transfers);
    if dock_height > 0.0 {
        dock_panel(ui, state, dock_height, actions);
    }
    let is_connected = state.session.connected().is_some();
    if is_connected && state.dialog != Some(Dialog::Welcome) {
        main_ui(ui, state, drafts, actions);
    } else {
        let fill = tokens(ui).canvas;
        CentralPanel::no_frame().frame(Frame::new().fill(fill)).show(ui, |ui| {
            welcome::welcome_ui(ui, state, drafts, actions);
        });
    }
    layers_ui(ui, state, drafts, actions);
    toasts::toasts_ui(ui, state, dock_height, actions);
    drop_target::drop_target_ui(ui, state);
}

fn main_ui(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    Panel::top("top bar")
        .exact_size(56.0)
        .resizable(false)
        .frame(Frame::new().fill(t.sunken).inner_margin(Margin::symmetric(16, 0)))
        .show(ui, |ui| top_bar::top_bar_ui(ui, state, drafts, actions));
    Panel::left("rail")
        .exact_size(196.0)
        .resizable(false)
        .frame(Frame::new().fill(t.sunken).inner_margin(Margin::symmetric(10, 12)))
        .show(ui, |ui| top_bar::rail_ui(ui, state, actions));
    if state.images.is_details_open
        && let Some(image) = state.images.focused_image()
    {
        Panel::right("details")
            .default_size(344.0)
            .size_range(300.0..=520.0)
            .resizable(true)
            .frame(Frame::new().fill(t.surface).inner_margin(Margin::same(16)))
            .show(ui, |ui| image_detail::image_detail_ui(ui, state, image, actions));
    }
    CentralPanel::no_frame().frame(Frame::new().fill(t.surface)).show(ui, |ui| {
        image_list::image_list_ui(ui, state, drafts, actions);
    });
}

fn status_panel(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    Panel::bottom("status bar")
        .exact_size(30.0)
        .resizable(false)
        .frame(Frame::new().fill(t.sunken).inner_margin(Margin::symmetric(12, 0)))
        .show(ui, |ui| status_bar::status_bar_ui(ui, state, actions));
}

fn dock_panel(ui: &mut Ui, state: &State, height: f32, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    Panel::bottom("transfers")
        .resizable(false)
        .exact_size(height)
        .frame(Frame::new().fill(t.surface).stroke(Stroke::NONE).inner_margin(Margin::symmetric(16, 8)))
        .show(ui, |ui| dock::dock_ui(ui, state, actions));
}

fn layers_ui(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    if state.shows_review() {
        review::review_ui(ui, state, actions);
    }
    match state.dialog {
        None | Some(Dialog::Welcome) => {}
        Some(Dialog::ConnectionForm) => connection_form::connection_form_ui(ui, state, drafts, actions),
        Some(Dialog::LabLog) => lab_log::lab_log_ui(ui, state, actions),
        Some(Dialog::Problems) => dialogs::problems_ui(ui, state, actions),
        Some(Dialog::TypedPath(path_use)) => dialogs::typed_path_ui(ui, state, drafts, path_use, actions),
        Some(Dialog::Shortcuts) => dialogs::shortcuts_ui(ui, actions),
        Some(Dialog::Quit) => dialogs::quit_ui(ui, state, actions),
    }
    if !state.delete_question.is_empty() {
        dialogs::delete_ui(ui, state, actions);
    }
}

/// The line between two parts of a pane.
pub fn divider_ui(ui: &mut Ui) {
    let t = tokens(ui);
    let (rect, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 1.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, 0.0, t.border);
    ui.add_space(theme::XS);
}
