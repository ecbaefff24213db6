use super::*;
use crate::db::fixture::{on_each, on_each_empty};

#[test]
fn an_empty_database_receives_all_tables() {
    on_each_empty(|conn| {
        assert_eq!(state(conn).unwrap(), SchemaState::Empty);
        let synced = sync(conn).unwrap();
        assert_eq!(
            synced,
            Synced { before: SchemaState::Empty, created: 15, tables: 15, revision: REVISION }
        );
        assert_eq!(state(conn).unwrap(), SchemaState::Current { tables: 15 });
        assert_eq!(revisions(conn).unwrap(), ["2024_1_contract01"]);
    });
}

#[test]
fn a_second_creation_does_nothing_and_says_so() {
    on_each(|conn| {
        let synced = sync(conn).unwrap();
        assert_eq!((synced.before, synced.created), (SchemaState::Current { tables: 15 }, 0));
    });
}

#[test]
fn an_interrupted_creation_is_completed() {
    on_each(|conn| {
        conn.execute("DROP TABLE alembic_version", &[]).unwrap();
        conn.execute("DROP TABLE cached_images", &[]).unwrap();
        assert_eq!(state(conn).unwrap(), SchemaState::Partial { found: 14, expected: 15 });
        assert_eq!(sync(conn).unwrap().created, 1);
        assert_eq!(state(conn).unwrap(), SchemaState::Current { tables: 15 });
    });
}

#[test]
fn indexes_of_ours_are_added_to_a_database_that_glance_made() {
    on_each(|conn| {
        let on_table = if conn.dialect() == Dialect::Mariadb { " ON images" } else { "" };
        conn.execute(&format!("DROP INDEX glasshouse_images_name{on_table}"), &[]).unwrap();
        if conn.dialect() == Dialect::Sqlite {
            conn.execute("CREATE INDEX ix_images_deleted ON images (deleted)", &[]).unwrap();
        }
        assert_eq!(state(conn).unwrap(), SchemaState::Current { tables: 15 });
        sync(conn).unwrap();
        let names = index_names(conn).unwrap();
        assert!(names.contains("glasshouse_images_name"));
        assert_eq!(names.contains("ix_images_deleted"), conn.dialect() == Dialect::Mariadb);
    });
}

#[test]
fn tables_of_another_program_are_refused() {
    on_each_empty(|conn| {
        conn.execute("CREATE TABLE project (id INTEGER)", &[]).unwrap();
        conn.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))", &[]).unwrap();
        assert_eq!(state(conn).unwrap(), SchemaState::Foreign);
        conn.execute("INSERT INTO alembic_version VALUES ('29e87d24a316')", &[]).unwrap();
        assert_eq!(state(conn).unwrap(), SchemaState::Foreign);
        assert!(matches!(sync(conn), Err(DbError::Unsuitable(SchemaState::Foreign))));
        assert!(!table_names(conn).unwrap().contains("images"));
    });
}

#[test]
fn revisions_are_told_apart() {
    on_each(|conn| {
        let mut with = |revisions: &[&str]| {
            conn.execute("DELETE FROM alembic_version", &[]).unwrap();
            for revision in revisions {
                conn.execute("INSERT INTO alembic_version VALUES (?)", &[(*revision).into()]).unwrap();
            }
            state(conn).unwrap()
        };
        assert_eq!(
            with(&["wallaby_contract01"]),
            SchemaState::Older { revision: "wallaby_contract01".to_owned() }
        );
        assert_eq!(
            with(&["2027_1_contract01"]),
            SchemaState::Newer { revision: "2027_1_contract01".to_owned() }
        );
        assert_eq!(
            with(&["2023_1_contract01", "2024_1_expand01"]),
            SchemaState::HalfUpgraded {
                revisions: vec!["2023_1_contract01".to_owned(), "2024_1_expand01".to_owned()]
            }
        );
    });
}

#[test]
fn tables_of_the_old_migration_tool_are_older() {
    on_each_empty(|conn| {
        conn.execute("CREATE TABLE images (id INTEGER)", &[]).unwrap();
        conn.execute("CREATE TABLE migrate_version (version INTEGER)", &[]).unwrap();
        assert!(
            matches!(state(conn).unwrap(), SchemaState::Older { revision } if revision.contains("Ocata"))
        );
    });
}

#[test]
fn every_index_of_glance_and_of_ours_is_there() {
    on_each(|conn| {
        let names = index_names(conn).unwrap();
        for index in tables::indexes(conn.dialect()) {
            assert!(names.contains(index.name), "{}", index.name);
        }
        assert!(OWN_INDEXES.iter().all(|index| index.name.starts_with("glasshouse_")));
    });
}

#[test]
fn a_property_name_is_unique_for_each_image_also_when_deleted() {
    on_each(|conn| {
        let sql = "INSERT INTO image_properties (image_id, name, value, created_at, deleted) VALUES (?, 'a', '', ?, ?)";
        let image = crate::db::fixture::record(1);
        crate::db::images::insert(conn, &image).unwrap();
        let mut add = |deleted: bool| {
            conn.execute(sql, &[(&image.image.id).into(), image.image.created_at.into(), deleted.into()])
        };
        assert_eq!(add(true).unwrap(), 1);
        assert!(matches!(add(false), Err(DbError::Duplicate)));
    });
}
