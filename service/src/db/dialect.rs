//! The few words that differ between the two engines.

use jiff::{Timestamp, Unit};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Mariadb,
}

impl Dialect {
    /// Appended to a SELECT whose rows are about to be changed. SQLite has one writer and needs no word.
    pub const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Mariadb => " FOR UPDATE",
        }
    }

    /// Appended to an INSERT: a row of the same key stays as it is, and others wait for it until the end of the
    /// transaction.
    pub fn or_lock(self, key: &str) -> String {
        match self {
            Self::Sqlite => " ON CONFLICT DO NOTHING".to_owned(),
            Self::Mariadb => format!(" ON DUPLICATE KEY UPDATE {key} = {key}"),
        }
    }

    /// A join that reads its left side first.
    pub const fn join_in_this_order(self) -> &'static str {
        match self {
            Self::Sqlite => "CROSS JOIN",
            Self::Mariadb => "STRAIGHT_JOIN",
        }
    }

    /// Follows the name of a table that is to be read along an index. SQLite, which keeps no statistics here, takes
    /// the index of the order by itself.
    pub fn walk_along(self, index: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Mariadb => format!(" FORCE INDEX ({index})"),
        }
    }

    /// Whether two texts are one to a unique key. MariaDB's collation does not tell cases apart.
    pub fn same_key(self, one: &str, other: &str) -> bool {
        match self {
            Self::Sqlite => one == other,
            Self::Mariadb => one.to_lowercase() == other.to_lowercase(),
        }
    }

    /// A time as this engine can keep it: `DATETIME` has whole seconds, the text of SQLite six digits.
    pub fn truncate(self, time: Timestamp) -> Timestamp {
        let unit = match self {
            Self::Sqlite => Unit::Microsecond,
            Self::Mariadb => Unit::Second,
        };
        let floor = jiff::TimestampRound::new().smallest(unit).mode(jiff::RoundMode::Trunc);
        time.round(floor).unwrap_or(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_cut_and_never_rounded_up() {
        let time: Timestamp = "2024-01-01T00:00:00.999999999Z".parse().unwrap();
        assert_eq!(Dialect::Mariadb.truncate(time).to_string(), "2024-01-01T00:00:00Z");
        assert_eq!(Dialect::Sqlite.truncate(time).to_string(), "2024-01-01T00:00:00.999999Z");
    }

    #[test]
    fn only_mariadb_takes_two_cases_for_one_key() {
        assert!(Dialect::Mariadb.same_key("Foo", "foo"));
        assert!(!Dialect::Sqlite.same_key("Foo", "foo"));
    }
}
