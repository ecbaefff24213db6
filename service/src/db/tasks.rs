//! Tasks: work that was asked for, such as an import, with what came of it. Only read here.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::DbError;
use super::connection::{Connection, Row, query_all};

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRecord {
    pub id: String,
    pub kind: String,
    pub status: String,
    pub owner: String,
    pub image_id: Option<String>,
    pub request_id: Option<String>,
    pub user_id: Option<String>,
    pub expires_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    /// `None` when nothing was written beside the task.
    pub details: Option<TaskDetails>,
}

/// What lies beside a task: what it works on, what came of it, and why it failed.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskDetails {
    pub input: Json,
    pub result: Json,
    pub message: String,
}

/// The tasks of an image that have not expired, oldest first.
pub fn of_image(
    conn: &mut dyn Connection,
    image_id: &str,
    now: Timestamp,
) -> Result<Vec<TaskRecord>, DbError> {
    let sql = "SELECT t.id, t.type, t.status, t.owner, t.image_id, t.request_id, t.user_id, t.expires_at,
                      t.created_at, t.updated_at, i.task_id, i.input, i.result, i.message
               FROM tasks AS t LEFT JOIN task_info AS i ON i.task_id = t.id
               WHERE t.image_id = ? AND t.deleted = 0 AND (t.expires_at IS NULL OR t.expires_at >= ?)
               ORDER BY t.created_at, t.id";
    query_all(conn, sql, &[image_id.into(), now.into()], read)
}

fn read(row: &Row<'_>) -> Result<TaskRecord, DbError> {
    let details = match row.optional_text(10)? {
        None => None,
        Some(_) => Some(TaskDetails {
            input: document(row.optional_text(11)?),
            result: document(row.optional_text(12)?),
            message: row.optional_text(13)?.unwrap_or_default(),
        }),
    };
    Ok(TaskRecord {
        id: row.text(0)?,
        kind: row.text(1)?,
        status: row.text(2)?,
        owner: row.text(3)?,
        image_id: row.optional_text(4)?,
        request_id: row.optional_text(5)?,
        user_id: row.optional_text(6)?,
        expires_at: row.optional_time(7)?,
        created_at: row.time(8)?,
        updated_at: row.optional_time(9)?,
        details,
    })
}

/// What cannot be read as JSON is shown as the text it is.
fn document(text: Option<String>) -> Json {
    text.map_or(Json::Null, |text| serde_json::from_str(&text).unwrap_or(Json::String(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fixture::{NOW, on_each, time};

    fn insert(conn: &mut dyn Connection, id: &str, image: &str, expires: Option<&str>, deleted: bool) {
        let sql = "INSERT INTO tasks (id, type, status, owner, image_id, expires_at, created_at, updated_at, deleted)
                   VALUES (?, 'api_image_import', 'failure', 'project-a', ?, ?, ?, ?, ?)";
        let now = time(NOW);
        let values =
            [id.into(), image.into(), expires.map(time).into(), now.into(), now.into(), deleted.into()];
        conn.execute(sql, &values).unwrap();
    }

    #[test]
    fn the_living_tasks_of_an_image_come_with_their_details() {
        on_each(|conn| {
            insert(conn, "task-1", "image-1", None, false);
            insert(conn, "task-2", "image-2", None, false);
            insert(conn, "task-3", "image-1", Some("2024-05-06T07:00:00Z"), false);
            insert(conn, "task-4", "image-1", Some("2024-05-07T07:00:00Z"), false);
            insert(conn, "task-5", "image-1", None, true);
            let sql =
                "INSERT INTO task_info (task_id, input, result, message) VALUES (?, ?, NULL, 'disk full')";
            conn.execute(sql, &["task-4".into(), r#"{"image_id": "image-1"}"#.into()]).unwrap();
            let found = of_image(conn, "image-1", time(NOW)).unwrap();
            let ids: Vec<&str> = found.iter().map(|task| task.id.as_str()).collect();
            assert_eq!(ids, ["task-1", "task-4"]);
            assert_eq!(found[0].details, None);
            let details = found[1].details.as_ref().unwrap();
            assert_eq!(details.input, serde_json::json!({"image_id": "image-1"}));
            assert_eq!((&details.result, details.message.as_str()), (&Json::Null, "disk full"));
            assert_eq!(found[1].expires_at, Some(time("2024-05-07T07:00:00Z")));
        });
    }
}
