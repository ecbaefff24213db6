//! What a rule is asked about: the attributes that `%(name)s` in a check stands for.

use std::borrow::Cow;

use glasshouse_shared::image::{Image, Visibility};

/// The attributes of one image, member or namespace, by the names that checks use.
///
/// A handful of pairs: a list is quicker than a map here, and nothing of the image is copied.
#[derive(Debug, Clone, Default)]
pub struct Target<'a> {
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
        let visibility = match image.visibility {
            Visibility::Shared if member.is_none() && image.owner.is_some() => Visibility::Private,
            other => other,
        };
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let mut target = Self::new();
        for (name, value) in &image.properties {
            target = target.set(name.as_str(), value.as_str());
        }
        // After the properties: no property may pass for an attribute.
        target
            .set("image_id", image.id.as_str())
            .set("id", image.id.as_str())
            .set_opt("project_id", image.owner.as_deref())
            .set_opt("owner", image.owner.as_deref())
            .set_opt("member_id", member)
            .set("visibility", visibility.as_str())
            .set_opt("name", image.name.as_deref())
            .set("status", image.status.as_str())
            .set_bool("protected", image.protected)
            .set_bool("os_hidden", image.hidden)
            .set_opt("disk_format", image.disk_format.as_deref())
            .set_opt("container_format", image.container_format.as_deref())
            .set("min_disk", image.min_disk_gb.to_string())
            .set("min_ram", image.min_ram_mb.to_string())
            .set_opt("size", number(image.size))
            .set_opt("virtual_size", number(image.virtual_size))
            .set_opt("checksum", image.checksum.as_deref())
            .set_opt("os_hash_algo", image.os_hash_algo.as_deref())
            .set_opt("os_hash_value", image.os_hash_value.as_deref())
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

    /// `None`: no such attribute; `Some(None)`: it is null.
    #[expect(clippy::option_option, reason = "missing and null are different answers to a check")]
    pub(super) fn get(&self, name: &str) -> Option<Option<&str>> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_deref())
    }
}
