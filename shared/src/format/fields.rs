//! Integers and words at positions of a header; a position outside of it gives `None`, never a panic.

/// `N` bytes at a position.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

pub(super) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

pub(super) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(super) fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// Whether these bytes stand at this position.
pub(super) fn stands(bytes: &[u8], at: usize, what: &[u8]) -> bool {
    at.checked_add(what.len()).and_then(|end| bytes.get(at..end)) == Some(what)
}

/// Text up to its first NUL, for people: what is not UTF-8 is replaced, control characters are dropped.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
    text.chars().filter(|character| !character.is_control()).collect::<String>().trim().to_owned()
}

/// The same for text in UTF-16, little-endian.
pub(super) fn text_utf16(bytes: &[u8]) -> String {
    let units =
        bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).take_while(|&unit| unit != 0);
    let decoded = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    decoded.filter(|character| !character.is_control()).collect::<String>().trim().to_owned()
}

/// A UUID in the order of its bytes, written the usual way in lower case.
pub(super) fn uuid(bytes: &[u8], at: usize) -> Option<String> {
    let digits = format!("{:032x}", u128::from_be_bytes(array(bytes, at)?));
    let ends = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let groups: Option<Vec<&str>> = ends.into_iter().map(|(start, end)| digits.get(start..end)).collect();
    Some(groups?.join("-"))
}

/// The same for a GUID, whose first three groups lie on disk in little-endian order.
pub(super) fn guid(bytes: &[u8], at: usize) -> Option<String> {
    let mut turned: [u8; 16] = array(bytes, at)?;
    turned[..4].reverse();
    turned[4..6].reverse();
    turned[6..8].reverse();
    uuid(&turned, 0)
}
