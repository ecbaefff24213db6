//! How events from the worker change the state.

use super::State;
use super::failure::Failure;
use super::images::Images;
use super::lab::{LabAddresses, LabPhase};
use super::notice::NoticeKind;
use super::session::{Connected, Phase, Target};
use super::transfers::TransferId;
use crate::effect::Effect;
use crate::event::{Event, TransferNews};

impl State {
    /// Takes in what a worker reports.
    pub fn apply(&mut self, event: Event) -> Vec<Effect> {
        if self.is_outdated(&event) {
            return Vec::new();
        }
        match event {
            Event::CloudsFound { clouds, problems } => {
                self.session.clouds = clouds;
                self.session.cloud_problems = problems;
            }
            Event::LabReady(addresses) => return self.lab_ready(addresses),
            Event::LabLine(line) => self.lab.push_line(line),
            Event::LabEnded { expected, reason } => return self.lab_ended(expected, reason),
            Event::Discovered { answer, .. } => self.session.discovery = Some(answer),
            Event::Tested { steps } => self.session.steps = steps,
            Event::Connected { connected, .. } => return self.connected(connected),
            Event::ConnectFailed { failure, .. } => {
                self.session.phase = Phase::Away;
                self.notices.keep(failure.clone(), self.now);
                self.session.failure = Some(failure);
            }
            Event::Listed { images, is_last, .. } => self.images.take_page(images, is_last, self.now),
            Event::ListFailed { failure, .. } => {
                self.notices.keep(failure.clone(), self.now);
                self.images.fail(failure);
            }
            Event::Deleted { id, name, .. } => {
                self.images.remove(&id);
                self.notices.say(NoticeKind::Success, format!("Deleted \"{name}\""), self.now);
            }
            Event::DeleteFailed { failure, .. } => self.notices.report(failure, self.now),
            Event::Inspected { row, inspected } => self.review.inspected(row, inspected),
            Event::InspectFailed { row, reason } => self.review.inspect_failed(row, reason),
            Event::Transfer { transfer, news } => return self.transfer_news(transfer, news),
            Event::SettingsNotSaved { path, reason } => {
                let attempted = format!("save the settings to \"{}\"", path.display());
                self.notices.report(Failure::of_file(attempted, reason), self.now);
            }
        }
        Vec::new()
    }

    /// An answer to a connection that was left meanwhile.
    fn is_outdated(&self, event: &Event) -> bool {
        match event {
            Event::Connected { generation, .. }
            | Event::ConnectFailed { generation, .. }
            | Event::Listed { generation, .. }
            | Event::ListFailed { generation, .. }
            | Event::Deleted { generation, .. }
            | Event::DeleteFailed { generation, .. } => *generation != self.session.generation,
            Event::CloudsFound { .. }
            | Event::LabReady(_)
            | Event::LabLine(_)
            | Event::LabEnded { .. }
            | Event::Discovered { .. }
            | Event::Tested { .. }
            | Event::Inspected { .. }
            | Event::InspectFailed { .. }
            | Event::Transfer { .. }
            | Event::SettingsNotSaved { .. } => false,
        }
    }

    fn lab_ready(&mut self, addresses: LabAddresses) -> Vec<Effect> {
        if self.lab.phase != LabPhase::Starting {
            return Vec::new();
        }
        let file = Some(addresses.clouds_file.clone());
        self.lab.clouds_file.clone_from(&file);
        self.lab.phase = LabPhase::Running(addresses);
        self.connect(Target::Cloud { name: super::lab::CLOUD.to_owned(), file })
    }

    fn lab_ended(&mut self, expected: bool, reason: String) -> Vec<Effect> {
        let was_ours = self.is_connected_to_lab();
        self.lab.phase = if expected { LabPhase::Off } else { LabPhase::Failed(reason.clone()) };
        if !was_ours {
            return Vec::new();
        }
        self.session.generation += 1;
        self.session.phase = Phase::Away;
        self.images = Images::default();
        if !expected {
            let text = format!("The lab has ended: {reason}");
            self.notices.say(NoticeKind::Problem, text, self.now);
        }
        vec![Effect::Disconnect]
    }

    pub fn is_connected_to_lab(&self) -> bool {
        let Some(Target::Cloud { file: Some(file), .. }) = &self.session.target else { return false };
        self.session.phase != Phase::Away && self.lab.clouds_file.as_ref() == Some(file)
    }

    fn connected(&mut self, connected: Connected) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(Target::Form(form)) = &self.session.target {
            self.settings.remember(form);
            effects.push(Effect::SaveSettings(Box::new(self.settings.clone())));
        }
        self.images = Images::of_project(connected.project_id.clone());
        self.session.phase = Phase::Connected(connected);
        self.session.failure = None;
        self.dialog = None;
        self.images.start_listing();
        effects.push(Effect::List { generation: self.session.generation });
        effects
    }

    fn transfer_news(&mut self, id: TransferId, news: TransferNews) -> Vec<Effect> {
        self.transfers.take_news(id, &news, self.now);
        let name = self.transfers.get(id).map(|row| row.name.clone()).unwrap_or_default();
        match news {
            TransferNews::Created { .. }
            | TransferNews::Progress { .. }
            | TransferNews::Storing
            | TransferNews::Verifying => return Vec::new(),
            TransferNews::Uploaded { image } => {
                let image_id = image.id.clone();
                self.images.put(*image);
                if self.images.focused.is_none() {
                    self.images.select(image_id);
                }
                let text = format!("\"{name}\" is uploaded and verified");
                self.notices.say(NoticeKind::Success, text, self.now);
            }
            TransferNews::Downloaded { path, digest, .. } => {
                let verified = if digest.is_some() { "verified and " } else { "" };
                let text = format!("\"{name}\" is {verified}saved as {}", path.display());
                self.notices.say(NoticeKind::Success, text, self.now);
            }
            TransferNews::Cancelled { .. } => {}
            // The row in the dock shows it already.
            TransferNews::Failed { failure } => self.notices.keep(failure, self.now),
        }
        self.transfers.start_waiting()
    }
}
