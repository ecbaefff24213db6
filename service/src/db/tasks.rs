//! Tasks: work that was asked for, such as an import, with what came of it. Who does the work is not known here.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::DbError;
use super::connection::{Connection, Row, query_all, query_one};

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

/// How the work of a task ended.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEnd {
    Success {
        result: Json,
    },
    /// With the reason, for people.
    Failure {
        message: String,
    },
}

/// Adds a task that waits for its beginning, with its input.
pub fn insert(conn: &mut dyn Connection, task: &TaskRecord) -> Result<(), DbError> {
    let sql = "INSERT INTO tasks
               (id, type, status, owner, image_id, request_id, user_id, created_at, updated_at, deleted)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)";
    let values = [
        (&task.id).into(),
        (&task.kind).into(),
        (&task.status).into(),
        (&task.owner).into(),
        task.image_id.as_ref().into(),
        task.request_id.as_ref().into(),
        task.user_id.as_ref().into(),
        task.created_at.into(),
        task.updated_at.into(),
    ];
    conn.execute(sql, &values)?;
    if let Some(details) = &task.details {
        let sql = "INSERT INTO task_info (task_id, input, result, message) VALUES (?, ?, NULL, ?)";
        let input = details.input.to_string();
        conn.execute(sql, &[(&task.id).into(), input.as_str().into(), details.message.as_str().into()])?;
    }
    Ok(())
}

/// Says that the work of a task began. `Stale` when it did before, or ended.
pub fn begin(conn: &mut dyn Connection, id: &str, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE tasks SET status = 'processing', updated_at = ? WHERE id = ? AND status = 'pending'";
    if conn.execute(sql, &[now.into(), id.into()])? == 0 { Err(DbError::Stale) } else { Ok(()) }
}

/// Ends a task, to be kept until `expires_at`; one that has ended already stays as it is.
pub fn finish(
    conn: &mut dyn Connection,
    id: &str,
    end: &TaskEnd,
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<(), DbError> {
    let (status, result, message) = match end {
        TaskEnd::Success { result } => ("success", Some(result.to_string()), ""),
        TaskEnd::Failure { message } => ("failure", None, message.as_str()),
    };
    let sql = "UPDATE tasks SET status = ?, updated_at = ?, expires_at = ?
               WHERE id = ? AND status IN ('pending', 'processing')";
    if conn.execute(sql, &[status.into(), now.into(), expires_at.into(), id.into()])? > 0 {
        let sql = "UPDATE task_info SET result = ?, message = ? WHERE task_id = ?";
        conn.execute(sql, &[result.as_ref().into(), message.into(), id.into()])?;
    }
    Ok(())
}

/// The ids of the tasks of an image that are of this kind and did not end.
pub fn unfinished(conn: &mut dyn Connection, image_id: &str, kind: &str) -> Result<Vec<String>, DbError> {
    let sql = "SELECT id FROM tasks WHERE image_id = ? AND type = ? AND deleted = 0
               AND status IN ('pending', 'processing') ORDER BY created_at, id";
    query_all(conn, sql, &[image_id.into(), kind.into()], |row| row.text(0))
}

/// Status of a task, and when it last said that it lives. `None` when there is none.
pub fn sign_of_life(conn: &mut dyn Connection, id: &str) -> Result<Option<(String, Timestamp)>, DbError> {
    let sql = "SELECT status, updated_at, created_at FROM tasks WHERE id = ? AND deleted = 0";
    query_one(conn, sql, &[id.into()], |row| {
        Ok((row.text(0)?, row.optional_time(1)?.unwrap_or(row.time(2)?)))
    })
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
    fn a_task_begins_once_and_ends_once() {
        on_each(|conn| {
            let (now, later) = (time(NOW), time("2024-05-06T08:00:00Z"));
            let expires = time("2024-05-08T08:00:00Z");
            let input = serde_json::json!({"image_id": "image-1"});
            let task = TaskRecord {
                id: "task-1".into(),
                kind: "location_import".into(),
                status: "pending".into(),
                owner: "project-a".into(),
                image_id: Some("image-1".into()),
                request_id: Some("req-1".into()),
                user_id: None,
                expires_at: None,
                created_at: now,
                updated_at: Some(now),
                details: Some(TaskDetails { input, result: Json::Null, message: String::new() }),
            };
            super::insert(conn, &task).unwrap();
            assert_eq!(of_image(conn, "image-1", now).unwrap(), std::slice::from_ref(&task));
            assert_eq!(unfinished(conn, "image-1", "location_import").unwrap(), ["task-1"]);
            assert_eq!(sign_of_life(conn, "task-1").unwrap(), Some(("pending".to_owned(), now)));
            begin(conn, "task-1", later).unwrap();
            assert!(matches!(begin(conn, "task-1", later), Err(DbError::Stale)));
            assert_eq!(sign_of_life(conn, "task-1").unwrap(), Some(("processing".to_owned(), later)));
            let failure = TaskEnd::Failure { message: "no such data".into() };
            finish(conn, "task-1", &failure, (later, expires)).unwrap();
            let success = TaskEnd::Success { result: Json::Null };
            finish(conn, "task-1", &success, (later, expires)).unwrap();
            let found = of_image(conn, "image-1", later).unwrap();
            assert_eq!((found[0].status.as_str(), found[0].expires_at), ("failure", Some(expires)));
            assert_eq!(found[0].details.as_ref().unwrap().message, "no such data");
            assert_eq!(unfinished(conn, "image-1", "location_import").unwrap(), Vec::<String>::new());
            assert_eq!(sign_of_life(conn, "task-2").unwrap(), None);
        });
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
