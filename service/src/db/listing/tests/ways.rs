//! The ways to an answer: the same images by each, in few statements and along our indexes.

use super::order::{add_pairs, walk_as};
use super::*;

#[test]
fn a_page_costs_four_statements_however_long_it_is_and_an_image_one() {
    on_each(|conn| {
        add_pairs(conn, 23);
        let mut counted = Counted { inner: conn, statements: 0 };
        assert_eq!(images::list(&mut counted, &query(""), &admin(), &Counts::default()).unwrap().len(), 23);
        assert_eq!(counted.statements, 4);
        images::get(&mut counted, &image(1).id).unwrap().unwrap();
        assert_eq!(counted.statements, 5);
    });
}

#[test]
fn what_was_counted_a_moment_ago_is_not_counted_again_and_hides_nothing() {
    on_each(|conn| {
        let (mine, counts) = (project("project-a"), Counts::default());
        let blue = query("tag=blue");
        let mut counted = Counted { inner: conn, statements: 0 };
        assert_eq!(images::list(&mut counted, &blue, &mine, &counts).unwrap(), []);
        let first = counted.statements;
        add(counted.inner, 1, |record| {
            record.image.tags.insert("blue".to_owned());
        });
        counted.statements = 0;
        assert_eq!(images::list(&mut counted, &blue, &mine, &counts).unwrap().len(), 1);
        // One count less, and three statements more for what hangs on the image.
        assert_eq!(counted.statements, first + 2);
    });
}

#[test]
fn what_is_shared_after_a_list_is_in_the_next_one() {
    on_each(|conn| {
        let (member, counts) = (project("project-b"), Counts::default());
        for text in
            ["limit=5", "", "limit=5&sort=name:asc", "limit=5&visibility=shared", "limit=5&visibility=all"]
        {
            let ids = |conn: &mut dyn Connection| {
                let page = images::list(conn, &query(text), &member, &counts).unwrap();
                page.into_iter().map(|record| record.image.id).collect::<Vec<_>>()
            };
            assert_eq!(ids(conn), [""; 0], "{text}");
            add(conn, 1, |_| {});
            members::insert(conn, &image(1).id, "project-b", time("2024-01-01T00:00:00Z")).unwrap();
            members::update(conn, &image(1).id, "project-b", "accepted", time("2024-01-01T00:00:00Z"))
                .unwrap();
            assert_eq!(ids(conn), [image(1).id], "{text}");
            conn.execute("DELETE FROM image_members", &[]).unwrap();
            conn.execute("DELETE FROM images", &[]).unwrap();
        }
    });
}

struct Counted<'a> {
    inner: &'a mut dyn Connection,
    statements: u32,
}

impl Connection for Counted<'_> {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError> {
        self.statements += 1;
        self.inner.execute(sql, values)
    }

    fn query(
        &mut self,
        sql: &str,
        values: &[Value],
        row: &mut dyn FnMut(&crate::db::connection::Row<'_>) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        self.statements += 1;
        self.inner.query(sql, values, row)
    }

    fn last_insert_id(&self) -> i64 {
        self.inner.last_insert_id()
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }
}

/// Own, shared and public images by turns, some hidden, some of the same second, and what others keep to themselves.
fn add_of_everybody(conn: &mut dyn Connection, count: u32) {
    let each = [Visibility::Private, Visibility::Public, Visibility::Shared, Visibility::Community];
    for number in 1..=count {
        add(conn, number, |record| {
            record.image.owner = Some(format!("project-{}", ["a", "b", "c"][number as usize % 3]));
            record.image.visibility = each[number as usize / 2 % 4];
            record.image.hidden = number % 7 == 0;
            record.image.name = (number % 4 > 0).then(|| format!("name-{}", number % 5));
            record.image.created_at = time(&format!("2024-01-01T00:00:{:02}Z", number / 3));
            if number % 2 == 0 {
                record.image.tags.insert("even".to_owned());
            }
        });
        if number % 5 > 0 {
            members::insert(conn, &image(number).id, "project-a", time("2024-01-01T00:00:00Z")).unwrap();
            let status = if number % 5 == 1 { "rejected" } else { "accepted" };
            members::update(conn, &image(number).id, "project-a", status, time("2024-01-01T00:00:00Z"))
                .unwrap();
        }
    }
}

#[test]
fn what_is_merged_of_parts_in_order_is_what_is_gathered_and_sorted() {
    on_each(|conn| {
        add_of_everybody(conn, 48);
        for scope in [project("project-a"), project("project-b"), Scope::default(), admin()] {
            for text in [
                "",
                "sort=created_at:asc",
                "visibility=all",
                "visibility=public",
                "visibility=community",
                "visibility=shared&member_status=all",
                "visibility=private",
                "member_status=rejected",
                "os_hidden=true",
                "tag=even",
                "sort=name:asc",
                "sort=name:desc",
                "sort=name:desc,created_at:asc",
                "sort=name:asc&visibility=all",
                "sort=name:desc&visibility=shared&member_status=all",
            ] {
                // Without a limit there is nothing to merge.
                let whole = numbers(conn, text, &scope);
                for size in [1, 5, 100] {
                    let paged = walk_as(conn, &query(&format!("{text}&limit={size}")), &scope);
                    assert_eq!(paged, whole, "{text} by {size} of {scope:?}");
                }
            }
        }
    });
}

#[test]
fn sqlite_walks_along_each_part_of_what_a_project_sees() {
    on_each(|conn| {
        if conn.dialect() == Dialect::Mariadb {
            return;
        }
        add_of_everybody(conn, 9);
        let behind = format!("limit=3&marker={}", image(3).id);
        for (text, order, range) in [
            ("limit=3", "", ""),
            (&behind, "", " AND created_at<?"),
            ("limit=3&sort=name:asc", "_name", ""),
            (&format!("{behind}&sort=name:asc"), "_name", " AND name>?"),
        ] {
            let select =
                select(conn, &query(text), &project("project-a"), &Counts::default()).unwrap().remove(0);
            let plan = plan_of(conn, &select.sql, &select.values);
            for (index, key) in [("owner", "owner"), ("visible", "visibility")] {
                let step = format!("glasshouse_images_{index}{order} ({key}=?{range})");
                assert!(plan.contains(&step), "{text}: {plan}");
            }
            let part = |number: u32| {
                let (_, part) = plan.split_once(&format!("CO-ROUTINE part_{number}\n")).expect("a part");
                part.split_once(&format!("SCAN part_{number}\n")).expect("its end").0
            };
            assert!(!part(0).contains("TEMP B-TREE") && !part(2).contains("TEMP B-TREE"), "{text}: {plan}");
            for index in ["glasshouse_members_member (member=?)", "sqlite_autoindex_images_1 (id=?)"] {
                assert!(part(1).contains(index), "{text}: {plan}");
            }
        }
    });
}

#[test]
fn a_database_that_only_glance_made_has_the_same_lists() {
    on_each(|conn| {
        add_of_everybody(conn, 24);
        let lists = |conn: &mut dyn Connection| {
            let texts = ["limit=5", "limit=5&sort=name:asc", "limit=5&tag=even", "limit=5&os_hidden=true"];
            let scopes = [project("project-a"), project("project-b"), admin()];
            scopes.map(|scope| texts.map(|text| numbers(conn, text, &scope)))
        };
        let with_ours = lists(conn);
        schema::drop_own_indexes(conn);
        assert_eq!(lists(conn), with_ours);
    });
}

/// How SQLite answers a statement, line by line.
fn plan_of(conn: &mut dyn Connection, sql: &str, values: &[Value]) -> String {
    let mut lines = String::new();
    conn.query(&format!("EXPLAIN QUERY PLAN {sql}"), values, &mut |row| {
        lines.push_str(&row.text(3)?);
        lines.push('\n');
        Ok(())
    })
    .unwrap();
    lines
}

#[test]
fn sqlite_walks_along_our_indexes_and_never_along_the_one_on_deleted() {
    on_each(|conn| {
        if conn.dialect() == Dialect::Mariadb {
            return;
        }
        add(conn, 1, |_| ());
        let marker = image(1).id;
        for (text, index) in [
            (String::new(), "SCAN images USING INDEX glasshouse_images_created_at\n"),
            (format!("marker={marker}"), "glasshouse_images_created_at (created_at<?)"),
            (format!("sort=name:asc&marker={marker}"), "glasshouse_images_name (name>?)"),
            ("sort=size:desc".to_owned(), "SCAN images USING INDEX glasshouse_images_size\n"),
            ("sort=updated_at:desc".to_owned(), "SCAN images USING INDEX glasshouse_images_updated_at\n"),
            (format!("sort=updated_at:desc&marker={marker}"), "glasshouse_images_updated_at (updated_at<?)"),
            (
                format!("sort=disk_format:desc&marker={marker}"),
                "glasshouse_images_disk_format (disk_format=? AND created_at<?)",
            ),
            ("owner=project-a".to_owned(), "glasshouse_images_owner (owner=?)"),
            ("os_distro=debian".to_owned(), "glasshouse_properties_value (name=? AND value=?)"),
            ("tag=blue".to_owned(), "glasshouse_tags_value (value=?)"),
        ] {
            let first = select(conn, &query(&text), &admin(), &Counts::default()).unwrap().remove(0);
            let plan = plan_of(conn, &first.sql, &first.values);
            assert!(plan.contains(index), "{text}: {plan}");
            assert!(!plan.contains("_deleted (deleted=?)"), "{text}: {plan}");
            if first.sql.contains("rare") {
                continue;
            }
            assert!(!plan.contains("TEMP B-TREE"), "{text}: {plan}");
            // A project that sees few images begins with those.
            let first =
                select(conn, &query(&text), &project("project-a"), &Counts::default()).unwrap().remove(0);
            let plan = plan_of(conn, &first.sql, &first.values);
            for words in ["glasshouse_images_owner (owner=?)", "sqlite_autoindex_images_1 (id=?)"] {
                assert!(plan.contains(words) || text.starts_with("owner="), "{text}: {plan}");
            }
            assert!(!plan.contains("_deleted (deleted=?)"), "{text}: {plan}");
        }
        for table in ["image_properties", "image_tags", "image_locations"] {
            let sql = format!("SELECT id FROM {table} WHERE image_id IN (?, ?) AND +deleted = 0");
            let plan = plan_of(conn, &sql, &["a".into(), "b".into()]);
            assert!(plan.contains("image_id=?"), "{plan}");
        }
    });
}

#[test]
fn on_sqlite_a_filter_that_most_images_meet_has_the_order_of_the_list() {
    on_each(|conn| {
        if conn.dialect() == Dialect::Mariadb {
            return;
        }
        for (text, index) in [
            ("protected=true", "SCAN images USING INDEX glasshouse_images_created_at"),
            ("size_min=5&min_ram=1", "SCAN images USING INDEX glasshouse_images_created_at"),
            ("os_hidden=true&sort=name:asc", "SCAN images USING INDEX glasshouse_images_name"),
            ("visibility=shared", "glasshouse_images_visible (visibility=?)"),
            ("status=active", "glasshouse_images_status (status=?)"),
            ("container_format=bare", "glasshouse_images_container_format (container_format=?)"),
            ("size_min=5&sort=size:desc", "glasshouse_images_size (size>?)"),
        ] {
            let select = select(conn, &query(text), &admin(), &Counts::default()).unwrap().remove(0);
            let plan = plan_of(conn, &select.sql, &select.values);
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{text}: {plan}");
        }
    });
}
