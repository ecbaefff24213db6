//! Which attributes a client may set, and of which type: the image schema, applied.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::config::ImagesConfig;
use crate::error::Error;
use crate::images::attribute::Attribute;
use crate::images::create::NewImage;
use crate::images::locations::add::{Expected, NewLocation};
use crate::images::locations::change::{GivenDigests, NamedLocation};
use glasshouse_shared::image::Status;

/// Longest name, owner, tag and property key, in characters.
const TEXT_MAX_CHARS: usize = 255;

/// Longest value of a property, as the column holds.
const VALUE_MAX_BYTES: usize = 65_535;

/// Attributes that the service computes for each document; refused whatever their value is.
const COMPUTED: &[&str] = &["direct_url", "self", "file", "schema", "stores"];
/// Attributes that the service alone sets; refused once their value is of the right type.
const SET_BY_SERVICE: &[&str] = &["created_at", "updated_at", "status", "checksum", "size", "virtual_size"];
/// Set by the service too, but creating an image with them has always been accepted and without effect.
const IGNORED_ON_CREATE: &[&str] = &["os_hash_algo", "os_hash_value"];
/// Names that no property may have.
const RESERVED: &[&str] = &["locations", "location", "deleted", "deleted_at"];
const RESERVED_PREFIX: &str = "os_glance";
/// Attributes that every image has and no patch removes.
const BASE: &[&str] = &[
    "id",
    "name",
    "visibility",
    "protected",
    "os_hidden",
    "owner",
    "disk_format",
    "container_format",
    "min_disk",
    "min_ram",
    "tags",
];

/// What may be done with the attribute `key` by a patch.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    ReadOnly,
    Reserved,
    Locations,
    Base,
    Property,
}

/// Sorts an attribute of a patch into its kind. `stores` is a property like any other here, as it is for Glance.
pub fn kind(key: &str) -> Kind {
    let is_computed = COMPUTED.contains(&key) && key != "stores";
    if is_computed || SET_BY_SERVICE.contains(&key) || IGNORED_ON_CREATE.contains(&key) || key == "id" {
        Kind::ReadOnly
    } else if key == "locations" {
        Kind::Locations
    } else if is_reserved(key) {
        Kind::Reserved
    } else if BASE.contains(&key) {
        Kind::Base
    } else {
        Kind::Property
    }
}

fn is_reserved(key: &str) -> bool {
    RESERVED.contains(&key) || key.starts_with(RESERVED_PREFIX)
}

pub fn read_only(key: &str) -> Error {
    Error::Forbidden(format!("Attribute '{key}' is read-only."))
}

pub fn reserved(key: &str) -> Error {
    Error::Forbidden(format!("Attribute '{key}' is reserved."))
}

/// The body of a create: computed keys are refused first, then wrong types, then what only the service sets.
pub fn new_image(document: &Value, rules: &ImagesConfig) -> Result<NewImage, Error> {
    let Value::Object(document) = document else {
        return Err(Error::BadRequest("The body of the request must be a JSON object.".to_owned()));
    };
    let first = |is_refused: &dyn Fn(&str) -> bool| document.keys().find(|key| is_refused(key));
    if let Some(key) = first(&|key| COMPUTED.contains(&key)) {
        return Err(read_only(key));
    }
    let id = document.get("id").map(image_id).transpose()?;
    let attributes = attributes(document, rules)?;
    if let Some(key) = first(&|key| SET_BY_SERVICE.contains(&key)) {
        return Err(read_only(key));
    }
    if let Some(key) = first(&is_reserved) {
        return Err(reserved(key));
    }
    Ok(NewImage { id, attributes })
}

fn attributes(document: &Map<String, Value>, rules: &ImagesConfig) -> Result<Vec<Attribute>, Error> {
    let mut attributes = Vec::new();
    for (key, value) in document.iter().filter(|(key, _)| *key != "id") {
        if SET_BY_SERVICE.contains(&key.as_str())
            || IGNORED_ON_CREATE.contains(&key.as_str())
            || is_reserved(key)
        {
            check_unsettable(key, value)?;
        } else {
            attributes.push(attribute(key, value, rules)?);
        }
    }
    Ok(attributes)
}

/// The type of a value that will not be taken over whatever it is.
fn check_unsettable(key: &str, value: &Value) -> Result<(), Error> {
    let (fits, expected) = match key {
        "size" | "virtual_size" => {
            (value.is_null() || value.is_i64() || value.is_u64(), "null or a whole number")
        }
        "status" => (value.as_str().is_some_and(|word| word.parse::<Status>().is_ok()), "a status"),
        "checksum" => (is_short_text(value, 32), "null or at most 32 characters"),
        "os_hash_algo" => (is_short_text(value, 64), "null or at most 64 characters"),
        "os_hash_value" => (is_short_text(value, 128), "null or at most 128 characters"),
        "locations" => (locations(value).is_some(), "a list of locations, each with url and metadata"),
        _ => (value.is_string(), "a string"),
    };
    if fits { Ok(()) } else { Err(mismatch(key, value, expected)) }
}

fn is_short_text(value: &Value, max_chars: usize) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.chars().count() <= max_chars)
}

/// A list of `{url, metadata}`; `None` when it is none.
pub fn locations(value: &Value) -> Option<Vec<NamedLocation>> {
    value.as_array()?.iter().map(location).collect()
}

/// One `{url, metadata}`, with the digests that its data shall have.
pub fn location(value: &Value) -> Option<NamedLocation> {
    let url = value.get("url")?.as_str().filter(|url| url.chars().count() <= TEXT_MAX_CHARS)?;
    let metadata = value.get("metadata")?.as_object()?.clone();
    let digests = match value.get("validation_data") {
        Some(given) => Some(given_digests(given)?),
        None => None,
    };
    Some(NamedLocation { url: url.to_owned(), metadata, digests })
}

fn given_digests(value: &Value) -> Option<GivenDigests> {
    let given = value.as_object()?;
    if given.keys().any(|key| !["checksum", "os_hash_algo", "os_hash_value"].contains(&key.as_str())) {
        return None;
    }
    let text = |key: &str, max_chars: usize| {
        given.get(key)?.as_str().filter(|text| text.chars().count() <= max_chars).map(str::to_owned)
    };
    let checksum = match given.get("checksum") {
        Some(_) => Some(text("checksum", 32).filter(|checksum| checksum.chars().count() == 32)?),
        None => None,
    };
    Some(GivenDigests { checksum, algorithm: text("os_hash_algo", 64)?, value: text("os_hash_value", 128)? })
}

/// The body of a call that adds one location to a queued image.
pub fn new_location(document: &Value) -> Result<NewLocation, Error> {
    let malformed = |why: &str| Error::BadRequest(format!("The body does not match the schema: {why}."));
    let body = document.as_object().ok_or_else(|| malformed("it must be an object"))?;
    let url = body.get("url").and_then(Value::as_str).ok_or_else(|| malformed("url must be a string"))?;
    let expected = match body.get("validation_data") {
        Some(Value::Object(given)) => expected(given).map_err(malformed)?,
        Some(_) => return Err(malformed("validation_data must be an object")),
        None => None,
    };
    Ok(NewLocation { url: url.to_owned(), expected })
}

/// Algorithms that such a call may name.
const ADDED_ALGORITHMS: &[&str] = &["sha1", "sha256", "sha512", "md5"];

fn expected(given: &Map<String, Value>) -> Result<Option<Expected>, &'static str> {
    if given.keys().any(|key| !["os_hash_algo", "os_hash_value"].contains(&key.as_str())) {
        return Err("validation_data may have os_hash_algo and os_hash_value only");
    }
    let (algorithm, value) = match (given.get("os_hash_algo"), given.get("os_hash_value")) {
        (None, None) => return Ok(None),
        (Some(Value::String(algorithm)), Some(Value::String(value))) => (algorithm, value),
        _ => return Err("os_hash_algo and os_hash_value must be strings and come together"),
    };
    if !ADDED_ALGORITHMS.contains(&algorithm.as_str()) {
        return Err("os_hash_algo must be one of sha1, sha256, sha512, md5");
    }
    if value.chars().count() > 128 {
        return Err("os_hash_value may have at most 128 characters");
    }
    Ok(Some(Expected { algorithm: algorithm.clone(), value: value.clone() }))
}

/// 8-4-4-4-12 hexadecimal digits in either case.
fn image_id(value: &Value) -> Result<String, Error> {
    let Value::String(id) = value else { return Err(mismatch("id", value, "a string")) };
    let groups: Vec<&str> = id.split('-').collect();
    let well_formed = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if well_formed { Ok(id.clone()) } else { Err(mismatch("id", value, "a UUID in the form 8-4-4-4-12")) }
}

/// One attribute with its value, of the type that the schema demands.
pub fn attribute(key: &str, value: &Value, rules: &ImagesConfig) -> Result<Attribute, Error> {
    Ok(match key {
        "name" => Attribute::Name(text_or_null(key, value)?),
        "visibility" => {
            let parsed = value.as_str().and_then(|word| word.parse().ok());
            Attribute::Visibility(
                parsed.ok_or_else(|| mismatch(key, value, "one of public, private, shared, community"))?,
            )
        }
        "protected" => Attribute::Protected(flag(key, value)?),
        "os_hidden" => Attribute::Hidden(flag(key, value)?),
        "owner" => Attribute::Owner(owner(value)?),
        "disk_format" => Attribute::DiskFormat(one_of(key, value, &rules.disk_formats)?),
        "container_format" => Attribute::ContainerFormat(one_of(key, value, &rules.container_formats)?),
        "min_disk" => Attribute::MinDisk(amount(key, value)?),
        "min_ram" => Attribute::MinRam(amount(key, value)?),
        "tags" => Attribute::Tags(tags(value)?),
        _ => property(key, value, rules)?,
    })
}

fn mismatch(key: &str, value: &Value, expected: &str) -> Error {
    const SHOWN_CHARS: usize = 80;
    let mut shown = value.to_string();
    if let Some((cut, _)) = shown.char_indices().nth(SHOWN_CHARS) {
        shown.truncate(cut);
        shown.push('…');
    }
    Error::BadRequest(format!(
        "Provided object does not match schema 'image': {key} must be {expected}, not {shown}"
    ))
}

/// At most 255 characters, none of them beyond what the databases of Glance can hold.
fn bounded<'a>(key: &str, value: &'a Value) -> Result<&'a str, Error> {
    let text = value.as_str().ok_or_else(|| mismatch(key, value, "a string"))?;
    if text.chars().count() > TEXT_MAX_CHARS {
        return Err(mismatch(key, value, &format!("at most {TEXT_MAX_CHARS} characters long")));
    }
    three_bytes(key, text)?;
    Ok(text)
}

fn three_bytes(key: &str, text: &str) -> Result<(), Error> {
    if text.chars().any(|character| character.len_utf8() > 3) {
        return Err(Error::BadRequest(format!(
            "{key} contains a character of four bytes, which cannot be stored."
        )));
    }
    Ok(())
}

/// Who may not set an owner at all is told that, whatever the characters: they are checked where they are stored.
fn owner(value: &Value) -> Result<Option<String>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.chars().count() <= TEXT_MAX_CHARS => Ok(Some(text.clone())),
        _ => Err(mismatch("owner", value, "null or at most 255 characters")),
    }
}

fn text_or_null(key: &str, value: &Value) -> Result<Option<String>, Error> {
    if value.is_null() { Ok(None) } else { bounded(key, value).map(|text| Some(text.to_owned())) }
}

fn flag(key: &str, value: &Value) -> Result<bool, Error> {
    value.as_bool().ok_or_else(|| mismatch(key, value, "true or false"))
}

fn one_of(key: &str, value: &Value, accepted: &[String]) -> Result<Option<String>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::String(word) if accepted.contains(word) => Ok(Some(word.clone())),
        _ => Err(mismatch(key, value, &format!("null or one of {}", accepted.join(", ")))),
    }
}

/// 0 to 2³¹ − 1, as the column holds.
fn amount(key: &str, value: &Value) -> Result<u32, Error> {
    let whole = value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| i32::try_from(*number).is_ok());
    whole.ok_or_else(|| mismatch(key, value, "a whole number from 0 to 2147483647"))
}

fn tags(value: &Value) -> Result<BTreeSet<String>, Error> {
    let Value::Array(tags) = value else { return Err(mismatch("tags", value, "a list of strings")) };
    tags.iter().map(|tag| bounded("a tag", tag).map(str::to_owned)).collect()
}

fn property(key: &str, value: &Value, rules: &ImagesConfig) -> Result<Attribute, Error> {
    bounded("the name of a property", &Value::String(key.to_owned()))?;
    let definition = rules.custom_properties.get(key);
    // A definition may allow null, which the database keeps as an empty text.
    let text = match value {
        Value::Null if definition.is_some_and(allows_null) => "",
        _ => value.as_str().ok_or_else(|| mismatch(key, value, "a string"))?,
    };
    three_bytes(key, text)?;
    if text.len() > VALUE_MAX_BYTES {
        return Err(mismatch(key, value, &format!("at most {VALUE_MAX_BYTES} bytes long")));
    }
    if let Some(definition) = definition.filter(|_| !value.is_null()) {
        fits(key, value, text, definition)?;
    }
    Ok(Attribute::Property { key: key.to_owned(), value: text.to_owned() })
}

fn allows_null(definition: &Value) -> bool {
    match definition.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "null"),
        Some(kind) => kind == "null",
        None => false,
    }
}

/// What `schema-image.json` asks of this property.
fn fits(key: &str, value: &Value, text: &str, definition: &Value) -> Result<(), Error> {
    if let Some(Value::Array(accepted)) = definition.get("enum")
        && !accepted.contains(value)
    {
        let words: Vec<String> = accepted.iter().map(Value::to_string).collect();
        return Err(mismatch(key, value, &format!("one of {}", words.join(", "))));
    }
    let length = text.chars().count() as u64;
    if let Some(maximum) = definition.get("maxLength").and_then(Value::as_u64).filter(|most| length > *most) {
        return Err(mismatch(key, value, &format!("at most {maximum} characters long")));
    }
    if let Some(minimum) = definition.get("minLength").and_then(Value::as_u64).filter(|least| length < *least)
    {
        return Err(mismatch(key, value, &format!("at least {minimum} characters long")));
    }
    if let Some(pattern) = definition.get("pattern").and_then(Value::as_str) {
        // It was looked at when the file was read.
        let regex = regex::Regex::new(pattern).map_err(Error::internal)?;
        if !regex.is_match(text) {
            return Err(mismatch(key, value, &format!("a text that fits {pattern}")));
        }
    }
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;

    pub fn rules() -> ImagesConfig {
        let definitions = json!({
            "kernel_id": {"type": ["null", "string"], "pattern": "^[0-9a-f]{4}$"},
            "arch": {"type": "string", "enum": ["arm", "x86"], "maxLength": 3},
            "note": {"minLength": 2},
        });
        ImagesConfig {
            disk_formats: Vec::new(),
            container_formats: Vec::new(),
            require_format_match: true,
            vmdk_allowed_types: Vec::new(),
            gpt_checks_nonfatal: Vec::new(),
            hashing_algorithm: "sha512".to_owned(),
            hash_locations: true,
            location_attempts: 3,
            task_time_to_live: std::time::Duration::from_hours(48),
            show_image_direct_url: false,
            show_multiple_locations: false,
            import_methods: Vec::new(),
            schema_dir: None,
            custom_properties: definitions.as_object().expect("an object").clone(),
            protection: crate::config::ProtectionConfig::default(),
        }
    }

    #[test]
    fn a_custom_property_is_what_the_operator_says() {
        let rules = rules();
        let set = |key: &str, value: Value| attribute(key, &value, &rules).ok();
        let property = |key: &str, value: &str| {
            Some(Attribute::Property { key: key.to_owned(), value: value.to_owned() })
        };
        assert_eq!(set("kernel_id", json!("00ff")), property("kernel_id", "00ff"));
        assert_eq!(set("kernel_id", Value::Null), property("kernel_id", ""));
        assert_eq!(set("kernel_id", json!("zz")), None);
        assert_eq!(set("arch", json!("arm")), property("arch", "arm"));
        assert_eq!(set("arch", json!("ppc")), None);
        assert_eq!(set("arch", Value::Null), None);
        assert_eq!(set("note", json!("x")), None);
        assert_eq!(set("free", json!("x")), property("free", "x"));
        assert_eq!(set("free", json!(5)), None);
    }

    #[test]
    fn a_value_is_as_long_as_its_column_is() {
        let of = |length: usize| property("key", &json!("\u{3042}".repeat(length)), &rules());
        assert!(
            matches!(of(21_845), Ok(Attribute::Property { value, .. }) if value.len() == VALUE_MAX_BYTES)
        );
        assert!(
            matches!(of(21_846), Err(Error::BadRequest(text)) if text.contains("key must be at most 65535 bytes"))
        );
    }
}
