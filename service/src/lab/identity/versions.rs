//! The version documents. Clients read them without a token and go where they point.

use glasshouse_shared::identity::{
    Link, MediaType, Version, VersionDocument, VersionValues, VersionsDocument,
};
use http::StatusCode;

use super::Call;
use super::reply::{Refusal, Reply};

/// The API version of Keystone whose answers these are.
const VERSION: &str = "v3.14";
const UPDATED: &str = "2020-04-07T00:00:00Z";

/// `GET /`
#[expect(clippy::unnecessary_wraps, reason = "one shape for all answers")]
pub fn all(call: &Call<'_>) -> Result<Reply, Refusal> {
    let versions = VersionValues { values: vec![version(call)] };
    let at = format!("{}/identity/v3/", call.base_url);
    Ok(Reply::json(StatusCode::MULTIPLE_CHOICES, &VersionsDocument { versions }).with("location", &at))
}

/// `GET /v3`
#[expect(clippy::unnecessary_wraps, reason = "one shape for all answers")]
pub fn one(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::json(StatusCode::OK, &VersionDocument { version: version(call) }))
}

fn version(call: &Call<'_>) -> Version {
    Version {
        id: VERSION.to_owned(),
        status: "stable".to_owned(),
        updated: UPDATED.to_owned(),
        links: vec![Link { rel: "self".to_owned(), href: format!("{}/identity/v3/", call.base_url) }],
        media_types: vec![MediaType {
            base: "application/json".to_owned(),
            vendor: "application/vnd.openstack.identity-v3+json".to_owned(),
        }],
    }
}
