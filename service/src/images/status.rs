//! The life of an image as a table of allowed moves (API reference: "Image statuses").

use glasshouse_shared::image::Status;

/// Each status with those that may follow it.
const MOVES: &[(Status, &[Status])] = {
    use Status::{Active, Deactivated, Deleted, Importing, Killed, PendingDelete, Queued, Saving, Uploading};
    &[
        (Queued, &[Saving, Uploading, Importing, Active, Deleted]),
        (Saving, &[Active, Queued, Killed, Deleted]),
        (Uploading, &[Importing, Queued, Deleted]),
        (Importing, &[Active, Queued, Deleted]),
        (Active, &[Deactivated, PendingDelete, Deleted]),
        (Deactivated, &[Active, Deleted]),
        (PendingDelete, &[Deleted, Active]),
        (Killed, &[Deleted]),
        (Deleted, &[]),
    ]
};

/// Whether an image may go from one status to the other.
pub fn may_move(from: Status, to: Status) -> bool {
    MOVES.iter().any(|(status, next)| *status == from && next.contains(&to))
}

/// Every status from which `to` can be reached: what a compare-and-set has to expect.
pub fn sources(to: Status) -> Vec<Status> {
    MOVES.iter().filter(|(_, next)| next.contains(&to)).map(|(status, _)| *status).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_status_once() {
        for status in Status::ALL {
            assert_eq!(MOVES.iter().filter(|(from, _)| from == status).count(), 1, "{status}");
        }
    }

    #[test]
    fn a_deleted_image_stays_deleted() {
        assert!(Status::ALL.iter().all(|to| !may_move(Status::Deleted, *to)));
    }

    #[test]
    fn data_comes_in_only_on_a_queued_image() {
        assert_eq!(sources(Status::Saving), [Status::Queued]);
        assert!(!may_move(Status::Active, Status::Saving));
    }

    #[test]
    fn every_living_image_can_be_deleted() {
        assert_eq!(sources(Status::Deleted).len(), Status::ALL.len() - 1);
    }
}
