//! A [`ListQuery`] becomes one SELECT: WHERE, ORDER BY, keyset and LIMIT. Never OFFSET, never a query per image.

use glasshouse_shared::image::Visibility;
use glasshouse_shared::listing::{
    Direction, Filter, ListQuery, MemberStatus, NumberOperator, SortKey, TimeOperator, VisibilityFilter,
};
use jiff::{SignedDuration, Timestamp, Unit};

use super::connection::{Connection, Value, placeholders, query_one};
use super::{DbError, images};

#[cfg(test)]
mod tests;

/// On whose behalf images are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    pub is_admin: bool,
    pub project_id: Option<String>,
}

/// From this many rows on a property or a tag counts as common on SQLite: then it is cheaper to walk along the
/// order of the list and look at each image (measured with 100,000 images).
const COMMON: i64 = 1200;

/// The text of a statement and its parameters, which grow together.
#[derive(Default)]
struct Clause {
    sql: String,
    values: Vec<Value>,
}

impl Clause {
    fn push(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(sql);
        self.values.extend(values);
    }

    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.push(" AND ", []);
        self.push(sql, values);
    }
}

/// The statement that answers a list, ready to run.
pub fn select(
    conn: &mut dyn Connection,
    query: &ListQuery,
    scope: &Scope,
) -> Result<(String, Vec<Value>), DbError> {
    let mut clause = Clause::default();
    clause.push(
        &format!("SELECT {} FROM images WHERE deleted = 0 AND status <> 'killed'", images::COLUMNS),
        [],
    );
    add_visibility(&mut clause, query, scope);
    clause.and("os_hidden = ?", [query.hidden.into()]);
    for filter in &query.filters {
        add_filter(&mut clause, filter);
    }
    for (name, value) in &query.properties {
        add_probed(conn, &mut clause, &PROPERTY, &[name.into(), value.into()])?;
    }
    for tag in &query.tags {
        add_probed(conn, &mut clause, &TAG, &[tag.into()])?;
    }
    let order = query.order();
    if let Some(marker) = &query.marker {
        let place = place_of(conn, marker, &order, scope)?;
        clause.push(" AND ", []);
        add_keyset(&mut clause, &place);
    }
    let words: Vec<String> =
        order.iter().map(|(key, direction)| format!("{} {}", key.as_str(), direction.as_str())).collect();
    clause.push(&format!(" ORDER BY {}", words.join(", ")), []);
    if let Some(limit) = query.limit {
        clause.push(" LIMIT ?", [limit.into()]);
    }
    Ok((clause.sql, clause.values))
}

/// Who sees what in a list: public images, the caller's own, and those that are shared with the caller. Community
/// images of others only when they are asked for, by an administrator too.
fn add_visibility(clause: &mut Clause, query: &ListQuery, scope: &Scope) {
    let project: Option<Value> = scope.project_id.as_ref().map(Into::into);
    match (query.visibility, &project) {
        (Some(VisibilityFilter::All), _) => {}
        (Some(VisibilityFilter::Only(visibility)), _) => {
            clause.and("visibility = ?", [visibility.as_str().into()]);
        }
        (None, Some(project)) => clause.and("(visibility <> 'community' OR owner = ?)", [project.clone()]),
        (None, None) => clause.and("visibility <> 'community'", []),
    }
    if scope.is_admin || query.visibility == Some(VisibilityFilter::Only(Visibility::Public)) {
        return;
    }
    let Some(project) = project else {
        return clause.and("visibility IN ('public', 'community')", []);
    };
    clause.and("(visibility IN ('public', 'community') OR owner = ? OR ", [project.clone()]);
    clause.push(
        "visibility = 'shared' AND EXISTS (SELECT 1 FROM image_members AS m
         WHERE m.image_id = images.id AND m.member = ? AND +m.deleted = 0",
        [project],
    );
    if query.member_status != MemberStatus::All {
        clause.and("m.status = ?", [query.member_status.as_str().into()]);
    }
    clause.push("))", []);
}

fn add_filter(clause: &mut Clause, filter: &Filter) {
    match filter {
        Filter::Word(key, words) => {
            let sql = format!("{} IN ({})", key.as_str(), placeholders(words.len()));
            clause.and(&sql, words.iter().map(Into::into));
        }
        Filter::Number(key, operator, number) => {
            let operator = match operator {
                NumberOperator::Equal => "=",
                NumberOperator::AtLeast => ">=",
                NumberOperator::AtMost => "<=",
            };
            clause.and(&format!("{} {operator} ?", key.as_str()), [(*number).into()]);
        }
        Filter::Time(key, operator, time) => add_time(clause, key.as_str(), *operator, *time),
        Filter::Protected(protected) => clause.and("protected = ?", [(*protected).into()]),
    }
}

/// Clients see whole seconds, so whole seconds are compared: the engines keep different fractions.
fn add_time(clause: &mut Clause, column: &str, operator: TimeOperator, time: Timestamp) {
    let floor = jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor);
    let second = time.round(floor).unwrap_or(time);
    let next = second.saturating_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
    match operator {
        TimeOperator::Greater => clause.and(&format!("{column} >= ?"), [next.into()]),
        TimeOperator::GreaterOrEqual => clause.and(&format!("{column} >= ?"), [second.into()]),
        TimeOperator::Less => clause.and(&format!("{column} < ?"), [second.into()]),
        TimeOperator::LessOrEqual => clause.and(&format!("{column} < ?"), [next.into()]),
        TimeOperator::Equal => {
            clause.and(&format!("{column} >= ? AND {column} < ?"), [second.into(), next.into()]);
        }
        TimeOperator::NotEqual => {
            clause.and(&format!("({column} < ? OR {column} >= ?)"), [second.into(), next.into()]);
        }
    }
}

/// A filter on rows that hang on images.
struct Hanging {
    table: &'static str,
    /// What the index on the value answers alone.
    indexed: &'static str,
    condition: &'static str,
    /// The same, so that SQLite finds the row by its image and not by its value.
    condition_by_image: &'static str,
}

const PROPERTY: Hanging = Hanging {
    table: "image_properties",
    indexed: "h.name = ? AND h.value = ?",
    condition: "h.name = ? AND h.value = ? AND +h.deleted = 0",
    condition_by_image: "h.name = ? AND +h.value = ? AND +h.deleted = 0",
};

const TAG: Hanging = Hanging {
    table: "image_tags",
    indexed: "h.value = ?",
    condition: "h.value = ? AND +h.deleted = 0",
    condition_by_image: "h.value = ? AND +h.deleted = 0",
};

fn add_probed(
    conn: &mut dyn Connection,
    clause: &mut Clause,
    hanging: &Hanging,
    values: &[Value],
) -> Result<(), DbError> {
    let Hanging { table, indexed, condition, condition_by_image } = hanging;
    if !conn.dialect().needs_probes() {
        let sql = format!("EXISTS (SELECT 1 FROM {table} AS h WHERE h.image_id = images.id AND {condition})");
        clause.and(&sql, values.iter().cloned());
        return Ok(());
    }
    let probe = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} AS h WHERE {indexed} LIMIT {COMMON})");
    let rows = query_one(conn, &probe, values, |row| row.integer(0))?.unwrap_or_default();
    let sql = if rows < COMMON {
        format!("id IN (SELECT h.image_id FROM {table} AS h WHERE {condition})")
    } else {
        format!("EXISTS (SELECT 1 FROM {table} AS h WHERE h.image_id = images.id AND {condition_by_image})")
    };
    clause.and(&sql, values.iter().cloned());
    Ok(())
}

/// One sort key and its value in the marker's row.
struct Bound {
    key: SortKey,
    direction: Direction,
    value: Value,
}

/// Where the marker stands in the order. It must be an image that the caller could get by its id.
fn place_of(
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

/// Placeholders and values for `IN (…)`, filled up to a power of two with the last id, so that few statements need
/// preparing for pages of every length.
pub(super) fn id_list(ids: &[String]) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = ids.iter().map(Into::into).collect();
    if let Some(last) = values.last().cloned() {
        values.resize(ids.len().next_power_of_two(), last);
    }
    (placeholders(values.len()), values)
}
