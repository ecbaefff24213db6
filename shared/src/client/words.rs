//! Plain words out of what servers and transports say: three kinds of error body, and chains of causes.

use std::error::Error;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use serde_json::Value;
use url::Url;

/// Longest message that is kept: a proxy's whole page is no reason.
const LONGEST: usize = 2_000;

/// "409 Conflict".
pub(super) fn status_line(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

/// The reason that an error answer gives (API behaviour: html, plain or one of two json shapes).
pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    if status.is_redirection()
        && let Some(target) = headers.get(LOCATION).and_then(|value| value.to_str().ok())
    {
        return format!("the server points to another host, {target}, which is not followed with a token");
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let message = if kind.contains("json") {
        serde_json::from_str::<Value>(&text).ok().and_then(|value| json_message(&value))
    } else {
        None
    };
    // The json message of the first shape keeps html breaks, and some proxies send html without saying so.
    let message = lines_of(status, message.as_deref().unwrap_or(&text));
    if message.is_empty() { status_line(status.as_u16()) } else { shortened(message) }
}

/// `{"error": {"message": …}}` and the like, or `{"message": …}`.
fn json_message(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    let nested = object.values().find_map(|inner| inner.get("message")?.as_str());
    let flat = || object.get("message").and_then(Value::as_str);
    let error = || object.get("error").and_then(Value::as_str);
    nested.or_else(flat).or_else(error).map(str::to_owned)
}

/// The lines of a body without markup, without the line that repeats the status, without repetitions.
fn lines_of(status: StatusCode, text: &str) -> String {
    let code = status.as_u16().to_string();
    let plain = unescaped(&without_tags(text));
    let mut lines: Vec<&str> = Vec::new();
    for line in plain.lines().map(str::trim) {
        let repeats_status =
            line.strip_prefix(&code).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        if !line.is_empty() && !repeats_status && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join(" ").trim_end_matches('.').to_owned()
}

/// Replaces each tag by a line break; the contents of style and script elements go with them.
fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('<') {
        plain.push_str(before);
        // A lone "<" of a sentence is no tag.
        let starts_tag = from.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        let Some((tag, after)) = from.split_once('>').filter(|_| starts_tag) else {
            plain.push('<');
            rest = from;
            continue;
        };
        plain.push('\n');
        rest = after;
        for hidden in ["style", "script"] {
            let opens = tag.get(..hidden.len()).is_some_and(|name| name.eq_ignore_ascii_case(hidden));
            if opens && let Some((_, after)) = rest.split_once(&format!("</{hidden}>")) {
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn unescaped(text: &str) -> String {
    // The ampersand last, or `&amp;lt;` would be undone twice.
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn shortened(message: String) -> String {
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message,
    }
}

/// Why no answer came.
pub(super) fn of_transport(error: &reqwest::Error) -> String {
    let host = error.url().map_or_else(|| "the server".to_owned(), host_of);
    if error.is_timeout() {
        return format!("{host} did not answer in time");
    }
    let what = if error.is_connect() { "cannot be reached" } else { "ended the connection" };
    of_causes(error, &host, what)
}

/// Host and port, for sentences.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the server");
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The innermost cause names the trouble, the outer ones only say that there was one.
pub(super) fn of_causes(error: &(dyn Error + 'static), host: &str, what: &str) -> String {
    let mut innermost = String::new();
    let mut source = Some(error);
    while let Some(cause) = source {
        innermost = cause.to_string();
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && let Some(words) = of_io(io, host)
        {
            return words;
        }
        source = cause.source();
    }
    if innermost.to_ascii_lowercase().contains("certificate") {
        return format!("the certificate of {host} is not trusted: {innermost}");
    }
    format!("{host} {what}: {innermost}")
}

/// Words for the kinds that people meet; the others are left to their own text.
pub(super) fn of_io(error: &std::io::Error, host: &str) -> Option<String> {
    use std::io::ErrorKind as Io;
    let words = match error.kind() {
        Io::ConnectionRefused => format!("{host} refuses connections: nothing listens there"),
        Io::ConnectionReset | Io::BrokenPipe | Io::ConnectionAborted => {
            format!("{host} broke the connection")
        }
        Io::TimedOut => format!("{host} did not answer in time"),
        Io::HostUnreachable | Io::NetworkUnreachable => format!("there is no route to {host}"),
        Io::UnexpectedEof => format!("{host} ended the connection in the middle of its answer"),
        _ => return None,
    };
    Some(words)
}
