//! `Content-Digest` and `Repr-Digest` (RFC 9530), before the data and, as trailers, behind it.

use glasshouse_shared::checksum::hexadecimal;
use http::header::TRAILER;
use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::body::Trailers;
use crate::error::Error;
use crate::images::digests::{Algorithm, SentDigest, SentDigests};

/// The data of an image is sent as it is: its content and its representation are the same bytes.
static FIELDS: [HeaderName; 2] = [CONTENT_DIGEST, REPR_DIGEST];
static OF_CONTENT: [HeaderName; 1] = [CONTENT_DIGEST];
static OF_WHOLE: [HeaderName; 1] = [REPR_DIGEST];
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// What the headers and, later, the trailers of a request say. 400 for a digest that cannot be read.
pub fn sent(headers: &HeaderMap, trailers: Trailers) -> Result<SentDigests, Error> {
    sent_in(&FIELDS, headers, trailers)
}

/// Of a request that carries a piece of an image: what it says of the piece alone.
pub fn sent_of_content(headers: &HeaderMap, trailers: Trailers) -> Result<SentDigests, Error> {
    sent_in(&OF_CONTENT, headers, trailers)
}

/// Of a request that carries a piece of an image: what it says of the whole.
pub fn sent_of_whole(headers: &HeaderMap, trailers: Trailers) -> Result<SentDigests, Error> {
    sent_in(&OF_WHOLE, headers, trailers)
}

fn sent_in(
    fields: &'static [HeaderName],
    headers: &HeaderMap,
    trailers: Trailers,
) -> Result<SentDigests, Error> {
    let announced = headers.get_all(TRAILER).iter().filter_map(|field| field.to_str().ok());
    let more_announced = announced
        .flat_map(|field| field.split(','))
        .any(|name| fields.iter().any(|field| name.trim().eq_ignore_ascii_case(field.as_str())));
    let trailing = move || trailers.get().map_or(Ok(Vec::new()), |trailers| digests_in(fields, trailers));
    Ok(SentDigests { leading: digests_in(fields, headers)?, more_announced, trailing: Box::new(trailing) })
}

fn digests_in(fields: &[HeaderName], headers: &HeaderMap) -> Result<Vec<SentDigest>, Error> {
    let mut digests = Vec::new();
    for name in fields {
        let lines: Vec<_> = headers.get_all(name).iter().map(|line| line.as_bytes()).collect();
        if !lines.is_empty() {
            digests.extend(parse(name, &lines.join(&b", "[..]))?);
        }
    }
    Ok(digests)
}

/// Algorithms that are not known are left out, as the RFC allows.
fn parse(name: &HeaderName, text: &[u8]) -> Result<Vec<SentDigest>, Error> {
    let bad = |why: &str| Error::BadRequest(format!("The field {name} cannot be understood: {why}."));
    let dictionary: Dictionary = Parser::new(text).parse().map_err(|error| bad(&error.to_string()))?;
    let mut digests = Vec::new();
    for (key, entry) in &dictionary {
        let Some(algorithm) = Algorithm::ALL.into_iter().find(|known| known.field_name() == key.as_str())
        else {
            continue;
        };
        let ListEntry::Item(item) = entry else { return Err(bad("a digest is a byte sequence")) };
        let BareItem::ByteSequence(bytes) = &item.bare_item else {
            return Err(bad("a digest is a byte sequence"));
        };
        let value = hexadecimal(bytes);
        digests.push(SentDigest { algorithm, value });
    }
    Ok(digests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), value.parse().expect("a value"));
        }
        headers
    }

    #[test]
    fn both_fields_and_several_lines_are_read_and_strangers_are_left_out() {
        let headers = headers(&[
            ("content-digest", "md5=:XUFAKrxLKna5cZ2REBfFkg==:, unixsum=:AA==:"),
            ("content-digest", "sha-256=:AQ==:"),
            ("repr-digest", "sha-512=:/w==:;note=1"),
            ("trailer", "x-other, Repr-Digest"),
        ]);
        let sent = sent(&headers, Trailers::default()).expect("understood");
        let read: Vec<_> =
            sent.leading.iter().map(|digest| (digest.algorithm, digest.value.as_str())).collect();
        let md5 = (Algorithm::Md5, "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(read, [md5, (Algorithm::Sha256, "01"), (Algorithm::Sha512, "ff")]);
        assert!(sent.more_announced);
    }

    #[test]
    fn what_is_no_digest_is_a_bad_request() {
        for field in ["sha-256=abc", "sha-256", "sha-256=(:AA==:)", "sha-256=:A", "=", "sha-256=\"AA==\""] {
            let read = sent(&headers(&[("content-digest", field)]), Trailers::default());
            assert!(matches!(read, Err(Error::BadRequest(_))), "{field}");
        }
    }

    #[test]
    fn trailers_are_read_when_they_are_asked_for() {
        let trailers = Trailers::default();
        let sent = sent(&HeaderMap::new(), trailers.clone()).expect("understood");
        assert!(sent.leading.is_empty() && !sent.more_announced);
        trailers.set(headers(&[("content-digest", "sha-256=:AQ==:")])).expect("the first");
        let trailing = (sent.trailing)().expect("understood");
        assert_eq!(trailing, [SentDigest { algorithm: Algorithm::Sha256, value: "01".to_owned() }]);
    }
}
