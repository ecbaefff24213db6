//! The table of images: only visible rows are laid out, every cell stays on one line.

use egui::{
    Align, Button, Label, Layout, Modifiers, Response, RichText, Sense, Stroke, Ui, WidgetInfo, vec2,
};
use egui_extras::{Column as TableColumn, TableBuilder, TableRow};
use glasshouse_shared::image::Image;

use super::Drafts;
use super::icons::Icon;
use super::text;
use super::theme::{self, tokens};
use super::widgets::{
    Tone, banner_ui, empty_ui, failure_ui, primary_button, secondary_button, status_ui, visibility_ui,
};
use crate::action::{Action, ConnectionAction, ListAction};
use crate::state::State;
use crate::state::failure::{Failure, FailureKind};
use crate::state::images::{Column, ListPhase, Scope, display_name};

pub fn image_list_ui(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    if let ListPhase::Failed(failure) = &state.images.phase {
        if state.images.all.is_empty() {
            failed_ui(ui, state, failure, actions);
            return;
        }
        banner_ui(ui, Tone::Danger, Icon::Problem, &failure.sentence(), |ui| {
            retry_ui(ui, failure, actions);
        });
    }
    tool_line_ui(ui, state, actions);
    if state.images.all.is_empty() {
        nothing_ui(ui, state, actions);
    } else if state.images.shown.is_empty() {
        no_match_ui(ui, state, actions);
    } else {
        table_ui(ui, state, drafts, actions);
    }
}

fn tool_line_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), 46.0),
        Layout::left_to_right(Align::Center),
        |ui| {
            ui.set_min_height(46.0);
            ui.add_space(theme::L);
            ui.label(RichText::new(state.images.scope.word()).size(theme::HEADING).color(t.text));
            ui.label(RichText::new(summary(state)).color(t.muted));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(theme::M);
                if state.images.selected.len() > 1 {
                    let ids: Vec<String> = state.images.selected.iter().cloned().collect();
                    if secondary_button(ui, Some(Icon::Delete), "Delete…").clicked() {
                        actions.push(Action::AskDelete(ids.clone()));
                    }
                    if secondary_button(ui, Some(Icon::Download), "Download").clicked() {
                        actions.push(Action::Download(ids));
                    }
                }
            });
        },
    );
}

fn summary(state: &State) -> String {
    let images = &state.images;
    let mut words = if images.shown.len() == images.count(images.scope) {
        text::count(images.shown.len(), "image")
    } else {
        format!("{} of {} match", images.shown.len(), images.count(images.scope))
    };
    if images.selected.len() > 1 {
        words = format!("{words}, {} selected", images.selected.len());
    }
    match &images.phase {
        ListPhase::Loading => format!("{words}, loading…"),
        ListPhase::Loaded(at) => format!("{words}, as of {}", text::local_seconds(*at, &state.zone)),
        ListPhase::Never | ListPhase::Failed(_) => words,
    }
}

fn table_ui(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    ui.spacing_mut().item_spacing = vec2(theme::S, 0.0);
    let top = ui.available_rect_before_wrap();
    let line = top.top() + theme::ROW_HEIGHT - 0.5;
    ui.painter().hline(top.x_range(), line, Stroke::new(1.0, t.border));
    // Rows carry the colour of selection as their ground; their text stays ink.
    ui.visuals_mut().widgets.hovered.bg_fill = t.control_hover;
    let mut table = TableBuilder::new(ui)
        .id_salt("images")
        .striped(false)
        .sense(Sense::click())
        .auto_shrink([false, false])
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(TableColumn::exact(theme::S))
        .column(TableColumn::remainder().at_least(140.0).clip(true))
        .column(TableColumn::exact(116.0).clip(true))
        .column(TableColumn::exact(106.0).clip(true))
        .column(TableColumn::exact(64.0).clip(true))
        .column(TableColumn::exact(76.0).clip(true))
        .column(TableColumn::exact(140.0).clip(true));
    if drafts.revealed != state.images.reveal {
        drafts.revealed = state.images.reveal;
        if let Some(row) = state.images.row_of_focus() {
            table = table.scroll_to_row(row, None);
        }
    }
    table
        .header(theme::ROW_HEIGHT, |mut header| {
            header.col(|_| {});
            for column in Column::ALL {
                header.col(|ui| {
                    if column == Column::Size {
                        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                            header_ui(ui, state, column, actions);
                        });
                    } else {
                        if column == Column::Updated {
                            ui.add_space(theme::S);
                        }
                        header_ui(ui, state, column, actions);
                    }
                });
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, state.images.shown.len(), |mut row| {
                let index = row.index();
                if let Some(image) = state.images.in_row(index) {
                    row_ui(&mut row, state, image, actions);
                }
            });
        });
}

fn header_ui(ui: &mut Ui, state: &State, column: Column, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    let is_sorted = state.images.sort == column;
    let label =
        RichText::new(column.word()).size(theme::SMALL).color(if is_sorted { t.text } else { t.muted });
    let arrow = if state.images.is_descending { Icon::Down } else { Icon::Up };
    let button = if is_sorted { Button::new((label, arrow.atom())) } else { Button::new(label) };
    let response = ui.add(button.frame(false));
    let name = format!("Sort by {}", column.word().to_lowercase());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
    if response.on_hover_text(name).clicked() {
        actions.push(Action::List(ListAction::SortBy(column)));
    }
}

fn row_ui(row: &mut TableRow<'_, '_>, state: &State, image: &Image, actions: &mut Vec<Action>) {
    row.set_selected(state.images.selected.contains(&image.id));
    let name = display_name(image);
    row.col(|_| {});
    row.col(|ui| cell(ui, &name, false));
    row.col(|ui| status_ui(ui, image.status));
    row.col(|ui| visibility_ui(ui, image.visibility));
    row.col(|ui| cell(ui, image.disk_format.as_deref().unwrap_or("–"), true));
    row.col(|ui| {
        let words = image.size.map_or_else(|| "–".to_owned(), text::size);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| cell(ui, &words, true));
    });
    row.col(|ui| {
        ui.add_space(theme::S);
        cell(ui, &text::local_time(image.updated_at, &state.zone), true);
    });
    let response = row.response();
    let is_selected = state.images.selected.contains(&image.id);
    response.widget_info(|| WidgetInfo::selected(egui::Role::Row, true, is_selected, &name));
    if response.clicked() || response.secondary_clicked() {
        actions.push(Action::List(click(&response, image)));
    }
    if response.double_clicked() {
        actions.push(Action::List(ListAction::OpenDetails));
    }
    menu_ui(&response, image, actions);
}

fn click(response: &Response, image: &Image) -> ListAction {
    let modifiers: Modifiers = response.ctx.input(|input| input.modifiers);
    let id = image.id.clone();
    if modifiers.command {
        ListAction::Toggle(id)
    } else if modifiers.shift {
        ListAction::Extend(id)
    } else {
        ListAction::Select(id)
    }
}

fn menu_ui(response: &Response, image: &Image, actions: &mut Vec<Action>) {
    response.context_menu(|ui| {
        if ui.add_enabled(image.size.is_some(), Button::new((Icon::Download.atom(), "Download"))).clicked() {
            actions.push(Action::Download(vec![image.id.clone()]));
        }
        if ui.add(Button::new((Icon::Copy.atom(), "Copy id"))).clicked() {
            actions.push(Action::CopyText { text: image.id.clone(), what: "id" });
        }
        if ui.add_enabled(!image.protected, Button::new((Icon::Delete.atom(), "Delete…"))).clicked() {
            actions.push(Action::AskDelete(vec![image.id.clone()]));
        }
    });
}

fn cell(ui: &mut Ui, words: &str, is_muted: bool) {
    let t = tokens(ui);
    let color = if is_muted { t.muted } else { t.text };
    ui.add(Label::new(RichText::new(words).color(color)).truncate());
}

fn nothing_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    if matches!(state.images.phase, ListPhase::Loading | ListPhase::Never) {
        empty_ui(ui, Icon::Clock, "Loading the list", "The first page is on its way.", |_| {});
        return;
    }
    let project = state.session.connected().and_then(|connected| connected.project.as_deref());
    let title = match project {
        Some(project) => format!("No images in {project} yet"),
        None => "No images yet".to_owned(),
    };
    let hint = if state.can_drop {
        "Drop disk images anywhere on this window, or choose files. They are checked before anything is sent."
    } else {
        "Choose disk images to upload. They are checked before anything is sent."
    };
    empty_ui(ui, Icon::Disk, &title, hint, |ui| {
        if primary_button(ui, Some(Icon::Upload), "Choose files…").clicked() {
            actions.push(Action::PickFiles);
        }
    });
}

fn no_match_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let title = format!("0 of {} match", state.images.all.len());
    let words = if state.images.search.is_empty() {
        format!("There is nothing under \"{}\".", state.images.scope.word())
    } else {
        format!("Nothing under \"{}\" matches \"{}\".", state.images.scope.word(), state.images.search)
    };
    empty_ui(ui, Icon::Search, &title, &words, |ui| {
        if secondary_button(ui, None, "Show all images").clicked() {
            actions.push(Action::List(ListAction::Search(String::new())));
            actions.push(Action::List(ListAction::Scope(Scope::All)));
        }
    });
}

fn failed_ui(ui: &mut Ui, state: &State, failure: &Failure, actions: &mut Vec<Action>) {
    let title = match failure.kind {
        FailureKind::Forbidden => "You may not list images here",
        FailureKind::Unauthorized => "The login has expired",
        FailureKind::Unreachable => "The server does not answer",
        FailureKind::Refused | FailureKind::File | FailureKind::Corrupt => "The list could not be loaded",
    };
    empty_ui(ui, Icon::Problem, title, "", |ui| {
        ui.allocate_ui(vec2(560.0, 0.0), |ui| {
            ui.with_layout(Layout::top_down(Align::Min), |ui| failure_ui(ui, failure, state.now, actions));
        });
        ui.add_space(theme::S);
        retry_ui(ui, failure, actions);
    });
}

fn retry_ui(ui: &mut Ui, failure: &Failure, actions: &mut Vec<Action>) {
    if failure.kind == FailureKind::Unauthorized {
        if secondary_button(ui, Some(Icon::Plug), "Connect again").clicked() {
            actions.push(Action::Connection(ConnectionAction::Reconnect));
        }
    } else if secondary_button(ui, Some(Icon::Retry), "Try again").clicked() {
        actions.push(Action::List(ListAction::Refresh));
    }
}
