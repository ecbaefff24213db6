//! The images of the session: all that were listed, and which of them are shown in which order.
//!
//! Filtering and sorting happen here, when something changes, never while drawing.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use glasshouse_shared::image::{Image, Visibility};
use jiff::Timestamp;

use super::failure::Failure;
use super::filter::Filter;

/// The entries of the rail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    #[default]
    All,
    Mine,
    SharedWithMe,
    Public,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::All, Self::Mine, Self::SharedWithMe, Self::Public];

    pub fn word(self) -> &'static str {
        match self {
            Self::All => "All images",
            Self::Mine => "My project",
            Self::SharedWithMe => "Shared with me",
            Self::Public => "Public",
        }
    }

    fn holds(self, image: &Image, project_id: Option<&str>) -> bool {
        let is_mine = project_id.is_some() && image.owner.as_deref() == project_id;
        match self {
            Self::All => true,
            Self::Mine => is_mine,
            Self::SharedWithMe => image.visibility == Visibility::Shared && !is_mine,
            Self::Public => image.visibility == Visibility::Public,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Name,
    Status,
    Visibility,
    Format,
    Size,
    Updated,
}

impl Column {
    pub const ALL: [Self; 6] =
        [Self::Name, Self::Status, Self::Visibility, Self::Format, Self::Size, Self::Updated];

    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Status => "Status",
            Self::Visibility => "Visibility",
            Self::Format => "Format",
            Self::Size => "Size",
            Self::Updated => "Updated",
        }
    }

    fn compare(self, a: &Image, b: &Image) -> Ordering {
        match self {
            Self::Name => sort_name(a).cmp(&sort_name(b)),
            Self::Status => a.status.as_str().cmp(b.status.as_str()),
            Self::Visibility => a.visibility.as_str().cmp(b.visibility.as_str()),
            Self::Format => a.disk_format.cmp(&b.disk_format),
            Self::Size => a.size.cmp(&b.size),
            Self::Updated => a.updated_at.cmp(&b.updated_at),
        }
    }
}

fn sort_name(image: &Image) -> String {
    image.name.as_deref().unwrap_or_default().to_lowercase()
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum ListPhase {
    #[default]
    Never,
    Loading,
    Loaded(Timestamp),
    Failed(Failure),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    pub all: Vec<Image>,
    /// Positions in `all`, in the order in which they are shown.
    pub shown: Vec<usize>,
    pub phase: ListPhase,
    pub search: String,
    pub scope: Scope,
    pub sort: Column,
    pub is_descending: bool,
    pub selected: BTreeSet<String>,
    /// The image that the keyboard stands on and the details show.
    pub focused: Option<String>,
    pub is_details_open: bool,
    /// Grows when the focus was moved by keyboard, so that the table scrolls there once.
    pub reveal: u64,
    /// Pages of a refresh, until it is whole.
    incoming: Option<Vec<Image>>,
    project_id: Option<String>,
}

impl Default for Images {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            shown: Vec::new(),
            phase: ListPhase::Never,
            search: String::new(),
            scope: Scope::All,
            sort: Column::Updated,
            is_descending: true,
            selected: BTreeSet::new(),
            focused: None,
            is_details_open: true,
            reveal: 0,
            incoming: None,
            project_id: None,
        }
    }
}

impl Images {
    /// An empty list for a session of this project.
    pub fn of_project(project_id: Option<String>) -> Self {
        Self { project_id, ..Self::default() }
    }

    pub fn start_listing(&mut self) {
        self.phase = ListPhase::Loading;
        self.incoming = (!self.all.is_empty()).then(Vec::new);
    }

    /// Takes a page. A first list grows on the screen; a refresh replaces the old list when it is whole.
    pub fn take_page(&mut self, images: Vec<Image>, is_last: bool, now: Timestamp) {
        match &mut self.incoming {
            Some(incoming) => incoming.extend(images),
            None => self.all.extend(images),
        }
        if is_last {
            if let Some(incoming) = self.incoming.take() {
                self.all = incoming;
            }
            self.phase = ListPhase::Loaded(now);
            let known: BTreeSet<&str> = self.all.iter().map(|image| image.id.as_str()).collect();
            self.selected.retain(|id| known.contains(id.as_str()));
            if self.focused.as_ref().is_some_and(|id| !known.contains(id.as_str())) {
                self.focused = None;
            }
        }
        self.rearrange();
    }

    pub fn fail(&mut self, failure: Failure) {
        self.incoming = None;
        self.phase = ListPhase::Failed(failure);
    }

    /// Puts in one image, or replaces it.
    pub fn put(&mut self, image: Image) {
        match self.all.iter_mut().find(|known| known.id == image.id) {
            Some(known) => *known = image,
            None => self.all.push(image),
        }
        self.rearrange();
    }

    pub fn remove(&mut self, id: &str) {
        self.all.retain(|image| image.id != id);
        self.selected.remove(id);
        if self.focused.as_deref() == Some(id) {
            self.focused = None;
        }
        self.rearrange();
    }

    pub fn get(&self, id: &str) -> Option<&Image> {
        self.all.iter().find(|image| image.id == id)
    }

    pub fn focused_image(&self) -> Option<&Image> {
        self.focused.as_deref().and_then(|id| self.get(id))
    }

    /// The image in a row of the table.
    pub fn in_row(&self, row: usize) -> Option<&Image> {
        self.shown.get(row).and_then(|&index| self.all.get(index))
    }

    pub fn count(&self, scope: Scope) -> usize {
        self.all.iter().filter(|image| scope.holds(image, self.project_id.as_deref())).count()
    }

    pub fn selected_names(&self) -> Vec<String> {
        self.selected.iter().map(|id| self.get(id).map_or_else(|| id.clone(), display_name)).collect()
    }

    pub fn set_search(&mut self, search: String) {
        self.search = search;
        self.rearrange();
    }

    pub fn set_scope(&mut self, scope: Scope) {
        self.scope = scope;
        self.rearrange();
    }

    /// A second click on the same column turns the order round.
    pub fn sort_by(&mut self, column: Column) {
        self.is_descending =
            if self.sort == column { !self.is_descending } else { column == Column::Updated };
        self.sort = column;
        self.rearrange();
    }

    pub fn select(&mut self, id: String) {
        self.selected = BTreeSet::from([id.clone()]);
        self.focused = Some(id);
        self.is_details_open = true;
    }

    pub fn toggle(&mut self, id: String) {
        if !self.selected.remove(&id) {
            self.selected.insert(id.clone());
        }
        self.focused = Some(id);
    }

    pub fn extend_to(&mut self, id: &str) {
        let from = self.row_of_focus().unwrap_or(0);
        let Some(to) = self.row_of(id) else { return };
        for row in from.min(to)..=from.max(to) {
            if let Some(id) = self.in_row(row).map(|image| image.id.clone()) {
                self.selected.insert(id);
            }
        }
    }

    pub fn select_all(&mut self) {
        self.selected = self
            .shown
            .iter()
            .filter_map(|&index| self.all.get(index))
            .map(|image| image.id.clone())
            .collect();
    }

    /// Moves the focus by rows, as the arrow keys do.
    pub fn step(&mut self, rows: i32) {
        let Some(last) = self.shown.len().checked_sub(1) else { return };
        let row = match self.row_of_focus() {
            None => 0,
            Some(row) if rows < 0 => row.saturating_sub(rows.unsigned_abs() as usize),
            Some(row) => row.saturating_add(rows.unsigned_abs() as usize).min(last),
        };
        if let Some(id) = self.in_row(row).map(|image| image.id.clone()) {
            let was_open = self.is_details_open;
            self.select(id);
            self.is_details_open = was_open;
            self.reveal += 1;
        }
    }

    pub fn row_of_focus(&self) -> Option<usize> {
        self.focused.as_deref().and_then(|id| self.row_of(id))
    }

    fn row_of(&self, id: &str) -> Option<usize> {
        self.shown.iter().position(|&index| self.all.get(index).is_some_and(|image| image.id == id))
    }

    fn rearrange(&mut self) {
        let filter = Filter::parse(&self.search);
        let mut shown: Vec<usize> = self
            .all
            .iter()
            .enumerate()
            .filter(|(_, image)| self.scope.holds(image, self.project_id.as_deref()) && filter.matches(image))
            .map(|(index, _)| index)
            .collect();
        if self.sort == Column::Name {
            // The key is made once per image instead of twice per comparison.
            shown.sort_by_cached_key(|&index| self.all.get(index).map(sort_name));
        } else {
            shown.sort_by(|&a, &b| match (self.all.get(a), self.all.get(b)) {
                (Some(a), Some(b)) => self.sort.compare(a, b),
                _ => Ordering::Equal,
            });
        }
        if self.is_descending {
            shown.reverse();
        }
        self.shown = shown;
    }
}

/// The name of an image, or its id when it has none.
pub fn display_name(image: &Image) -> String {
    match image.name.as_deref() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => image.id.clone(),
    }
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
