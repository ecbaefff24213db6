use glasshouse_shared::image::Status;

use super::super::fixture::{image, on_each, record, time};
use super::super::images::{self, ImageRecord};
use super::super::members;
use super::super::schema;
use super::*;

fn query(text: &str) -> ListQuery {
    ListQuery::parse(text).unwrap()
}

fn admin() -> Scope {
    Scope { is_admin: true, project_id: Some("admin".to_owned()) }
}

fn project(id: &str) -> Scope {
    Scope { is_admin: false, project_id: Some(id.to_owned()) }
}

/// The last digits of the ids on the page.
fn numbers(conn: &mut dyn Connection, text: &str, scope: &Scope) -> Vec<u32> {
    let page = images::list(conn, &query(text), scope, &Counts::default()).unwrap();
    page.iter().map(|record| record.image.id.rsplit('-').next().unwrap().parse().unwrap()).collect()
}

fn sorted(conn: &mut dyn Connection, text: &str, scope: &Scope) -> Vec<u32> {
    let mut numbers = numbers(conn, text, scope);
    numbers.sort_unstable();
    numbers
}

fn add(conn: &mut dyn Connection, number: u32, change: impl Fn(&mut ImageRecord)) {
    let mut record = record(number);
    change(&mut record);
    images::insert(conn, &record).unwrap();
}

/// 1 private, 2 shared, 3 community, 4 public, all of project-a; 5 public, hidden; 6 shared, of nobody.
fn add_one_of_each(conn: &mut dyn Connection) {
    let each = [Visibility::Private, Visibility::Shared, Visibility::Community, Visibility::Public];
    for (number, visibility) in (1..).zip(each) {
        add(conn, number, |record| record.image.visibility = visibility);
    }
    add(conn, 5, |record| {
        record.image.visibility = Visibility::Public;
        record.image.hidden = true;
    });
    add(conn, 6, |record| record.image.owner = None);
}

#[test]
fn everybody_lists_what_the_visibility_table_says() {
    on_each(|conn| {
        add_one_of_each(conn);
        let (owner, other, nobody) = (project("project-a"), project("project-b"), Scope::default());
        for (text, of_owner, of_other, of_nobody, of_admin) in [
            ("", vec![1, 2, 3, 4], vec![4], vec![4], vec![1, 2, 4, 6]),
            ("visibility=all", vec![1, 2, 3, 4], vec![3, 4], vec![3, 4], vec![1, 2, 3, 4, 6]),
            ("visibility=private", vec![1], vec![], vec![], vec![1]),
            ("visibility=shared", vec![2], vec![], vec![], vec![2, 6]),
            ("visibility=community", vec![3], vec![3], vec![3], vec![3]),
            ("visibility=public", vec![4], vec![4], vec![4], vec![4]),
            ("os_hidden=true", vec![5], vec![5], vec![5], vec![5]),
        ] {
            assert_eq!(sorted(conn, text, &owner), of_owner, "owner {text}");
            assert_eq!(sorted(conn, text, &other), of_other, "other {text}");
            assert_eq!(sorted(conn, text, &nobody), of_nobody, "nobody {text}");
            assert_eq!(sorted(conn, text, &admin()), of_admin, "admin {text}");
        }
        let of_its_own = Scope { is_admin: true, project_id: Some("project-a".to_owned()) };
        assert_eq!(sorted(conn, "", &of_its_own), [1, 2, 3, 4, 6]);
    });
}

#[test]
fn a_member_lists_what_it_accepted_unless_it_asks_for_more() {
    on_each(|conn| {
        add_one_of_each(conn);
        let member = project("project-b");
        for number in [1, 2] {
            members::insert(conn, &image(number).id, "project-b", time("2024-01-01T00:00:00Z")).unwrap();
        }
        let given = |conn: &mut dyn Connection, status: &str| {
            members::update(conn, &image(2).id, "project-b", status, time("2024-01-01T00:00:00Z")).unwrap();
            members::update(conn, &image(1).id, "project-b", status, time("2024-01-01T00:00:00Z")).unwrap();
        };
        assert_eq!(sorted(conn, "", &member), [4]);
        assert_eq!(sorted(conn, "member_status=pending", &member), [2, 4]);
        assert_eq!(sorted(conn, "member_status=all&visibility=shared", &member), [2]);
        given(conn, "rejected");
        assert_eq!(sorted(conn, "member_status=pending", &member), [4]);
        assert_eq!(sorted(conn, "member_status=rejected", &member), [2, 4]);
        given(conn, "accepted");
        assert_eq!(sorted(conn, "", &member), [2, 4]);
        members::delete(conn, &image(2).id, "project-b", time("2024-01-01T00:00:00Z")).unwrap();
        assert_eq!(sorted(conn, "member_status=all", &member), [4]);
    });
}

#[test]
fn deleted_and_killed_images_are_in_no_list() {
    on_each(|conn| {
        for number in 1..=3 {
            add(conn, number, |_| ());
        }
        images::delete(conn, &image(1).id, &[Status::Queued], Status::Deleted, time("2024-01-01T00:00:00Z"))
            .unwrap();
        conn.execute("UPDATE images SET status = 'killed' WHERE id = ?", &[image(2).id.into()]).unwrap();
        assert_eq!(numbers(conn, "visibility=all", &admin()), [3]);
        assert_eq!(numbers(conn, "status=killed", &admin()), [0; 0]);
    });
}

#[test]
fn attributes_are_filtered() {
    on_each(|conn| {
        for number in 1..=3 {
            add(conn, number, |record| {
                record.image.size = Some(u64::from(number) * 1000);
                record.image.min_disk_gb = number;
                record.image.protected = number == 2;
                record.image.created_at = time(&format!("2024-01-0{number}T00:00:00.5Z"));
            });
        }
        add(conn, 4, |record| {
            record.image.name = Some("ubuntu:22.04".to_owned());
            record.image.status = Status::Active;
            record.image.owner = Some("project-b".to_owned());
        });
        for (text, expected) in [
            ("name=image-1", vec![1]),
            ("name=eq:image-1", vec![1]),
            ("name=in:image-1,%22image-3%22", vec![1, 3]),
            ("name=ubuntu:22.04", vec![4]),
            ("name=none", vec![]),
            ("id=in:00000000-0000-4000-8000-000000000001,00000000-0000-4000-8000-000000000002", vec![1, 2]),
            ("status=active", vec![4]),
            ("owner=project-b", vec![4]),
            ("size=2000", vec![2]),
            ("size_min=2000", vec![2, 3]),
            ("size_min=2000&size_max=2999", vec![2]),
            ("min_disk_min=3", vec![3]),
            ("protected=true", vec![2]),
            ("protected=false", vec![1, 3, 4]),
            ("created_at=2024-01-02T00:00:00Z", vec![2]),
            ("created_at=lte:2024-01-02T00:00:00Z", vec![1, 2]),
            ("created_at=lt:2024-01-02", vec![1]),
            ("created_at=gt:2024-01-02T00:00:00Z&created_at=lt:2024-02-01", vec![3]),
            ("created_at=gte:2024-01-02T00:00:00Z", vec![2, 3, 4]),
            ("created_at=neq:2024-01-02T00:00:00Z", vec![1, 3, 4]),
            ("deleted=true&size=1000", vec![1]),
        ] {
            assert_eq!(sorted(conn, text, &admin()), expected, "{text}");
        }
    });
}

#[test]
fn properties_and_tags_must_all_hold_and_be_live() {
    on_each(|conn| {
        for number in 1..=4 {
            add(conn, number, |record| {
                record.image.properties.insert("os_distro".to_owned(), "debian".to_owned());
                record.image.properties.insert("number".to_owned(), number.to_string());
                record.image.tags.insert("blue".to_owned());
                record.image.tags.insert(format!("tag-{}", number % 2));
            });
        }
        let mut changed = images::get(conn, &image(4).id).unwrap().unwrap();
        changed.image.properties.clear();
        changed.image.tags.clear();
        images::update(conn, &changed, &[Status::Queued], time("2024-01-01T00:00:00Z")).unwrap();
        for (text, expected) in [
            ("os_distro=debian", vec![1, 2, 3]),
            ("os_distro=debian&number=2", vec![2]),
            ("os_distro=debian&number=4", vec![]),
            ("os_distro=", vec![]),
            ("tag=blue", vec![1, 2, 3]),
            ("tag=blue&tag=tag-1", vec![1, 3]),
            ("tag=blue&tag=tag-1&number=3", vec![3]),
        ] {
            assert_eq!(sorted(conn, text, &admin()), expected, "{text}");
        }
        let page = images::list(conn, &query("number=2"), &admin(), &Counts::default()).unwrap();
        assert_eq!(page[0].image.properties["os_distro"], "debian");
        assert_eq!(page[0].image.tags, ["blue".to_owned(), "tag-0".to_owned()].into());
    });
}

#[test]
fn a_common_property_and_a_common_tag_are_found_by_another_way_with_the_same_answer() {
    on_each(|conn| {
        add(conn, 1, |record| {
            record.image.properties.insert("common".to_owned(), "x".to_owned());
            record.image.tags.insert("common".to_owned());
        });
        add(conn, 2, |_| ());
        let count = usize::try_from(COMMON).unwrap() + 10;
        // Rows of images that do not exist: nothing but their number matters.
        if conn.dialect() == Dialect::Mariadb {
            conn.execute("SET foreign_key_checks = 0", &[]).unwrap();
        }
        for (table, columns, row) in [
            ("image_properties", "image_id, name, value", "(?, 'common', 'x'"),
            ("image_tags", "image_id, value", "(?, 'common'"),
        ] {
            let rows = vec![format!("{row}, '2024-01-01 00:00:00', 0)"); count].join(", ");
            let ids: Vec<Value> = (0..count).map(|number| format!("other-{number}").into()).collect();
            conn.execute(
                &format!("INSERT INTO {table} ({columns}, created_at, deleted) VALUES {rows}"),
                &ids,
            )
            .unwrap();
        }
        assert_eq!(numbers(conn, "common=x", &admin()), [1]);
        assert_eq!(numbers(conn, "tag=common", &admin()), [1]);
    });
}

/// Images in pairs that no sort key but the id tells apart, some without a name and without a size.
fn add_pairs(conn: &mut dyn Connection, count: u32) {
    for number in 1..=count {
        add(conn, number, |record| {
            let pair = number / 2;
            record.image.created_at = time(&format!("2024-01-01T00:00:{:02}Z", pair / 2));
            record.image.name = match pair % 4 {
                0 => None,
                1 => Some(String::new()),
                _ => Some(format!("name-{}", pair % 3)),
            };
            record.image.size = (pair % 3).checked_sub(1).map(u64::from);
            record.image.disk_format = (pair % 2 > 0).then(|| "raw".to_owned());
        });
    }
}

#[test]
fn pages_put_together_are_the_whole_list_in_every_order() {
    on_each(|conn| {
        add_pairs(conn, 23);
        for text in [
            "",
            "sort=created_at:asc",
            "sort=name:asc",
            "sort=name:desc",
            "sort=size:asc,name:desc",
            "sort=size:desc",
            "sort=disk_format:desc,size:asc",
            "sort=disk_format:asc",
            "sort=updated_at:desc",
            "sort=status:asc,id:desc",
            "sort_key=id&sort_dir=asc",
            "sort_key=name&sort_key=size&sort_dir=asc&sort_dir=desc",
        ] {
            let whole = numbers(conn, text, &admin());
            assert_eq!(whole.len(), 23, "{text}");
            for size in [1, 4] {
                let paged = walk(conn, &query(&format!("{text}&limit={size}")));
                assert_eq!(paged, whole, "{text} by {size}");
            }
        }
    });
}

fn walk(conn: &mut dyn Connection, first: &ListQuery) -> Vec<u32> {
    walk_as(conn, first, &admin())
}

fn walk_as(conn: &mut dyn Connection, first: &ListQuery, scope: &Scope) -> Vec<u32> {
    let mut numbers = Vec::new();
    let mut query = first.clone();
    loop {
        let page = images::list(conn, &query, scope, &Counts::default()).unwrap();
        let Some(last) = page.last() else { return numbers };
        query = query.after(&last.image.id);
        numbers.extend(page.iter().map(|record| {
            let digits = record.image.id.rsplit('-').next().unwrap();
            digits.parse::<u32>().unwrap()
        }));
    }
}

#[test]
fn the_default_order_is_newest_first_and_ids_decide_ties() {
    on_each(|conn| {
        for (number, second) in [(1, 5), (2, 9), (3, 5)] {
            add(conn, number, |record| {
                record.image.created_at = time(&format!("2024-01-01T00:00:0{second}Z"));
            });
        }
        assert_eq!(numbers(conn, "", &admin()), [2, 3, 1]);
        assert_eq!(numbers(conn, "sort=created_at:asc", &admin()), [1, 3, 2]);
        assert_eq!(numbers(conn, "limit=2", &admin()), [2, 3]);
        assert_eq!(numbers(conn, "limit=0", &admin()), [0; 0]);
    });
}

#[test]
fn a_marker_that_the_caller_cannot_see_is_refused() {
    on_each(|conn| {
        add_one_of_each(conn);
        let refused = |conn: &mut dyn Connection, number: u32, scope: &Scope| {
            let marker = image(number).id;
            match images::list(conn, &query(&format!("marker={marker}")), scope, &Counts::default()) {
                Err(DbError::UnknownMarker(named)) => named == marker,
                Ok(_) => false,
                Err(other) => panic!("{other}"),
            }
        };
        assert!(refused(conn, 9, &admin()));
        assert!(refused(conn, 1, &project("project-b")));
        assert!(refused(conn, 2, &project("project-b")));
        assert!(!refused(conn, 3, &project("project-b")));
        assert!(!refused(conn, 6, &Scope::default()));
        members::insert(conn, &image(2).id, "project-b", time("2024-01-01T00:00:00Z")).unwrap();
        assert!(!refused(conn, 2, &project("project-b")));
        let now = time("2024-01-01T00:00:00Z");
        images::delete(conn, &image(4).id, &[Status::Queued], Status::Deleted, now).unwrap();
        assert!(refused(conn, 4, &admin()));
    });
}

#[test]
fn ids_are_filled_up_to_a_power_of_two() {
    let ids: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
    let (list, values) = id_list(&ids);
    assert_eq!(list, "?, ?, ?, ?");
    assert_eq!(values, ["a", "b", "c", "c"].map(Value::from));
}

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
        row: &mut dyn FnMut(&super::super::connection::Row<'_>) -> Result<(), DbError>,
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
        for (text, range) in
            [("limit=3", ""), (&format!("limit=3&marker={}", image(4).id), " AND created_at<?")]
        {
            let select =
                select(conn, &query(text), &project("project-a"), &Counts::default()).unwrap().remove(0);
            let plan = plan_of(conn, &select.sql, &select.values);
            for index in ["owner (owner=? AND deleted=?", "visible (visibility=? AND deleted=?"] {
                assert!(plan.contains(&format!("glasshouse_images_{index}{range})")), "{text}: {plan}");
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
            (String::new(), "glasshouse_images_created_at (deleted=?)"),
            (format!("marker={marker}"), "glasshouse_images_created_at (deleted=? AND created_at<?)"),
            (format!("sort=name:asc&marker={marker}"), "glasshouse_images_name (deleted=? AND name>?)"),
            ("sort=size:desc".to_owned(), "glasshouse_images_size (deleted=?)"),
            ("sort=updated_at:desc".to_owned(), "glasshouse_images_updated_at (deleted=?)"),
            (
                format!("sort=updated_at:desc&marker={marker}"),
                "glasshouse_images_updated_at (deleted=? AND updated_at<?)",
            ),
            (
                format!("sort=disk_format:desc&marker={marker}"),
                "glasshouse_images_disk_format (deleted=? AND disk_format=? AND created_at<?)",
            ),
            ("owner=project-a".to_owned(), "glasshouse_images_owner (owner=? AND deleted=?)"),
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
            // A project that sees few images begins with those.
            let first =
                select(conn, &query(&text), &project("project-a"), &Counts::default()).unwrap().remove(0);
            let plan = plan_of(conn, &first.sql, &first.values);
            for words in
                ["glasshouse_images_owner (owner=? AND deleted=?)", "sqlite_autoindex_images_1 (id=?)"]
            {
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
