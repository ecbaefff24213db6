use std::collections::BTreeMap;

use glasshouse_shared::image::Visibility;
use serde_json::json;

use super::super::connection::query_one;
use super::super::fixture::{NOW, image, on_each, record, time};
use super::super::{Dialect, members, usage};
use super::*;

const LATER: &str = "2024-05-06T08:00:00Z";

fn location(url: &str) -> LocationRecord {
    let metadata = json!({"store": "fast"}).as_object().unwrap().clone();
    LocationRecord { id: None, url: url.to_owned(), metadata, status: LocationStatus::Active }
}

fn full() -> ImageRecord {
    let mut record = record(1);
    record.image.tags = ["blue".to_owned(), "Green".to_owned()].into();
    record.image.properties =
        [("os_distro".to_owned(), "debian".to_owned()), (String::new(), String::new())].into();
    record.image.size = Some(5_000_000_000);
    record.image.visibility = Visibility::Community;
    record.image.protected = true;
    record.image.hidden = true;
    record.image.min_disk_gb = 2_147_483_647;
    record.locations = vec![location("file:///a"), location("file:///b")];
    record
}

fn number(conn: &mut dyn Connection, sql: &str) -> i64 {
    query_one(conn, sql, &[], |row| row.integer(0)).unwrap().unwrap()
}

fn insert_and_get(conn: &mut dyn Connection, record: &ImageRecord) -> ImageRecord {
    insert(conn, record).unwrap();
    get(conn, &record.image.id).unwrap().unwrap()
}

#[test]
fn an_image_comes_back_as_it_was_put_in() {
    on_each(|conn| {
        let found = insert_and_get(conn, &full());
        assert_eq!(found.image, full().image);
        let places: Vec<_> =
            found.locations.iter().map(|location| (&*location.url, location.status)).collect();
        assert_eq!(places, [("file:///a", LocationStatus::Active), ("file:///b", LocationStatus::Active)]);
        assert_eq!(found.locations[0].metadata, full().locations[0].metadata);
        assert!(found.locations[0].id < found.locations[1].id);
    });
}

#[test]
fn two_changes_of_one_reading_are_both_kept() {
    on_each(|conn| {
        let before = insert_and_get(conn, &full());
        let mut first = before.clone();
        first.image.name = Some("first".to_owned());
        first.image.properties.insert("one".to_owned(), "1".to_owned());
        first.image.properties.remove("os_distro");
        first.image.tags.remove("blue");
        let mut second = before.clone();
        second.image.min_ram_mb = 7;
        second.image.properties.insert("two".to_owned(), "2".to_owned());
        second.image.tags.insert("red".to_owned());
        for changed in [&first, &second] {
            save_changes(conn, &before, changed, &[before.image.status], time(LATER)).unwrap();
        }
        let found = get(conn, &before.image.id).unwrap().unwrap();
        assert_eq!((found.image.name.as_deref(), found.image.min_ram_mb), (Some("first"), 7));
        let names: Vec<&str> = found.image.properties.keys().map(String::as_str).collect();
        assert_eq!(names, ["", "one", "two"]);
        assert_eq!(found.image.tags, ["Green".to_owned(), "red".to_owned()].into());
        assert_eq!(found.image.updated_at, time(LATER));
        assert_eq!(found.locations, before.locations);
        let result = save_changes(conn, &before, &first, &[Status::Saving], time(LATER));
        assert!(matches!(result, Err(DbError::Stale)));
    });
}

#[test]
fn an_id_is_never_used_twice() {
    on_each(|conn| {
        insert(conn, &record(1)).unwrap();
        assert!(matches!(insert(conn, &record(1)), Err(DbError::Duplicate)));
        delete(conn, &image(1).id, &[Status::Queued], Status::Deleted, time(LATER)).unwrap();
        assert_eq!(get(conn, &image(1).id).unwrap(), None);
        assert!(matches!(insert(conn, &record(1)), Err(DbError::Duplicate)));
    });
}

#[test]
fn times_are_kept_as_glance_keeps_them() {
    on_each(|conn| {
        let mut record = record(1);
        record.image.created_at = time("2024-05-06T07:08:09.123456789Z");
        let found = insert_and_get(conn, &record);
        match conn.dialect() {
            Dialect::Mariadb => assert_eq!(found.image.created_at.to_string(), "2024-05-06T07:08:09Z"),
            Dialect::Sqlite => {
                let sql = "SELECT created_at FROM images";
                let text = query_one(conn, sql, &[], |row| row.text(0)).unwrap().unwrap();
                assert_eq!(text, "2024-05-06 07:08:09.123456");
            }
        }
    });
}

#[test]
fn characters_that_mariadb_cannot_hold_are_said_to_be_so_and_match_nothing() {
    on_each(|conn| {
        insert(conn, &record(1)).unwrap();
        let query = ListQuery::parse("name=%F0%9F%A6%80&tag=%F0%9F%A6%80").unwrap();
        let scope = Scope { is_admin: true, project_id: None };
        assert_eq!(list(conn, &query, &scope, &Counts::default()).unwrap(), []);
        let mut record = record(2);
        record.image.name = Some("🦀".to_owned());
        let result = insert(conn, &record);
        match conn.dialect() {
            Dialect::Mariadb => assert!(matches!(result, Err(DbError::Unstorable(_)))),
            Dialect::Sqlite => result.unwrap(),
        }
    });
}

#[test]
fn a_save_writes_everything_but_the_creation() {
    on_each(|conn| {
        let mut record = insert_and_get(conn, &full());
        record.image.name = Some("名前".to_owned());
        record.image.owner = None;
        record.image.status = Status::Active;
        record.image.created_at = time("1999-01-01T00:00:00Z");
        record.image.tags = ["red".to_owned(), "Green".to_owned()].into();
        record.image.properties = [("os_distro".to_owned(), "ubuntu".to_owned())].into();
        let saved = update(conn, &record, &[Status::Queued], time("2024-05-06T08:00:00.9Z")).unwrap();
        let found = get(conn, &record.image.id).unwrap().unwrap();
        assert_eq!(found.image.created_at, time(NOW));
        assert_eq!(found.image.updated_at, conn.dialect().truncate(time("2024-05-06T08:00:00.9Z")));
        let as_saved = Image { created_at: time(NOW), ..saved.image };
        assert_eq!(found, ImageRecord { image: as_saved, ..saved });
        assert_eq!(found.image.owner, None);
    });
}

#[test]
fn a_save_that_expected_another_status_changes_nothing() {
    on_each(|conn| {
        let record = insert_and_get(conn, &full());
        let mut changed = record.clone();
        changed.image.name = None;
        let result = update(conn, &changed, &[Status::Active, Status::Saving], time(LATER));
        assert!(matches!(result, Err(DbError::Stale)));
        assert!(matches!(update(conn, &changed, &[], time(LATER)), Err(DbError::Stale)));
        assert_eq!(get(conn, &record.image.id).unwrap().unwrap(), record);
        changed.image.id = image(2).id;
        assert!(matches!(update(conn, &changed, &[Status::Queued], time(LATER)), Err(DbError::Missing)));
    });
}

#[test]
fn a_save_that_changes_nothing_is_no_conflict() {
    on_each(|conn| {
        let record = insert_and_get(conn, &full());
        update(conn, &record, &[Status::Queued], time(NOW)).unwrap();
        update(conn, &record, &[Status::Queued], time(NOW)).unwrap();
        assert_eq!(get(conn, &record.image.id).unwrap().unwrap(), record);
    });
}

#[test]
fn a_property_that_returns_revives_its_row_and_keeps_the_time_of_its_deletion() {
    on_each(|conn| {
        let mut record = insert_and_get(conn, &full());
        let before = record.image.properties.clone();
        record.image.properties = BTreeMap::new();
        update(conn, &record, &[Status::Queued], time(LATER)).unwrap();
        assert_eq!(get(conn, &record.image.id).unwrap().unwrap().image.properties, BTreeMap::new());
        assert_eq!(number(conn, "SELECT COUNT(*) FROM image_properties WHERE deleted = 1"), 2);
        record.image.properties = before.clone();
        update(conn, &record, &[Status::Queued], time(LATER)).unwrap();
        assert_eq!(get(conn, &record.image.id).unwrap().unwrap().image.properties, before);
        let sql = "SELECT COUNT(*) FROM image_properties WHERE deleted = 0 AND deleted_at IS NOT NULL";
        assert_eq!(number(conn, sql), 2);
        assert_eq!(number(conn, "SELECT COUNT(*) FROM image_properties"), 2);
    });
}

#[test]
fn a_property_may_change_the_case_of_its_name() {
    on_each(|conn| {
        let mut record = insert_and_get(conn, &full());
        record.image.properties = [("OS_Distro".to_owned(), "debian".to_owned())].into();
        update(conn, &record, &[Status::Queued], time(LATER)).unwrap();
        let found = get(conn, &record.image.id).unwrap().unwrap();
        assert_eq!(found.image.properties, record.image.properties);
    });
}

#[test]
fn two_cases_of_one_property_are_refused_where_the_key_takes_them_for_one() {
    on_each(|conn| {
        let mut record = insert_and_get(conn, &full());
        record.image.properties.insert("OS_DISTRO".to_owned(), "b".to_owned());
        let result = update(conn, &record, &[Status::Queued], time(LATER));
        match conn.dialect() {
            Dialect::Mariadb => assert!(matches!(result, Err(DbError::Duplicate))),
            Dialect::Sqlite => assert_eq!(result.unwrap().image.properties.len(), 3),
        }
    });
}

#[test]
fn a_save_never_touches_the_lock_of_an_import() {
    on_each(|conn| {
        let mut record = insert_and_get(conn, &record(1));
        let id = record.image.id.clone();
        properties::lock(conn, &id, properties::IMPORT_LOCK, "task-1", time(NOW)).unwrap();
        let again = properties::lock(conn, &id, properties::IMPORT_LOCK, "task-2", time(NOW));
        assert!(matches!(again, Err(DbError::Stale)));
        update(conn, &record, &[Status::Queued], time(LATER)).unwrap();
        record.image.properties.insert(properties::IMPORT_LOCK.to_owned(), "task-3".to_owned());
        update(conn, &record, &[Status::Queued], time(LATER)).unwrap();
        let found = get(conn, &id).unwrap().unwrap();
        assert_eq!(found.image.properties[properties::IMPORT_LOCK], "task-1");
        let wrong = properties::unlock(conn, &id, properties::IMPORT_LOCK, "task-2");
        assert!(matches!(wrong, Err(DbError::Missing)));
        properties::unlock(conn, &id, properties::IMPORT_LOCK, "task-1").unwrap();
        assert_eq!(number(conn, "SELECT COUNT(*) FROM image_properties"), 0);
        properties::lock(conn, &id, properties::IMPORT_LOCK, "task-4", time(NOW)).unwrap();
    });
}

#[test]
fn locations_keep_their_ids_and_an_empty_list_keeps_the_locations() {
    on_each(|conn| {
        let mut record = insert_and_get(conn, &full());
        let first = record.locations[0].id;
        record.locations.remove(1);
        record.locations[0].url = "file:///moved".to_owned();
        record.locations.push(location("file:///c"));
        let saved = update(conn, &record, &[Status::Queued], time(LATER)).unwrap();
        assert_eq!(saved.locations[0].id, first);
        assert!(saved.locations[1].id > first);
        assert_eq!(get(conn, &record.image.id).unwrap().unwrap().locations, saved.locations);
        let gone = "SELECT COUNT(*) FROM image_locations WHERE status = 'deleted' AND deleted = 1
                    AND deleted_at IS NOT NULL AND value = 'file:///b'";
        assert_eq!(number(conn, gone), 1);
        record.locations.clear();
        update(conn, &record, &[Status::Queued], time(LATER)).unwrap();
        assert_eq!(get(conn, &record.image.id).unwrap().unwrap().locations, saved.locations);
    });
}

#[test]
fn a_location_that_is_gone_cannot_be_saved() {
    on_each(|conn| {
        let mut record = insert_and_get(conn, &full());
        let second = record.locations[1].id.unwrap();
        delete_location(conn, &record.image.id, second, LocationStatus::PendingDelete, time(LATER)).unwrap();
        let again = delete_location(conn, &record.image.id, second, LocationStatus::Deleted, time(LATER));
        assert!(matches!(again, Err(DbError::Missing)));
        assert!(matches!(update(conn, &record, &[Status::Queued], time(LATER)), Err(DbError::Stale)));
        record.locations.truncate(1);
        update(conn, &record, &[Status::Queued], time(LATER)).unwrap();
    });
}

#[test]
fn a_location_is_added_with_its_metadata() {
    on_each(|conn| {
        insert(conn, &record(1)).unwrap();
        let metadata = location("").metadata;
        let id = add_location(conn, &image(1).id, "file:///x", &metadata, time(LATER)).unwrap();
        let found = get(conn, &image(1).id).unwrap().unwrap();
        assert_eq!(found.locations, [LocationRecord { id: Some(id), ..location("file:///x") }]);
        let nowhere = add_location(conn, &image(2).id, "file:///x", &metadata, time(LATER));
        assert!(matches!(nowhere, Err(DbError::Missing)));
    });
}

#[test]
fn locations_that_are_not_active_and_metadata_that_is_null_are_read_as_glance_reads_them() {
    on_each(|conn| {
        let record = insert_and_get(conn, &full());
        let sql = "UPDATE image_locations SET status = 'uploading' WHERE value = 'file:///a'";
        conn.execute(sql, &[]).unwrap();
        conn.execute("UPDATE image_locations SET meta_data = NULL WHERE value = 'file:///b'", &[]).unwrap();
        conn.execute("UPDATE image_properties SET value = NULL WHERE name = 'os_distro'", &[]).unwrap();
        let found = get(conn, &record.image.id).unwrap().unwrap();
        assert_eq!(found.locations.len(), 1);
        assert!(found.locations[0].metadata.is_empty());
        assert_eq!(found.image.properties["os_distro"], "");
    });
}

#[test]
fn a_status_changes_only_from_what_was_expected() {
    on_each(|conn| {
        insert(conn, &full()).unwrap();
        let id = image(1).id;
        let to = StatusChange {
            size: Some(Some(7)),
            checksum: Some(Some("c".repeat(32))),
            os_hash_algo: Some(Some("sha512".to_owned())),
            ..StatusChange::to(Status::Active)
        };
        let stale = set_status(conn, &id, &[Status::Saving], &to, time(LATER));
        assert!(matches!(stale, Err(DbError::Stale)));
        assert!(matches!(set_status(conn, &id, &[], &to, time(LATER)), Err(DbError::Stale)));
        set_status(conn, &id, &[Status::Saving, Status::Queued], &to, time(LATER)).unwrap();
        let found = get(conn, &id).unwrap().unwrap().image;
        assert_eq!((found.status, found.size, found.updated_at), (Status::Active, Some(7), time(LATER)));
        assert_eq!(found.checksum, Some("c".repeat(32)));
        let back = StatusChange { size: Some(None), ..StatusChange::to(Status::Queued) };
        set_status(conn, &id, &[Status::Active], &back, time(LATER)).unwrap();
        let found = get(conn, &id).unwrap().unwrap().image;
        assert_eq!((found.size, found.os_hash_algo), (None, Some("sha512".to_owned())));
        let missing = set_status(conn, &image(2).id, &[Status::Queued], &to, time(LATER));
        assert!(matches!(missing, Err(DbError::Missing)));
    });
}

#[test]
fn a_deletion_takes_everything_along_and_keeps_the_rows() {
    on_each(|conn| {
        insert(conn, &full()).unwrap();
        let id = image(1).id;
        members::insert(conn, &id, "project-b", time(NOW)).unwrap();
        let stale = delete(conn, &id, &[Status::Active], Status::Deleted, time(LATER));
        assert!(matches!(stale, Err(DbError::Stale)));
        assert!(delete(conn, &id, &[Status::Queued], Status::Active, time(LATER)).is_err());
        delete(conn, &id, &[Status::Queued], Status::PendingDelete, time(LATER)).unwrap();
        let again = delete(conn, &id, &[Status::PendingDelete], Status::Deleted, time(LATER));
        assert!(matches!(again, Err(DbError::Missing)));
        for (table, rows) in [
            ("images", 1),
            ("image_properties", 2),
            ("image_tags", 2),
            ("image_members", 1),
            ("image_locations", 2),
        ] {
            let deleted =
                format!("SELECT COUNT(*) FROM {table} WHERE deleted = 1 AND deleted_at IS NOT NULL");
            assert_eq!(number(conn, &deleted), rows, "{table}");
        }
        for table in ["images", "image_locations"] {
            let pending = format!("SELECT COUNT(*) FROM {table} WHERE status = 'pending_delete'");
            assert!(number(conn, &pending) > 0, "{table}");
        }
        assert_eq!(members::status_of(conn, &id, "project-b").unwrap(), None);
    });
}

#[test]
fn images_in_a_status_are_found_for_the_repair() {
    on_each(|conn| {
        for number in 1..=4 {
            let mut record = record(number);
            record.image.status = if number % 2 == 0 { Status::Saving } else { Status::Active };
            insert(conn, &record).unwrap();
        }
        delete(conn, &image(4).id, &[Status::Saving], Status::Deleted, time(LATER)).unwrap();
        assert_eq!(with_status(conn, &[Status::Saving, Status::Importing]).unwrap(), [image(2).id]);
        assert_eq!(with_status(conn, &[]).unwrap(), [""; 0]);
    });
}

#[test]
fn usage_counts_every_copy_of_a_project() {
    on_each(|conn| {
        for number in 1..=4 {
            let mut record = full();
            record.image.id = image(number).id;
            insert(conn, &record).unwrap();
        }
        delete(conn, &image(2).id, &[Status::Queued], Status::PendingDelete, time(LATER)).unwrap();
        let sql = "UPDATE images SET owner = 'project-b' WHERE id = ?";
        conn.execute(sql, &[image(3).id.into()]).unwrap();
        let sql = "UPDATE image_locations SET status = 'deleted' WHERE image_id = ? AND value = 'file:///a'";
        conn.execute(sql, &[image(4).id.into()]).unwrap();
        assert_eq!(usage_bytes(conn, "project-a", "").unwrap(), 15_000_000_000);
        assert_eq!(usage_bytes(conn, "project-a", &image(1).id).unwrap(), 5_000_000_000);
        assert_eq!(usage_bytes(conn, "nobody", "").unwrap(), 0);
    });
}

#[test]
fn the_images_of_a_project_are_counted_by_what_they_do() {
    on_each(|conn| {
        let states = [Status::Queued, Status::Saving, Status::Active, Status::Importing, Status::Uploading];
        for (number, status) in (1..).zip(states) {
            let mut record = full();
            record.image.id = image(number).id;
            record.image.status = status;
            record.image.properties.clear();
            insert(conn, &record).unwrap();
        }
        let mut copying = full();
        copying.image.id = image(6).id;
        copying.image.status = Status::Active;
        copying.image.properties.insert("os_glance_importing_to_stores".into(), "far".into());
        insert(conn, &copying).unwrap();
        let mut copied = full();
        copied.image.id = image(7).id;
        copied.image.properties.insert("os_glance_importing_to_stores".into(), String::new());
        insert(conn, &copied).unwrap();
        let size = copied.image.size.unwrap();
        delete(conn, &image(3).id, &[Status::Active], Status::Deleted, time(LATER)).unwrap();
        assert_eq!(usage::image_count(conn, "project-a").unwrap(), 6);
        assert_eq!(usage::arriving_images(conn, "project-a").unwrap(), 4);
        assert_eq!(usage::staged_bytes(conn, "project-a").unwrap(), 3 * size);
        assert_eq!(usage::image_count(conn, "nobody").unwrap(), 0);
        assert_eq!(usage::staged_bytes(conn, "nobody").unwrap(), 0);
    });
}

#[test]
fn tags_are_added_once_and_removed_once() {
    on_each(|conn| {
        insert(conn, &full()).unwrap();
        let id = image(1).id;
        tags::add(conn, &id, "blue", time(LATER)).unwrap();
        tags::add(conn, &id, "green", time(LATER)).unwrap();
        assert_eq!(number(conn, "SELECT COUNT(*) FROM image_tags"), 3);
        tags::remove(conn, &id, "green", time(LATER)).unwrap();
        assert!(matches!(tags::remove(conn, &id, "green", time(LATER)), Err(DbError::Missing)));
        let found = get(conn, &id).unwrap().unwrap().image;
        assert_eq!(found.tags, full().image.tags);
        assert_eq!(found.updated_at, time(LATER));
        tags::add(conn, &id, "green", time(LATER)).unwrap();
        assert_eq!(number(conn, "SELECT COUNT(*) FROM image_tags"), 4);
        tags::set(conn, &id, &["one".to_owned()].into(), time(LATER)).unwrap();
        assert_eq!(get(conn, &id).unwrap().unwrap().image.tags, ["one".to_owned()].into());
        assert!(matches!(tags::add(conn, &image(2).id, "x", time(LATER)), Err(DbError::Missing)));
    });
}

#[test]
fn a_member_that_returns_is_pending_and_keeps_its_creation() {
    on_each(|conn| {
        insert(conn, &record(1)).unwrap();
        let id = image(1).id;
        let first = members::insert(conn, &id, "project-b", time(NOW)).unwrap();
        assert_eq!((first.status.as_str(), first.created_at), ("pending", time(NOW)));
        let again = members::insert(conn, &id, "project-b", time(LATER));
        assert!(matches!(again, Err(DbError::Duplicate)));
        let accepted = members::update(conn, &id, "project-b", "accepted", time(LATER)).unwrap();
        assert_eq!((accepted.status.as_str(), accepted.updated_at), ("accepted", time(LATER)));
        assert_eq!(members::status_of(conn, &id, "project-b").unwrap().as_deref(), Some("accepted"));
        members::delete(conn, &id, "project-b", time(LATER)).unwrap();
        assert!(matches!(members::delete(conn, &id, "project-b", time(LATER)), Err(DbError::Missing)));
        assert!(matches!(
            members::update(conn, &id, "project-b", "accepted", time(LATER)),
            Err(DbError::Missing)
        ));
        let revived = members::insert(conn, &id, "project-b", time(LATER)).unwrap();
        assert_eq!((revived.status.as_str(), revived.created_at), ("pending", time(NOW)));
        members::insert(conn, &id, "project-c", time(LATER)).unwrap();
        let names: Vec<String> =
            members::list(conn, &id).unwrap().into_iter().map(|member| member.member).collect();
        assert_eq!(names, ["project-b", "project-c"]);
        assert!(matches!(members::insert(conn, &image(2).id, "p", time(LATER)), Err(DbError::Missing)));
    });
}
