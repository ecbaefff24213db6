//! The verdict on an image, and how the findings of the readers become one.

use serde::Serialize;

use super::contents::Contents;
use super::details::Details;
use super::wrappers::Wrapper;
use super::{Format, words};

/// A check that an image failed: to open it could do harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SafetyFailure {
    /// Name of the check, as operators may know it from `gpt_safety_checks_nonfatal`.
    pub check: &'static str,
    /// The format whose check it is.
    pub format: Format,
    /// What was found, for people.
    pub explanation: String,
}

/// One format recognised its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) format: Format,
    pub(super) virtual_size_bytes: Option<u64>,
    pub(super) details: Details,
    pub(super) failures: Vec<SafetyFailure>,
}

impl Match {
    pub(super) fn new(format: Format) -> Self {
        Self { format, virtual_size_bytes: None, details: Details::None, failures: Vec::new() }
    }

    pub(super) fn fail(&mut self, check: &'static str, explanation: impl Into<String>) {
        self.failures.push(SafetyFailure { check, format: self.format, explanation: explanation.into() });
    }

    /// No program opens a disk whose end has no number; whoever adds to such a size gets a wrong one.
    fn with_credible_size(mut self) -> Self {
        if let Some(size) = self.virtual_size_bytes.filter(|size| i64::try_from(*size).is_err()) {
            self.fail("size", format!("it claims a disk of {size} bytes, more than can be addressed"));
        }
        self
    }

    /// A header with its magic but without its end: nothing about it can be checked, so it counts as dangerous.
    pub(super) fn truncated(format: Format) -> Self {
        let mut found = Self::new(format);
        found.fail("truncated", "the image ends inside of its own header");
        found
    }
}

/// What a reader found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    Match(Match),
    /// Something around the data that is not a disk format of its own.
    Wrapper(Wrapper),
    /// What the bytes hold, read as they are.
    Contents(Contents),
    /// What the guest of a qcow2 image sees.
    GuestContents(Contents),
}

impl From<Match> for Finding {
    fn from(found: Match) -> Self {
        Self::Match(found)
    }
}

/// What an image is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Every format whose marks were found, without raw. More than one is suspicious.
    pub formats: Vec<Format>,
    /// The format that counts: the one found; ISO for a disc that also carries a partition table; else raw.
    pub format: Format,
    /// Length of the image as a file.
    pub size_bytes: u64,
    /// Size of the disk that a guest sees; `None` when unknown or 0.
    pub virtual_size_bytes: Option<u64>,
    /// Every failed check of every format found.
    pub failures: Vec<SafetyFailure>,
    /// What the header tells.
    pub details: Details,
    /// What lies on the disk, where that can be read.
    pub contents: Contents,
    /// What the image is packed in, or what else it is known as.
    pub wrapper: Option<Wrapper>,
}

impl Verdict {
    pub(super) fn of(size_bytes: u64, findings: impl Iterator<Item = Finding>) -> Self {
        let (mut matches, mut wrapper, mut contents, mut guest) = (Vec::new(), None, None, None);
        for finding in findings {
            match finding {
                Finding::Match(found) => matches.push(found.with_credible_size()),
                Finding::Wrapper(found) => wrapper = Some(found),
                Finding::Contents(found) => contents = Some(found),
                Finding::GuestContents(found) => guest = Some(found),
            }
        }
        let formats: Vec<Format> = matches.iter().map(|found| found.format).collect();
        let failures = matches.iter().flat_map(|found| found.failures.iter().cloned()).collect();
        let chosen =
            if formats == [Format::Iso, Format::Gpt] { matches.pop().and(matches.pop()) } else { None };
        let chosen = chosen.or_else(|| (!matches.is_empty()).then(|| matches.swap_remove(0)));
        let chosen = chosen
            .unwrap_or_else(|| Match { virtual_size_bytes: Some(size_bytes), ..Match::new(Format::Raw) });
        let contents = match chosen.format {
            Format::Raw | Format::Gpt | Format::Iso => contents,
            // What is not in the image may be in the one under it.
            Format::Qcow2 | Format::Vdi | Format::Vhd | Format::Vmdk => {
                guest.filter(|_| !chosen.failures.iter().any(|failure| failure.check == "backing_file"))
            }
            Format::Qed | Format::Vhdx | Format::Luks => None,
        };
        Self {
            formats,
            format: chosen.format,
            size_bytes,
            virtual_size_bytes: chosen.virtual_size_bytes.filter(|&size| size != 0),
            failures,
            details: chosen.details,
            contents: contents.unwrap_or_default(),
            wrapper,
        }
    }

    /// Several formats were found at once, other than a disc with a partition table.
    pub fn is_ambiguous(&self) -> bool {
        self.formats.len() > 1 && self.formats != [Format::Iso, Format::Gpt]
    }

    /// The failed checks of the format that counts.
    pub fn failures_that_count(&self) -> impl Iterator<Item = &SafetyFailure> {
        self.failures.iter().filter(|failure| failure.format == self.format)
    }

    /// One line for people: format, size of the disk, and what is special.
    pub fn summary(&self) -> String {
        words::summary(self)
    }
}
