//! Image → the JSON document of the wire.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::app::App;
use crate::images::Visible;
use crate::images::locations::Location;
use crate::images::members::Member;
use crate::images::tasks::Task;
use glasshouse_shared::image::Image;

/// The document of one image, written straight from the record: a page of them is most of what a list costs.
pub struct ImageView<'a> {
    app: &'a App,
    visible: &'a Visible,
}

/// One location, as clients see it.
pub fn location(location: &Location) -> Value {
    json!({"url": location.url, "metadata": location.metadata})
}

/// The document of one member.
pub fn member(member: &Member) -> Value {
    json!({
        "member_id": member.member,
        "image_id": member.image_id,
        "status": member.status,
        "created_at": whole_second(member.created_at),
        "updated_at": whole_second(member.updated_at),
        "schema": "/v2/schemas/member",
    })
}

/// The row of one task as it stands among the tasks of an image; its times have fractions and no zone.
pub fn task_of_image(task: &Task) -> Value {
    let mut document = json!({
        "id": task.id,
        "type": task.kind,
        "status": task.status,
        "owner": task.owner,
        "expires_at": task.expires_at.map(bare_time),
        "created_at": bare_time(task.created_at),
        "updated_at": task.updated_at.map(bare_time),
        "deleted_at": null,
        "deleted": false,
        "image_id": task.image_id,
        "request_id": task.request_id,
        "user_id": task.user_id,
    });
    if let (Some(details), Value::Object(document)) = (&task.details, &mut document) {
        document.insert("input".to_owned(), details.input.clone());
        document.insert("result".to_owned(), details.result.clone());
        document.insert("message".to_owned(), json!(details.message));
    }
    document
}

/// The document of one image.
pub fn image<'a>(app: &'a App, visible: &'a Visible) -> ImageView<'a> {
    ImageView { app, visible }
}

impl Serialize for ImageView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_map(None)?;
        let shown = self.computed();
        for (key, value) in &self.visible.image().properties {
            // A property of an old row never hides an attribute.
            if !is_attribute(key) && !shown.iter().any(|(name, _)| name == key) {
                document.serialize_entry(key, value)?;
            }
        }
        write_attributes(&mut document, self.visible.image())?;
        for (key, value) in &shown {
            document.serialize_entry(key, value)?;
        }
        document.end()
    }
}

impl ImageView<'_> {
    /// What is only shown when the operator says so.
    fn computed(&self) -> Vec<(&'static str, Value)> {
        let (app, locations) = (self.app, self.visible.shown_locations());
        let mut shown = Vec::new();
        if app.images.show_image_direct_url
            && let Some(location) = locations.first()
        {
            shown.push(("direct_url", json!(location.url)));
        }
        if app.images.show_multiple_locations {
            shown.push(("locations", locations.iter().map(location).collect()));
        }
        if app.stores.is_multi() && !locations.is_empty() {
            let stores: Vec<&str> = locations.iter().filter_map(|location| location.store_id()).collect();
            shown.push(("stores", json!(stores.join(","))));
        }
        shown
    }
}

/// Whether [`write_attributes`] writes this key.
fn is_attribute(key: &str) -> bool {
    matches!(
        key,
        "id" | "name"
            | "status"
            | "visibility"
            | "protected"
            | "os_hidden"
            | "owner"
            | "disk_format"
            | "container_format"
            | "min_disk"
            | "min_ram"
            | "tags"
            | "size"
            | "virtual_size"
            | "checksum"
            | "os_hash_algo"
            | "os_hash_value"
            | "created_at"
            | "updated_at"
            | "file"
            | "self"
            | "schema"
    )
}

fn write_attributes<M: SerializeMap>(document: &mut M, image: &Image) -> Result<(), M::Error> {
    document.serialize_entry("id", &image.id)?;
    document.serialize_entry("name", &image.name)?;
    document.serialize_entry("status", image.status.as_str())?;
    document.serialize_entry("visibility", image.visibility.as_str())?;
    document.serialize_entry("protected", &image.protected)?;
    document.serialize_entry("os_hidden", &image.hidden)?;
    document.serialize_entry("owner", &image.owner)?;
    document.serialize_entry("disk_format", &image.disk_format)?;
    document.serialize_entry("container_format", &image.container_format)?;
    document.serialize_entry("min_disk", &image.min_disk_gb)?;
    document.serialize_entry("min_ram", &image.min_ram_mb)?;
    document.serialize_entry("tags", &image.tags)?;
    document.serialize_entry("size", &image.size)?;
    document.serialize_entry("virtual_size", &image.virtual_size)?;
    document.serialize_entry("checksum", &image.checksum)?;
    document.serialize_entry("os_hash_algo", &image.os_hash_algo)?;
    document.serialize_entry("os_hash_value", &image.os_hash_value)?;
    document.serialize_entry("created_at", &whole_second(image.created_at))?;
    document.serialize_entry("updated_at", &whole_second(image.updated_at))?;
    let path = ["/v2/images/", &image.id].concat();
    document.serialize_entry("file", &[path.as_str(), "/file"].concat())?;
    document.serialize_entry("self", &path)?;
    document.serialize_entry("schema", "/v2/schemas/image")
}

/// `2026-11-22T12:00:00Z`: UTC, and the fraction is cut off.
fn whole_second(time: Timestamp) -> String {
    let seconds = time.as_second();
    let day = Offset::UTC.to_datetime(time.max(Timestamp::UNIX_EPOCH));
    if seconds < 0 || day.year() > 9999 {
        return Timestamp::from_second(seconds).unwrap_or(time).to_string();
    }
    // Digits by hand: two of these are in each image of a list, and the general formatter goes character by character.
    let mut text = String::with_capacity(20);
    let year = day.year().unsigned_abs();
    push_two(&mut text, year / 100);
    push_two(&mut text, year % 100);
    let parts =
        [('-', day.month()), ('-', day.day()), ('T', day.hour()), (':', day.minute()), (':', day.second())];
    for (mark, number) in parts {
        text.push(mark);
        push_two(&mut text, u16::from(number.unsigned_abs()));
    }
    text.push('Z');
    text
}

fn push_two(text: &mut String, number: u16) {
    for digit in [number / 10 % 10, number % 10] {
        text.push(char::from_digit(u32::from(digit), 10).unwrap_or('0'));
    }
}

/// `2026-11-22T12:00:00.000000`, as the column holds it.
fn bare_time(time: Timestamp) -> String {
    time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_seconds_in_utc() {
        for (time, text) in [
            ("2026-11-22T12:00:01.999999Z", "2026-11-22T12:00:01Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("2024-02-29T23:59:59+00:00", "2024-02-29T23:59:59Z"),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(whole_second(time.parse().unwrap()), text);
        }
    }

    #[test]
    fn the_keys_that_a_property_cannot_take_are_those_that_are_written() {
        let image: Image = serde_json::from_value(json!({
            "id": "i", "status": "queued", "visibility": "shared", "created_at": "2026-11-22T12:00:00Z",
            "updated_at": "2026-11-22T12:00:00Z",
        }))
        .unwrap();
        let mut written = Vec::new();
        let mut serializer = serde_json::Serializer::new(&mut written);
        let mut document = serializer.serialize_map(None).unwrap();
        write_attributes(&mut document, &image).unwrap();
        SerializeMap::end(document).unwrap();
        let document: Value = serde_json::from_slice(&written).unwrap();
        let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 22);
        assert!(keys.iter().all(|key| is_attribute(key)), "{keys:?}");
        assert_eq!(document["file"], "/v2/images/i/file");
        assert_eq!(document["created_at"], "2026-11-22T12:00:00Z");
    }

    #[test]
    fn times_of_tasks_have_fractions_and_no_zone() {
        let time: Timestamp = "2026-11-22T12:00:01Z".parse().expect("a time");
        assert_eq!(bare_time(time), "2026-11-22T12:00:01.000000");
        assert_eq!(whole_second(time), "2026-11-22T12:00:01Z");
    }
}
