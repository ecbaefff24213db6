//! Differences that are meant, each with its row in `docs/differences.md`.

use super::Call;
use super::compare::Outcome;

/// A difference by what it looks like, and words of its row.
pub struct Known {
    matches: fn(&Call, &Outcome, &Outcome) -> bool,
    row: &'static str,
}

pub const KNOWN: &[Known] = &[
    Known {
        // A literal "None" as its length.
        matches: |_, theirs, ours| theirs.status == 0 && ours.status == 204,
        row: "the bytes stay, a retry is answered 500",
    },
    Known {
        matches: |call, theirs, ours| call.repeats_a_key() && theirs.without_links() == ours.without_links(),
        row: "only its last value is kept",
    },
    Known {
        matches: |call, theirs, ours| {
            let traps = ["?properties=", "?locations=", "?number_min="];
            traps.iter().any(|trap| call.path.contains(trap)) && (theirs.status, ours.status) == (500, 400)
        },
        row: "`?<custom>_min=…`",
    },
    Known {
        matches: |call, theirs, ours| {
            call.path.contains("marker=") && (theirs.status, ours.status) == (403, 400)
        },
        row: "a `marker` that names another project's private image",
    },
    Known {
        matches: |call, theirs, ours| call.has("range") && theirs.status != ours.status && ours.status == 416,
        row: "a `Range` that RFC 9110 does not allow",
    },
    Known {
        matches: |_, theirs, ours| (theirs.status, ours.status) == (416, 416),
        row: "a range beyond the end",
    },
    Known {
        matches: |call, theirs, ours| {
            call.method == "POST" && call.body == b"[]" && (theirs.status, ours.status) == (500, 400)
        },
        row: "with a JSON array",
    },
    Known {
        matches: |call, theirs, ours| call.method == "PATCH" && (theirs.status, ours.status) == (500, 400),
        row: "whose `path` is no text",
    },
    Known {
        // All that follows on the image whose data only ours took.
        matches: |call, _, _| call.path.contains("000000009004"),
        row: "in capital letters",
    },
    Known {
        matches: |call, theirs, ours| {
            String::from_utf8_lossy(&call.body).contains("\"owner\":\"\"")
                && (theirs.status, ours.status) == (201, 201)
        },
        row: "an empty `owner`",
    },
    Known {
        // `Allow` names one method more.
        matches: |call, theirs, ours| {
            call.path.ends_with("/file") && (theirs.status, ours.status) == (405, 405)
        },
        row: "`HEAD …/file`",
    },
    Known {
        matches: |call, theirs, ours| {
            call.method == "PATCH"
                && String::from_utf8_lossy(&call.body).contains("validation_data")
                && (theirs.status, ours.status) == (200, 200)
        },
        row: "the `validation_data` of a location",
    },
    Known {
        // `Allow` names one method more.
        matches: |call, theirs, ours| {
            call.path.ends_with("/locations") && (theirs.status, ours.status) == (405, 405)
        },
        row: "a method that `…/locations` does not have",
    },
];

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
