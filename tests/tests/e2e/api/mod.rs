//! Every route of the Image API that there is: status, headers, body, links.

mod actions;
mod conditions;
mod create;
mod data;
mod delete_and_tags;
mod digests;
mod errors;
mod info;
mod limits;
mod list;
pub(crate) mod locations;
mod members;
mod options;
mod patch;
mod policy;
mod quotas;
pub(crate) mod schemas;
mod several_stores;
mod show;
mod versions;

use std::sync::atomic::{AtomicU32, Ordering};

use glasshouse_tests::http::{Answer, Api};
use serde_json::{Value, json};

/// A word nobody else uses: the sites are shared by all tests.
fn unique(word: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{word}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A queued image that data may be uploaded to.
fn queued(api: &Api) -> String {
    api.create_image(&json!({"name": unique("image"), "disk_format": "raw", "container_format": "bare"}))
}

/// An active image with this data.
fn active(api: &Api, data: &[u8]) -> String {
    let id = queued(api);
    api.upload(&id, data).expect(204);
    id
}

/// The image as it is now.
fn record(api: &Api, id: &str) -> Value {
    api.get(&format!("/v2/images/{id}")).expect(200).json()
}

/// The values of a header that lists words, in order.
fn listed(answer: &Answer, header: &str) -> Vec<String> {
    let text = answer.header(header).unwrap_or_else(|| panic!("no header {header} in {:?}", answer.headers));
    let mut words: Vec<String> = text.split(',').map(|word| word.trim().to_owned()).collect();
    words.sort();
    words
}

/// Whether a text is a time as the API writes it: `2026-01-31T23:59:59Z`.
pub(crate) fn is_time(value: &Value) -> bool {
    let pattern = "0000-00-00T00:00:00Z";
    value.as_str().is_some_and(|text| {
        let fits =
            |(have, want): (char, char)| if want == '0' { have.is_ascii_digit() } else { have == want };
        text.len() == pattern.len() && text.chars().zip(pattern.chars()).all(fits)
    })
}
