//! The first screen: a lab of one's own, a cloud from clouds.yaml, or a new connection.

use egui::{
    Align, Button, CornerRadius, Frame, Label, Layout, Margin, RichText, ScrollArea, Stroke, Ui, vec2,
};

use super::Drafts;
use super::icons::Icon;
use super::text;
use super::theme::{self, tokens};
use super::widgets::{
    Tone, banner_ui, failure_ui, link_button, primary_button, secondary_button, text_field,
    text_field_with_button,
};
use crate::action::{Action, ConnectionAction, Dialog};
use crate::state::State;
use crate::state::lab::LabPhase;
use crate::state::session::{Phase, Target};

const CARD_WIDTH: f32 = 304.0;
const CARD_HEIGHT: f32 = 290.0;

pub fn welcome_ui(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    if state.review.is_open() {
        let words = text::count(state.review.rows.len(), "file");
        let line = format!("{words} to upload: connect first, the review opens then.");
        banner_ui(ui, Tone::Info, Icon::File, &line, |_| {});
    }
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        let room = (ui.available_width() - theme::XL * 2.0 - theme::L * 2.0) / 3.0;
        let card = room.min(CARD_WIDTH);
        let width = card * 3.0 + theme::L * 2.0;
        let margin = (ui.available_width() - width) / 2.0;
        ui.add_space((ui.available_height() * 0.12).clamp(theme::XL, 110.0));
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            ui.add_space(margin);
            ui.vertical(|ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.x = theme::S;
                ui.label(RichText::new("Glasshouse").size(theme::TITLE).color(t.text));
                let line = "Disk images for OpenStack: see them, bring them in, take them out unharmed.";
                ui.label(RichText::new(line).size(16.0).color(t.muted));
                ui.add_space(theme::XL);
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = theme::L;
                    card_ui(ui, card, Icon::Lab, "Start a local lab", |ui| lab_card(ui, state, actions));
                    card_ui(ui, card, Icon::Cloud, "Use my clouds", |ui| clouds_card(ui, state, actions));
                    card_ui(ui, card, Icon::Plug, "New connection", |ui| {
                        new_card(ui, state, drafts, actions);
                    });
                });
                ui.add_space(theme::L);
                connecting_ui(ui, state, actions);
                ui.add_space(theme::XL);
            });
        });
    });
}

fn card_ui(ui: &mut Ui, width: f32, icon: Icon, title: &str, content: impl FnOnce(&mut Ui)) {
    let t = tokens(ui);
    Frame::new()
        .fill(t.surface)
        .stroke(Stroke::new(1.0, t.border))
        .corner_radius(CornerRadius::same(theme::CARD_RADIUS))
        .inner_margin(Margin::same(20))
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(theme::S, theme::S);
            ui.set_width(width - 42.0);
            ui.set_height(CARD_HEIGHT - 42.0);
            ui.vertical(|ui| {
                ui.horizontal(|ui| {
                    icon.ui(ui, 24.0, t.accent);
                    ui.label(RichText::new(title).size(theme::HEADING).color(t.text));
                });
                ui.add_space(theme::XS);
                content(ui);
            });
        });
}

fn paragraph(ui: &mut Ui, words: &str) {
    let color = tokens(ui).muted;
    ui.add(Label::new(RichText::new(words).color(color)).wrap());
}

/// The place for a card's main button: its lower edge.
fn at_bottom(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::bottom_up(Align::Min), content);
}

fn lab_card(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    paragraph(
        ui,
        "A complete image service on this machine, for you alone. Nothing to install and nothing to fill in; it \
         ends when this window closes, and its images stay.",
    );
    let t = tokens(ui);
    if let LabPhase::Failed(reason) = &state.lab.phase {
        ui.add(Label::new(RichText::new(reason).color(t.danger)).wrap());
    }
    at_bottom(ui, |ui| match &state.lab.phase {
        LabPhase::Off => {
            if primary_button(ui, None, "Start the lab").clicked() {
                actions.push(Action::Connection(ConnectionAction::StartLab));
            }
        }
        LabPhase::Failed(_) => {
            ui.horizontal(|ui| {
                if primary_button(ui, Some(Icon::Retry), "Try again").clicked() {
                    actions.push(Action::Connection(ConnectionAction::StartLab));
                }
                if secondary_button(ui, Some(Icon::Log), "Show the log").clicked() {
                    actions.push(Action::ShowDialog(Dialog::LabLog));
                }
            });
        }
        LabPhase::Starting => {
            if secondary_button(ui, Some(Icon::Log), "Show the log").clicked() {
                actions.push(Action::ShowDialog(Dialog::LabLog));
            }
            ui.label(RichText::new("The lab is starting…").color(t.text));
        }
        LabPhase::Stopping => {
            ui.label(RichText::new("The lab is stopping…").color(t.text));
        }
        LabPhase::Running(addresses) => {
            if primary_button(ui, None, "Connect to the lab").clicked() {
                actions.push(Action::Connection(ConnectionAction::StartLab));
            }
            ui.label(RichText::new(&addresses.image).monospace().color(t.muted));
        }
    });
}

fn clouds_card(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    let clouds = &state.session.clouds;
    if clouds.is_empty() {
        paragraph(
            ui,
            "No clouds.yaml was found. It is looked for in this folder, in ~/.config/openstack and in /etc/openstack.",
        );
    } else {
        paragraph(ui, &format!("{} in your clouds.yaml.", text::count(clouds.len(), "cloud")));
    }
    for problem in &state.session.cloud_problems {
        ui.add(Label::new(RichText::new(problem).size(theme::SMALL).color(t.warning)).wrap());
    }
    ScrollArea::vertical().id_salt("clouds").max_height(150.0).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for cloud in clouds {
            let width = ui.available_width();
            let button = Button::new((Icon::Cloud.atom(), cloud.name.as_str()))
                .right_text(RichText::new(cloud.project.as_deref().unwrap_or_default()).color(t.muted))
                .truncate()
                .min_size(vec2(width, theme::CONTROL_HEIGHT));
            let source = match &cloud.file {
                Some(file) => file.display().to_string(),
                None => "environment variables".to_owned(),
            };
            let response = ui.add(button).on_hover_text(format!("{}\n{source}", cloud.auth_url));
            if response.clicked() {
                let target = Target::Cloud { name: cloud.name.clone(), file: cloud.file.clone() };
                actions.push(Action::Connection(ConnectionAction::Connect(target)));
            }
        }
    });
    at_bottom(ui, |ui| {
        if secondary_button(ui, Some(Icon::Refresh), "Look again").clicked() {
            actions.push(Action::Connection(ConnectionAction::FindClouds));
        }
    });
}

fn new_card(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    paragraph(ui, "By the address of an identity service, or from an openrc file.");
    for form in state.settings.profiles.iter().take(2) {
        if link_button(ui, &form.title()).clicked() {
            drafts.form = form.clone();
            actions.push(Action::ShowDialog(Dialog::ConnectionForm));
        }
    }
    let is_used = text_field_with_button(
        ui,
        "openrc file",
        &mut drafts.openrc_path,
        "/home/me/demo-openrc.sh",
        "Use it",
    );
    if !drafts.openrc_path.is_empty() {
        text_field(ui, "Password, if it asks for one", &mut drafts.openrc_password, "", true);
    }
    if is_used && !drafts.openrc_path.trim().is_empty() {
        let password = Some(std::mem::take(&mut drafts.openrc_password));
        actions.push(Action::Connection(ConnectionAction::Connect(Target::Openrc {
            path: drafts.openrc_path.trim().into(),
            password: password.filter(|password| !password.is_empty()),
        })));
    }
    at_bottom(ui, |ui| {
        if secondary_button(ui, Some(Icon::Plus), "Fill in a form…").clicked() {
            actions.push(Action::ShowDialog(Dialog::ConnectionForm));
        }
    });
}

fn connecting_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let title = state.session.target.as_ref().map(Target::title).unwrap_or_default();
    if state.session.phase == Phase::Connecting {
        ui.horizontal(|ui| {
            ui.label(format!("Connecting to {title}…"));
            if secondary_button(ui, None, "Give up").clicked() {
                actions.push(Action::Connection(ConnectionAction::GiveUp));
            }
        });
    } else if let Some(failure) = &state.session.failure {
        failure_ui(ui, failure, state.now, actions);
        if secondary_button(ui, Some(Icon::Retry), &format!("Connect to {title} again")).clicked() {
            actions.push(Action::Connection(ConnectionAction::Reconnect));
        }
    }
}
