//! How the state moves between servers: lab, clouds.yaml, openrc, the form.

use super::State;
use super::images::Images;
use super::lab::LabPhase;
use super::session::{Phase, Step, StepOutcome, Target};
use crate::action::ConnectionAction;
use crate::effect::Effect;

/// The four steps of a connection test, in order.
pub const STEPS: [&str; 4] = ["Reach the host", "Secure connection", "Get a token", "Find the image service"];

impl State {
    pub(super) fn update_connection(&mut self, action: ConnectionAction) -> Vec<Effect> {
        match action {
            ConnectionAction::StartLab => self.start_lab(),
            ConnectionAction::StopLab => {
                if !self.lab.is_up() {
                    return Vec::new();
                }
                self.lab.phase = LabPhase::Stopping;
                vec![Effect::StopLab]
            }
            ConnectionAction::Connect(target) => self.connect(target),
            ConnectionAction::Reconnect => match self.session.target.clone() {
                Some(target) => self.connect(target),
                None => Vec::new(),
            },
            ConnectionAction::Disconnect => {
                self.session.generation += 1;
                self.session.phase = Phase::Away;
                self.session.failure = None;
                self.images = Images::default();
                self.dialog = None;
                vec![Effect::Disconnect]
            }
            ConnectionAction::GiveUp => {
                self.session.generation += 1;
                self.session.phase = Phase::Away;
                vec![Effect::Abandon]
            }
            ConnectionAction::Discover(auth_url) => {
                self.session.discovery = None;
                vec![Effect::Discover { auth_url }]
            }
            ConnectionAction::Test(form) => {
                self.session.steps =
                    STEPS.iter().map(|name| Step { name, outcome: StepOutcome::Waiting }).collect();
                vec![Effect::Test { form }]
            }
            ConnectionAction::FindClouds => vec![Effect::FindClouds],
        }
    }

    fn start_lab(&mut self) -> Vec<Effect> {
        match self.lab.phase.clone() {
            LabPhase::Off | LabPhase::Failed(_) => {
                self.lab.phase = LabPhase::Starting;
                self.lab.log.clear();
                vec![Effect::StartLab]
            }
            LabPhase::Running(addresses) => self.connect(Target::Cloud {
                name: super::lab::CLOUD.to_owned(),
                file: Some(addresses.clouds_file),
            }),
            LabPhase::Starting | LabPhase::Stopping => Vec::new(),
        }
    }

    pub(super) fn connect(&mut self, target: Target) -> Vec<Effect> {
        self.session.generation += 1;
        self.session.phase = Phase::Connecting;
        self.session.failure = None;
        self.session.target = Some(target.clone());
        self.images = Images::default();
        vec![Effect::Connect { generation: self.session.generation, target }]
    }
}
