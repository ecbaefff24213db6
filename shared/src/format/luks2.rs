//! The JSON area of LUKS 2 (cryptsetup: LUKS2 on-disk format specification): which cipher, where the data begins, who
//! has a key.

use serde_json::{Map, Value};

use super::capture::{Missing, View, optional};
use super::details::Luks;
use super::fields::{be64, text};

/// The binary header comes first, then the JSON up to the length that it names.
const JSON_AT: u64 = 4096;
/// Four times what cryptsetup writes unless it is told otherwise. A longer area is not read.
const MOST_JSON_BYTES: u64 = 64 * 1024;
const LONGEST_WORD: usize = 64;

/// Fills in what the JSON tells; leaves everything as it is where that cannot be read.
pub(super) fn read(view: &View<'_>, header: &[u8], luks: &mut Luks) -> Result<(), Missing> {
    let length = be64(header, 8).and_then(|length| length.checked_sub(JSON_AT));
    let Some(length) = length.filter(|length| (1..=MOST_JSON_BYTES).contains(length)) else { return Ok(()) };
    let Ok(length) = usize::try_from(length) else { return Ok(()) };
    if let Some(bytes) = optional(view.read(JSON_AT, length))? {
        let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        if let Ok(Value::Object(area)) = serde_json::from_slice(bytes) {
            tell(&area, luks);
        }
    }
    Ok(())
}

fn tell(area: &Map<String, Value>, luks: &mut Luks) {
    let objects = |name: &str| area.get(name).and_then(Value::as_object).into_iter().flat_map(Map::values);
    if let Some(segment) = objects("segments").find(|segment| segment["type"] == "crypt") {
        luks.cipher = word(&segment["encryption"]);
        // Numbers are written as text, as they may be longer than JavaScript's.
        luks.payload_offset_bytes = segment["offset"].as_str().and_then(|offset| offset.parse().ok());
    }
    luks.key_slots = u32::try_from(objects("keyslots").count()).ok();
    if let Some(slot) = objects("keyslots").next() {
        luks.key_bits = slot["key_size"].as_u64().and_then(|bytes| bytes.checked_mul(8));
        luks.key_derivation = word(&slot["kdf"]["type"]);
    }
    if let Some(digest) = objects("digests").next() {
        luks.hash = word(&digest["hash"]).or(luks.hash.take());
    }
}

/// A word for people, of a length that a word has.
fn word(value: &Value) -> Option<String> {
    value.as_str().filter(|word| word.len() <= LONGEST_WORD).map(|word| text(word.as_bytes()))
}
