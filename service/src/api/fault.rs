//! The one table from an error to what the client reads.
//!
//! The form follows `Accept`, as the clients of Glance expect it: a page for `*/*`, JSON when it alone is asked
//! for, else plain text.

use http::header::{ACCEPT, ALLOW, CONTENT_RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::json;

use super::html::escape;
use super::reply::Reply;
use super::uploads;
use crate::error::Error;

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
const RETRY_AFTER_SECS: &str = "10";
const SERVER_ERROR: &str =
    "The server has either erred or is incapable of performing the requested operation.";

/// What an answer to a failure depends on beside the failure and the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting<'a> {
    /// What a 401 tells of the identity service.
    pub challenge: Option<&'a str>,
    /// JSON as Glance writes it.
    pub flat_json: bool,
}

/// The answer to a request that failed.
pub fn reply(error: &Error, headers: &HeaderMap, setting: Setting<'_>) -> Reply {
    match error {
        Error::UploadStep { problem, message } => return uploads::problem(*problem, message),
        Error::Processed(cause) => return uploads::processed(reply(cause, headers, setting)),
        _ => {}
    }
    let (status, text) = status_and_text(error);
    let reply = document(status, &text, headers, setting.flat_json);
    match error {
        Error::Unauthenticated(_) => match setting.challenge {
            Some(challenge) => reply.with(WWW_AUTHENTICATE, challenge),
            None => reply,
        },
        Error::MethodNotAllowed { allow, .. } => reply.with(ALLOW, allow),
        Error::UnsupportedMedia { accept_patch: Some(accepted), .. } => reply.with(ACCEPT_PATCH, accepted),
        Error::Unavailable { .. } => reply.with(RETRY_AFTER, RETRY_AFTER_SECS),
        Error::RangeNotSatisfiable { size_bytes: Some(size_bytes), .. } => {
            reply.with(CONTENT_RANGE, format!("bytes */{size_bytes}"))
        }
        _ => reply,
    }
}

/// Exhaustive on purpose: a new error does not compile until its status is decided here.
fn status_and_text(error: &Error) -> (StatusCode, String) {
    match error {
        Error::BadRequest(text) => (StatusCode::BAD_REQUEST, text.clone()),
        Error::Unauthenticated(text) => (StatusCode::UNAUTHORIZED, text.clone()),
        Error::Forbidden(text) => (StatusCode::FORBIDDEN, text.clone()),
        Error::NotFound(text) => (StatusCode::NOT_FOUND, text.clone()),
        Error::MethodNotAllowed { method, .. } => {
            (StatusCode::METHOD_NOT_ALLOWED, format!("The method {method} is not allowed for this resource."))
        }
        Error::TooSlow(text) => (StatusCode::REQUEST_TIMEOUT, text.clone()),
        Error::Conflict(text) => (StatusCode::CONFLICT, text.clone()),
        Error::Gone(text) => (StatusCode::GONE, text.clone()),
        Error::TooLarge(text) => (StatusCode::PAYLOAD_TOO_LARGE, text.clone()),
        Error::StoreFull(_) => (StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        Error::UnsupportedMedia { media_type, message, .. } => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("The request media type {media_type} is not supported by this server. {message}"),
        ),
        Error::RangeNotSatisfiable { message, .. } => (StatusCode::RANGE_NOT_SATISFIABLE, message.clone()),
        Error::HeaderTooLarge(text) => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text.clone()),
        Error::NotImplemented(text) => (StatusCode::NOT_IMPLEMENTED, text.clone()),
        Error::Unavailable { message, .. } => (StatusCode::SERVICE_UNAVAILABLE, message.clone()),
        Error::UploadStep { message, .. } => (StatusCode::BAD_REQUEST, message.clone()),
        Error::Processed(cause) => status_and_text(cause),
        Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, SERVER_ERROR.to_owned()),
    }
}

/// The words that HTTP clients and Glance use for a status; they differ from the registry's in two places.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        StatusCode::RANGE_NOT_SATISFIABLE => "Request Range Not Satisfiable",
        other => other.canonical_reason().unwrap_or("Error"),
    }
}

fn document(status: StatusCode, text: &str, headers: &HeaderMap, flat_json: bool) -> Reply {
    let title = title(status);
    let code = format!("{} {title}", status.as_u16());
    match form(headers) {
        Form::Plain => Reply::bytes(status, "text/plain; charset=UTF-8", format!("{code}\n\n{text}\n\n   ")),
        Form::Json if flat_json => {
            let message = format!("{text}<br /><br />\n\n\n");
            Reply::json(status, &json!({"message": message, "code": code, "title": title}))
        }
        Form::Json => {
            // Nested: the flat form of Glance makes its own client stumble over the texts beside the message.
            let error = json!({"code": status.as_u16(), "title": title, "message": text});
            Reply::json(status, &json!({ "error": error }))
        }
        Form::Html => {
            let text = escape(text);
            let page = format!(
                "<html>\n <head>\n  <title>{code}</title>\n </head>\n <body>\n  <h1>{code}</h1>\n  {text}<br /><br />\n\n\n </body>\n</html>"
            );
            Reply::bytes(status, "text/html; charset=UTF-8", page)
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Html,
    Json,
}

/// HTML wins a tie with JSON; without either the text is plain.
fn form(headers: &HeaderMap) -> Form {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let html = quality(accept, "text", "html");
    let json = quality(accept, "application", "json");
    match (html > 0.0, json > 0.0) {
        (_, true) if json > html => Form::Json,
        (true, _) => Form::Html,
        _ => Form::Plain,
    }
}

/// How much `accept` wants `kind/subtype` (RFC 9110 §12.5.1); the most specific range decides.
pub fn quality(accept: &str, kind: &str, subtype: &str) -> f32 {
    let mut best = (0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or("").to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        let precision = match media.split_once('/') {
            Some((k, s)) if k == kind && s == subtype => 3,
            Some((k, "*")) if k == kind => 2,
            Some(("*", "*")) => 1,
            _ => continue,
        };
        if precision > best.0 {
            best = (precision, weight);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form_of(accept: &str) -> Form {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().expect("a header"));
        form(&headers)
    }

    #[test]
    fn the_form_follows_accept() {
        assert_eq!(form(&HeaderMap::new()), Form::Plain);
        assert_eq!(form_of(""), Form::Plain);
        assert_eq!(form_of("text/plain"), Form::Plain);
        assert_eq!(form_of("*/*"), Form::Html);
        assert_eq!(form_of("application/json, */*"), Form::Html);
        assert_eq!(form_of("application/json"), Form::Json);
        assert_eq!(form_of("text/html;q=0.5, application/json;q=0.9"), Form::Json);
        assert_eq!(form_of("application/json;q=0"), Form::Plain);
    }

    #[test]
    fn who_asks_beyond_the_end_is_told_where_it_is() {
        let error = Error::RangeNotSatisfiable { message: "beyond".to_owned(), size_bytes: Some(10) };
        let answer = reply(&error, &HeaderMap::new(), Setting::default());
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(answer.headers.get(CONTENT_RANGE).map(|value| value.as_bytes()), Some(&b"bytes */10"[..]));
    }

    #[test]
    fn what_a_client_sent_is_escaped_in_a_page() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, "*/*".parse().expect("a header"));
        let error = Error::NotFound("No image found with ID <script>".to_owned());
        let super::super::reply::ReplyBody::Bytes(page) = reply(&error, &headers, Setting::default()).body
        else {
            panic!("a page")
        };
        let page = String::from_utf8(page.to_vec()).expect("text");
        assert!(
            page.contains("<title>404 Not Found</title>") && page.contains("ID &lt;script&gt;<br /><br />"),
            "{page}"
        );
    }
}
