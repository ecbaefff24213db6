//! Application credentials may be restricted to some calls. The service that is called must see to it, not Keystone.

use glasshouse_shared::identity::{AccessRule, Token};
use http::Method;
use regex::Regex;

/// The type of this service in access rules.
const SERVICE_TYPE: &str = "image";

/// Whether the token may be used for the call. If the call is not known, only unrestricted tokens may.
pub fn permit(token: &Token, call: Option<(&Method, &str)>) -> bool {
    let rules = token.application_credential.as_ref().and_then(|credential| credential.access_rules.as_ref());
    match (rules, call) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(rules), Some((method, path))) => rules.iter().any(|rule| matches(rule, method, path)),
    }
}

fn matches(rule: &AccessRule, method: &Method, path: &str) -> bool {
    rule.service == SERVICE_TYPE
        && rule.method.eq_ignore_ascii_case(method.as_str())
        && pattern(&rule.path).is_some_and(|pattern| pattern.is_match(path))
}

/// `*` and `{name}` stand for one part of a path, `**` for any number.
fn pattern(path: &str) -> Option<Regex> {
    let mut text = String::from("^");
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("**") {
            text.push_str(".*");
            2
        } else if first == '*' {
            text.push_str("[^/]+");
            1
        } else if let Some(end) = rest.find('}').filter(|_| first == '{') {
            text.push_str("[^/]+");
            end + 1
        } else {
            text.push_str(&regex::escape(first.encode_utf8(&mut [0; 4])));
            first.len_utf8()
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    text.push('$');
    Regex::new(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(path: &str, called: &str) -> bool {
        let rule = AccessRule { method: "GET".into(), path: path.into(), service: "image".into() };
        matches(&rule, &Method::GET, called)
    }

    #[test]
    fn wildcards_stand_for_parts_of_a_path() {
        assert!(permits("/v2/images", "/v2/images"));
        assert!(!permits("/v2/images", "/v2/images/x"));
        assert!(!permits("/v2/images", "/x/v2/images"));
        assert!(permits("/v2/images/*", "/v2/images/x"));
        assert!(!permits("/v2/images/*", "/v2/images/x/file"));
        assert!(permits("/v2/images/{image_id}/file", "/v2/images/x/file"));
        assert!(permits("/v2/**", "/v2/images/x/file"));
        assert!(!permits("/v2/image.", "/v2/images"));
    }

    #[test]
    fn method_and_service_must_fit() {
        let rule = AccessRule { method: "GET".into(), path: "/v2/images".into(), service: "image".into() };
        assert!(!matches(&rule, &Method::POST, "/v2/images"));
        let foreign = AccessRule { service: "compute".into(), ..rule };
        assert!(!matches(&foreign, &Method::GET, "/v2/images"));
    }
}
