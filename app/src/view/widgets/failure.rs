//! A failure where it happened: what was tried, what was answered, what to do, and the report.

use egui::{CornerRadius, Frame, Label, Margin, RichText, Ui};
use jiff::Timestamp;

use super::link_button;
use crate::action::Action;
use crate::state::failure::Failure;
use crate::view::icons::Icon;
use crate::view::theme::{self, tokens};

pub fn failure_ui(ui: &mut Ui, failure: &Failure, at: Timestamp, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    Frame::new()
        .fill(t.danger_ground)
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::same(12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                Icon::Problem.ui(ui, 18.0, t.danger);
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = theme::XS;
                    ui.add(Label::new(RichText::new(failure.sentence()).color(t.text)).wrap());
                    ui.add(Label::new(RichText::new(failure.advice()).color(t.muted)).wrap());
                    ui.horizontal_wrapped(|ui| {
                        if let Some(status) = failure.status {
                            ui.label(RichText::new(format!("HTTP {status}")).monospace().color(t.muted));
                        }
                        if let Some(request_id) = &failure.request_id {
                            ui.label(RichText::new(request_id).monospace().color(t.muted));
                        }
                        if link_button(ui, "Copy report").clicked() {
                            actions.push(Action::CopyText { text: failure.report(at), what: "report" });
                        }
                    });
                });
            });
        });
}
