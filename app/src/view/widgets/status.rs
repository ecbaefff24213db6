//! Status and visibility: always an icon and a word, never a colour alone.

use egui::{Color32, Label, RichText, Ui};
use glasshouse_shared::image::{Status, Visibility};

use crate::view::icons::Icon;
use crate::view::theme::{self, Tokens, tokens};

pub fn status_icon(status: Status, t: &Tokens) -> (Icon, Color32) {
    match status {
        Status::Active => (Icon::Check, t.success),
        Status::Queued => (Icon::Clock, t.warning),
        Status::Saving | Status::Uploading => (Icon::Upload, t.info),
        Status::Importing => (Icon::Refresh, t.info),
        Status::Deactivated => (Icon::Pause, t.warning),
        Status::PendingDelete | Status::Deleted => (Icon::Delete, t.muted),
        Status::Killed => (Icon::Problem, t.danger),
    }
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::PendingDelete => "pending delete",
        other => other.as_str(),
    }
}

pub fn visibility_icon(visibility: Visibility) -> Icon {
    match visibility {
        Visibility::Public | Visibility::Community => Icon::Public,
        Visibility::Shared => Icon::Shared,
        Visibility::Private => Icon::Private,
    }
}

pub fn status_ui(ui: &mut Ui, status: Status) {
    let t = tokens(ui);
    let (icon, color) = status_icon(status, t);
    worded(ui, icon, color, status_word(status), t.text);
}

pub fn visibility_ui(ui: &mut Ui, visibility: Visibility) {
    let t = tokens(ui);
    worded(ui, visibility_icon(visibility), t.muted, visibility.as_str(), t.text);
}

fn worded(ui: &mut Ui, icon: Icon, icon_color: Color32, word: &str, ink: Color32) {
    ui.spacing_mut().item_spacing.x = 6.0;
    icon.ui(ui, theme::ICON - 1.0, icon_color);
    ui.add(Label::new(RichText::new(word).color(ink)).truncate());
}
