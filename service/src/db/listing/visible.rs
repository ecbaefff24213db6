//! The images that a caller can see at most, in parts of which each has an index of its own: its own images, those that
//! everybody sees, and those that are shared with it.
//!
//! In the order of `created_at`, each part is walked only as far as a page needs: a page costs the same however many
//! images there are, and however few of them the caller sees.

use glasshouse_shared::image::Visibility;
use glasshouse_shared::listing::{Direction, ListQuery, SortKey, VisibilityFilter};

use super::{COMMON, Clause, Counts, Scope};
use crate::db::connection::{Connection, Value};
use crate::db::{DbError, Dialect};

/// One part.
pub(super) enum Part {
    /// Of this project.
    Own(Value),
    /// Of everybody who shares with this project.
    Shared(Value),
    Everybodys(Visibility),
}

impl Part {
    /// A SELECT of its ids, in the column `rare_id`.
    pub(super) fn ids(&self) -> Clause {
        let (sql, value) = match self {
            Self::Own(project) => {
                ("SELECT id AS rare_id FROM images WHERE owner = ? AND deleted = 0", project.clone())
            }
            Self::Shared(project) => (
                "SELECT image_id AS rare_id FROM image_members WHERE member = ? AND +deleted = 0",
                project.clone(),
            ),
            Self::Everybodys(visibility) => (
                "SELECT id AS rare_id FROM images WHERE visibility = ? AND deleted = 0",
                visibility.as_str().into(),
            ),
        };
        Clause { sql: sql.to_owned(), values: vec![value] }
    }

    /// Our index that has its images in order, unless they are gathered.
    fn index(&self) -> Option<&'static str> {
        match self {
            Self::Own(_) => Some("glasshouse_images_owner"),
            Self::Everybodys(_) => Some("glasshouse_images_visible"),
            Self::Shared(_) => None,
        }
    }

    /// What comes behind FROM, up to further conditions.
    fn source(&self, dialect: Dialect, hint: &str) -> Clause {
        let (sql, value) = match self {
            Self::Own(project) => (format!("images{hint} WHERE owner = ? AND "), project.clone()),
            Self::Everybodys(visibility) => {
                (format!("images{hint} WHERE visibility = ? AND "), visibility.as_str().into())
            }
            Self::Shared(project) => (
                format!(
                    "(SELECT image_id FROM image_members WHERE member = ? AND +deleted = 0) AS given
                     {} images ON id = image_id WHERE ",
                    dialect.join_in_this_order()
                ),
                project.clone(),
            ),
        };
        Clause { sql, values: vec![value] }
    }
}

/// None for an administrator, who sees all.
pub(super) fn parts(query: &ListQuery, scope: &Scope) -> Vec<Part> {
    let filter = query.visibility;
    if let Some(VisibilityFilter::Only(visibility @ (Visibility::Public | Visibility::Community))) = filter {
        return vec![Part::Everybodys(visibility)];
    }
    let mut parts = Vec::new();
    if scope.is_admin {
        return parts;
    }
    if let Some(project) = &scope.project_id {
        parts.extend([Part::Own(project.into()), Part::Shared(project.into())]);
    }
    if filter.is_none() || filter == Some(VisibilityFilter::All) {
        parts.push(Part::Everybodys(Visibility::Public));
    }
    if filter == Some(VisibilityFilter::All) {
        parts.push(Part::Everybodys(Visibility::Community));
    }
    parts
}

/// The first ids of every part, in the column `rare_id`, and the words in it that name our indexes.
pub(super) struct Merged {
    pub ids: Clause,
    pub hints: Vec<String>,
}

/// The ids on the page, and of each part up to a page more, if the parts have this order: those that meet `conditions`.
pub(super) fn merged(
    conn: &mut dyn Connection,
    (query, scope): (&ListQuery, &Scope),
    conditions: &Clause,
    counts: &Counts,
) -> Result<Option<Merged>, DbError> {
    let direction = match query.order()[..] {
        [(SortKey::CreatedAt, first), (SortKey::Id, second)] if first == second => first,
        _ => return Ok(None),
    };
    let (Some(limit), true) = (query.limit, query.filters.is_empty()) else { return Ok(None) };
    let mut merged = Merged { ids: Clause::default(), hints: Vec::new() };
    for part in parts(query, scope) {
        if part.index().is_none() {
            let Clause { sql, values } = part.ids();
            if counts.of(conn, &sql, &values)? >= COMMON {
                return Ok(None);
            }
        }
        let dialect = conn.dialect();
        let hint = part.index().map(|index| dialect.walk_along(index)).unwrap_or_default();
        merged.add(part.source(dialect, &hint), (conditions, direction, limit));
        merged.hints.push(hint);
    }
    Ok(Some(merged).filter(|merged| !merged.ids.sql.is_empty()))
}

impl Merged {
    fn add(&mut self, source: Clause, rest: (&Clause, Direction, u32)) {
        let (conditions, direction, limit) = rest;
        let number = self.hints.len();
        if number > 0 {
            self.ids.push(" UNION ", []);
        }
        self.ids.push("SELECT rare_id FROM (SELECT id AS rare_id FROM ", []);
        self.ids.push(&source.sql, source.values);
        self.ids.push(&conditions.sql, conditions.values.iter().cloned());
        let direction = direction.as_str();
        let order = format!(" ORDER BY created_at {direction}, id {direction} LIMIT ?) AS part_{number}");
        self.ids.push(&order, [limit.into()]);
    }
}
