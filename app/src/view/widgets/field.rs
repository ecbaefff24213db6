//! Fields: text to type with its label above, and facts to read with a copy button.

use egui::{Align, Label, Layout, Margin, Response, RichText, TextEdit, Ui, vec2};

use super::{icon_button, secondary_button, section_title};
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
        section_title(ui, name);
        edit_ui(ui, name, text, hint, is_secret)
    })
    .inner
}

/// A labelled line of text with a button at its end; returns whether that was clicked.
pub fn text_field_with_button(ui: &mut Ui, name: &str, text: &mut String, hint: &str, button: &str) -> bool {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = theme::XS;
        section_title(ui, name);
        let size = vec2(ui.available_width(), theme::CONTROL_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            let is_clicked = secondary_button(ui, None, button).clicked();
            edit_ui(ui, name, text, hint, false);
            is_clicked
        })
        .inner
    })
    .inner
}

fn edit_ui(ui: &mut Ui, name: &str, text: &mut String, hint: &str, is_secret: bool) -> Response {
    let color = tokens(ui).muted;
    let edit = TextEdit::singleline(text)
        .id_salt(name)
        .hint_text(RichText::new(hint).color(color))
        .password(is_secret)
        .margin(Margin::symmetric(8, 7))
        .desired_width(ui.available_width());
    let response = ui.add(edit);
    name_field(&response, name);
    response
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
        ui.allocate_ui_with_layout(vec2(122.0, 22.0), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(122.0);
            ui.add(Label::new(RichText::new(name).color(t.muted)).truncate());
        });
        ui.add(Label::new(RichText::new(value).color(t.text)).truncate())
    })
    .inner
}
