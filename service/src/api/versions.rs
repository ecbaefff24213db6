//! Which versions of the API there are, and how a request names one.

use http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use super::reply::Reply;

const MEDIA_TYPE_PREFIX: &str = "application/vnd.openstack.images-v";

/// What a client may rely on beyond Glance's API; others do not look for it.
const FEATURES: HeaderName = HeaderName::from_static("glasshouse-features");

/// Optional parts of the service that bring minor versions of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    pub has_stores: bool,
    pub has_cache: bool,
}

/// Minor versions in the order in which Glance lists them; clients look for exact ids.
fn minors(features: Features) -> Vec<u32> {
    let cache: &[u32] = if features.has_cache { &[18, 17, 16, 15, 14] } else { &[15] };
    let stores: &[u32] = if features.has_stores { &[13, 12, 11, 10, 9, 8] } else { &[9] };
    let current: &[u32] = if features.has_cache { &[] } else { &[17] };
    [cache, stores, current, &[7, 6, 5, 4, 3, 2, 1, 0]].concat()
}

/// The version document. `300 Multiple Choices` at the root, 200 at `/versions`.
pub fn document(status: StatusCode, features: Features, base_url: &str) -> Reply {
    let current = if features.has_cache { 18 } else { 17 };
    let versions: Vec<Value> = minors(features)
        .into_iter()
        .map(|minor| {
            json!({
                "id": format!("v2.{minor}"),
                "status": if minor == current { "CURRENT" } else { "SUPPORTED" },
                "links": [{"rel": "self", "href": format!("{base_url}/v2/")}],
            })
        })
        .collect();
    let reply = Reply::json(status, &json!({ "versions": versions }));
    reply.with(FEATURES, "resumable-upload")
}

/// The path inside `/v2` that a request means; `None` when it names no version that there is.
///
/// A version stands in the first segment of the path (`v2`, `v2.7`) or in `Accept`
/// (`application/vnd.openstack.images-v2`); then the path has no prefix.
pub fn resolve(path: &str, accept: &str, features: Features) -> Option<String> {
    if let Some(version) = accept.split(',').find_map(|range| range.trim().strip_prefix(MEDIA_TYPE_PREFIX)) {
        let version = version.split([';', '+']).next().unwrap_or("").trim();
        return is_known(version, features).then(|| format!("/v2{path}"));
    }
    let (first, rest) = match path.trim_start_matches('/').split_once('/') {
        Some((first, rest)) => (first, format!("/{rest}")),
        None => (path.trim_start_matches('/'), String::new()),
    };
    let version = first.strip_prefix('v')?;
    is_known(version, features).then(|| format!("/v2{rest}"))
}

fn is_known(version: &str, features: Features) -> bool {
    match version.split_once('.') {
        None => version == "2",
        Some(("2", minor)) => minor
            .parse()
            .is_ok_and(|minor: u32| minors(features).contains(&minor) && minor.to_string() == version[2..]),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Features = Features { has_stores: false, has_cache: false };
    const ALL: Features = Features { has_stores: true, has_cache: true };

    #[test]
    fn a_plain_service_lists_what_glance_lists() {
        assert_eq!(minors(PLAIN), [15, 9, 17, 7, 6, 5, 4, 3, 2, 1, 0]);
        assert_eq!(minors(ALL), [18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    }

    #[test]
    fn a_version_stands_in_the_path_or_in_accept() {
        assert_eq!(resolve("/v2/images", "*/*", PLAIN).as_deref(), Some("/v2/images"));
        assert_eq!(resolve("/v2.7/images/a", "*/*", PLAIN).as_deref(), Some("/v2/images/a"));
        assert_eq!(resolve("/v2", "*/*", PLAIN).as_deref(), Some("/v2"));
        assert_eq!(
            resolve("/images", "application/vnd.openstack.images-v2", PLAIN).as_deref(),
            Some("/v2/images")
        );
        for unknown in ["/v3/images", "/foo", "/", "/v2.8/images", "/v2.07/images", "/v2.99/images"] {
            assert_eq!(resolve(unknown, "*/*", PLAIN), None, "{unknown}");
        }
        assert_eq!(resolve("/images", "application/vnd.openstack.images-v9", ALL), None);
    }
}
