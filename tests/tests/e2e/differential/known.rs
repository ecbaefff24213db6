//! Differences that are meant, each with its row in `docs/differences.md`.

use super::Call;
use super::compare::Outcome;

/// A difference by what it looks like, and words of its row.
pub struct Known {
    matches: fn(&Call, &Outcome, &Outcome) -> bool,
    row: &'static str,
}

pub const KNOWN: &[Known] = &[];

pub fn is_known(call: &Call, theirs: &Outcome, ours: &Outcome) -> bool {
    KNOWN.iter().any(|known| (known.matches)(call, theirs, ours))
}

#[test]
fn every_known_difference_is_told_in_the_manual() {
    let page = include_str!("../../../../docs/differences.md");
    for known in KNOWN {
        assert!(page.contains(known.row), "docs/differences.md has no row with {:?}", known.row);
    }
}
