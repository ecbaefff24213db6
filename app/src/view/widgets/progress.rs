//! A bar. Without a fraction it is an even line: nothing here moves by itself.

use egui::{Color32, CornerRadius, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::view::theme::tokens;

pub fn bar_ui(ui: &mut Ui, width: f32, fraction: Option<f32>, color: Color32, name: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 8.0), Sense::hover());
    let radius = CornerRadius::same(4);
    ui.painter().rect_filled(rect, radius, tokens(ui).control_hover);
    let shown = fraction.unwrap_or(0.0);
    if shown > 0.0 {
        let end = rect.left() + (rect.width() * shown).max(8.0);
        let filled = Rect::from_min_max(rect.min, pos2(end, rect.bottom()));
        ui.painter().rect_filled(filled, radius, color);
    }
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(egui::Role::ProgressIndicator, true, name);
        info.value = fraction.map(|fraction| f64::from(fraction) * 100.0);
        info
    });
}
