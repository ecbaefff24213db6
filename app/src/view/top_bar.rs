//! The bar at the top (where one is connected, search, actions) and the rail at the left (which images).

use egui::{Align, Button, Key, Label, Layout, RichText, Stroke, TextEdit, Ui, vec2};

use super::Drafts;
use super::icons::Icon;
use super::theme::{self, tokens};
use super::widgets::{Tone, chip_ui, icon_button, name_field, primary_button, section_title};
use crate::action::{Action, ConnectionAction, Dialog, ListAction};
use crate::state::State;
use crate::state::images::Scope;

pub fn top_bar_ui(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    let Some(connected) = state.session.connected() else { return };
    ui.horizontal_centered(|ui| {
        Icon::Cloud.ui(ui, 20.0, t.accent);
        ui.vertical(|ui| {
            ui.add_space(9.0);
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.set_width(186.0);
            ui.add(Label::new(RichText::new(&connected.profile).color(t.text)).truncate());
            let project = connected.project.as_deref().unwrap_or("no project");
            let line = match &connected.region {
                Some(region) => format!("{project} in {region}"),
                None => project.to_owned(),
            };
            ui.add(Label::new(RichText::new(line).size(theme::SMALL).color(t.muted)).truncate());
        });
        if connected.is_insecure {
            chip_ui(ui, Some(Icon::Warning), "certificate not checked", Tone::Danger);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if icon_button(ui, Icon::Keyboard, "Keyboard shortcuts").clicked() {
                actions.push(Action::ShowDialog(Dialog::Shortcuts));
            }
            if icon_button(ui, Icon::Leave, "Disconnect").clicked() {
                actions.push(Action::Connection(ConnectionAction::Disconnect));
            }
            if icon_button(ui, Icon::Refresh, "Refresh (F5)").clicked() {
                actions.push(Action::List(ListAction::Refresh));
            }
            if primary_button(ui, Some(Icon::Upload), "Upload…")
                .on_hover_text("Choose files to upload (Ctrl+U)")
                .clicked()
            {
                actions.push(Action::PickFiles);
            }
            search_ui(ui, state, drafts, actions);
        });
    });
}

fn search_ui(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    let mut search = state.images.search.clone();
    let width = ui.available_width().min(420.0);
    if !search.is_empty() && icon_button(ui, Icon::Close, "Clear the search").clicked() {
        actions.push(Action::List(ListAction::Search(String::new())));
    }
    let edit = TextEdit::singleline(&mut search)
        .id_salt("search")
        .hint_text(RichText::new("Search, or vis:public status:active format:qcow2 tag:…").color(t.muted))
        .prefix(Icon::Search.atom())
        .margin(egui::Margin::symmetric(8, 7))
        .desired_width(width - 16.0);
    let response = ui.add(edit);
    name_field(&response, "Search");
    if std::mem::take(&mut drafts.focus_search) {
        response.request_focus();
    }
    if response.changed() {
        actions.push(Action::List(ListAction::Search(search)));
    }
    if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape)) {
        actions.push(Action::List(ListAction::Search(String::new())));
    }
}

pub fn rail_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.y = 2.0;
    section_title(ui, "Images");
    ui.add_space(theme::XS);
    for scope in Scope::ALL {
        let icon = match scope {
            Scope::All => Icon::Disk,
            Scope::Mine => Icon::Mine,
            Scope::SharedWithMe => Icon::Shared,
            Scope::Public => Icon::Public,
        };
        let count = state.images.count(scope).to_string();
        let button = Button::selectable(state.images.scope == scope, (icon.atom(), scope.word()))
            .right_text(RichText::new(count).size(theme::SMALL).color(tokens(ui).muted))
            .fill(if state.images.scope == scope { tokens(ui).selected } else { egui::Color32::TRANSPARENT })
            .stroke(Stroke::NONE)
            .min_size(vec2(ui.available_width(), theme::CONTROL_HEIGHT));
        if ui.add(button).clicked() {
            actions.push(Action::List(ListAction::Scope(scope)));
        }
    }
}
