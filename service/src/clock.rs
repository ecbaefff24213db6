//! The time of day and fresh ids: the one place that asks the system for them.

use jiff::Timestamp;

/// Now, in UTC.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A random UUID in lower case, as image ids and request ids are made.
pub fn fresh_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
