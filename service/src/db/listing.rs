//! A [`ListQuery`] becomes one SELECT: WHERE, ORDER BY, keyset and LIMIT. Never OFFSET, never a query per image.

use glasshouse_shared::image::Visibility;
use glasshouse_shared::listing::{
    Direction, Filter, ListQuery, MemberStatus, NumberOperator, SortKey, TimeOperator, VisibilityFilter,
};
use jiff::{SignedDuration, Timestamp, Unit};

use super::connection::{Connection, Value, placeholders, query_one};
use super::{DbError, Dialect, images};

mod counts;
mod rare;
#[cfg(test)]
mod tests;
mod visible;

pub use counts::Counts;

/// On whose behalf images are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    pub is_admin: bool,
    pub project_id: Option<String>,
}

/// From this many rows on a filter counts as common: then it is cheaper to walk along the order of the list and look
/// at each image than to gather what the filter finds and sort it (measured with 100,000 images).
const COMMON: i64 = 1200;

/// The text of a statement and its parameters, which grow together.
#[derive(Clone, Default)]
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

    /// Both, unless the other says nothing.
    fn with(mut self, other: Self) -> Self {
        if !other.sql.is_empty() {
            self.and(&other.sql, other.values);
        }
        self
    }
}

/// A statement that answers a list or a part of it.
pub struct Select {
    pub sql: String,
    pub values: Vec<Value>,
    /// The parts of it that name our indexes, which a database that only Glance made does not have.
    hints: Vec<String>,
}

impl Select {
    /// The same for a database without our indexes: it takes longer.
    pub fn without_hint(&self) -> String {
        self.hints.iter().fold(self.sql.clone(), |sql, hint| sql.replacen(hint, "", 1))
    }
}

/// The statements that answer a list, in their order: each goes on where the one before ended, until the page is
/// full. There is more than one only behind a marker whose sort key may be NULL or has few values.
pub fn select(
    conn: &mut dyn Connection,
    query: &ListQuery,
    scope: &Scope,
    counts: &Counts,
) -> Result<Vec<Select>, DbError> {
    let order = query.order();
    let keysets = match &query.marker {
        Some(marker) => keysets(&place_of(conn, marker, &order, scope)?),
        None => vec![Clause::default()],
    };
    let mut conditions = Clause::default();
    conditions.push("deleted = 0 AND status <> 'killed'", []);
    add_visibility(&mut conditions, query, scope);
    conditions.and("os_hidden = ?", [query.hidden.into()]);
    for filter in &query.filters {
        add_filter(&mut conditions, filter);
    }
    let rare = rare::add_filters(conn, &mut conditions, query, counts)?;
    let words: Vec<String> =
        order.iter().map(|(key, direction)| format!("{} {}", key.as_str(), direction.as_str())).collect();
    let tail = format!(" ORDER BY {}", words.join(", "));
    if rare.is_none()
        && let [keyset] = keysets.as_slice()
        && let Some(visible::Merged { ids, hints }) =
            visible::merged(conn, (query, scope), &conditions.clone().with(keyset.clone()), counts)?
    {
        let mut statement = beginning_with(conn.dialect(), ids);
        statement.push(&tail, []);
        return Ok(vec![Select { sql: statement.sql, values: statement.values, hints }]);
    }
    let rare = match rare {
        None => rare::visible(conn, (query, scope), counts)?,
        rare => rare,
    };
    let is_walk = rare.is_none() && query.filters.is_empty();
    let hint = if is_walk { walk(conn.dialect(), &order) } else { String::new() };
    let all = || Clause { sql: format!("SELECT {} FROM images{hint}", images::COLUMNS), values: Vec::new() };
    let head = rare.map_or_else(all, |rare| beginning_with(conn.dialect(), rare));
    let whole = |keyset: Clause| {
        let mut statement = head.clone();
        let Clause { sql, values } = conditions.clone().with(keyset);
        statement.push(&format!(" WHERE {sql}{tail}"), values);
        Select { sql: statement.sql, values: statement.values, hints: vec![hint.clone()] }
    };
    Ok(keysets.into_iter().map(whole).collect())
}

/// A SELECT of images whose ids another one finds, in the column `rare_id`.
fn beginning_with(dialect: Dialect, ids: Clause) -> Clause {
    let mut head = Clause::default();
    head.push(&format!("SELECT {} FROM (", images::COLUMNS), []);
    head.push(&ids.sql, ids.values);
    head.push(&format!(") AS rare {} images ON id = rare_id", dialect.join_in_this_order()), []);
    head
}

/// Which index to walk along. MariaDB must be told: it would rather gather and sort a tenth of all images.
fn walk(dialect: Dialect, order: &[(SortKey, Direction)]) -> String {
    let index = match order {
        [(key, first), (SortKey::CreatedAt, second), (SortKey::Id, third)]
            if first == second && second == third =>
        {
            key.as_str()
        }
        [(SortKey::CreatedAt, first), (SortKey::Id, second)] if first == second => "created_at",
        _ => return String::new(),
    };
    dialect.walk_along(&format!("glasshouse_images_{index}"))
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

/// What comes after the marker. Both engines sort NULL before everything else; where the first key can be NULL, what
/// has a value and what has none are two ranges of the index, and each gets a statement of its own.
fn keysets(place: &[Bound]) -> Vec<Clause> {
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

/// Placeholders and values for `IN (…)`, filled up to a power of two with the last id, so that few statements need
/// preparing for pages of every length.
pub(super) fn id_list(ids: &[String]) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = ids.iter().map(Into::into).collect();
    if let Some(last) = values.last().cloned() {
        values.resize(ids.len().next_power_of_two(), last);
    }
    (placeholders(values.len()), values)
}
