//! What a system says of itself in `/etc/os-release` (freedesktop.org: os-release). The text only; where it lies is in
//! `operating_system`.

use serde::Serialize;

const LONGEST_VALUE: usize = 200;

/// An installed operating system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperatingSystem {
    /// For people: "Debian GNU/Linux 12 (bookworm)".
    pub name: String,
    /// For programs: `debian`.
    pub id: Option<String>,
    /// `12`
    pub version: Option<String>,
}

impl OperatingSystem {
    /// `None` if the text names no system.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let value = |wanted: &str| {
            let lines = text.lines().filter_map(|line| line.trim().split_once('='));
            let mut found = lines.filter(|(key, _)| *key == wanted).map(|(_, value)| unquoted(value));
            found.next_back().filter(|value| !value.is_empty())
        };
        let id = value("ID");
        let name = value("PRETTY_NAME").or_else(|| value("NAME")).or_else(|| id.clone())?;
        Some(Self { name, id, version: value("VERSION_ID") })
    }
}

/// A value as a shell reads it: in quotes of either kind or in none, special characters behind a backslash.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    let inner = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)));
    let mut plain = String::new();
    let mut escaped = false;
    for character in inner.unwrap_or(value).chars() {
        if character == '\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        if !character.is_control() && plain.len() < LONGEST_VALUE {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_read_as_a_shell_reads_them() {
        let text =
            b"# a comment\nNAME='Some Linux'\nID=some\nVERSION_ID=\"4\"\nPRETTY_NAME=\"Some \\\"4\\\"\"\n";
        let system = OperatingSystem::parse(text).unwrap();
        assert_eq!(system.name, "Some \"4\"");
        assert_eq!((system.id.as_deref(), system.version.as_deref()), (Some("some"), Some("4")));
    }

    #[test]
    fn what_names_no_system_is_none() {
        assert_eq!(OperatingSystem::parse(b"HOME_URL=x\nID=\n"), None);
        assert_eq!(OperatingSystem::parse(&[0xff, b'=', 0, 1]), None);
        let long = [b"NAME=".to_vec(), vec![b'x'; 5000], b"\x1b[2J".to_vec()].concat();
        assert_eq!(OperatingSystem::parse(&long).unwrap().name, "x".repeat(LONGEST_VALUE));
    }
}
