//! A [`ListQuery`] becomes one SELECT: WHERE, ORDER BY, keyset and LIMIT. Never OFFSET, never a query per image.

use glasshouse_shared::image::Visibility;
use glasshouse_shared::listing::{
    Direction, Filter, ListQuery, MemberStatus, NumberOperator, SortKey, TimeOperator, VisibilityFilter,
};
use jiff::{SignedDuration, Timestamp, Unit};

use super::connection::{Connection, Value, placeholders};
use super::{DbError, Dialect, images};

mod counts;
mod keyset;
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
        Some(marker) => keyset::keysets(&keyset::place_of(conn, marker, &order, scope)?),
        None => vec![Clause::default()],
    };
    let mut conditions = conditions(query, scope);
    let rare = rare::add_filters(conn, &mut conditions, query, counts)?;
    let words: Vec<String> =
        order.iter().map(|(key, direction)| format!("{} {}", key.as_str(), direction.as_str())).collect();
    let tail = format!(" ORDER BY {}", words.join(", "));
    let ranges = keysets.into_iter().map(|keyset| conditions.clone().with(keyset));
    let dialect = conn.dialect();
    if rare.is_none()
        && let Some(merger) = visible::Merger::of(conn, (query, scope), counts)?
    {
        return Ok(ranges.map(|range| merged(&merger, dialect, &range, &tail)).collect());
    }
    let rare = match rare {
        None => rare::visible(conn, (query, scope), counts)?,
        rare => rare,
    };
    let is_walk = rare.is_none() && query.filters.is_empty();
    let hint = if is_walk { walk(dialect, &order) } else { String::new() };
    let all = || Clause { sql: format!("SELECT {} FROM images{hint}", images::COLUMNS), values: Vec::new() };
    let head = rare.map_or_else(all, |rare| beginning_with(dialect, rare));
    let whole = |range: Clause| {
        let mut statement = head.clone();
        statement.push(&format!(" WHERE {}{tail}", range.sql), range.values);
        Select { sql: statement.sql, values: statement.values, hints: vec![hint.clone()] }
    };
    Ok(ranges.map(whole).collect())
}

/// What every image of the list meets, but for its properties and tags.
fn conditions(query: &ListQuery, scope: &Scope) -> Clause {
    let mut conditions = Clause::default();
    conditions.push("deleted = 0 AND status <> 'killed'", []);
    add_visibility(&mut conditions, query, scope);
    conditions.and("os_hidden = ?", [query.hidden.into()]);
    for filter in &query.filters {
        add_filter(&mut conditions, filter);
    }
    conditions
}

fn merged(merger: &visible::Merger, dialect: Dialect, range: &Clause, tail: &str) -> Select {
    let visible::Merged { ids, hints } = merger.merge(dialect, range);
    let mut statement = beginning_with(dialect, ids);
    statement.push(tail, []);
    Select { sql: statement.sql, values: statement.values, hints }
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

/// Placeholders and values for `IN (…)`, filled up to a power of two with the last id, so that few statements need
/// preparing for pages of every length.
pub(super) fn id_list(ids: &[String]) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = ids.iter().map(Into::into).collect();
    if let Some(last) = values.last().cloned() {
        values.resize(ids.len().next_power_of_two(), last);
    }
    (placeholders(values.len()), values)
}
