//! What of an answer must be the same.

use glasshouse_tests::http::Answer;
use serde_json::Value;

use crate::api::is_time;

/// Headers that clients read.
const HEADERS: &[&str] = &[
    "accept-patch",
    "allow",
    "content-length",
    "content-md5",
    "content-range",
    "content-type",
    "location",
    "openstack-image-import-methods",
    "openstack-image-store-ids",
    "www-authenticate",
];

/// An answer without what differs from run to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub status: u16,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Document(Value),
    /// The first line of an error.
    Title(String),
    Bytes(Vec<u8>),
}

impl Outcome {
    /// An answer that is no HTTP.
    pub fn unreadable() -> Self {
        Self { status: 0, headers: Vec::new(), body: Body::Bytes(Vec::new()) }
    }

    pub fn of(answer: &Answer, base: &str) -> Self {
        let failed = answer.status >= 400;
        let headers =
            HEADERS.iter().filter_map(|name| Some((*name, header(name, answer, base, failed)?))).collect();
        Self { status: answer.status, headers, body: body(answer, base, failed) }
    }
}

impl Outcome {
    /// A page of a list without its links.
    pub fn without_links(&self) -> Self {
        let mut outcome = self.clone();
        if let Body::Document(Value::Object(document)) = &mut outcome.body {
            document.remove("first");
            document.remove("next");
        }
        outcome
    }
}

fn header(name: &'static str, answer: &Answer, base: &str, failed: bool) -> Option<String> {
    let is_document = answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let value = answer.header(name)?;
    match name {
        // The words of an error and the order of a document are ours.
        "content-length" if failed || is_document => None,
        // RFC 9110 §8.6 forbids it on a 204.
        "content-length" if answer.status == 204 => None,
        // An empty body has no type worth comparing.
        "content-type" if answer.body.is_empty() => None,
        "content-type" => Some(value.to_ascii_lowercase().replace(' ', "")),
        "allow" | "accept-patch" => {
            let mut words: Vec<&str> = value.split(',').map(str::trim).collect();
            words.sort_unstable();
            Some(words.join(", "))
        }
        _ => Some(value.replace(base, "")),
    }
}

fn body(answer: &Answer, base: &str, failed: bool) -> Body {
    if let Ok(mut document) = serde_json::from_slice::<Value>(&answer.body)
        && !failed
    {
        let id = document["id"].as_str().map(str::to_owned);
        normalise(&mut document, base, id.as_deref());
        return Body::Document(document);
    }
    if failed {
        let text = answer.text();
        let line = text.lines().find(|line| line.contains(&answer.status.to_string())).unwrap_or_default();
        return Body::Title(line.replace("<title>", "").replace("</title>", "").trim().to_owned());
    }
    Body::Bytes(answer.body.clone())
}

/// Times are blanked, tags sorted, schema descriptions and addresses left out.
fn normalise(value: &mut Value, base: &str, id: Option<&str>) {
    if is_time(value) {
        *value = Value::from("TIME");
    }
    match value {
        Value::String(text) => {
            *text = text.replace(base, "");
            if let Some(id) = id {
                *text = text.replace(id, "ID");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| normalise(item, base, id)),
        Value::Object(members) => {
            if members.get("description").is_some_and(Value::is_string) && members.contains_key("type") {
                members.remove("description");
            }
            for (key, member) in members.iter_mut() {
                if let (true, Value::Array(tags)) = (key == "tags", &mut *member) {
                    tags.sort_by_key(ToString::to_string);
                }
                normalise(member, base, id);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
