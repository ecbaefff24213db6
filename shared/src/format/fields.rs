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

/// A GUID as it lies on disk (first three groups little-endian), written the usual way in lower case.
pub(super) fn guid(bytes: &[u8], at: usize) -> Option<String> {
    let [a, b, c, d, e, f, g, h, rest @ ..] = array::<16>(bytes, at)?;
    let mut text = format!("{d:02x}{c:02x}{b:02x}{a:02x}-{f:02x}{e:02x}-{h:02x}{g:02x}-");
    for (index, byte) in rest.iter().enumerate() {
        if index == 2 {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    Some(text)
}
