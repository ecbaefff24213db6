//! The small sheets: delete, problems, a typed path, the shortcuts.

use egui::{Align, Key, Label, Layout, RichText, ScrollArea, Ui};

use super::Drafts;
use super::icons::Icon;
use super::shortcuts::SHORTCUTS;
use super::text;
use super::theme::{self, tokens};
use super::widgets::{
    danger_button, failure_ui, primary_button, secondary_button, section_title, sheet_ui, text_field,
};
use crate::action::{Action, PathUse};
use crate::state::State;
use crate::state::images::display_name;

pub fn delete_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    let ids = &state.delete_question;
    let names: Vec<String> =
        ids.iter().map(|id| state.images.get(id).map_or_else(|| id.clone(), display_name)).collect();
    let title = match names.as_slice() {
        [name] => format!("Delete \"{name}\"?"),
        names => format!("Delete {} images?", names.len()),
    };
    let ((), closes) = sheet_ui(ui, "delete", 440.0, |ui| {
        ui.add(Label::new(RichText::new(title).size(theme::HEADING).color(t.text)).truncate());
        if names.len() > 1 {
            ScrollArea::vertical().max_height(180.0).show(ui, |ui| {
                for name in &names {
                    ui.add(Label::new(RichText::new(name).color(t.text)).truncate());
                }
            });
        }
        ui.add(
            Label::new(RichText::new("Record and data go for good. This cannot be undone.").color(t.muted))
                .wrap(),
        );
        ui.add_space(theme::M);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if danger_button(ui, Some(Icon::Delete), "Delete").clicked() {
                actions.push(Action::ConfirmDelete);
            }
            let keep = secondary_button(ui, None, "Keep");
            if keep.clicked() {
                actions.push(Action::CloseTop);
            }
        });
    });
    if closes {
        actions.push(Action::CloseTop);
    }
}

pub fn problems_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    let ((), closes) = sheet_ui(ui, "problems", 680.0, |ui| {
        let title = text::count(state.notices.problems.len(), "problem");
        ui.label(RichText::new(title).size(theme::HEADING).color(t.text));
        ScrollArea::vertical().max_height(420.0).show(ui, |ui| {
            for problem in &state.notices.problems {
                section_title(ui, &text::local_time(problem.at, &state.zone));
                failure_ui(ui, &problem.failure, problem.at, actions);
            }
        });
        ui.add_space(theme::S);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if primary_button(ui, None, "Close").clicked() {
                actions.push(Action::CloseTop);
            }
            if secondary_button(ui, None, "Clear the list").clicked() {
                actions.push(Action::ClearProblems);
            }
        });
    });
    if closes {
        actions.push(Action::CloseTop);
    }
}

pub fn typed_path_ui(
    ui: &mut Ui,
    state: &State,
    drafts: &mut Drafts,
    path_use: PathUse,
    actions: &mut Vec<Action>,
) {
    let t = tokens(ui);
    let (title, name) = match path_use {
        PathUse::Upload => ("Upload a file", "Path of the disk image"),
        PathUse::DownloadFolder => ("Folder for downloads", "Path of the folder"),
    };
    let ((), closes) = sheet_ui(ui, "typed path", 560.0, |ui| {
        ui.label(RichText::new(title).size(theme::HEADING).color(t.text));
        if let Some(reason) = &state.picker_trouble {
            ui.add(Label::new(RichText::new(reason).color(t.muted)).wrap());
        }
        let response = text_field(ui, name, &mut drafts.typed_path, "/path/to/it", false);
        let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        ui.add_space(theme::S);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_empty = drafts.typed_path.trim().is_empty();
            let is_clicked =
                ui.add_enabled_ui(!is_empty, |ui| primary_button(ui, None, "Use it").clicked()).inner;
            if secondary_button(ui, None, "Cancel").clicked() {
                actions.push(Action::CloseTop);
            }
            if (is_clicked || is_entered) && !is_empty {
                let path = std::mem::take(&mut drafts.typed_path).trim().into();
                actions.push(match path_use {
                    PathUse::Upload => Action::FilesChosen(vec![path]),
                    PathUse::DownloadFolder => Action::DownloadFolderChosen(path),
                });
            }
        });
    });
    if closes {
        actions.push(Action::CloseTop);
    }
}

pub fn quit_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    let number = state.transfers.running() + state.transfers.waiting();
    let ((), closes) = sheet_ui(ui, "quit", 460.0, |ui| {
        let title = format!("Quit with {} unfinished?", text::count(number, "transfer"));
        ui.label(RichText::new(title).size(theme::HEADING).color(t.text));
        let words = "Uploads are cancelled and their empty images taken back. A download continues where it stopped \
                     when it is asked for again.";
        ui.add(Label::new(RichText::new(words).color(t.muted)).wrap());
        ui.add_space(theme::M);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if danger_button(ui, None, "Quit").clicked() {
                actions.push(Action::Quit);
            }
            if secondary_button(ui, None, "Stay").clicked() {
                actions.push(Action::CloseTop);
            }
        });
    });
    if closes {
        actions.push(Action::CloseTop);
    }
}

pub fn shortcuts_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    let ((), closes) = sheet_ui(ui, "shortcuts", 380.0, |ui| {
        ui.label(RichText::new("Keyboard shortcuts").size(theme::HEADING).color(t.text));
        for (keys, words) in SHORTCUTS {
            ui.horizontal(|ui| {
                ui.label(RichText::new(words).color(t.text));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.label(RichText::new(keys).monospace().color(t.muted));
                });
            });
        }
        ui.add_space(theme::S);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if primary_button(ui, None, "Close").clicked() {
                actions.push(Action::CloseTop);
            }
        });
    });
    if closes {
        actions.push(Action::CloseTop);
    }
}
