//! What a browser must be told before a page from elsewhere may call the API ([cors]).

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN, VARY,
};
use http::{HeaderMap, StatusCode};

use super::reply::Reply;
use crate::config::CorsConfig;

/// Headers that every page may send.
const SIMPLE_HEADERS: &[&str] = &[
    "Accept",
    "Accept-Language",
    "Content-Type",
    "Cache-Control",
    "Content-Language",
    "Expires",
    "Last-Modified",
    "Pragma",
];

/// The answer to OPTIONS, which no route has: empty, and with permission when the page may make the call that it
/// announces.
pub fn preflight(config: &CorsConfig, headers: &HeaderMap) -> Reply {
    let reply = Reply::empty(StatusCode::OK);
    let Some(origin) = permitted_origin(config, headers) else { return reply };
    let Some(method) = text(headers, &ACCESS_CONTROL_REQUEST_METHOD) else { return reply };
    let asked = text(headers, &ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or("");
    let asked: Vec<&str> = asked.split(',').map(str::trim).filter(|header| !header.is_empty()).collect();
    let is_permitted = |header: &&str| {
        let configured = config.allow_headers.iter().map(String::as_str);
        configured.chain(SIMPLE_HEADERS.iter().copied()).any(|known| known.eq_ignore_ascii_case(header))
    };
    if !config.allow_methods.iter().any(|known| known == method) || !asked.iter().all(is_permitted) {
        return reply;
    }
    let mut reply = with_origin(config, reply, origin).with(ACCESS_CONTROL_ALLOW_METHODS, method);
    if config.max_age_secs > 0 {
        reply = reply.with(ACCESS_CONTROL_MAX_AGE, config.max_age_secs.to_string());
    }
    if !asked.is_empty() {
        reply = reply.with(ACCESS_CONTROL_ALLOW_HEADERS, asked.join(","));
    }
    reply
}

/// Any other answer, with what lets the page read it.
pub fn decorate(config: &CorsConfig, headers: &HeaderMap, reply: Reply) -> Reply {
    let Some(origin) = permitted_origin(config, headers) else { return reply };
    let reply = with_origin(config, reply, origin);
    if config.expose_headers.is_empty() {
        return reply;
    }
    reply.with(ACCESS_CONTROL_EXPOSE_HEADERS, config.expose_headers.join(","))
}

fn with_origin(config: &CorsConfig, reply: Reply, origin: &str) -> Reply {
    let reply = reply.with(VARY, "Origin").with(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if config.allow_credentials { reply.with(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true") } else { reply }
}

/// The page's own origin when the operator named it, `*` when every page may call.
fn permitted_origin<'a>(config: &CorsConfig, headers: &'a HeaderMap) -> Option<&'a str> {
    let origin = text(headers, &ORIGIN)?;
    if config.allowed_origins.iter().any(|known| known == origin) {
        return Some(origin);
    }
    config.allowed_origins.iter().any(|known| known == "*").then_some("*")
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(origins: &[&str]) -> CorsConfig {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        CorsConfig {
            allowed_origins: words(origins),
            allow_credentials: true,
            expose_headers: words(&["X-Auth-Token"]),
            max_age_secs: 3600,
            allow_methods: words(&["GET", "PATCH"]),
            allow_headers: words(&["X-Auth-Token"]),
        }
    }

    fn request(headers: &[(HeaderName, &str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header"))).collect()
    }

    fn permission(reply: &Reply) -> Option<&str> {
        text(&reply.headers, &ACCESS_CONTROL_ALLOW_ORIGIN)
    }

    const PAGE: (HeaderName, &str) = (ORIGIN, "https://dashboard");

    #[test]
    fn a_named_page_may_read_what_it_asked_for() {
        let reply = decorate(&config(&["https://dashboard"]), &request(&[PAGE]), Reply::no_content());
        assert_eq!(permission(&reply), Some("https://dashboard"));
        assert_eq!(text(&reply.headers, &VARY), Some("Origin"));
        assert_eq!(text(&reply.headers, &ACCESS_CONTROL_EXPOSE_HEADERS), Some("X-Auth-Token"));
        let reply = decorate(&config(&["https://other"]), &request(&[PAGE]), Reply::no_content());
        assert!(reply.headers.is_empty());
        let reply = decorate(&config(&["*"]), &request(&[PAGE]), Reply::no_content());
        assert_eq!(permission(&reply), Some("*"));
        assert!(decorate(&config(&["*"]), &HeaderMap::new(), Reply::no_content()).headers.is_empty());
    }

    #[test]
    fn a_call_is_announced_with_its_method_and_its_headers() {
        let config = config(&["https://dashboard"]);
        let ask = |method: &'static str, asked: &'static str| {
            let headers =
                [PAGE, (ACCESS_CONTROL_REQUEST_METHOD, method), (ACCESS_CONTROL_REQUEST_HEADERS, asked)];
            preflight(&config, &request(&headers))
        };
        let reply = ask("PATCH", "x-auth-token, content-type");
        assert_eq!((reply.status, permission(&reply)), (StatusCode::OK, Some("https://dashboard")));
        assert_eq!(text(&reply.headers, &ACCESS_CONTROL_ALLOW_HEADERS), Some("x-auth-token,content-type"));
        assert_eq!(text(&reply.headers, &ACCESS_CONTROL_MAX_AGE), Some("3600"));
        assert_eq!(permission(&ask("DELETE", "")), None);
        assert_eq!(permission(&ask("GET", "X-Roles")), None);
        assert_eq!(permission(&preflight(&config, &request(&[PAGE]))), None);
    }
}
