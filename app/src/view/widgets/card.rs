//! Surfaces: chips, banners, empty states, sheets over the window.

use egui::{
    Align, Color32, CornerRadius, Frame, Id, Label, Layout, Margin, Modal, RichText, Stroke, Ui, vec2,
};

use crate::view::icons::Icon;
use crate::view::theme::{self, Tokens, tokens};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Info,
    Success,
    Warning,
    Danger,
}

impl Tone {
    /// Ink and ground.
    pub fn colors(self, t: &Tokens) -> (Color32, Color32) {
        match self {
            Self::Plain => (t.muted, t.control_hover),
            Self::Info => (t.info, t.info_ground),
            Self::Success => (t.success, t.success_ground),
            Self::Warning => (t.warning, t.warning_ground),
            Self::Danger => (t.danger, t.danger_ground),
        }
    }
}

/// A word on a rounded ground.
pub fn chip_ui(ui: &mut Ui, icon: Option<Icon>, text: &str, tone: Tone) {
    let (ink, ground) = tone.colors(tokens(ui));
    Frame::new()
        .fill(ground)
        .corner_radius(CornerRadius::same(9))
        .inner_margin(Margin::symmetric(8, 2))
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = theme::XS;
            ui.spacing_mut().interact_size.y = 18.0;
            ui.horizontal(|ui| {
                ui.set_min_height(18.0);
                if let Some(icon) = icon {
                    icon.ui(ui, 12.0, ink);
                }
                ui.label(RichText::new(text).size(theme::SMALL).color(ink));
            });
        });
}

/// A line across a pane that says what is going on there, with its actions on the right.
pub fn banner_ui(ui: &mut Ui, tone: Tone, icon: Icon, text: &str, actions: impl FnOnce(&mut Ui)) {
    let (ink, ground) = tone.colors(tokens(ui));
    Frame::new().fill(ground).inner_margin(Margin::symmetric(16, 8)).show(ui, |ui| {
        ui.horizontal(|ui| {
            icon.ui(ui, theme::ICON, ink);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                actions(ui);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(RichText::new(text).color(tokens(ui).text)).truncate());
                });
            });
        });
    });
}

/// What stands where nothing is: an icon, a sentence, what to do about it.
pub fn empty_ui(ui: &mut Ui, icon: Icon, title: &str, text: &str, actions: impl FnOnce(&mut Ui)) {
    let t = tokens(ui);
    let height = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((height * 0.28).max(theme::XL));
        icon.ui(ui, 44.0, t.muted);
        ui.add_space(theme::S);
        ui.label(RichText::new(title).size(theme::HEADING).color(t.text));
        if !text.is_empty() {
            ui.allocate_ui(vec2(520.0, 0.0), |ui| {
                ui.vertical_centered(|ui| ui.label(RichText::new(text).color(t.muted)));
            });
        }
        ui.add_space(theme::M);
        actions(ui);
    });
}

pub fn section_title(ui: &mut Ui, text: &str) {
    let color = tokens(ui).muted;
    ui.label(RichText::new(text).size(theme::SMALL).color(color));
}

/// A sheet over the window. Returns whether a click beside it or Esc asks to close it.
pub fn sheet_ui<R>(ui: &Ui, name: &str, width: f32, content: impl FnOnce(&mut Ui) -> R) -> (R, bool) {
    let t = tokens(ui);
    let frame = Frame::new()
        .fill(t.surface)
        .stroke(Stroke::new(1.0, t.border))
        .corner_radius(CornerRadius::same(theme::CARD_RADIUS))
        .shadow(ui.visuals().window_shadow)
        .inner_margin(Margin::same(24));
    let response =
        Modal::new(Id::unique(name)).backdrop_color(t.backdrop).frame(frame).show(ui.ctx(), |ui| {
            ui.set_width(width.min(ui.ctx().content_rect().width() - 96.0));
            ui.spacing_mut().item_spacing = vec2(theme::S, theme::S);
            content(ui)
        });
    let closes = response.backdrop_response.clicked();
    (response.inner, closes)
}
