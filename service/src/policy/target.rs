//! What a rule is asked about: the attributes that `%(name)s` in a check stands for.

use std::borrow::Cow;

use glasshouse_shared::image::{Image, Visibility};
use serde_json::{Map, Value, json};

/// The attributes of one image, member or namespace, by the names that checks use.
///
/// A handful of pairs: a list is quicker than a map here, and nothing of the image is copied.
#[derive(Debug, Clone, Default)]
pub struct Target<'a> {
    /// The image and its member: read when a check asks for an attribute, as most checks ask for one or two.
    image: Option<(&'a Image, Option<&'a str>)>,
    attributes: Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>,
}

impl<'a> Target<'a> {
    pub fn new() -> Self {
        Self::default()
    }

    /// The target of every rule about one image. `member` is the caller's project if the image is shared with it,
    /// whatever it answered to the offer.
    ///
    /// `shared` stands for "shared with you": to anybody else such an image is private, unless it has no owner who
    /// could share it.
    pub fn of_image(image: &'a Image, member: Option<&'a str>) -> Self {
        Self { image: Some((image, member)), attributes: Vec::new() }
    }

    /// Sets an attribute; the last value of a name counts.
    pub fn set(self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        self.put(name.into(), Some(value.into()))
    }

    /// Sets an attribute that may be null. No attribute of a caller is equal to null, not even one that is missing.
    pub fn set_opt(self, name: impl Into<Cow<'a, str>>, value: Option<impl Into<Cow<'a, str>>>) -> Self {
        self.put(name.into(), value.map(Into::into))
    }

    /// Sets a truth value, in the words that policy files compare with.
    pub fn set_bool(self, name: impl Into<Cow<'a, str>>, value: bool) -> Self {
        self.put(name.into(), Some(Cow::Borrowed(if value { "True" } else { "False" })))
    }

    fn put(mut self, name: Cow<'a, str>, value: Option<Cow<'a, str>>) -> Self {
        match self.attributes.iter_mut().find(|(known, _)| *known == name) {
            Some(attribute) => attribute.1 = value,
            None => self.attributes.push((name, value)),
        }
        self
    }

    /// Everything that is known of it, for the server of a remote check.
    pub(super) fn document(&self) -> Map<String, Value> {
        let mut all = self.image.map(|(image, member)| document(image, member)).unwrap_or_default();
        all.extend(self.attributes.iter().map(|(name, value)| (name.clone().into_owned(), json!(value))));
        all
    }

    /// `None`: no such attribute; `Some(None)`: it is null.
    #[expect(clippy::option_option, reason = "missing and null are different answers to a check")]
    pub(super) fn get(&self, name: &str) -> Option<Option<Cow<'_, str>>> {
        let set = self.attributes.iter().find(|(known, _)| known == name);
        set.map(|(_, value)| value.as_deref().map(Cow::Borrowed))
            .or_else(|| self.image.and_then(|(image, member)| attribute(image, member, name)))
    }
}

/// What an image tells the server of a remote check: its properties, and over them its attributes.
fn document(image: &Image, member: Option<&str>) -> Map<String, Value> {
    let mut document: Map<String, Value> =
        image.properties.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let attributes = [
        ("image_id", json!(image.id)),
        ("id", json!(image.id)),
        ("project_id", json!(image.owner)),
        ("owner", json!(image.owner)),
        ("member_id", json!(member)),
        ("visibility", json!(visibility(image, member).as_str())),
        ("name", json!(image.name)),
        ("status", json!(image.status.as_str())),
        ("protected", json!(image.protected)),
        ("os_hidden", json!(image.hidden)),
        ("disk_format", json!(image.disk_format)),
        ("container_format", json!(image.container_format)),
        ("min_disk", json!(image.min_disk_gb)),
        ("min_ram", json!(image.min_ram_mb)),
        ("size", json!(image.size)),
        ("virtual_size", json!(image.virtual_size)),
        ("checksum", json!(image.checksum)),
        ("os_hash_algo", json!(image.os_hash_algo)),
        ("os_hash_value", json!(image.os_hash_value)),
        ("tags", json!(image.tags)),
    ];
    document.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
    document
}

/// An attribute of an image. No property may pass for one of the others.
#[expect(clippy::option_option, reason = "missing and null are different answers to a check")]
fn attribute<'a>(image: &'a Image, member: Option<&'a str>, name: &str) -> Option<Option<Cow<'a, str>>> {
    let truth = |value: bool| Some(Cow::Borrowed(if value { "True" } else { "False" }));
    let number = |value: u64| Some(Cow::Owned(value.to_string()));
    let text = |value: &'a Option<String>| value.as_deref().map(Cow::Borrowed);
    Some(match name {
        "image_id" | "id" => Some(Cow::Borrowed(image.id.as_str())),
        "project_id" | "owner" => text(&image.owner),
        "member_id" => member.map(Cow::Borrowed),
        "visibility" => Some(Cow::Borrowed(visibility(image, member).as_str())),
        "name" => text(&image.name),
        "status" => Some(Cow::Borrowed(image.status.as_str())),
        "protected" => truth(image.protected),
        "os_hidden" => truth(image.hidden),
        "disk_format" => text(&image.disk_format),
        "container_format" => text(&image.container_format),
        "min_disk" => number(u64::from(image.min_disk_gb)),
        "min_ram" => number(u64::from(image.min_ram_mb)),
        "size" => image.size.and_then(number),
        "virtual_size" => image.virtual_size.and_then(number),
        "checksum" => text(&image.checksum),
        "os_hash_algo" => text(&image.os_hash_algo),
        "os_hash_value" => text(&image.os_hash_value),
        _ => Some(Cow::Borrowed(image.properties.get(name)?.as_str())),
    })
}

fn visibility(image: &Image, member: Option<&str>) -> Visibility {
    match image.visibility {
        Visibility::Shared if member.is_none() && image.owner.is_some() => Visibility::Private,
        other => other,
    }
}
