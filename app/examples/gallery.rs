//! Shows one screen of the window from a made-up state, to look at it without a server:
//! `cargo run -p glasshouse --example gallery -- review dark`.

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use eframe::egui;
use glasshouse::state::State;
use glasshouse::view::{Drafts, shell_ui, theme};

struct Gallery {
    state: State,
    drafts: Drafts,
}

impl eframe::App for Gallery {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        let mut actions = Vec::new();
        shell_ui(ui, &self.state, &mut self.drafts, &mut actions);
        for action in actions {
            self.state.update(action);
            ui.ctx().request_repaint();
        }
    }
}

fn main() -> eframe::Result {
    let mut args = std::env::args().skip(1);
    let screen = args.next().unwrap_or_default();
    let is_dark = args.next().is_some_and(|word| word == "dark");
    let Some((_, make)) = fixture::SCREENS.iter().find(|(name, _)| *name == screen) else {
        let names: Vec<_> = fixture::SCREENS.iter().map(|(name, _)| *name).collect();
        eprintln!("screens: {}", names.join(" "));
        return Ok(());
    };
    let state = make();
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default().with_inner_size([1280.0, 800.0]),
        ..eframe::NativeOptions::default()
    };
    let create = move |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        theme::install(&cc.egui_ctx);
        cc.egui_ctx.set_theme(if is_dark { egui::Theme::Dark } else { egui::Theme::Light });
        Ok(Box::new(Gallery { state, drafts: Drafts::default() }))
    };
    eframe::run_native("Glasshouse gallery", options, Box::new(create))
}
