//! `/v2/images/{image_id}/file`.

use glasshouse_shared::image::Image;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE};
use http::{HeaderName, StatusCode};

use super::digest;
use super::reply::{Reply, ReplyBody};
use super::request::Request;
use super::validator;
use crate::error::Error;
use crate::images::download::{Wanted, find};
use crate::images::upload::{Upload, upload as upload_data};

const OCTETS: &str = "application/octet-stream";
const SIZE: &str = "x-openstack-image-size";
pub(super) const STORE: &str = "x-image-meta-store";
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// Stores the data of a queued image.
pub async fn upload(request: Request) -> Result<Reply, Error> {
    check_content_type(&request)?;
    let size_bytes = announced_size(&request)?;
    let store = request.header(STORE).map(str::to_owned);
    let digests = digest::sent(&request.headers, request.body.trailers())?;
    let id = request.param("image_id").to_owned();
    let Request { app, context, body, .. } = request;
    let upload = Upload { body: body.into_stream(), size_bytes, store, digests };
    upload_data(app, &context, &id, upload).await?;
    Ok(Reply::no_content())
}

pub(super) fn check_content_type(request: &Request) -> Result<(), Error> {
    let given = request.header(CONTENT_TYPE.as_str()).unwrap_or("");
    let media_type = given.split(';').next().unwrap_or("").trim();
    if media_type.eq_ignore_ascii_case(OCTETS) {
        return Ok(());
    }
    let message = format!("The data of an image is sent with the content type {OCTETS}.");
    Err(Error::UnsupportedMedia { media_type: given.to_owned(), message, accept_patch: None })
}

/// `X-OpenStack-Image-Size`, else `Content-Length`; zero counts as unknown.
fn announced_size(request: &Request) -> Result<Option<u64>, Error> {
    let size = match request.headers.get(SIZE) {
        Some(value) => {
            let text = value.to_str().unwrap_or("?");
            let parsed = text.trim().parse().map_err(|_| {
                Error::BadRequest(format!("The header {SIZE} must be a number of bytes, not {text:?}."))
            })?;
            Some(parsed)
        }
        None => request.header(CONTENT_LENGTH.as_str()).and_then(|text| text.trim().parse().ok()),
    };
    Ok(size.filter(|size| *size > 0))
}

/// Sends the data of an image, whole or the asked-for range. 204 when there is none, 304 when the client has it.
pub async fn download(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let wanted = wanted_range(&request)?;
    let Some(data) = find(&request.app, &request.context, request.param("image_id")).await? else {
        return Ok(Reply::no_content());
    };
    let tag = validator::entity_tag(data.image());
    if validator::is_unchanged(&request, tag.as_deref()) {
        return Ok(not_modified(tag));
    }
    let wanted = if validator::is_range_valid(&request, tag.as_deref()) { wanted } else { Wanted::Whole };
    let Some(download) = data.open(&request.app, wanted).await? else {
        return Ok(Reply::no_content());
    };
    let reply = match download.range {
        None => Reply::empty(StatusCode::OK).with(CONTENT_LENGTH, download.size_bytes.to_string()),
        Some(range) => {
            let last = range.offset_bytes + range.length_bytes - 1;
            Reply::empty(StatusCode::PARTIAL_CONTENT)
                .with(CONTENT_LENGTH, range.length_bytes.to_string())
                .with(CONTENT_RANGE, format!("bytes {}-{last}/{}", range.offset_bytes, download.size_bytes))
        }
    };
    let mut reply = described(reply, data.image(), tag);
    reply.body = ReplyBody::Data(download.content);
    Ok(reply)
}

/// What a download of the whole image would be headed with. A range means nothing here (RFC 9110 §14.2).
pub async fn describe(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let Some(data) = find(&request.app, &request.context, request.param("image_id")).await? else {
        return Ok(Reply::no_content());
    };
    let tag = validator::entity_tag(data.image());
    if validator::is_unchanged(&request, tag.as_deref()) {
        return Ok(not_modified(tag));
    }
    let Some(size_bytes) = data.measure(&request.app).await? else {
        return Ok(Reply::no_content());
    };
    let reply = Reply::empty(StatusCode::OK).with(CONTENT_LENGTH, size_bytes.to_string());
    Ok(described(reply, data.image(), tag))
}

/// The headers that every answer with data has.
fn described(reply: Reply, image: &Image, tag: Option<String>) -> Reply {
    let mut reply = reply.with(CONTENT_TYPE, OCTETS).with(ACCEPT_RANGES, "bytes");
    // Glance's clients expect the hexadecimal digest here, although RFC 1864 says base64.
    if let Some(checksum) = &image.checksum {
        reply = reply.with(CONTENT_MD5, checksum);
    }
    tagged(reply, tag)
}

fn not_modified(tag: Option<String>) -> Reply {
    tagged(Reply::empty(StatusCode::NOT_MODIFIED), tag)
}

fn tagged(reply: Reply, tag: Option<String>) -> Reply {
    match tag {
        Some(tag) => reply.with(ETAG, tag),
        None => reply,
    }
}

/// `Range`, or `Content-Range` in the request as old clients send it.
fn wanted_range(request: &Request) -> Result<Wanted, Error> {
    if let Some(range) = request.header(RANGE.as_str()) {
        return parse_range(range);
    }
    match request.header(CONTENT_RANGE.as_str()) {
        Some(range) => parse_content_range(range),
        None => Ok(Wanted::Whole),
    }
}

fn unsatisfiable(text: &str) -> Error {
    Error::RangeNotSatisfiable {
        message: format!("The range {text:?} cannot be satisfied."),
        size_bytes: None,
    }
}

/// RFC 9110 §14.1.2; several ranges are 400, everything else that is wrong is 416.
fn parse_range(text: &str) -> Result<Wanted, Error> {
    let bad = || unsatisfiable(text);
    let ranges = text.trim().strip_prefix("bytes=").ok_or_else(bad)?;
    if ranges.contains(',') {
        return Err(Error::BadRequest("Requests with multiple ranges are not supported in Glance. Please make multiple single-range requests instead.".to_owned()));
    }
    let (first, last) = ranges.split_once('-').ok_or_else(bad)?;
    let number = |digits: &str| number(digits).ok_or_else(bad);
    match (first.trim(), last.trim()) {
        ("", suffix) => Ok(Wanted::Suffix { length: number(suffix)? }),
        (first, "") => Ok(Wanted::From { first: number(first)?, last: None }),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first { Err(bad()) } else { Ok(Wanted::From { first, last: Some(last) }) }
        }
    }
}

/// Digits and nothing else: what parses numbers for programs takes a sign too.
fn number(digits: &str) -> Option<u64> {
    let digits = digits.trim();
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// `bytes 1-4/*`
fn parse_content_range(text: &str) -> Result<Wanted, Error> {
    let bad = || unsatisfiable(text);
    let (bounds, _) =
        text.trim().strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).ok_or_else(bad)?;
    let (first, last) = bounds.split_once('-').ok_or_else(bad)?;
    let number = |digits: &str| number(digits).ok_or_else(bad);
    let (first, last) = (number(first)?, number(last)?);
    if last < first { Err(bad()) } else { Ok(Wanted::Exactly { first, last }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_rfc_9110_are_understood() {
        assert_eq!(parse_range("bytes=0-9").ok(), Some(Wanted::From { first: 0, last: Some(9) }));
        assert_eq!(parse_range("bytes=5-").ok(), Some(Wanted::From { first: 5, last: None }));
        assert_eq!(parse_range("bytes=-5").ok(), Some(Wanted::Suffix { length: 5 }));
    }

    #[test]
    fn several_ranges_are_a_bad_request_and_nonsense_is_unsatisfiable() {
        assert!(matches!(parse_range("bytes=0-1,3-4"), Err(Error::BadRequest(_))));
        for nonsense in [
            "",
            "items=0-1",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=9-3",
            "bytes=+1-2",
            "bytes=0-99999999999999999999999",
        ] {
            assert!(matches!(parse_range(nonsense), Err(Error::RangeNotSatisfiable { .. })), "{nonsense}");
        }
    }

    #[test]
    fn old_clients_send_content_range() {
        assert_eq!(parse_content_range("bytes 1-4/*").ok(), Some(Wanted::Exactly { first: 1, last: 4 }));
        assert_eq!(parse_content_range("bytes 1-4/10").ok(), Some(Wanted::Exactly { first: 1, last: 4 }));
        assert!(parse_content_range("1-4").is_err());
    }
}
