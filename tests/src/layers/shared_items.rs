//! What `shared/` offers and who takes it: an item that only one of app and service names does not belong there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::rust_files;
use super::source::Source;

/// Parts of `shared` that may have one importer, each with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("shared/src/client/", "the way of the desktop and of the end-to-end tests to a service"),
    (
        "shared/src/identity.rs",
        "Keystone's bodies: the service reads and writes them, the client logs in with them",
    ),
    (
        "shared/src/listing",
        "a language of the wire: what one side parses is what the other prints, held together here",
    ),
    (
        "shared/src/patch.rs",
        "a language of the wire: the client writes it, and the service is held to it end to end",
    ),
    (
        "shared/src/format/",
        "both sides inspect: the service step by step, the desktop by one call of the whole",
    ),
    (
        "shared/src/checksum.rs",
        "both sides digest: the service each on a thread of its own, the client in pairs",
    ),
];

/// An item and the only crate that names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lonely {
    pub file: String,
    pub item: String,
    pub importer: &'static str,
}

/// Every public item of `shared` that exactly one of app and service names.
pub fn lonely_items(root: &Path) -> Vec<Lonely> {
    let files = rust_files(root);
    let words_below = |prefix: &str| -> BTreeSet<String> {
        let inside = files.iter().filter(|path| path.starts_with(prefix));
        inside.flat_map(|path| Source::read(path, &read(root, path)).words).map(|(_, word)| word).collect()
    };
    let service = words_below("service/src/");
    // The client is the desktop's half of what both sides say to each other.
    let app: BTreeSet<String> =
        words_below("app/src/").union(&words_below("shared/src/client/")).cloned().collect();
    let mut lonely = Vec::new();
    for path in files.iter().filter(|path| path.starts_with("shared/src/")) {
        if EXCEPTIONS.iter().any(|(part, _)| path.starts_with(part)) {
            continue;
        }
        for item in public_items(&read(root, path)) {
            let importer = match (app.contains(&item), service.contains(&item)) {
                (true, false) => "app",
                (false, true) => "service",
                _ => continue,
            };
            lonely.push(Lonely { file: path.clone(), item, importer });
        }
    }
    lonely
}

/// The names of what a file offers at its top level.
pub fn public_items(text: &str) -> Vec<String> {
    let kinds = ["struct ", "enum ", "trait ", "fn ", "async fn ", "const fn ", "const ", "type "];
    let name_of = |line: &str| {
        let item = line.strip_prefix("pub ")?;
        let rest = kinds.iter().find_map(|kind| item.strip_prefix(kind))?;
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        Some(name)
    };
    text.lines().filter_map(name_of).collect()
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).expect("a source file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_offers_is_read_from_its_top_level() {
        let text = "pub struct Image {\n    pub id: String,\n}\npub(crate) fn inner() {}\npub const fn of() {}\nimpl A {\n    pub fn b() {}\n}\n";
        assert_eq!(public_items(text), ["Image", "of"]);
    }
}
