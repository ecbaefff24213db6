//! The place of a marker in an order, and what comes after it.

use glasshouse_shared::listing::{Direction, SortKey};

use super::{Clause, Scope};
use crate::db::DbError;
use crate::db::connection::{Connection, Value, query_one};

/// One sort key and its value in the marker's row.
pub(super) struct Bound {
    key: SortKey,
    direction: Direction,
    value: Value,
}

/// Where the marker stands in the order. It must be an image that the caller could get by its id.
pub(super) fn place_of(
    conn: &mut dyn Connection,
    marker: &str,
    order: &[(SortKey, Direction)],
    scope: &Scope,
) -> Result<Vec<Bound>, DbError> {
    let columns: Vec<&str> = order.iter().map(|(key, _)| key.as_str()).collect();
    let mut clause = Clause::default();
    let sql = format!("SELECT {} FROM images WHERE id = ? AND deleted = 0", columns.join(", "));
    clause.push(&sql, [marker.into()]);
    if !scope.is_admin {
        clause.and("(owner IS NULL OR visibility IN ('public', 'community')", []);
        if let Some(project) = &scope.project_id {
            clause.push(
                " OR owner = ? OR visibility = 'shared' AND EXISTS (SELECT 1 FROM image_members AS m
                 WHERE m.image_id = images.id AND m.member = ? AND +m.deleted = 0)",
                [project.into(), project.into()],
            );
        }
        clause.push(")", []);
    }
    let place = query_one(conn, &clause.sql, &clause.values, |row| {
        let bound = |(index, (key, direction)): (usize, &(SortKey, Direction))| {
            Ok(Bound { key: *key, direction: *direction, value: row.value(index)? })
        };
        order.iter().enumerate().map(bound).collect::<Result<Vec<_>, DbError>>()
    })?;
    place.ok_or_else(|| DbError::UnknownMarker(marker.to_owned()))
}

/// What comes after the marker. Both engines sort NULL before everything else; where the first key can be NULL, what
/// has a value and what has none are two ranges of the index, and each gets a statement of its own.
pub(super) fn keysets(place: &[Bound]) -> Vec<Clause> {
    let clause_of = |text: String, values: Vec<Value>, rest: &[Bound]| {
        let mut clause = Clause { sql: text, values };
        add_keyset(&mut clause, rest);
        clause
    };
    let Some((first, rest)) = place.split_first() else { return vec![Clause::default()] };
    let column = first.key.as_str();
    match (first.direction, &first.value) {
        (direction, value) if has_few_values(first.key) && *value != Value::Null => {
            let mut same = clause_of(format!("({column} = ? AND "), vec![value.clone()], rest);
            same.push(")", []);
            let sign = if direction == Direction::Ascending { '>' } else { '<' };
            let mut parts =
                vec![same, Clause { sql: format!("{column} {sign} ?"), values: vec![value.clone()] }];
            if direction == Direction::Descending && !never_null(first.key) {
                parts.push(Clause { sql: format!("{column} IS NULL"), values: Vec::new() });
            }
            parts
        }
        (Direction::Descending, value) if !never_null(first.key) && *value != Value::Null => {
            let mut with_value = clause_of(
                format!("({column} <= ? AND ({column} < ? OR "),
                vec![value.clone(), value.clone()],
                rest,
            );
            with_value.push("))", []);
            vec![with_value, Clause { sql: format!("{column} IS NULL"), values: Vec::new() }]
        }
        (Direction::Ascending, Value::Null) => {
            let mut without_value = clause_of(format!("({column} IS NULL AND "), Vec::new(), rest);
            without_value.push(")", []);
            vec![without_value, Clause { sql: format!("{column} IS NOT NULL"), values: Vec::new() }]
        }
        _ => vec![clause_of(String::new(), Vec::new(), place)],
    }
}

/// What comes after the marker: `a <= ? AND (a < ? OR b …)`, the form for which both engines use an index. Both
/// sort NULL before everything else, and so does this.
fn add_keyset(clause: &mut Clause, place: &[Bound]) {
    let Some((bound, rest)) = place.split_first() else { return };
    let Bound { key, direction, value } = bound;
    let column = key.as_str();
    if rest.is_empty() {
        // The last key is the id, which is never NULL.
        let sign = if *direction == Direction::Ascending { '>' } else { '<' };
        return clause.push(&format!("{column} {sign} ?"), [value.clone()]);
    }
    match (direction, value) {
        (Direction::Ascending, Value::Null) => {
            clause.push(&format!("({column} IS NOT NULL OR "), []);
            add_keyset(clause, rest);
            clause.push(")", []);
        }
        (Direction::Descending, Value::Null) => {
            clause.push(&format!("({column} IS NULL AND "), []);
            add_keyset(clause, rest);
            clause.push(")", []);
        }
        (Direction::Ascending, value) => {
            let value = [value.clone(), value.clone()];
            clause.push(&format!("({column} >= ? AND ({column} > ? OR "), value);
            add_keyset(clause, rest);
            clause.push("))", []);
        }
        (Direction::Descending, value) if never_null(*key) => {
            let value = [value.clone(), value.clone()];
            clause.push(&format!("({column} <= ? AND ({column} < ? OR "), value);
            add_keyset(clause, rest);
            clause.push("))", []);
        }
        (Direction::Descending, value) => {
            let values = [value.clone(), value.clone()];
            clause.push(&format!("({column} IS NULL OR {column} < ? OR {column} = ? AND "), values);
            add_keyset(clause, rest);
            clause.push(")", []);
        }
    }
}

/// Many images share each value: what comes after the marker among them is a range of its own.
const fn has_few_values(key: SortKey) -> bool {
    matches!(key, SortKey::Status | SortKey::DiskFormat | SortKey::ContainerFormat)
}

const fn never_null(key: SortKey) -> bool {
    match key {
        SortKey::Id | SortKey::CreatedAt | SortKey::Status => true,
        SortKey::Name
        | SortKey::ContainerFormat
        | SortKey::DiskFormat
        | SortKey::Size
        | SortKey::UpdatedAt => false,
    }
}
