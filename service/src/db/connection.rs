//! The seam under the SQL: one connection of either engine, with `?` placeholders. Knows no table.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{DbError, Dialect};

/// One connection inside a transaction.
pub trait Connection {
    /// Runs a statement; how many rows it matched, also those that it left as they were.
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError>;

    /// Runs a query and hands each row to `row`; the first error ends it.
    fn query(
        &mut self,
        sql: &str,
        values: &[Value],
        row: &mut dyn FnMut(&Row<'_>) -> Result<(), DbError>,
    ) -> Result<(), DbError>;

    /// The number that the last insert was given.
    fn last_insert_id(&self) -> i64;

    fn dialect(&self) -> Dialect;
}

/// A parameter of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    /// Written in the precision of the dialect.
    Time(Timestamp),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Integer(i64::from(flag))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u64> for Value {
    /// Columns hold signed 64 bits; no image is larger than that.
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One column of one row, borrowed from the driver.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Time(Timestamp),
}

/// What a driver's row can be asked.
pub trait Cells {
    fn cell(&self, column: usize) -> Result<Cell<'_>, DbError>;
}

/// One row of an answer; columns are numbered from 0 in the order of the SELECT.
pub struct Row<'a>(pub &'a dyn Cells);

impl Row<'_> {
    pub fn text(&self, column: usize) -> Result<String, DbError> {
        self.optional_text(column)?.ok_or_else(|| unexpected(column, "text", Cell::Null))
    }

    pub fn optional_text(&self, column: usize) -> Result<Option<String>, DbError> {
        match self.0.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text.to_owned())),
            // SQLite columns of a text type may still hold a number that another program put there.
            Cell::Integer(number) => Ok(Some(number.to_string())),
            found @ Cell::Time(_) => Err(unexpected(column, "text", found)),
        }
    }

    /// The text of a column as the driver holds it.
    pub fn borrowed_text(&self, column: usize) -> Result<Cow<'_, str>, DbError> {
        match self.0.cell(column)? {
            Cell::Text(text) => Ok(Cow::Borrowed(text)),
            Cell::Integer(number) => Ok(Cow::Owned(number.to_string())),
            found @ (Cell::Null | Cell::Time(_)) => Err(unexpected(column, "text", found)),
        }
    }

    pub fn integer(&self, column: usize) -> Result<i64, DbError> {
        self.optional_integer(column)?.ok_or_else(|| unexpected(column, "a number", Cell::Null))
    }

    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, DbError> {
        match self.0.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Integer(number) => Ok(Some(number)),
            // Sums are decimals in MariaDB, and decimals travel as text.
            found @ Cell::Text(text) => {
                text.parse().map(Some).map_err(|_| unexpected(column, "a number", found))
            }
            found @ Cell::Time(_) => Err(unexpected(column, "a number", found)),
        }
    }

    /// A count or a size: never negative.
    pub fn optional_size(&self, column: usize) -> Result<Option<u64>, DbError> {
        self.optional_integer(column)?
            .map(|number| {
                u64::try_from(number).map_err(|_| unexpected(column, "a size", Cell::Integer(number)))
            })
            .transpose()
    }

    pub fn flag(&self, column: usize) -> Result<bool, DbError> {
        Ok(self.integer(column)? != 0)
    }

    pub fn time(&self, column: usize) -> Result<Timestamp, DbError> {
        self.optional_time(column)?.ok_or_else(|| unexpected(column, "a time", Cell::Null))
    }

    pub fn optional_time(&self, column: usize) -> Result<Option<Timestamp>, DbError> {
        match self.0.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Time(time) => Ok(Some(time)),
            found @ Cell::Text(text) => {
                parse_time(text).map(Some).ok_or_else(|| unexpected(column, "a time", found))
            }
            found @ Cell::Integer(_) => Err(unexpected(column, "a time", found)),
        }
    }

    /// The column as it is, to be given back as a parameter.
    pub fn value(&self, column: usize) -> Result<Value, DbError> {
        Ok(match self.0.cell(column)? {
            Cell::Null => Value::Null,
            Cell::Integer(number) => Value::Integer(number),
            Cell::Text(text) => Value::Text(text.to_owned()),
            Cell::Time(time) => Value::Time(time),
        })
    }
}

/// The text form of SQLite: `YYYY-MM-DD HH:MM:SS.ffffff` in UTC.
fn parse_time(text: &str) -> Option<Timestamp> {
    let civil: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

fn unexpected(column: usize, wanted: &str, found: Cell<'_>) -> DbError {
    DbError::other(format!("column {column} of an answer should hold {wanted} and holds {found:?}"))
}

/// Runs a query that answers one row at most.
pub fn query_one<T>(
    conn: &mut dyn Connection,
    sql: &str,
    values: &[Value],
    read: impl Fn(&Row<'_>) -> Result<T, DbError>,
) -> Result<Option<T>, DbError> {
    let mut found = None;
    conn.query(sql, values, &mut |row| {
        found = Some(read(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// Runs a query and gathers what `read` makes of each row.
pub fn query_all<T>(
    conn: &mut dyn Connection,
    sql: &str,
    values: &[Value],
    read: impl Fn(&Row<'_>) -> Result<T, DbError>,
) -> Result<Vec<T>, DbError> {
    let mut found = Vec::new();
    conn.query(sql, values, &mut |row| {
        found.push(read(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// `?, ?, ?`
pub fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake(Vec<Cell<'static>>);

    impl Cells for Fake {
        fn cell(&self, column: usize) -> Result<Cell<'_>, DbError> {
            Ok(self.0[column])
        }
    }

    #[test]
    fn a_time_is_read_from_text_with_and_without_a_fraction() {
        let cells = Fake(vec![Cell::Text("2024-05-06 07:08:09.000123"), Cell::Text("2024-05-06 07:08:09")]);
        let row = Row(&cells);
        assert_eq!(row.time(0).unwrap(), "2024-05-06T07:08:09.000123Z".parse().unwrap());
        assert_eq!(row.time(1).unwrap(), "2024-05-06T07:08:09Z".parse().unwrap());
    }

    #[test]
    fn a_column_of_the_wrong_kind_is_named() {
        let cells = Fake(vec![Cell::Null, Cell::Text("many"), Cell::Integer(-1)]);
        let row = Row(&cells);
        assert!(row.text(0).unwrap_err().to_string().contains("column 0"));
        assert!(row.integer(1).unwrap_err().to_string().contains("many"));
        assert!(row.optional_size(2).unwrap_err().to_string().contains("-1"));
    }

    #[test]
    fn a_decimal_sum_is_read_as_a_number() {
        let cells = Fake(vec![Cell::Text("5000000000")]);
        assert_eq!(Row(&cells).integer(0).unwrap(), 5_000_000_000);
    }
}
