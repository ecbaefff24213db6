//! The design tokens: colours for light and dark, spacing, radii and the scale of type. Nothing else in `view`
//! names a colour or a size of type.

use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Theme, Ui,
    Vec2, Visuals, vec2,
};

pub const XS: f32 = 4.0;
pub const S: f32 = 8.0;
pub const M: f32 = 12.0;
pub const L: f32 = 16.0;
pub const XL: f32 = 24.0;

pub const RADIUS: u8 = 6;
pub const CARD_RADIUS: u8 = 10;

pub const BODY: f32 = 14.0;
pub const SMALL: f32 = 12.5;
pub const MONO: f32 = 12.5;
pub const HEADING: f32 = 18.0;
pub const TITLE: f32 = 28.0;

/// Height of a button, a text field and a row of the table.
pub const CONTROL_HEIGHT: f32 = 32.0;
pub const ROW_HEIGHT: f32 = 34.0;
pub const ICON: f32 = 16.0;

/// The colours of one theme. Every text colour keeps a contrast of 4.5 on every ground it is used on.
#[derive(Debug, Clone, Copy)]
pub struct Tokens {
    /// The ground behind everything.
    pub canvas: Color32,
    /// Cards, the table, the details.
    pub surface: Color32,
    /// The rail, bars and the header of the table.
    pub sunken: Color32,
    /// Controls at rest.
    pub control: Color32,
    pub control_hover: Color32,
    pub border: Color32,
    pub text: Color32,
    pub muted: Color32,
    pub accent: Color32,
    pub accent_hover: Color32,
    pub on_accent: Color32,
    /// The ground of what is selected.
    pub selected: Color32,
    pub success: Color32,
    pub success_ground: Color32,
    pub warning: Color32,
    pub warning_ground: Color32,
    pub danger: Color32,
    pub danger_ground: Color32,
    pub on_danger: Color32,
    pub info: Color32,
    pub info_ground: Color32,
    pub backdrop: Color32,
}

pub const LIGHT: Tokens = Tokens {
    canvas: Color32::from_rgb(0xF3, 0xF5, 0xF7),
    surface: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    sunken: Color32::from_rgb(0xEC, 0xEF, 0xF2),
    control: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    control_hover: Color32::from_rgb(0xE6, 0xEB, 0xEF),
    border: Color32::from_rgb(0xD3, 0xDA, 0xE0),
    text: Color32::from_rgb(0x14, 0x1B, 0x22),
    muted: Color32::from_rgb(0x4C, 0x59, 0x66),
    accent: Color32::from_rgb(0x0B, 0x69, 0x5E),
    accent_hover: Color32::from_rgb(0x08, 0x55, 0x4C),
    on_accent: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    selected: Color32::from_rgb(0xD3, 0xEC, 0xE7),
    success: Color32::from_rgb(0x17, 0x65, 0x35),
    success_ground: Color32::from_rgb(0xDD, 0xF3, 0xE4),
    warning: Color32::from_rgb(0x7A, 0x4B, 0x00),
    warning_ground: Color32::from_rgb(0xFD, 0xF0, 0xD5),
    danger: Color32::from_rgb(0xA8, 0x1E, 0x16),
    danger_ground: Color32::from_rgb(0xFC, 0xE7, 0xE4),
    on_danger: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    info: Color32::from_rgb(0x17, 0x52, 0x90),
    info_ground: Color32::from_rgb(0xE1, 0xED, 0xF9),
    backdrop: Color32::from_black_alpha(110),
};

pub const DARK: Tokens = Tokens {
    canvas: Color32::from_rgb(0x10, 0x14, 0x18),
    surface: Color32::from_rgb(0x18, 0x1E, 0x24),
    sunken: Color32::from_rgb(0x13, 0x18, 0x1D),
    control: Color32::from_rgb(0x22, 0x2A, 0x32),
    control_hover: Color32::from_rgb(0x2D, 0x37, 0x41),
    border: Color32::from_rgb(0x33, 0x3E, 0x49),
    text: Color32::from_rgb(0xE8, 0xED, 0xF1),
    muted: Color32::from_rgb(0xA3, 0xB0, 0xBC),
    accent: Color32::from_rgb(0x5C, 0xD3, 0xC1),
    accent_hover: Color32::from_rgb(0x83, 0xE2, 0xD4),
    on_accent: Color32::from_rgb(0x05, 0x22, 0x1D),
    selected: Color32::from_rgb(0x17, 0x42, 0x3D),
    success: Color32::from_rgb(0x7C, 0xDD, 0x9D),
    success_ground: Color32::from_rgb(0x14, 0x36, 0x23),
    warning: Color32::from_rgb(0xF3, 0xBE, 0x67),
    warning_ground: Color32::from_rgb(0x3A, 0x2A, 0x0B),
    danger: Color32::from_rgb(0xFF, 0x9B, 0x90),
    danger_ground: Color32::from_rgb(0x42, 0x19, 0x16),
    on_danger: Color32::from_rgb(0x33, 0x07, 0x04),
    info: Color32::from_rgb(0x8F, 0xC4, 0xF7),
    info_ground: Color32::from_rgb(0x14, 0x2F, 0x4A),
    backdrop: Color32::from_black_alpha(160),
};

/// The tokens of the theme that is being drawn.
pub fn tokens(ui: &Ui) -> &'static Tokens {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// Puts the tokens into the styles of both themes; done once.
pub fn install(ctx: &Context) {
    // Where the system does not say, paper is the safer guess.
    ctx.options_mut(|options| options.fallback_theme = Theme::Light);
    ctx.style_mut_of(Theme::Light, |style| fill_style(style, &LIGHT, Visuals::light()));
    ctx.style_mut_of(Theme::Dark, |style| fill_style(style, &DARK, Visuals::dark()));
}

fn fill_style(style: &mut Style, tokens: &Tokens, visuals: Visuals) {
    style.visuals = visuals;
    fill_visuals(&mut style.visuals, tokens);
    style.text_styles = [
        (TextStyle::Small, FontId::new(SMALL, FontFamily::Proportional)),
        (TextStyle::Body, FontId::new(BODY, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(BODY, FontFamily::Proportional)),
        (TextStyle::Heading, FontId::new(HEADING, FontFamily::Proportional)),
        (TextStyle::Monospace, FontId::new(MONO, FontFamily::Monospace)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(S, S);
    spacing.button_padding = vec2(12.0, 6.0);
    spacing.interact_size = vec2(CONTROL_HEIGHT, CONTROL_HEIGHT);
    spacing.window_margin = Margin::same(20);
    spacing.menu_margin = Margin::same(6);
    spacing.icon_spacing = 7.0;
    spacing.combo_width = 96.0;
    spacing.tooltip_width = 420.0;
    style.interaction.tooltip_delay = 0.35;
    style.interaction.selectable_labels = false;
    // Things appear at once; nothing in this window needs to slide.
    style.animation_time = 0.0;
}

fn fill_visuals(visuals: &mut Visuals, tokens: &Tokens) {
    visuals.panel_fill = tokens.canvas;
    visuals.window_fill = tokens.surface;
    visuals.window_stroke = Stroke::new(1.0, tokens.border);
    visuals.window_corner_radius = CornerRadius::same(CARD_RADIUS);
    visuals.menu_corner_radius = CornerRadius::same(RADIUS);
    visuals.faint_bg_color = tokens.surface;
    visuals.extreme_bg_color = tokens.surface;
    visuals.text_edit_bg_color = Some(tokens.control);
    visuals.code_bg_color = tokens.sunken;
    visuals.hyperlink_color = tokens.accent;
    visuals.warn_fg_color = tokens.warning;
    visuals.error_fg_color = tokens.danger;
    visuals.weak_text_color = Some(tokens.muted);
    visuals.selection.bg_fill = tokens.selected;
    visuals.selection.stroke = Stroke::new(1.5, tokens.accent);
    visuals.text_cursor.stroke = Stroke::new(1.5, tokens.accent);
    let shadow = Shadow { offset: [0, 6], blur: 24, spread: 0, color: Color32::from_black_alpha(48) };
    visuals.window_shadow = shadow;
    visuals.popup_shadow = shadow;
    let widgets = &mut visuals.widgets;
    for (widget, fill, stroke) in [
        (&mut widgets.noninteractive, tokens.surface, tokens.border),
        (&mut widgets.inactive, tokens.control, tokens.border),
        (&mut widgets.hovered, tokens.control_hover, tokens.muted),
        (&mut widgets.active, tokens.control_hover, tokens.accent),
        (&mut widgets.open, tokens.control_hover, tokens.muted),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, stroke);
        widget.fg_stroke = Stroke::new(1.0, tokens.text);
        widget.corner_radius = CornerRadius::same(RADIUS);
        widget.expansion = 0.0;
    }
}

/// The smallest window in which everything has its place.
pub const MIN_WINDOW: Vec2 = vec2(960.0, 620.0);

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(color: Color32) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(color.r()) + 0.7152 * channel(color.g()) + 0.0722 * channel(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_can_be_read_on_every_ground_it_stands_on() {
        for (theme, t) in [("light", LIGHT), ("dark", DARK)] {
            let grounds = [t.canvas, t.surface, t.sunken, t.control, t.control_hover, t.selected];
            let mut pairs: Vec<(&str, Color32, Color32)> = Vec::new();
            for ground in grounds {
                pairs.push(("text", t.text, ground));
                pairs.push(("muted", t.muted, ground));
                pairs.push(("accent", t.accent, ground));
            }
            for ground in [t.canvas, t.surface, t.sunken, t.selected] {
                pairs.push(("success", t.success, ground));
                pairs.push(("warning", t.warning, ground));
                pairs.push(("danger", t.danger, ground));
                pairs.push(("info", t.info, ground));
            }
            pairs.extend([
                ("on accent", t.on_accent, t.accent),
                ("on accent, hovered", t.on_accent, t.accent_hover),
                ("on danger", t.on_danger, t.danger),
                ("success chip", t.success, t.success_ground),
                ("warning chip", t.warning, t.warning_ground),
                ("danger chip", t.danger, t.danger_ground),
                ("info chip", t.info, t.info_ground),
                ("text on warning", t.text, t.warning_ground),
                ("text on danger", t.text, t.danger_ground),
                ("muted on danger", t.muted, t.danger_ground),
            ]);
            for (name, ink, ground) in pairs {
                let ratio = contrast(ink, ground);
                assert!(ratio >= 4.5, "{theme}: {name} {ink:?} on {ground:?} is {ratio:.2}");
            }
        }
    }
}
