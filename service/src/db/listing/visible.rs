//! The images that a caller can see at most, in parts of which each has an index of its own: its own images, those that
//! everybody sees, and those that are shared with it.
//!
//! In the order of `created_at` and of `name`, each part is walked only as far as a page needs: a page costs the same
//! however many images there are, and however few of them the caller sees.

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

    /// Our index that has its images in this order, unless they are gathered.
    fn index(&self, order: Order) -> Option<&'static str> {
        match (self, order) {
            (Self::Own(_), Order::CreatedAt) => Some("glasshouse_images_owner"),
            (Self::Own(_), Order::Name) => Some("glasshouse_images_owner_name"),
            (Self::Everybodys(_), Order::CreatedAt) => Some("glasshouse_images_visible"),
            (Self::Everybodys(_), Order::Name) => Some("glasshouse_images_visible_name"),
            (Self::Shared(_), _) => None,
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

/// Which the parts have indexes for. Images that are equal in it follow by `created_at` and `id`.
#[derive(Debug, Clone, Copy)]
enum Order {
    CreatedAt,
    Name,
}

impl Order {
    fn of(query: &ListQuery) -> Option<(Self, Direction)> {
        let order = query.order();
        let (keys, directions): (Vec<SortKey>, Vec<Direction>) = order.into_iter().unzip();
        let direction = *directions.first()?;
        let order = match keys[..] {
            [SortKey::CreatedAt, SortKey::Id] => Self::CreatedAt,
            [SortKey::Name, SortKey::CreatedAt, SortKey::Id] => Self::Name,
            _ => return None,
        };
        Some((order, direction)).filter(|_| directions.iter().all(|other| *other == direction))
    }

    fn by(self, direction: Direction) -> String {
        let direction = direction.as_str();
        match self {
            Self::CreatedAt => format!("created_at {direction}, id {direction}"),
            Self::Name => format!("name {direction}, created_at {direction}, id {direction}"),
        }
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

/// A list whose parts have its order.
pub(super) struct Merger {
    parts: Vec<Part>,
    order: Order,
    direction: Direction,
    limit: u32,
}

/// The first ids of every part, in the column `rare_id`, and the words in it that name our indexes.
#[derive(Default)]
pub(super) struct Merged {
    pub ids: Clause,
    pub hints: Vec<String>,
}

impl Merger {
    /// None for a list that is not made of parts, or in another order, or with too many images in a part that has to be
    /// gathered.
    pub(super) fn of(
        conn: &mut dyn Connection,
        (query, scope): (&ListQuery, &Scope),
        counts: &Counts,
    ) -> Result<Option<Self>, DbError> {
        let (Some((order, direction)), Some(limit)) = (Order::of(query), query.limit) else {
            return Ok(None);
        };
        let parts = parts(query, scope);
        if parts.is_empty() || !query.filters.is_empty() {
            return Ok(None);
        }
        for part in parts.iter().filter(|part| part.index(order).is_none()) {
            let Clause { sql, values } = part.ids();
            if counts.of(conn, &sql, &values)? >= COMMON {
                return Ok(None);
            }
        }
        Ok(Some(Self { parts, order, direction, limit }))
    }

    /// The ids on the page, and of each part up to a page more: those that meet `conditions`.
    pub(super) fn merge(&self, dialect: Dialect, conditions: &Clause) -> Merged {
        let mut merged = Merged::default();
        for (number, part) in self.parts.iter().enumerate() {
            if number > 0 {
                merged.ids.push(" UNION ", []);
            }
            let hint = part.index(self.order).map(|index| dialect.walk_along(index)).unwrap_or_default();
            let source = part.source(dialect, &hint);
            merged.ids.push("SELECT rare_id FROM (SELECT id AS rare_id FROM ", []);
            merged.ids.push(&source.sql, source.values);
            merged.ids.push(&conditions.sql, conditions.values.iter().cloned());
            let order = self.order.by(self.direction);
            merged.ids.push(&format!(" ORDER BY {order} LIMIT ?) AS part_{number}"), [self.limit.into()]);
            merged.hints.push(hint);
        }
        merged
    }
}
