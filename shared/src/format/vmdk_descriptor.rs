//! The text in which a VMDK says how it is made (VMware: Virtual Disk Format, "The Descriptor File").

use super::details::{Parent, Vmdk, VmdkExtent};

const ACCESS: [&str; 3] = ["rw", "rdonly", "noaccess"];
/// No real type has a name as long as this.
const LONGEST_TYPE: usize = 64;
const MOST_EXTENTS: usize = 64;
/// No more of a strange line is told on.
const LONGEST_QUOTE: usize = 60;

/// A descriptor, and what is odd about it.
#[derive(Default)]
pub(super) struct Descriptor {
    pub(super) create_type: Option<String>,
    /// The first line that is neither a comment, a field, an extent nor an entry of the disk database.
    pub(super) unknown_line: Option<String>,
    /// An extent line has a slash in it.
    pub(super) names_path: bool,
    pub(super) extents: Vec<VmdkExtent>,
    adapter_type: Option<String>,
    parent: Option<String>,
    /// The text speaks of a parent, on a line of its own or not.
    mentions_parent: bool,
}

impl Descriptor {
    /// Reads the text up to its first NUL; `None` if it is empty or not ASCII.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = up_to_nul(bytes);
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii() && !text.is_empty())?;
        Some(Self::parse_text(text))
    }

    /// The same, whatever its characters are.
    pub(super) fn parse_lossy(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(up_to_nul(bytes));
        (!text.is_empty()).then(|| Self::parse_text(&text))
    }

    fn parse_text(text: &str) -> Self {
        let mentions_parent = text.to_ascii_lowercase().contains("parentfilenamehint");
        let mut descriptor = Self { create_type: create_type(text), mentions_parent, ..Self::default() };
        for line in text.split('\n').map(str::trim) {
            descriptor.line(line);
        }
        descriptor
    }

    fn line(&mut self, line: &str) {
        // Field names are compared without regard to case, as QEMU and VMware do.
        let lower_start: String = line.chars().take(32).collect::<String>().to_ascii_lowercase();
        let first_word = lower_start.split(' ').next().unwrap_or_default();
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        if lower_start.starts_with("ddb") {
            if lower_start.starts_with("ddb.adaptertype") {
                self.adapter_type = line.split_once('=').map(|(_, value)| unquoted(value));
            }
        } else if let Some((key, value)) = line.split_once('=').filter(|(key, _)| !key.contains(' ')) {
            if key.eq_ignore_ascii_case("parentFileNameHint") {
                self.parent = Some(unquoted(value));
            }
        } else if ACCESS.contains(&first_word) {
            self.names_path |= line.contains('/');
            if self.extents.len() < MOST_EXTENTS {
                self.extents.push(extent(line));
            }
        } else if self.unknown_line.is_none() {
            self.unknown_line = Some(line.chars().take(LONGEST_QUOTE).collect());
        }
    }

    /// Whether an image is named under this one.
    pub(super) fn has_parent(&self) -> bool {
        self.mentions_parent
    }

    pub(super) fn into_details(self) -> Vmdk {
        Vmdk {
            create_type: self.create_type.as_deref().map(unquoted),
            adapter_type: self.adapter_type,
            parent: self.parent.map(|name| Parent { name, format: Some("vmdk".to_owned()) }),
            extents: self.extents,
            ..Vmdk::default()
        }
    }
}

fn up_to_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// The first `createType="…"`, wherever it stands: QEMU does not look at lines either.
fn create_type(text: &str) -> Option<String> {
    const KEY: &str = "createtype=\"";
    let start = text.to_ascii_lowercase().find(KEY)?.checked_add(KEY.len())?;
    let value = text.get(start..)?.split_once('"')?.0;
    (value.len() < LONGEST_TYPE).then(|| value.to_owned())
}

fn unquoted(value: &str) -> String {
    value.trim().trim_matches('"').chars().filter(|character| !character.is_control()).take(1024).collect()
}

/// `RW 8388608 SPARSE "disk.vmdk" 0`
fn extent(line: &str) -> VmdkExtent {
    let mut words = line.split_whitespace();
    let access = words.next().unwrap_or_default().to_owned();
    let sectors: Option<u64> = words.next().and_then(|word| word.parse().ok());
    VmdkExtent {
        access,
        size_bytes: sectors.and_then(|sectors| sectors.checked_mul(512)),
        kind: words.next().unwrap_or_default().chars().take(LONGEST_QUOTE).collect(),
        file_name: line.split('"').nth(1).map(unquoted),
    }
}
