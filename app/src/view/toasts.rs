//! Toasts: results of background work, above the status bar, gone after seconds.

use egui::{Align2, Area, CornerRadius, Frame, Id, Label, Margin, Order, RichText, Stroke, Ui, vec2};

use super::icons::Icon;
use super::theme::{self, tokens};
use super::widgets::icon_button;
use crate::action::Action;
use crate::state::State;
use crate::state::notice::NoticeKind;

pub fn toasts_ui(ui: &mut Ui, state: &State, dock_height: f32, actions: &mut Vec<Action>) {
    if state.notices.toasts.is_empty() {
        return;
    }
    let t = tokens(ui);
    Area::new(Id::unique("toasts"))
        .order(Order::Tooltip)
        .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -46.0 - dock_height))
        .show(ui.ctx(), |ui| {
            for toast in state.notices.toasts.iter().rev().take(4) {
                let (icon, color) = match toast.kind {
                    NoticeKind::Success => (Icon::Check, t.success),
                    NoticeKind::Plain => (Icon::Info, t.info),
                    NoticeKind::Problem => (Icon::Problem, t.danger),
                };
                Frame::new()
                    .fill(t.surface)
                    .stroke(Stroke::new(1.0, t.border))
                    .shadow(ui.visuals().popup_shadow)
                    .corner_radius(CornerRadius::same(theme::RADIUS))
                    .inner_margin(Margin::symmetric(12, 8))
                    .show(ui, |ui| {
                        ui.set_width(400.0);
                        ui.horizontal(|ui| {
                            icon.ui(ui, theme::ICON, color);
                            ui.allocate_ui(vec2(336.0, 24.0), |ui| {
                                ui.set_width(336.0);
                                ui.add(Label::new(RichText::new(&toast.text).color(t.text)).wrap());
                            });
                            if icon_button(ui, Icon::Close, "Dismiss").clicked() {
                                actions.push(Action::DismissNotice(toast.id));
                            }
                        });
                    });
            }
        });
}
