//! The overlay while files hover over the window: where they would go and which they are.

use egui::{Align2, Area, CornerRadius, FontId, Id, Order, Sense, Stroke, StrokeKind, Ui, vec2};

use super::icons::Icon;
use super::text;
use super::theme::{self, tokens};
use crate::state::State;

/// So many names are listed, the rest is counted.
const LISTED: usize = 8;

pub fn drop_target_ui(ui: &mut Ui, state: &State) {
    let names: Vec<String> = ui.input(|input| {
        let hovered = input.raw.hovered_files.iter();
        hovered
            .map(|file| {
                let name = file.path.as_deref().and_then(|path| path.file_name());
                name.map_or_else(|| "a file".to_owned(), |name| name.to_string_lossy().into_owned())
            })
            .collect()
    });
    if names.is_empty() {
        return;
    }
    let t = tokens(ui);
    let screen = ui.ctx().content_rect();
    Area::new(Id::unique("drop target")).order(Order::Tooltip).fixed_pos(screen.min).show(ui.ctx(), |ui| {
        let (rect, response) = ui.allocate_exact_size(screen.size(), Sense::hover());
        let painter = ui.painter();
        painter.rect_filled(rect, 0.0, t.canvas.gamma_multiply(0.94));
        let frame = rect.shrink(24.0);
        painter.rect_stroke(frame, CornerRadius::same(14), Stroke::new(2.0, t.accent), StrokeKind::Inside);
        let center = rect.center() - vec2(0.0, 90.0);
        Icon::Upload.paint(painter, egui::Rect::from_center_size(center, vec2(56.0, 56.0)), t.accent);
        let title = match state.session.connected() {
            Some(connected) => format!("Drop to upload to {}", connected.place()),
            None => "Drop to keep for upload; connect afterwards".to_owned(),
        };
        let title_font = FontId::proportional(22.0);
        painter.text(center + vec2(0.0, 60.0), Align2::CENTER_CENTER, &title, title_font, t.text);
        let mut lines: Vec<String> = names.iter().take(LISTED).cloned().collect();
        if names.len() > LISTED {
            lines.push(format!("and {} more", text::count(names.len() - LISTED, "file")));
        }
        let mut at = center + vec2(0.0, 96.0);
        for line in &lines {
            painter.text(at, Align2::CENTER_CENTER, line, FontId::proportional(theme::BODY), t.muted);
            at += vec2(0.0, 22.0);
        }
        let name = format!("{title}: {}", lines.join(", "));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &name));
    });
}
