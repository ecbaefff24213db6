//! The keys. Plain keys act on the list only while no text is being typed and no sheet is open.

use egui::{Key, KeyboardShortcut, Modifiers, Ui};

use super::Drafts;
use crate::action::{Action, ListAction, ReviewAction};
use crate::state::State;

/// Every shortcut, as the sheet of shortcuts lists them.
pub const SHORTCUTS: [(&str, &str); 12] = [
    ("Ctrl+U", "Upload files"),
    ("Ctrl+Enter", "Start the reviewed upload"),
    ("Ctrl+F", "Search"),
    ("F5", "Refresh the list"),
    ("Up, Down", "Move in the list"),
    ("Enter", "Show the details"),
    ("Ctrl+D", "Download what is selected"),
    ("Del", "Delete what is selected"),
    ("Ctrl+A", "Select all"),
    ("Ctrl+Shift+C", "Copy the id"),
    ("F1", "This list"),
    ("Esc", "Close the top layer"),
];

fn pressed(ui: &Ui, modifiers: Modifiers, key: Key) -> bool {
    ui.input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(modifiers, key)))
}

pub fn read(ui: &mut Ui, state: &State, drafts: &mut Drafts, actions: &mut Vec<Action>) {
    let is_typing = ui.ctx().text_edit_focused();
    if pressed(ui, Modifiers::NONE, Key::F1) {
        actions.push(Action::ShowDialog(crate::action::Dialog::Shortcuts));
    }
    if !is_typing && !ui.ctx().any_popup_open() && pressed(ui, Modifiers::NONE, Key::Escape) {
        actions.push(Action::CloseTop);
    }
    if state.shows_review() {
        if pressed(ui, Modifiers::COMMAND, Key::Enter) {
            actions.push(Action::Review(ReviewAction::Start));
        }
        return;
    }
    let is_covered = state.dialog.is_some() || !state.delete_question.is_empty();
    if state.session.connected().is_none() || is_covered {
        return;
    }
    if pressed(ui, Modifiers::COMMAND, Key::U) {
        actions.push(Action::PickFiles);
    }
    if pressed(ui, Modifiers::COMMAND, Key::F) {
        drafts.focus_search = true;
    }
    if pressed(ui, Modifiers::NONE, Key::F5) {
        actions.push(Action::List(ListAction::Refresh));
    }
    let selected: Vec<String> = state.images.selected.iter().cloned().collect();
    if pressed(ui, Modifiers::COMMAND, Key::D) && !selected.is_empty() {
        actions.push(Action::Download(selected.clone()));
    }
    if pressed(ui, Modifiers::COMMAND | Modifiers::SHIFT, Key::C)
        && let Some(id) = state.images.focused.clone()
    {
        actions.push(Action::CopyText { text: id, what: "id" });
    }
    if !is_typing {
        read_list_keys(ui, selected, actions);
    }
}

fn read_list_keys(ui: &mut Ui, selected: Vec<String>, actions: &mut Vec<Action>) {
    // A focused button keeps its own keys.
    if ui.memory(|memory| memory.focused().is_some()) {
        return;
    }
    for (key, rows) in [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, 12), (Key::PageUp, -12)] {
        if pressed(ui, Modifiers::NONE, key) {
            actions.push(Action::List(ListAction::Move(rows)));
        }
    }
    if pressed(ui, Modifiers::NONE, Key::Enter) {
        actions.push(Action::List(ListAction::OpenDetails));
    }
    if pressed(ui, Modifiers::COMMAND, Key::A) {
        actions.push(Action::List(ListAction::SelectAll));
    }
    if pressed(ui, Modifiers::NONE, Key::Delete) && !selected.is_empty() {
        actions.push(Action::AskDelete(selected));
    }
}
