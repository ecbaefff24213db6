//! `/healthcheck`: whether this node should be sent requests. It tells nothing of database, store or identity.

use std::path::Path;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;

use super::fault::quality;
use super::reply::Reply;

/// 503 while the file is there by which an operator takes a node out of service.
pub fn check(method: &Method, headers: &HeaderMap, disable_by_file: Option<&Path>) -> Reply {
    let is_disabled = disable_by_file.is_some_and(Path::exists);
    let (status, reason) = if is_disabled {
        (StatusCode::SERVICE_UNAVAILABLE, "DISABLED BY FILE")
    } else {
        (StatusCode::OK, "OK")
    };
    if method == Method::HEAD {
        let status = if is_disabled { status } else { StatusCode::NO_CONTENT };
        return Reply::empty(status).with(CONTENT_TYPE, "text/plain; charset=UTF-8");
    }
    match form(headers) {
        Form::Plain => Reply::bytes(status, "text/plain; charset=UTF-8", reason),
        Form::Html => {
            let page = format!(
                "<html><head><title>Healthcheck Status</title></head>\n<body><h2>Result of 1 checks:</h2>\n<p>{reason}</p></body></html>\n"
            );
            Reply::bytes(status, "text/html; charset=UTF-8", page)
        }
        Form::Json => Reply::json(status, &json!({"reasons": [reason], "detailed": false})),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Html,
    Json,
}

/// Plain text wins every tie, and stands in for what nobody knows.
fn form(headers: &HeaderMap) -> Form {
    let Some(accept) = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()) else {
        return Form::Plain;
    };
    let offers = [
        (Form::Plain, quality(accept, "text", "plain")),
        (Form::Html, quality(accept, "text", "html")),
        (Form::Json, quality(accept, "application", "json")),
    ];
    let mut best = (Form::Plain, 0.0);
    for offer in offers {
        if offer.1 > best.1 {
            best = offer;
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form_of(accept: &str) -> Form {
        form(&HeaderMap::from_iter([(ACCEPT, accept.parse().expect("a header"))]))
    }

    #[test]
    fn the_form_follows_accept() {
        assert_eq!(form(&HeaderMap::new()), Form::Plain);
        for plain in ["*/*", "text/*", "image/png", "text/plain, application/json"] {
            assert_eq!(form_of(plain), Form::Plain, "{plain}");
        }
        assert_eq!(form_of("text/html"), Form::Html);
        assert_eq!(form_of("application/json"), Form::Json);
        assert_eq!(form_of("text/plain;q=0.1, application/json;q=0.9"), Form::Json);
    }

    #[test]
    fn a_file_takes_the_node_out_of_service() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("disabled");
        let status = |method| check(&method, &HeaderMap::new(), Some(&file)).status.as_u16();
        assert_eq!((status(Method::GET), status(Method::HEAD)), (200, 204));
        std::fs::write(&file, "").expect("the file");
        assert_eq!((status(Method::GET), status(Method::HEAD)), (503, 503));
        assert_eq!(check(&Method::GET, &HeaderMap::new(), None).status, StatusCode::OK);
    }
}
