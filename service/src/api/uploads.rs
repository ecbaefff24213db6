//! `/v2/images/{image_id}/uploads`: the data of an image in pieces (draft-ietf-httpbis-resumable-upload-12).
//!
//! Interim responses (104) are not sent: the server library has no way to send any. A client therefore creates the
//! upload first and learns its address from the 201.

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use sfv::{BareItem, Item, Parser};

use super::reply::Reply;
use super::request::Request;
use super::{digest, image_data};
use crate::error::{Error, UploadProblem};
use crate::images::resumable::{self, NewUpload, Piece, State};

/// The resource that begins uploads.
pub const PATH: &str = "/v2/images/{image_id}/uploads";
/// The media type of a piece.
pub const PARTIAL: &str = "application/partial-upload";
const PROBLEM_TYPES: &str = "https://iana.org/assignments/http-problem-types";

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const COMPLETE: HeaderName = HeaderName::from_static("upload-complete");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const LIMIT: HeaderName = HeaderName::from_static("upload-limit");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// Begins an upload. Data that comes with it is its first piece.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let is_last = truth(&request.headers, &COMPLETE)?.ok_or_else(|| missing(&COMPLETE))?;
    let size_bytes = size(&request.headers);
    let has_data = request.headers.contains_key(TRANSFER_ENCODING) || size_bytes.is_some_and(|size| size > 0);
    if has_data {
        image_data::check_content_type(&request)?;
    }
    let image_id = request.param("image_id").to_owned();
    let mut length_bytes = number(&request.headers, &LENGTH)?;
    let last_size = if has_data { size_bytes } else { Some(0) };
    if let Some(announced) = last_size.filter(|_| is_last) {
        if length_bytes.is_some_and(|length| length != announced) {
            let message = format!("The upload cannot be both {announced} bytes long and of another length.");
            return Err(Error::UploadStep { problem: UploadProblem::InconsistentLength, message });
        }
        length_bytes = Some(announced);
    }
    let whole = digest::sent_of_whole(&request.headers, request.body.trailers())?;
    let store = request.header(image_data::STORE).map(str::to_owned);
    let new = NewUpload { store, length_bytes, digests: whole.leading.clone() };
    let state = resumable::create(&request.app, &request.context, &image_id, new).await?;
    let address = format!("{}/v2/images/{image_id}/uploads/{}", request.base_url, state.record.id);
    if !has_data && !is_last {
        return Ok(created(&state, &address));
    }
    let content = digest::sent_of_content(&request.headers, request.body.trailers())?;
    let Request { app, context, body, .. } = request;
    let body = body.into_stream();
    let piece = Piece { body, offset_bytes: 0, size_bytes: last_size, length_bytes, is_last, content, whole };
    let ids = (image_id.as_str(), state.record.id.as_str());
    match resumable::append(std::sync::Arc::clone(&app), &context, ids, piece).await {
        Ok(state) if is_last => Ok(done(&state)),
        Ok(state) => Ok(created(&state, &address)),
        Err(error) => {
            // Its address was never told: nobody could go on with it.
            match resumable::cancel(&app, &context, ids).await {
                Ok(()) | Err(Error::NotFound(_)) => Err(error),
                Err(cause) => Err(cause),
            }
        }
    }
}

/// The open uploads of an image, for a client that lost their addresses.
pub async fn list(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let image_id = request.param("image_id");
    let states = resumable::list(&request.app, &request.context, image_id).await?;
    let uploads: Vec<_> = states
        .iter()
        .map(|state| {
            json!({
                "id": state.record.id,
                "offset": state.record.offset_bytes,
                "length": state.record.length_bytes,
                "max_age": state.max_age_secs,
            })
        })
        .collect();
    Ok(Reply::json(StatusCode::OK, &json!({ "uploads": uploads })))
}

/// How far an upload has come.
pub async fn describe(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let state = resumable::show(&request.app, &request.context, ids(&request)).await?;
    let reply = with_state(Reply::no_content(), &state).with(CACHE_CONTROL, "no-store");
    Ok(match state.record.length_bytes {
        Some(length) => reply.with(LENGTH, length.to_string()),
        None => reply,
    })
}

/// Stores a piece; the last one makes the image active.
pub async fn append(request: Request) -> Result<Reply, Error> {
    check_media_type(&request)?;
    let headers = &request.headers;
    let offset_bytes = number(headers, &OFFSET)?.ok_or_else(|| missing(&OFFSET))?;
    let is_last = truth(headers, &COMPLETE)?.ok_or_else(|| missing(&COMPLETE))?;
    let length_bytes = number(headers, &LENGTH)?;
    let is_chunked = headers.contains_key(TRANSFER_ENCODING);
    let size_bytes = if is_chunked { None } else { Some(size(headers).unwrap_or(0)) };
    let content = digest::sent_of_content(headers, request.body.trailers())?;
    let whole = digest::sent_of_whole(headers, request.body.trailers())?;
    let (image_id, upload_id) = ids(&request);
    let (image_id, upload_id) = (image_id.to_owned(), upload_id.to_owned());
    let Request { app, context, body, .. } = request;
    let body = body.into_stream();
    let piece = Piece { body, offset_bytes, size_bytes, length_bytes, is_last, content, whole };
    let state = resumable::append(app, &context, (&image_id, &upload_id), piece).await?;
    Ok(done(&state))
}

/// Ends an upload and forgets what came.
pub async fn cancel(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    resumable::cancel(&request.app, &request.context, ids(&request)).await?;
    Ok(Reply::no_content())
}

/// What OPTIONS tells of the resource that begins uploads (§4.1.4 of the draft).
pub fn offer(reply: Reply, max_size_bytes: u64, max_age_secs: u64) -> Reply {
    let limit = format!("max-size={max_size_bytes}, max-age={max_age_secs}");
    reply.with(ACCEPT_PATCH, PARTIAL).with(LIMIT, limit)
}

/// The answer to a step that does not fit, in the form of RFC 9457: a program reads it, whatever it accepts.
pub fn problem(problem: UploadProblem, message: &str) -> Reply {
    let (status, name, mut document) = match problem {
        UploadProblem::MismatchingOffset { expected, provided } => (
            StatusCode::CONFLICT,
            "mismatching-upload-offset",
            json!({"expected-offset": expected, "provided-offset": provided}),
        ),
        UploadProblem::Completed => (StatusCode::BAD_REQUEST, "completed-upload", json!({})),
        UploadProblem::InconsistentLength => {
            (StatusCode::BAD_REQUEST, "inconsistent-upload-length", json!({}))
        }
    };
    document["type"] = json!(format!("{PROBLEM_TYPES}#{name}"));
    document["title"] = json!(message);
    document["status"] = json!(status.as_u16());
    let reply = Reply::bytes(status, "application/problem+json", document.to_string());
    match problem {
        UploadProblem::MismatchingOffset { expected, .. } => reply.with(OFFSET, expected.to_string()),
        UploadProblem::Completed => reply.with(COMPLETE, "?1"),
        UploadProblem::InconsistentLength => reply,
    }
}

/// Says of an answer that it is about the whole, and not about the upload.
pub fn processed(reply: Reply) -> Reply {
    reply.with(COMPLETE, "?1")
}

fn ids(request: &Request) -> (&str, &str) {
    (request.param("image_id"), request.param("upload_id"))
}

fn created(state: &State, address: &str) -> Reply {
    with_state(Reply::empty(StatusCode::CREATED), state).with(LOCATION, address)
}

fn done(state: &State) -> Reply {
    with_state(Reply::no_content(), state)
}

fn with_state(reply: Reply, state: &State) -> Reply {
    let complete = if state.record.is_complete { "?1" } else { "?0" };
    let limit = format!("max-size={}, max-age={}", state.max_size_bytes, state.max_age_secs);
    reply.with(OFFSET, state.record.offset_bytes.to_string()).with(COMPLETE, complete).with(LIMIT, limit)
}

fn check_media_type(request: &Request) -> Result<(), Error> {
    let given = request.header(CONTENT_TYPE.as_str()).unwrap_or("");
    let media_type = given.split(';').next().unwrap_or("").trim();
    if media_type.eq_ignore_ascii_case(PARTIAL) {
        return Ok(());
    }
    let message = format!("A piece of an upload is sent with the content type {PARTIAL}.");
    Err(Error::UnsupportedMedia { media_type: given.to_owned(), message, accept_patch: Some(PARTIAL) })
}

fn missing(name: &HeaderName) -> Error {
    Error::BadRequest(format!("The header {name} is missing."))
}

fn size(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

fn item(headers: &HeaderMap, name: &HeaderName) -> Option<BareItem> {
    let item: Item = Parser::new(headers.get(name)?.as_bytes()).parse().ok()?;
    Some(item.bare_item)
}

/// A number of bytes. The draft has other values ignored; here nothing that was meant to be one is lost silently.
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Error> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    match item(headers, name) {
        Some(BareItem::Integer(number)) => u64::try_from(i64::from(number)).ok(),
        _ => None,
    }
    .map(Some)
    .ok_or_else(|| Error::BadRequest(format!("The header {name} must be a number of bytes.")))
}

fn truth(headers: &HeaderMap, name: &HeaderName) -> Result<Option<bool>, Error> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    match item(headers, name) {
        Some(BareItem::Boolean(truth)) => Ok(Some(truth)),
        _ => Err(Error::BadRequest(format!("The header {name} must be ?0 or ?1."))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::ReplyBody;
    use super::*;

    fn headers(name: &HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("a value"));
        headers
    }

    #[test]
    fn numbers_and_truths_are_structured_fields() {
        for (text, number_of) in [("0", 0), ("100", 100), (" 7 ", 7), ("5;note=x", 5)] {
            assert_eq!(
                number(&headers(&OFFSET, text), &OFFSET).expect("a number"),
                Some(number_of),
                "{text}"
            );
        }
        for text in ["", "-1", "1.0", "?1", "\"1\"", "1, 2", "99999999999999999999"] {
            assert!(matches!(number(&headers(&OFFSET, text), &OFFSET), Err(Error::BadRequest(_))), "{text}");
        }
        assert_eq!(truth(&headers(&COMPLETE, "?1"), &COMPLETE).expect("a truth"), Some(true));
        assert_eq!(truth(&headers(&COMPLETE, "?0"), &COMPLETE).expect("a truth"), Some(false));
        assert_eq!(truth(&HeaderMap::new(), &COMPLETE).expect("absent"), None);
        for text in ["1", "true", "?2", ""] {
            assert!(
                matches!(truth(&headers(&COMPLETE, text), &COMPLETE), Err(Error::BadRequest(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_wrong_offset_is_told_in_a_document_and_in_a_header() {
        let problem = problem(UploadProblem::MismatchingOffset { expected: 10, provided: 5 }, "why");
        assert_eq!(
            (problem.status, &problem.headers[&OFFSET]),
            (StatusCode::CONFLICT, &"10".parse().expect("text"))
        );
        assert_eq!(problem.headers[CONTENT_TYPE], "application/problem+json");
        let ReplyBody::Bytes(document) = problem.body else { panic!("a document") };
        let document: serde_json::Value = serde_json::from_slice(&document).expect("JSON");
        assert_eq!(
            document,
            json!({
                "type": "https://iana.org/assignments/http-problem-types#mismatching-upload-offset",
                "title": "why", "status": 409, "expected-offset": 10, "provided-offset": 5,
            })
        );
    }
}
