//! Finds version 2 of the Image service below the address that the catalog or the user names.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::auth::beneath;
use super::call::{Answer, Call};
use super::error::{ClientError, ErrorKind};
use super::words;

/// Where the service is, and what it can do beyond the API.
pub(super) struct Found {
    /// The base of all calls, `…/v2/`.
    pub(super) endpoint: Url,
    /// It takes uploads in pieces.
    pub(super) takes_pieces: bool,
}

/// Looks for the base of all calls, `…/v2/`. Links in the version document may name hosts that only the cloud itself can
/// reach, so scheme, host and path prefix stay those of the catalog.
pub(super) async fn image_endpoint(
    http: &reqwest::Client,
    catalog: &Url,
    idle: Duration,
) -> Result<Found, ClientError> {
    let root = without_version(catalog);
    let attempted = format!("find the Image service at {root}");
    let mut last = None;
    // The root says 300; `/versions` says 200 and passes where a proxy keeps the root for itself.
    for path in ["", "versions"] {
        let call = Call::new(Method::GET, beneath(&root, path), attempted.as_str());
        let response = call.send(http, None, idle).await?;
        let answer = call.read(response, idle).await?;
        if let Some(versions) = versions(&answer) {
            if versions.iter().any(|id| is_version_two(id)) {
                let takes_pieces = has_feature(&answer, "resumable-upload");
                return Ok(Found { endpoint: beneath(&root, "v2/"), takes_pieces });
            }
            let message = format!("it speaks {}, not v2", versions.join(", "));
            return Err(call.error(ErrorKind::Rejected, message));
        }
        last = Some((call, answer));
    }
    Err(match last {
        Some((call, answer)) if !answer.status.is_success() => call.refused(&answer),
        Some((call, answer)) => {
            let answered = words::status_line(answer.status.as_u16());
            let message = format!("something answers there ({answered}), but it is no Image service");
            call.error(ErrorKind::Rejected, message)
        }
        None => ClientError::new(ErrorKind::Rejected, attempted, "nothing was asked"),
    })
}

/// What the version document is headed with; a real Glance says nothing, and is asked nothing more.
fn has_feature(answer: &Answer, name: &str) -> bool {
    let fields = answer.headers.get_all("glasshouse-features");
    let mut names = fields.iter().filter_map(|field| field.to_str().ok()).flat_map(|field| field.split(','));
    names.any(|known| known.trim() == name)
}

/// Ids of the versions that may be used.
fn versions(answer: &Answer) -> Option<Vec<String>> {
    if answer.status != StatusCode::OK && answer.status != StatusCode::MULTIPLE_CHOICES {
        return None;
    }
    let document: Value = serde_json::from_slice(&answer.body).ok()?;
    let usable = |version: &&Value| matches!(version["status"].as_str(), Some("CURRENT" | "SUPPORTED"));
    let listed = document.get("versions")?.as_array()?;
    Some(
        listed.iter().filter(usable).filter_map(|version| Some(version["id"].as_str()?.to_owned())).collect(),
    )
}

fn is_version_two(id: &str) -> bool {
    id == "v2" || id.starts_with("v2.")
}

/// `http://host/image/v2/` and `http://host/image` mean the same service.
fn without_version(url: &Url) -> Url {
    let path = url.path().trim_end_matches('/');
    let root = match path.rsplit_once('/') {
        Some((before, last)) if is_version_two(last) => before,
        _ => path,
    };
    let mut url = url.clone();
    url.set_path(&format!("{root}/"));
    url.set_query(None);
    url
}
