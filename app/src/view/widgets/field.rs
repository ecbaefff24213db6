//! Fields: text to type with its label above, and facts to read with a copy button.

use egui::{Label, Response, RichText, TextEdit, Ui};

use super::icon_button;
use crate::action::Action;
use crate::view::icons::Icon;
use crate::view::theme::{self, tokens};

/// Gives a widget its name for screen readers and tests.
pub fn name_field(response: &Response, name: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name.to_owned()));
}

/// A labelled line of text. Returns the response of the text itself.
pub fn text_field(ui: &mut Ui, name: &str, text: &mut String, hint: &str, is_secret: bool) -> Response {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = theme::XS;
        let color = tokens(ui).muted;
        ui.label(RichText::new(name).size(theme::SMALL).color(color));
        let edit = TextEdit::singleline(text)
            .id_salt(name)
            .hint_text(RichText::new(hint).color(color))
            .password(is_secret)
            .margin(egui::Margin::symmetric(8, 7))
            .desired_width(f32::INFINITY);
        let response = ui.add(edit);
        name_field(&response, name);
        response
    })
    .inner
}

pub fn copy_button(ui: &mut Ui, text: &str, what: &'static str, actions: &mut Vec<Action>) {
    if icon_button(ui, Icon::Copy, &format!("Copy {what}")).clicked() {
        actions.push(Action::CopyText { text: text.to_owned(), what });
    }
}

/// A name and its value on one line; returns the response of the value, for a tooltip.
pub fn fact_ui(ui: &mut Ui, name: &str, value: &str) -> Response {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(22.0);
        ui.allocate_ui_with_layout(
            egui::vec2(104.0, 22.0),
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.set_min_width(104.0);
                ui.add(Label::new(RichText::new(name).color(t.muted)).truncate());
            },
        );
        ui.add(Label::new(RichText::new(value).color(t.text)).truncate())
    })
    .inner
}
