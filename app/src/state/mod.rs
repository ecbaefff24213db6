//! State: everything the window knows, as plain data. `update` and `apply` are its only mutators and return
//! what must be done outside. There is no window, no clock and no file in here.

pub mod failure;
pub mod filter;
pub mod images;
pub mod lab;
pub mod notice;
pub mod session;
pub mod settings;
pub mod transfers;
pub mod uploads;

mod apply;
mod connection;
#[cfg(test)]
mod fixture;

pub use connection::STEPS;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::images::{Images, display_name};
use self::lab::Lab;
use self::notice::{NoticeKind, Notices};
use self::session::Session;
use self::settings::Settings;
use self::transfers::{Transfers, Work};
use self::uploads::Review;
use crate::action::{Action, Dialog, ListAction, PathUse, ReviewAction, TransferAction};
use crate::effect::{Download, Effect, Upload};

#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The time of this frame, set by the window.
    pub now: Timestamp,
    /// The zone in which times are shown.
    pub zone: TimeZone,
    /// Where downloads go as long as nothing else was chosen.
    pub default_download_folder: PathBuf,
    /// Whether the window system hands files over that are dropped on the window.
    pub can_drop: bool,
    pub settings: Settings,
    pub session: Session,
    pub lab: Lab,
    pub images: Images,
    pub review: Review,
    pub transfers: Transfers,
    pub notices: Notices,
    pub dialog: Option<Dialog>,
    /// Images that wait for "Delete" to be confirmed.
    pub delete_question: Vec<String>,
    /// Why there is no file picker, when a path has to be typed.
    pub picker_trouble: Option<String>,
    /// The person has said that unfinished transfers may end with the window.
    pub quits: bool,
}

impl State {
    pub fn new(now: Timestamp, zone: TimeZone, settings: Settings) -> Self {
        Self {
            now,
            zone,
            default_download_folder: PathBuf::from("."),
            can_drop: true,
            settings,
            session: Session::default(),
            lab: Lab::default(),
            images: Images::default(),
            review: Review::default(),
            transfers: Transfers::default(),
            notices: Notices::default(),
            dialog: None,
            delete_question: Vec::new(),
            picker_trouble: None,
            quits: false,
        }
    }

    /// Sets the time of this frame and lets toasts go whose time is over.
    pub fn tick(&mut self, now: Timestamp) {
        self.now = now;
        self.notices.expire(now);
    }

    pub fn download_folder(&self) -> &Path {
        self.settings.download_folder.as_deref().unwrap_or(&self.default_download_folder)
    }

    /// Whether the review lies over the window. Files that arrive earlier wait for a connection.
    pub fn shows_review(&self) -> bool {
        self.review.is_open() && self.session.connected().is_some()
    }

    /// Whether the window may close now; if not, the question is shown.
    pub fn may_close(&mut self) -> bool {
        let is_idle = self.transfers.running() + self.transfers.waiting() == 0;
        if !is_idle && !self.quits {
            self.dialog = Some(Dialog::Quit);
            return false;
        }
        true
    }

    /// Carries out what a person did.
    pub fn update(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Connection(action) => self.update_connection(action),
            Action::List(action) => self.update_list(action),
            Action::Review(action) => self.update_review(action),
            Action::Transfer(action) => self.update_transfers(action),
            Action::FilesChosen(paths) => self.choose_files(paths),
            Action::PickFiles => vec![Effect::PickFiles { folder: self.settings.upload_folder.clone() }],
            Action::PickDownloadFolder => {
                vec![Effect::PickFolder { folder: Some(self.download_folder().to_owned()) }]
            }
            Action::DownloadFolderChosen(folder) => {
                self.dialog = None;
                self.settings.download_folder = Some(folder);
                self.saved()
            }
            Action::PickerUnavailable(reason) => {
                self.picker_trouble = Some(reason);
                Vec::new()
            }
            Action::Download(ids) => self.download(&ids),
            Action::AskDelete(ids) => {
                self.delete_question = ids;
                Vec::new()
            }
            Action::ConfirmDelete => self.delete(),
            Action::CopyText { text, what } => {
                self.notices.say(NoticeKind::Plain, format!("Copied the {what}"), self.now);
                vec![Effect::CopyText(text)]
            }
            Action::SetTheme(theme) => {
                self.settings.theme = theme;
                let mut effects = self.saved();
                effects.push(Effect::ApplyTheme(theme));
                effects
            }
            Action::ShowDialog(dialog) => {
                self.dialog = Some(dialog);
                Vec::new()
            }
            Action::CloseTop => {
                self.close_top();
                Vec::new()
            }
            Action::Quit => {
                self.quits = true;
                vec![Effect::CloseWindow]
            }
            Action::DismissNotice(id) => {
                self.notices.dismiss(id);
                Vec::new()
            }
            Action::ClearProblems => {
                self.notices.problems.clear();
                self.dialog = None;
                Vec::new()
            }
        }
    }

    fn saved(&self) -> Vec<Effect> {
        vec![Effect::SaveSettings(Box::new(self.settings.clone()))]
    }

    fn close_top(&mut self) {
        if !self.delete_question.is_empty() {
            self.delete_question.clear();
        } else if self.dialog.is_some() {
            self.dialog = None;
        } else if self.shows_review() {
            self.review.take();
        } else if self.images.is_details_open && self.images.focused.is_some() {
            self.images.is_details_open = false;
        } else {
            self.images.selected.clear();
        }
    }

    fn update_list(&mut self, action: ListAction) -> Vec<Effect> {
        match action {
            ListAction::Refresh => return self.refresh(),
            ListAction::Search(text) => self.images.set_search(text),
            ListAction::Scope(scope) => self.images.set_scope(scope),
            ListAction::SortBy(column) => self.images.sort_by(column),
            ListAction::Select(id) => self.images.select(id),
            ListAction::Toggle(id) => self.images.toggle(id),
            ListAction::Extend(id) => self.images.extend_to(&id),
            ListAction::SelectAll => self.images.select_all(),
            ListAction::Move(rows) => self.images.step(rows),
            ListAction::OpenDetails => self.images.is_details_open = true,
            ListAction::CloseDetails => self.images.is_details_open = false,
        }
        Vec::new()
    }

    fn refresh(&mut self) -> Vec<Effect> {
        if self.session.connected().is_none() {
            return Vec::new();
        }
        self.images.start_listing();
        vec![Effect::List { generation: self.session.generation }]
    }

    fn choose_files(&mut self, paths: Vec<PathBuf>) -> Vec<Effect> {
        if matches!(self.dialog, Some(Dialog::TypedPath(PathUse::Upload))) {
            self.dialog = None;
        }
        let folder = paths.first().and_then(|path| path.parent()).map(Path::to_owned);
        let mut effects: Vec<Effect> =
            self.review.add(paths).into_iter().map(|(row, path)| Effect::Inspect { row, path }).collect();
        if folder.is_some() && folder != self.settings.upload_folder {
            self.settings.upload_folder = folder;
            effects.extend(self.saved());
        }
        effects
    }

    fn update_review(&mut self, action: ReviewAction) -> Vec<Effect> {
        let mut edit = |id: u64, change: &dyn Fn(&mut uploads::Declared)| {
            if let Some(row) = self.review.row_mut(id) {
                change(&mut row.declared);
            }
        };
        match action {
            ReviewAction::Name(id, name) => edit(id, &|declared| declared.name.clone_from(&name)),
            ReviewAction::DiskFormat(id, word) => {
                edit(id, &|declared| declared.disk_format.clone_from(&word));
            }
            ReviewAction::ContainerFormat(id, word) => {
                edit(id, &|declared| declared.container_format.clone_from(&word));
            }
            ReviewAction::Visibility(id, visibility) => {
                edit(id, &|declared| declared.visibility = visibility);
            }
            ReviewAction::VisibilityOfAll(visibility) => {
                for row in &mut self.review.rows {
                    row.declared.visibility = visibility;
                }
            }
            ReviewAction::Remove(id) => self.review.remove(id),
            ReviewAction::Cancel => {
                self.review.take();
            }
            ReviewAction::Start => return self.start_uploads(),
        }
        Vec::new()
    }

    fn start_uploads(&mut self) -> Vec<Effect> {
        if !self.review.is_ready() || self.session.connected().is_none() {
            return Vec::new();
        }
        for row in self.review.take() {
            let total = row.inspected().map(|inspected| inspected.size_bytes);
            let name = row.declared.name.clone();
            let upload = Upload { path: row.path, declared: row.declared, image_id: None };
            self.transfers.add(name, total, Work::Upload(upload));
        }
        self.transfers.start_waiting()
    }

    fn update_transfers(&mut self, action: TransferAction) -> Vec<Effect> {
        match action {
            TransferAction::Cancel(id) => return self.transfers.cancel(id).into_iter().collect(),
            TransferAction::Retry(id) => {
                self.transfers.retry(id);
                return self.transfers.start_waiting();
            }
            TransferAction::Forget(id) => self.transfers.forget(id),
            TransferAction::ForgetFinished => self.transfers.forget_finished(),
            TransferAction::Collapse(is_collapsed) => self.transfers.is_collapsed = is_collapsed,
        }
        Vec::new()
    }

    fn download(&mut self, ids: &[String]) -> Vec<Effect> {
        for id in ids {
            let Some(image) = self.images.get(id) else { continue };
            if image.size.is_none() {
                let text = format!("\"{}\" has no data to download", display_name(image));
                self.notices.say(NoticeKind::Problem, text, self.now);
                continue;
            }
            let to = self.download_folder().join(download_name(image));
            if self.transfers.writes_to(&to) {
                let text = format!("\"{}\" is being downloaded already", display_name(image));
                self.notices.say(NoticeKind::Plain, text, self.now);
                continue;
            }
            let (name, size) = (display_name(image), image.size);
            self.transfers.add(name, size, Work::Download(Download { image_id: id.clone(), to }));
        }
        self.transfers.start_waiting()
    }

    fn delete(&mut self) -> Vec<Effect> {
        let generation = self.session.generation;
        std::mem::take(&mut self.delete_question)
            .into_iter()
            .map(|id| {
                let name = self.images.get(&id).map_or_else(|| id.clone(), display_name);
                Effect::Delete { generation, id, name }
            })
            .collect()
    }
}

/// A file name for the data of an image: its name without what a file system dislikes, and its format.
fn download_name(image: &glasshouse_shared::image::Image) -> String {
    let name: String = display_name(image)
        .chars()
        .map(|c| if c.is_control() || r#"/\:*?"<>|"#.contains(c) { '_' } else { c })
        .take(120)
        .collect();
    let name = name.trim_matches([' ', '.']);
    let name = if name.is_empty() { image.id.as_str() } else { name };
    match image.disk_format.as_deref() {
        Some(format) if !name.to_lowercase().ends_with(&format!(".{format}")) => format!("{name}.{format}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
