//! The dock of transfers: never in the way, one line when collapsed.

use egui::{Align, Label, Layout, RichText, ScrollArea, Ui, vec2};

use super::icons::Icon;
use super::text;
use super::theme::{self, tokens};
use super::widgets::{bar_ui, icon_button, link_button};
use crate::action::{Action, TransferAction};
use crate::state::State;
use crate::state::transfers::{Phase, Transfer, Transfers, Work};

const HEAD: f32 = 48.0;
const ROW: f32 = 36.0;
const ADVICE: f32 = 26.0;
const ROWS_AT_MOST: f32 = 196.0;

/// How high the dock is: nothing, its head, or its head with the rows.
pub fn height(transfers: &Transfers) -> f32 {
    if transfers.rows.is_empty() {
        return 0.0;
    }
    let rows: f32 = transfers
        .rows
        .iter()
        .map(|row| if matches!(row.phase, Phase::Failed { .. }) { ROW + ADVICE } else { ROW })
        .sum();
    HEAD + if transfers.is_collapsed { 0.0 } else { rows.min(ROWS_AT_MOST) + theme::S }
}

pub fn dock_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let transfers = &state.transfers;
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Transfers").color(t.text));
        ui.label(RichText::new(summary(state)).color(t.muted));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let (icon, name) = if transfers.is_collapsed {
                (Icon::Up, "Show the transfers")
            } else {
                (Icon::Down, "Collapse the transfers")
            };
            if icon_button(ui, icon, name).clicked() {
                actions.push(Action::Transfer(TransferAction::Collapse(!transfers.is_collapsed)));
            }
            if transfers.rows.iter().any(Transfer::is_finished) && link_button(ui, "Clear finished").clicked()
            {
                actions.push(Action::Transfer(TransferAction::ForgetFinished));
            }
        });
    });
    if transfers.is_collapsed {
        return;
    }
    ScrollArea::vertical().id_salt("transfers").min_scrolled_height(0.0).auto_shrink([false, false]).show(
        ui,
        |ui| {
            ui.spacing_mut().item_spacing.y = theme::XS;
            // The newest is what a person waits for.
            for row in transfers.rows.iter().rev() {
                ui.push_id(row.id, |ui| row_ui(ui, row, actions));
            }
        },
    );
}

fn summary(state: &State) -> String {
    let transfers = &state.transfers;
    let mut words = vec![format!("{} active", transfers.running())];
    if transfers.waiting() > 0 {
        words.push(format!("{} waiting", transfers.waiting()));
    }
    let speed: u64 = transfers
        .rows
        .iter()
        .filter(|row| row.phase == Phase::Moving)
        .filter_map(Transfer::bytes_per_sec)
        .sum();
    if speed > 0 {
        words.push(format!("{}/s", text::size(speed)));
    }
    words.join(", ")
}

fn row_ui(ui: &mut Ui, row: &Transfer, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    let color = match &row.phase {
        Phase::Done { .. } => t.success,
        Phase::Failed { .. } => t.danger,
        Phase::Cancelled { .. } | Phase::Waiting => t.muted,
        Phase::Starting | Phase::Moving | Phase::Storing | Phase::Verifying => t.accent,
    };
    ui.horizontal(|ui| {
        ui.set_min_height(30.0);
        let icon = match (&row.phase, row.is_upload()) {
            (Phase::Done { .. }, _) => Icon::Check,
            (Phase::Failed { .. }, _) => Icon::Problem,
            (_, true) => Icon::Upload,
            (_, false) => Icon::Download,
        };
        icon.ui(ui, theme::ICON, color);
        cell(ui, 210.0, &row.name, t.text);
        bar_ui(ui, 150.0, row.fraction(), color, &format!("Progress of {}", row.name));
        let percent =
            row.fraction().map_or_else(String::new, |fraction| format!("{:.0} %", fraction * 100.0));
        cell(ui, 44.0, &percent, t.text);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            row_buttons_ui(ui, row, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let line = Label::new(RichText::new(detail(row)).color(t.muted)).truncate();
                ui.add(line).on_hover_text(detail(row));
            });
        });
    });
    if let Phase::Failed { failure, at } = &row.phase {
        ui.spacing_mut().interact_size.y = 20.0;
        ui.horizontal(|ui| {
            ui.add_space(theme::ICON + theme::S);
            ui.add(Label::new(RichText::new(failure.advice()).size(theme::SMALL).color(t.muted)).truncate());
            if link_button(ui, "Copy report").clicked() {
                actions.push(Action::CopyText { text: failure.report(*at), what: "report" });
            }
            if let Some(request_id) = &failure.request_id {
                ui.label(RichText::new(request_id).monospace().color(t.muted));
            }
        });
    }
}

fn cell(ui: &mut Ui, width: f32, words: &str, color: egui::Color32) {
    ui.allocate_ui_with_layout(vec2(width, 26.0), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.add(Label::new(RichText::new(words).color(color)).truncate()).on_hover_text(words);
    });
}

/// One line: phase, bytes, speed, time; or why it ended.
fn detail(row: &Transfer) -> String {
    match &row.phase {
        Phase::Failed { failure, .. } => failure.sentence(),
        Phase::Cancelled { left_behind: Some(id) } => {
            format!("cancelled; the empty image {id} is still on the server")
        }
        Phase::Done { .. } => {
            let words = format!("{}, {}", row.phase_word(), text::size(row.done_bytes));
            match &row.work {
                Work::Download(download) => format!("{words}, {}", download.to.display()),
                Work::Upload(_) => words,
            }
        }
        Phase::Waiting | Phase::Starting | Phase::Storing | Phase::Verifying | Phase::Cancelled { .. } => {
            row.phase_word().to_owned()
        }
        Phase::Moving => {
            let total = row.total_bytes.map_or_else(|| "?".to_owned(), text::size);
            let mut words =
                vec![row.phase_word().to_owned(), format!("{} of {total}", text::size(row.done_bytes))];
            words.extend(row.bytes_per_sec().map(|speed| format!("{}/s", text::size(speed))));
            words.extend(row.remaining_secs().map(text::remaining));
            words.join(", ")
        }
    }
}

fn row_buttons_ui(ui: &mut Ui, row: &Transfer, actions: &mut Vec<Action>) {
    if row.is_finished() {
        if icon_button(ui, Icon::Close, &format!("Clear {}", row.name)).clicked() {
            actions.push(Action::Transfer(TransferAction::Forget(row.id)));
        }
        let can_retry = matches!(row.phase, Phase::Failed { .. } | Phase::Cancelled { .. });
        if can_retry && icon_button(ui, Icon::Retry, &format!("Retry {}", row.name)).clicked() {
            actions.push(Action::Transfer(TransferAction::Retry(row.id)));
        }
    } else if icon_button(ui, Icon::Close, &format!("Cancel {}", row.name)).clicked() {
        actions.push(Action::Transfer(TransferAction::Cancel(row.id)));
    }
}
