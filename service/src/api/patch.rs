//! The body of a PATCH: both media types, checked in full before anything is applied.

use serde_json::{Map, Value};

use super::attributes::{self, Kind};
use crate::config::ImagesConfig;
use crate::error::Error;
use crate::images::locations::change::{LocationChange, Position};
use crate::images::update::{AttributeChange, Change};

const V2_1: &str = "application/openstack-images-v2.1-json-patch";
const V2_0: &str = "application/openstack-images-v2.0-json-patch";
const ACCEPTED: &str =
    "application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch";

/// How operations are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `{"add": "/key", "value": …}`; an `add` refuses what is there already.
    Draft4,
    /// `{"op": "add", "path": "/key", "value": …}`
    Draft10,
}

impl Dialect {
    /// 415 for any other media type, with `Accept-Patch`.
    pub fn of(content_type: Option<&str>) -> Result<Self, Error> {
        let given = content_type.unwrap_or("");
        match given.split(';').next().unwrap_or("").trim() {
            V2_1 => Ok(Self::Draft10),
            V2_0 => Ok(Self::Draft4),
            _ => Err(Error::UnsupportedMedia {
                media_type: given.to_owned(),
                message: format!("The accepted media types are: {ACCEPTED}"),
                accept_patch: Some(ACCEPTED),
            }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

impl Verb {
    const ALL: [(&'static str, Self); 3] =
        [("add", Self::Add), ("replace", Self::Replace), ("remove", Self::Remove)];

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, verb)| *verb)
    }
}

/// Every operation, or the first that breaks a rule.
pub fn parse(dialect: Dialect, document: &Value, rules: &ImagesConfig) -> Result<Vec<Change>, Error> {
    let Value::Array(operations) = document else {
        return Err(Error::BadRequest("Request body must be a JSON array of operation objects.".to_owned()));
    };
    operations.iter().map(|operation| parse_operation(dialect, operation, rules)).collect()
}

/// One operation, whatever way it was written in.
struct Operation<'a> {
    dialect: Dialect,
    verb: Verb,
    pointer: &'a str,
    value: Option<&'a Value>,
}

fn parse_operation(dialect: Dialect, operation: &Value, rules: &ImagesConfig) -> Result<Change, Error> {
    let Value::Object(members) = operation else {
        return Err(Error::BadRequest("Operations must be JSON objects.".to_owned()));
    };
    let (verb, pointer) = match dialect {
        Dialect::Draft10 => draft_10(members)?,
        Dialect::Draft4 => draft_4(members)?,
    };
    let operation = Operation { dialect, verb, pointer, value: members.get("value") };
    let path = parse_pointer(pointer)?;
    let (key, below) = match path.as_slice() {
        [key] => (key.as_str(), None),
        [key, below] => (key.as_str(), Some(below.as_str())),
        _ => return Err(bad_depth(pointer)),
    };
    match attributes::kind(key) {
        Kind::ReadOnly => Err(attributes::read_only(key)),
        Kind::Reserved => Err(attributes::reserved(key)),
        Kind::Locations => locations(&operation, below).map(Change::Locations),
        Kind::Base | Kind::Property if below.is_some() => Err(bad_depth(pointer)),
        // Refused once the image is found: without one the answer is 404.
        Kind::Base if verb == Verb::Remove => {
            Ok(Change::Attribute(AttributeChange::RemoveBase { key: key.to_owned() }))
        }
        Kind::Base | Kind::Property => change(&operation, key, rules).map(Change::Attribute),
    }
}

/// An index addresses one location, none addresses the list.
fn locations(operation: &Operation<'_>, index: Option<&str>) -> Result<LocationChange, Error> {
    let malformed =
        || Error::BadRequest("/locations takes locations, each with url and metadata.".to_owned());
    let value = || operation.value.ok_or_else(malformed);
    match (operation.verb, index) {
        (Verb::Add, Some(index)) => {
            let named = attributes::location(value()?).ok_or_else(malformed)?;
            Ok(LocationChange::Add { at: Position::parse(index), named })
        }
        (Verb::Remove, Some(index)) => Ok(LocationChange::Remove { at: Position::parse(index) }),
        (Verb::Replace, None) => {
            let all = attributes::locations(value()?).ok_or_else(malformed)?;
            Ok(LocationChange::Replace { all })
        }
        (Verb::Add | Verb::Remove, None) | (Verb::Replace, Some(_)) => Err(bad_depth(operation.pointer)),
    }
}

fn change(operation: &Operation<'_>, key: &str, rules: &ImagesConfig) -> Result<AttributeChange, Error> {
    if operation.verb == Verb::Remove {
        return Ok(AttributeChange::Remove { key: key.to_owned() });
    }
    let value = operation.value.ok_or_else(|| {
        Error::BadRequest("Operation objects of add and replace must contain a member \"value\".".to_owned())
    })?;
    let attribute = attributes::attribute(key, value, rules)?;
    Ok(match (operation.verb, operation.dialect) {
        (Verb::Replace, _) => AttributeChange::Replace(attribute),
        (_, Dialect::Draft4) => AttributeChange::AddNew(attribute),
        (_, Dialect::Draft10) => AttributeChange::Add(attribute),
    })
}

fn draft_10(operation: &Map<String, Value>) -> Result<(Verb, &str), Error> {
    let text = |member: &str| {
        let missing = || Error::BadRequest(format!("Unable to find '{member}' in JSON Schema change"));
        operation.get(member).and_then(Value::as_str).ok_or_else(missing)
    };
    let word = text("op")?;
    let verb = Verb::parse(word).ok_or_else(|| unknown_operation(word))?;
    Ok((verb, text("path")?))
}

fn draft_4(operation: &Map<String, Value>) -> Result<(Verb, &str), Error> {
    let mut named = Verb::ALL.iter().filter_map(|(word, verb)| Some((*verb, operation.get(*word)?)));
    match (named.next(), named.next()) {
        (Some((verb, Value::String(pointer))), None) => Ok((verb, pointer)),
        _ => Err(Error::BadRequest(
            "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\"."
                .to_owned(),
        )),
    }
}

fn unknown_operation(word: &str) -> Error {
    Error::BadRequest(format!("Operation {word:?} is not one of add, replace, remove."))
}

fn bad_depth(pointer: &str) -> Error {
    Error::BadRequest(format!("Invalid JSON pointer for this resource: '{pointer}'"))
}

/// Splits a pointer (RFC 6901). Leading slashes count as one and blanks around a segment vanish, as they do in Glance.
fn parse_pointer(pointer: &str) -> Result<Vec<String>, Error> {
    let malformed = |why: &str| Error::BadRequest(format!("Pointer `{pointer}` {why}."));
    let path = pointer.strip_prefix('/').ok_or_else(|| malformed("does not start with \"/\""))?;
    let path = path.trim_start_matches('/').trim();
    if path.contains("//") {
        return Err(malformed("contains adjacent \"/\""));
    }
    if path.ends_with('/') {
        return Err(malformed("ends with \"/\""));
    }
    path.split('/')
        .map(|segment| {
            unescape(segment.trim())
                .ok_or_else(|| malformed("contains \"~\" not part of a recognized escape sequence"))
        })
        .collect()
}

/// `~1` is a slash and `~0` a tilde; any other tilde is an error.
fn unescape(segment: &str) -> Option<String> {
    let mut plain = String::with_capacity(segment.len());
    let mut characters = segment.chars();
    while let Some(character) = characters.next() {
        match (character, character == '~') {
            (_, true) => match characters.next()? {
                '0' => plain.push('~'),
                '1' => plain.push('/'),
                _ => return None,
            },
            (other, false) => plain.push(other),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(text: &str) -> Result<Vec<String>, String> {
        parse_pointer(text).map_err(|error| error.to_string())
    }

    #[test]
    fn pointers_are_unescaped_and_trimmed() {
        assert_eq!(pointer("/a~1b~0c"), Ok(vec!["a/b~c".to_owned()]));
        assert_eq!(pointer("//a"), Ok(vec!["a".to_owned()]));
        assert_eq!(pointer("/ a /b"), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(pointer("/"), Ok(vec![String::new()]));
    }

    #[test]
    fn malformed_pointers_say_why() {
        assert!(pointer("a").is_err_and(|text| text.contains("does not start with")));
        assert!(pointer("/a//b").is_err_and(|text| text.contains("adjacent")));
        assert!(pointer("/a/").is_err_and(|text| text.contains("ends with")));
        assert!(pointer("/a~2").is_err_and(|text| text.contains("escape sequence")));
        assert!(pointer("/a~").is_err_and(|text| text.contains("escape sequence")));
    }
}
