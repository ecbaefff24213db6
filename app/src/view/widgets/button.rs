//! Buttons: one primary per screen part, secondary beside it, danger for what cannot be undone.

use egui::{Atom, Button, Color32, Response, RichText, Stroke, Ui, WidgetInfo, vec2};

use crate::view::icons::Icon;
use crate::view::theme::{self, tokens};

struct Colors {
    ground: Color32,
    hover: Color32,
    ink: Color32,
    border: Color32,
}

fn styled(ui: &mut Ui, colors: &Colors, icon: Option<Icon>, text: &str) -> Response {
    ui.scope(|ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        for (visuals, fill) in [
            (&mut widgets.inactive, colors.ground),
            (&mut widgets.hovered, colors.hover),
            (&mut widgets.active, colors.hover),
        ] {
            visuals.weak_bg_fill = fill;
            visuals.bg_stroke = Stroke::new(1.0, colors.border);
            visuals.fg_stroke = Stroke::new(1.0, colors.ink);
        }
        let label: Atom<'_> = RichText::new(text).into();
        let button = match icon {
            Some(icon) => Button::new((icon.atom(), label)),
            None => Button::new(label),
        };
        ui.add(button.min_size(vec2(0.0, theme::CONTROL_HEIGHT)))
    })
    .inner
}

pub fn primary_button(ui: &mut Ui, icon: Option<Icon>, text: &str) -> Response {
    let t = tokens(ui);
    let colors = Colors { ground: t.accent, hover: t.accent_hover, ink: t.on_accent, border: t.accent };
    styled(ui, &colors, icon, text)
}

pub fn secondary_button(ui: &mut Ui, icon: Option<Icon>, text: &str) -> Response {
    let t = tokens(ui);
    let colors = Colors { ground: t.control, hover: t.control_hover, ink: t.text, border: t.border };
    styled(ui, &colors, icon, text)
}

pub fn danger_button(ui: &mut Ui, icon: Option<Icon>, text: &str) -> Response {
    let t = tokens(ui);
    let colors = Colors { ground: t.danger, hover: t.danger, ink: t.on_danger, border: t.danger };
    styled(ui, &colors, icon, text)
}

/// Text in the accent colour without a frame.
pub fn link_button(ui: &mut Ui, text: &str) -> Response {
    let color = tokens(ui).accent;
    ui.add(Button::new(RichText::new(text).color(color)).frame(false))
}

/// An icon with a name for screen readers and a tooltip for eyes.
pub fn icon_button(ui: &mut Ui, icon: Icon, name: &str) -> Response {
    let response = ui
        .scope(|ui| {
            ui.spacing_mut().button_padding = vec2(6.0, 6.0);
            ui.add(Button::new(icon.atom()).frame_when_inactive(false).min_size(vec2(28.0, 28.0)))
        })
        .inner;
    let is_enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, is_enabled, name));
    response.on_hover_text(name)
}
