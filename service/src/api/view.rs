//! Image → the JSON document of the wire.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::images::Visible;
use crate::images::locations::Location;
use crate::images::members::Member;
use crate::images::tasks::Task;
use glasshouse_shared::image::Image;

/// The document of one image.
pub fn image(app: &App, visible: &Visible) -> Value {
    let record = visible.image();
    let mut document = Map::new();
    for (key, value) in &record.properties {
        document.insert(key.clone(), Value::String(value.clone()));
    }
    // Base attributes come second: a property of an old row never hides one.
    for (key, value) in base(record) {
        document.insert(key.to_owned(), value);
    }
    if app.images.show_image_direct_url
        && let Some(location) = visible.record.locations.first()
    {
        document.insert("direct_url".to_owned(), json!(location.url));
    }
    if app.images.show_multiple_locations {
        let locations: Vec<Value> = visible.record.locations.iter().map(location).collect();
        document.insert("locations".to_owned(), Value::Array(locations));
    }
    if app.stores.is_multi() && !visible.record.locations.is_empty() {
        let stores: Vec<&str> =
            visible.record.locations.iter().filter_map(|location| location.store_id()).collect();
        document.insert("stores".to_owned(), json!(stores.join(",")));
    }
    Value::Object(document)
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

fn base(image: &Image) -> [(&'static str, Value); 22] {
    let path = format!("/v2/images/{}", image.id);
    [
        ("id", json!(image.id)),
        ("name", json!(image.name)),
        ("status", json!(image.status.as_str())),
        ("visibility", json!(image.visibility.as_str())),
        ("protected", json!(image.protected)),
        ("os_hidden", json!(image.hidden)),
        ("owner", json!(image.owner)),
        ("disk_format", json!(image.disk_format)),
        ("container_format", json!(image.container_format)),
        ("min_disk", json!(image.min_disk_gb)),
        ("min_ram", json!(image.min_ram_mb)),
        ("tags", json!(image.tags)),
        ("size", json!(image.size)),
        ("virtual_size", json!(image.virtual_size)),
        ("checksum", json!(image.checksum)),
        ("os_hash_algo", json!(image.os_hash_algo)),
        ("os_hash_value", json!(image.os_hash_value)),
        ("created_at", json!(whole_second(image.created_at))),
        ("updated_at", json!(whole_second(image.updated_at))),
        ("file", json!(format!("{path}/file"))),
        ("self", json!(path)),
        ("schema", json!("/v2/schemas/image")),
    ]
}

/// `2026-11-22T12:00:00Z`: UTC, and the fraction is cut off.
fn whole_second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// `2026-11-22T12:00:00.000000`, as the column holds it.
fn bare_time(time: Timestamp) -> String {
    time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_tasks_have_fractions_and_no_zone() {
        let time: Timestamp = "2026-11-22T12:00:01Z".parse().expect("a time");
        assert_eq!(bare_time(time), "2026-11-22T12:00:01.000000");
        assert_eq!(whole_second(time), "2026-11-22T12:00:01Z");
    }
}
