//! What tells one version of an image's data from another: the entity tag, and the conditions that name it.

use glasshouse_shared::image::Image;
use http::header::{IF_NONE_MATCH, IF_RANGE};

use super::request::Request;

/// A strong validator (RFC 9110 §8.8.3): the digest of the data. None for data that nobody ever hashed.
pub fn entity_tag(image: &Image) -> Option<String> {
    let digest = image.os_hash_value.as_ref().or(image.checksum.as_ref())?;
    // A digest that came with a location is whatever a client sent: a quote in it would end the tag early.
    digest.bytes().all(|byte| byte.is_ascii_alphanumeric()).then(|| format!("\"{digest}\""))
}

/// `If-None-Match`: the client has these bytes already.
pub fn is_unchanged(request: &Request, tag: Option<&str>) -> bool {
    let fields = request.headers.get_all(IF_NONE_MATCH);
    fields.iter().filter_map(|field| field.to_str().ok()).any(|field| names(field, tag))
}

/// `If-Range`: the client has the beginning of these very bytes. A date never says that for sure.
pub fn is_range_valid(request: &Request, tag: Option<&str>) -> bool {
    match request.headers.get(IF_RANGE) {
        None => true,
        Some(wanted) => wanted.to_str().is_ok_and(|wanted| Some(wanted.trim()) == tag),
    }
}

/// Whether a list of tags has this one. `W/` does not matter in this comparison (RFC 9110 §13.1.2), and a tag holds
/// no comma.
fn names(list: &str, tag: Option<&str>) -> bool {
    list.trim() == "*"
        || list.split(',').map(str::trim).any(|entry| Some(entry.strip_prefix("W/").unwrap_or(entry)) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tags_is_searched_without_regard_to_weakness() {
        let tag = Some("\"abc\"");
        for list in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", " \"x\" ,W/\"abc\" ", "*"] {
            assert!(names(list, tag), "{list}");
        }
        for list in ["", "abc", "\"ab\"", "w/\"abc\"", "\"*\""] {
            assert!(!names(list, tag), "{list}");
        }
        assert!(names("*", None) && !names("\"abc\"", None));
    }
}
