//! The pane at the right: one image, its facts, and what can be done with it.

use egui::{Align, Label, Layout, RichText, ScrollArea, Ui};
use glasshouse_shared::image::{Image, Status};

use super::icons::Icon;
use super::shell::divider_ui;
use super::text;
use super::theme::{self, tokens};
use super::widgets::{
    Tone, chip_ui, copy_button, fact_ui, icon_button, link_button, secondary_button, section_title,
    visibility_icon,
};
use crate::action::{Action, ListAction};
use crate::state::State;
use crate::state::images::display_name;
use crate::state::transfers::{Phase, Work};

pub fn image_detail_ui(ui: &mut Ui, state: &State, image: &Image, actions: &mut Vec<Action>) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if icon_button(ui, Icon::Close, "Close the details (Esc)").clicked() {
                actions.push(Action::List(ListAction::CloseDetails));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = RichText::new(display_name(image)).size(theme::HEADING).color(t.text);
                ui.add(Label::new(name).truncate());
            });
        });
    });
    chips_ui(ui, image);
    ui.add_space(theme::XS);
    buttons_ui(ui, state, image, actions);
    ui.add_space(theme::S);
    divider_ui(ui);
    ScrollArea::vertical().id_salt("details").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.spacing_mut().interact_size.y = 27.0;
        facts_ui(ui, state, image, actions);
        digests_ui(ui, state, image, actions);
        properties_ui(ui, image);
        commands_ui(ui, state, image, actions);
    });
}

fn chips_ui(ui: &mut Ui, image: &Image) {
    ui.horizontal_wrapped(|ui| {
        let (tone, icon) = match image.status {
            Status::Active => (Tone::Success, Icon::Check),
            Status::Saving | Status::Uploading | Status::Importing => (Tone::Info, Icon::Upload),
            Status::Queued | Status::Deactivated => (Tone::Warning, Icon::Clock),
            Status::Killed => (Tone::Danger, Icon::Problem),
            Status::PendingDelete | Status::Deleted => (Tone::Plain, Icon::Delete),
        };
        chip_ui(ui, Some(icon), image.status.as_str(), tone);
        chip_ui(ui, Some(visibility_icon(image.visibility)), image.visibility.as_str(), Tone::Plain);
        if image.protected {
            chip_ui(ui, Some(Icon::Private), "protected", Tone::Plain);
        }
        if image.hidden {
            chip_ui(ui, None, "hidden", Tone::Plain);
        }
        for tag in &image.tags {
            chip_ui(ui, None, tag, Tone::Info);
        }
    });
}

fn buttons_ui(ui: &mut Ui, state: &State, image: &Image, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.add_enabled_ui(image.size.is_some(), |ui| {
            let response = secondary_button(ui, Some(Icon::Download), "Download")
                .on_hover_text(format!("Into {} (Ctrl+D)", state.download_folder().display()))
                .on_disabled_hover_text("This image has no data yet");
            if response.clicked() {
                actions.push(Action::Download(vec![image.id.clone()]));
            }
        });
        ui.add_enabled_ui(!image.protected, |ui| {
            let response = secondary_button(ui, Some(Icon::Delete), "Delete…")
                .on_disabled_hover_text("A protected image cannot be deleted");
            if response.clicked() {
                actions.push(Action::AskDelete(vec![image.id.clone()]));
            }
        });
        if icon_button(ui, Icon::Folder, "Choose the download folder…").clicked() {
            actions.push(Action::PickDownloadFolder);
        }
    });
}

fn facts_ui(ui: &mut Ui, state: &State, image: &Image, actions: &mut Vec<Action>) {
    let size = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), text::size);
    let exact = |bytes: Option<u64>| bytes.map_or_else(|| "not known yet".to_owned(), text::exact_size);
    copied_ui(ui, "Id", &image.id, "id", actions);
    if let Some(owner) = &image.owner {
        copied_ui(ui, "Owner", owner, "owner", actions);
    }
    fact_ui(ui, "Disk format", image.disk_format.as_deref().unwrap_or("none"));
    fact_ui(ui, "Container", image.container_format.as_deref().unwrap_or("none"));
    fact_ui(ui, "Size", &size(image.size)).on_hover_text(exact(image.size));
    fact_ui(ui, "Virtual size", &size(image.virtual_size)).on_hover_text(exact(image.virtual_size));
    if image.min_disk_gb > 0 {
        fact_ui(ui, "Minimum disk", &format!("{} GB", image.min_disk_gb));
    }
    if image.min_ram_mb > 0 {
        fact_ui(ui, "Minimum memory", &format!("{} MB", image.min_ram_mb));
    }
    let created = text::local_time(image.created_at, &state.zone);
    fact_ui(ui, "Created", &created).on_hover_text(text::utc_time(image.created_at));
    let updated = text::local_time(image.updated_at, &state.zone);
    fact_ui(ui, "Updated", &updated).on_hover_text(text::utc_time(image.updated_at));
    ui.add_space(theme::M);
}

fn copied_ui(ui: &mut Ui, name: &str, value: &str, what: &'static str, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            copy_button(ui, value, what, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                fact_ui(ui, name, value).on_hover_text(value);
            });
        });
    });
}

fn digests_ui(ui: &mut Ui, state: &State, image: &Image, actions: &mut Vec<Action>) {
    if image.checksum.is_none() && image.os_hash_value.is_none() {
        return;
    }
    section_title(ui, "Digests");
    if let Some(md5) = &image.checksum {
        copied_ui(ui, "md5", md5, "md5 digest", actions);
    }
    if let Some(value) = &image.os_hash_value {
        copied_ui(ui, image.os_hash_algo.as_deref().unwrap_or("digest"), value, "digest", actions);
    }
    if is_verified(state, image) {
        ui.horizontal(|ui| {
            chip_ui(ui, Some(Icon::Check), "verified on this machine", Tone::Success);
        });
    }
    ui.add_space(theme::M);
}

/// Whether a transfer of this session has compared the digests of this very image.
fn is_verified(state: &State, image: &Image) -> bool {
    state.transfers.rows.iter().any(|row| {
        let id = match &row.work {
            Work::Upload(upload) => upload.image_id.as_deref(),
            Work::Download(download) => Some(download.image_id.as_str()),
        };
        id == Some(image.id.as_str()) && matches!(&row.phase, Phase::Done { digest: Some(_) })
    })
}

fn properties_ui(ui: &mut Ui, image: &Image) {
    if image.properties.is_empty() {
        return;
    }
    section_title(ui, "Properties");
    for (name, value) in &image.properties {
        fact_ui(ui, name, value).on_hover_text(format!("{name} = {value}"));
    }
    ui.add_space(theme::M);
}

fn commands_ui(ui: &mut Ui, state: &State, image: &Image, actions: &mut Vec<Action>) {
    let Some(connected) = state.session.connected() else { return };
    section_title(ui, "On the command line");
    ui.horizontal_wrapped(|ui| {
        for (label, command) in [
            ("Copy show command", format!("{} image show {}", connected.command_prefix, image.id)),
            (
                "Copy download command",
                format!("{} image save --file disk.img {}", connected.command_prefix, image.id),
            ),
        ] {
            if link_button(ui, label).on_hover_text(&command).clicked() {
                actions.push(Action::CopyText { text: command, what: "command" });
            }
        }
    });
}
