//! The log of the lab, with its addresses and the button that stops it.

use egui::{Align, Color32, Label, Layout, RichText, ScrollArea, Ui};

use super::icons::Icon;
use super::theme::{self, Tokens, tokens};
use super::widgets::{copy_button, fact_ui, primary_button, secondary_button, sheet_ui};
use crate::action::{Action, ConnectionAction};
use crate::state::State;
use crate::state::lab::LabPhase;

pub fn lab_log_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    let ((), closes) = sheet_ui(ui, "lab log", 860.0, |ui| {
        ui.label(RichText::new(format!("Lab: {}", state.lab.word())).size(theme::HEADING).color(t.text));
        match &state.lab.phase {
            LabPhase::Running(addresses) => {
                for (name, value) in [
                    ("Images", addresses.image.clone()),
                    ("Identity", addresses.identity.clone()),
                    ("clouds.yaml", addresses.clouds_file.display().to_string()),
                ] {
                    ui.horizontal(|ui| {
                        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                            copy_button(ui, &value, "address", actions);
                            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                                fact_ui(ui, name, &value)
                            });
                        });
                    });
                }
            }
            LabPhase::Failed(reason) => {
                ui.add(Label::new(RichText::new(reason).color(t.danger)).wrap());
            }
            LabPhase::Off | LabPhase::Starting | LabPhase::Stopping => {}
        }
        log_ui(ui, state);
        ui.add_space(theme::S);
        buttons_ui(ui, state, actions);
    });
    if closes {
        actions.push(Action::CloseTop);
    }
}

fn log_ui(ui: &mut Ui, state: &State) {
    let t = tokens(ui);
    egui::Frame::new().fill(t.sunken).corner_radius(theme::RADIUS).inner_margin(10).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let height = ui.text_style_height(&egui::TextStyle::Monospace);
        ScrollArea::both().max_height(340.0).min_scrolled_height(340.0).stick_to_bottom(true).show_rows(
            ui,
            height,
            state.lab.log.len().max(1),
            |ui, rows| {
                ui.spacing_mut().item_spacing.y = theme::XS;
                if state.lab.log.is_empty() {
                    ui.label(RichText::new("Nothing written yet.").color(t.muted));
                }
                for line in state.lab.log.range(rows.start..rows.end.min(state.lab.log.len())) {
                    ui.add(Label::new(RichText::new(line).monospace().color(color(line, t))).extend());
                }
            },
        );
    });
}

fn color(line: &str, t: &Tokens) -> Color32 {
    if line.contains("ERROR") {
        t.danger
    } else if line.contains("WARN") {
        t.warning
    } else {
        t.text
    }
}

fn buttons_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if primary_button(ui, None, "Close").clicked() {
            actions.push(Action::CloseTop);
        }
        if state.lab.is_up() && secondary_button(ui, Some(Icon::Pause), "Stop the lab").clicked() {
            actions.push(Action::Connection(ConnectionAction::StopLab));
        }
        if secondary_button(ui, Some(Icon::Copy), "Copy the log").clicked() {
            let text = state.lab.log.iter().cloned().collect::<Vec<_>>().join("\n");
            actions.push(Action::CopyText { text, what: "log" });
        }
    });
}
