//! The sheet before an upload: one row per file, what its bytes show, and what it will be declared as.

use egui::{
    Align, ComboBox, CornerRadius, Frame, Label, Layout, Margin, RichText, ScrollArea, Stroke, TextEdit, Ui,
    vec2,
};
use glasshouse_shared::image::Visibility;

use super::icons::Icon;
use super::text;
use super::theme::{self, tokens};
use super::widgets::{icon_button, name_field, primary_button, secondary_button, sheet_ui};
use crate::action::{Action, ReviewAction};
use crate::state::State;
use crate::state::uploads::{CONTAINER_FORMATS, DISK_FORMATS, Inspection, ReviewRow};

const NAME_WIDTH: f32 = 436.0;

pub fn review_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let mut pushed = Vec::new();
    let ((), _) = sheet_ui(ui, "review", 880.0, |ui| {
        let t = tokens(ui);
        let place = state.session.connected().map(|connected| connected.place()).unwrap_or_default();
        let title = format!("Upload {} to {place}", text::count(state.review.rows.len(), "file"));
        ui.label(RichText::new(title).size(theme::HEADING).color(t.text));
        ui.label(RichText::new("The format is read from the bytes, not from the name.").color(t.muted));
        ui.add_space(theme::S);
        if state.review.rows.len() > 1 {
            for_all_ui(ui, state, &mut pushed);
        }
        let height = (ui.ctx().content_rect().height() - 320.0).max(180.0);
        ScrollArea::vertical().max_height(height).show(ui, |ui| {
            for row in &state.review.rows {
                ui.push_id(row.id, |ui| row_ui(ui, row, &mut pushed));
            }
        });
        ui.add_space(theme::S);
        buttons_ui(ui, state, &mut pushed);
    });
    actions.extend(pushed.into_iter().map(Action::Review));
}

fn for_all_ui(ui: &mut Ui, state: &State, pushed: &mut Vec<ReviewAction>) {
    let first = state.review.rows.first().map(|row| row.declared.visibility);
    let is_same = state.review.rows.iter().all(|row| Some(row.declared.visibility) == first);
    ui.horizontal(|ui| {
        ui.label("Visibility of all files");
        let shown = first.filter(|_| is_same).map_or("mixed", Visibility::as_str);
        visibility_box(ui, "Visibility of all files", shown, |visibility| {
            pushed.push(ReviewAction::VisibilityOfAll(visibility));
        });
    });
}

fn row_ui(ui: &mut Ui, row: &ReviewRow, pushed: &mut Vec<ReviewAction>) {
    let t = tokens(ui);
    Frame::new()
        .fill(t.sunken)
        .stroke(Stroke::new(1.0, t.border))
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::same(12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                Icon::File.ui(ui, theme::ICON, t.muted);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let name = format!("Leave out {}", row.file_name());
                    if icon_button(ui, Icon::Close, &name).clicked() {
                        pushed.push(ReviewAction::Remove(row.id));
                    }
                    ui.label(RichText::new(found(row)).color(t.muted));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(Label::new(RichText::new(row.file_name()).color(t.text)).truncate())
                            .on_hover_text(row.path.display().to_string());
                    });
                });
            });
            declared_ui(ui, row, pushed);
            warnings_ui(ui, row);
        });
}

/// What the bytes have shown, in one line.
fn found(row: &ReviewRow) -> String {
    match &row.inspection {
        Inspection::Running => "reading the file…".to_owned(),
        Inspection::Failed(_) => "cannot be read".to_owned(),
        Inspection::Done(inspected) => {
            let size = text::size(inspected.size_bytes);
            match inspected.virtual_size_bytes {
                Some(bytes) => {
                    format!("{}, {size}, a disk of {}", inspected.format, text::size(bytes))
                }
                None => format!("{}, {size}", inspected.format),
            }
        }
    }
}

fn declared_ui(ui: &mut Ui, row: &ReviewRow, pushed: &mut Vec<ReviewAction>) {
    let declared = &row.declared;
    ui.horizontal(|ui| {
        labelled(ui, "Name", |ui| {
            let mut name = declared.name.clone();
            let edit = TextEdit::singleline(&mut name)
                .id_salt("name")
                .margin(Margin::symmetric(8, 7))
                .desired_width(NAME_WIDTH);
            let response = ui.add(edit);
            name_field(&response, &format!("Name of {}", row.file_name()));
            if response.changed() {
                pushed.push(ReviewAction::Name(row.id, name));
            }
        });
        labelled(ui, "Disk format", |ui| {
            word_box(ui, "Disk format", &declared.disk_format, &DISK_FORMATS, |word| {
                pushed.push(ReviewAction::DiskFormat(row.id, word));
            });
        });
        labelled(ui, "Container", |ui| {
            word_box(ui, "Container", &declared.container_format, &CONTAINER_FORMATS, |word| {
                pushed.push(ReviewAction::ContainerFormat(row.id, word));
            });
        });
        labelled(ui, "Visibility", |ui| {
            visibility_box(ui, "Visibility", declared.visibility.as_str(), |visibility| {
                pushed.push(ReviewAction::Visibility(row.id, visibility));
            });
        });
    });
}

fn labelled(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = theme::XS;
        let color = tokens(ui).muted;
        ui.label(RichText::new(name).size(theme::SMALL).color(color));
        content(ui);
    });
}

fn word_box(ui: &mut Ui, name: &str, chosen: &str, words: &[&str], mut choose: impl FnMut(String)) {
    let response =
        ComboBox::from_id_salt(name).selected_text(chosen).width(112.0).height(320.0).show_ui(ui, |ui| {
            for word in words {
                if ui.selectable_label(*word == chosen, *word).clicked() {
                    choose((*word).to_owned());
                }
            }
        });
    name_field(&response.response, name);
}

fn visibility_box(ui: &mut Ui, name: &str, shown: &str, mut choose: impl FnMut(Visibility)) {
    let response = ComboBox::from_id_salt(name).selected_text(shown).width(122.0).show_ui(ui, |ui| {
        for visibility in Visibility::ALL {
            if ui.selectable_label(visibility.as_str() == shown, visibility.as_str()).clicked() {
                choose(*visibility);
            }
        }
    });
    name_field(&response.response, name);
}

fn warnings_ui(ui: &mut Ui, row: &ReviewRow) {
    let t = tokens(ui);
    let mut lines: Vec<(Icon, egui::Color32, String)> = Vec::new();
    if let Inspection::Failed(reason) = &row.inspection {
        lines.push((Icon::Problem, t.danger, reason.clone()));
    } else if let Some(objection) = row.objection().filter(|_| row.inspected().is_some()) {
        lines.push((Icon::Problem, t.danger, objection));
    }
    if let Some(mismatch) = row.mismatch() {
        lines.push((Icon::Warning, t.warning, mismatch));
    }
    if let Some(inspected) = row.inspected() {
        lines.extend(inspected.warnings.iter().map(|warning| (Icon::Warning, t.warning, warning.clone())));
    }
    for (icon, color, line) in lines {
        ui.horizontal_top(|ui| {
            icon.ui(ui, theme::ICON, color);
            ui.add(Label::new(RichText::new(line).color(color)).wrap());
        });
    }
}

fn buttons_ui(ui: &mut Ui, state: &State, pushed: &mut Vec<ReviewAction>) {
    let t = tokens(ui);
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), theme::CONTROL_HEIGHT),
        Layout::right_to_left(Align::Center),
        |ui| {
            ui.add_enabled_ui(state.review.is_ready(), |ui| {
                let response = primary_button(ui, Some(Icon::Upload), "Start upload");
                if response.on_hover_text("Ctrl+Enter").clicked() {
                    pushed.push(ReviewAction::Start);
                }
            });
            if secondary_button(ui, None, "Cancel").clicked() {
                pushed.push(ReviewAction::Cancel);
            }
            let total = format!("{} in all", text::size(state.review.total_bytes()));
            ui.label(RichText::new(total).color(t.muted));
        },
    );
}
