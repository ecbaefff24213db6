//! The rules for a location that somebody names: which store it is of, whether this service may go there, and whether
//! there is data.

use serde_json::{Map, Value};

use crate::app::App;
use crate::db::locations::LocationRecord;
use crate::error::Error;
use crate::outbound::Refused;
use crate::stores::{Store, StoreError};

/// Schemes that would let a client read what belongs to the host or to the operator.
const NEVER: [&str; 3] = ["file", "filesystem", "swift+config"];

/// A location that may be added, and how long the data behind it is.
pub struct Found {
    pub location: LocationRecord,
    pub size_bytes: u64,
}

/// 400 when the location breaks a rule, or there is nothing at it.
pub async fn find(app: &App, url: &str, mut metadata: Map<String, Value>) -> Result<Found, Error> {
    if !metadata.values().all(is_plain) {
        return Err(invalid("its metadata may only hold texts, lists and objects"));
    }
    let store = store_of(app, url)?;
    if is_web(url) {
        check_address(app, url).await.map_err(|refused| invalid(&refused.to_string()))?;
    }
    let size_bytes = store.backend().size(url).await.map_err(|error| {
        tracing::info!(%error, store = store.id, "a location that a client named cannot be used");
        invalid(match error {
            StoreError::NotFound => "there is nothing at it",
            _ => "its data cannot be asked for",
        })
    })?;
    if size_bytes == 0 {
        return Err(invalid("the data at it is empty, or of a length that nobody says"));
    }
    if app.stores.is_multi() {
        metadata.extend(LocationRecord::metadata_of(&store.id));
    }
    Ok(Found { location: LocationRecord::active(url.to_owned(), metadata), size_bytes })
}

/// Whether the filter for addresses is asked about it.
pub fn is_web(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https")
}

/// Whether the service may go to a web server that somebody named.
pub async fn check_address(app: &App, url: &str) -> Result<(), Refused> {
    app.outbound.check(url).await
}

/// The store that reads such locations.
pub fn store_of<'a>(app: &'a App, url: &str) -> Result<&'a Store, Error> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let store = app.stores.for_location(url, None).filter(|_| !NEVER.contains(&scheme));
    store.ok_or_else(|| invalid("no store takes locations of its scheme"))
}

pub fn invalid(why: &str) -> Error {
    Error::BadRequest(format!("Invalid location: {why}."))
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(values) => values.iter().all(is_plain),
        Value::Object(members) => members.values().all(is_plain),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_web_addresses_are_asked_of_the_filter() {
        for url in ["http://h/x", "HTTPS://h/x"] {
            assert!(is_web(url), "{url}");
        }
        for url in ["httpx://h", "rbd://h", "http:h", ""] {
            assert!(!is_web(url), "{url}");
        }
    }

    #[test]
    fn metadata_is_made_of_texts() {
        for value in [json!("x"), json!(["a", {"b": []}]), json!({})] {
            assert!(is_plain(&value), "{value}");
        }
        for value in [json!(1), json!(null), json!(["a", true]), json!({"a": {"b": 1.5}})] {
            assert!(!is_plain(&value), "{value}");
        }
    }
}
