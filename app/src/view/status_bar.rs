//! The line at the bottom: who is connected where, how the lab is, what went wrong, and the theme.

use egui::{Align, Button, ComboBox, Label, Layout, RichText, Ui};

use super::icons::Icon;
use super::text;
use super::theme::{self, tokens};
use crate::action::{Action, Dialog};
use crate::state::State;
use crate::state::lab::LabPhase;
use crate::state::settings::ThemeChoice;

pub fn status_bar_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    ui.style_mut().spacing.interact_size.y = 22.0;
    ui.style_mut().spacing.button_padding = egui::vec2(8.0, 1.0);
    for font in ui.style_mut().text_styles.values_mut() {
        font.size = theme::SMALL;
    }
    ui.horizontal_centered(|ui| {
        theme_ui(ui, state, actions);
        let number = state.notices.problems.len();
        if number > 0 {
            let label = RichText::new(text::count(number, "problem")).color(t.danger);
            if ui.add(Button::new((Icon::Problem.atom(), label)).frame(false)).clicked() {
                actions.push(Action::ShowDialog(Dialog::Problems));
            }
        }
        lab_ui(ui, state, actions);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let line = match state.session.connected() {
                Some(connected) => format!("Connected as {} to {}", connected.who(), connected.endpoint),
                None => "Not connected".to_owned(),
            };
            ui.add(Label::new(RichText::new(line).color(t.muted)).truncate());
        });
    });
}

fn lab_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    if state.lab.phase == LabPhase::Off && state.lab.log.is_empty() {
        return;
    }
    let t = tokens(ui);
    let dot = match &state.lab.phase {
        LabPhase::Off => t.muted,
        LabPhase::Starting | LabPhase::Stopping => t.warning,
        LabPhase::Running(_) => t.success,
        LabPhase::Failed(_) => t.danger,
    };
    let (rect, _) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), egui::Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.0, dot);
    let label = RichText::new(format!("Lab {}", state.lab.word())).color(t.text);
    if ui.add(Button::new(label).frame(false)).on_hover_text("Show the log of the lab").clicked() {
        actions.push(Action::ShowDialog(Dialog::LabLog));
    }
}

fn theme_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let chosen = state.settings.theme;
    let response = ComboBox::from_id_salt("theme")
        .selected_text(format!("Theme: {}", chosen.word()))
        .width(118.0)
        .show_ui(ui, |ui| {
            for choice in ThemeChoice::ALL {
                if ui.selectable_label(choice == chosen, choice.word()).clicked() {
                    actions.push(Action::SetTheme(choice));
                }
            }
        });
    super::widgets::name_field(&response.response, "Theme");
}
