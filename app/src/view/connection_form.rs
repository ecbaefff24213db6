//! The form for a new connection, with "Discover" and the test in four named steps.

use egui::{ComboBox, Label, RichText, Ui};

use super::Drafts;
use super::icons::Icon;
use super::theme::{self, tokens};
use super::widgets::{
    failure_ui, icon_button, name_field, primary_button, secondary_button, section_title, sheet_ui,
    text_field, text_field_with_button,
};
use crate::action::{Action, ConnectionAction};
use crate::state::State;
use crate::state::session::{ConnectionForm, Method, Phase, Step, StepOutcome, Target};

pub fn connection_form_ui(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    let ((), closes) = sheet_ui(ui, "connection form", 560.0, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new("New connection").size(theme::HEADING));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icon_button(ui, Icon::Close, "Close").clicked() {
                    actions.push(Action::CloseTop);
                }
            });
        });
        address_ui(ui, state, &mut drafts.form, actions);
        login_ui(ui, &mut drafts.form);
        steps_ui(ui, &state.session.steps);
        if let Some(failure) = &state.session.failure {
            failure_ui(ui, failure, state.now, actions);
        }
        ui.add_space(theme::S);
        buttons_ui(ui, state, &drafts.form, actions);
    });
    if closes {
        actions.push(Action::CloseTop);
    }
}

fn address_ui(ui: &mut Ui, state: &State, form: &mut ConnectionForm, actions: &mut Vec<Action>) {
    let is_plain = form.method == Method::NoLogin;
    let name = if is_plain { "Address of the image service" } else { "Address of the identity service" };
    if text_field_with_button(ui, name, &mut form.auth_url, "https://controller:5000/v3", "Discover") {
        let address = form.auth_url.trim().to_owned();
        actions.push(Action::Connection(ConnectionAction::Discover(address)));
    }
    match &state.session.discovery {
        None => {}
        Some(Ok(words)) => {
            let t = tokens(ui);
            ui.horizontal(|ui| {
                Icon::Check.ui(ui, theme::ICON, t.success);
                ui.add(Label::new(RichText::new(words).color(t.text)).wrap());
            });
        }
        Some(Err(failure)) => failure_ui(ui, failure, state.now, actions),
    }
}

fn login_ui(ui: &mut Ui, form: &mut ConnectionForm) {
    section_title(ui, "Login");
    let method =
        ComboBox::from_id_salt("method").selected_text(form.method.word()).width(220.0).show_ui(ui, |ui| {
            for choice in Method::ALL {
                ui.selectable_value(&mut form.method, choice, choice.word());
            }
        });
    name_field(&method.response, "Login method");
    ui.columns(2, |columns| {
        let [left, right] = columns else { return };
        match form.method {
            Method::Password => {
                text_field(left, "User", &mut form.username, "demo", false);
                text_field(right, "Password", &mut form.secret, "", true);
                text_field(left, "User domain", &mut form.user_domain, "Default", false);
                text_field(right, "Project", &mut form.project, "demo", false);
                text_field(left, "Project domain", &mut form.project_domain, "Default", false);
            }
            Method::ApplicationCredential => {
                text_field(left, "Credential id", &mut form.username, "", false);
                text_field(right, "Secret", &mut form.secret, "", true);
            }
            Method::Token => {
                text_field(left, "Token", &mut form.secret, "", true);
                text_field(right, "Project", &mut form.project, "demo", false);
            }
            Method::NoLogin => {}
        }
        text_field(right, "Region", &mut form.region, "the first one", false);
        text_field(left, "CA certificate file", &mut form.ca_file, "those of the system", false);
    });
}

fn steps_ui(ui: &mut Ui, steps: &[Step]) {
    let t = tokens(ui);
    for step in steps {
        let (icon, color, detail) = match &step.outcome {
            StepOutcome::Waiting => (Icon::Clock, t.muted, ""),
            StepOutcome::Running => (Icon::Refresh, t.info, "…"),
            StepOutcome::Passed(seen) => (Icon::Check, t.success, seen.as_str()),
            StepOutcome::Failed(reason) => (Icon::Problem, t.danger, reason.as_str()),
        };
        ui.horizontal_top(|ui| {
            icon.ui(ui, theme::ICON, color);
            ui.label(RichText::new(step.name).color(t.text));
            ui.add(Label::new(RichText::new(detail).color(t.muted)).wrap());
        });
    }
}

fn buttons_ui(ui: &mut Ui, state: &State, form: &ConnectionForm, actions: &mut Vec<Action>) {
    let missing = form.missing();
    ui.horizontal(|ui| {
        ui.add_enabled_ui(missing.is_none(), |ui| {
            if primary_button(ui, None, "Connect").clicked() {
                let target = Target::Form(form.clone());
                actions.push(Action::Connection(ConnectionAction::Connect(target)));
            }
            if secondary_button(ui, None, "Test").clicked() {
                actions.push(Action::Connection(ConnectionAction::Test(form.clone())));
            }
        });
        let words = match (missing, state.session.phase == Phase::Connecting) {
            (_, true) => "Connecting…".to_owned(),
            (Some(missing), _) => format!("Still needed: {missing}"),
            (None, _) => "The password is kept for this session only.".to_owned(),
        };
        let color = tokens(ui).muted;
        ui.add(Label::new(RichText::new(words).color(color)).wrap());
    });
}
