use glasshouse_shared::image::Status;

use super::super::fixture::{image, on_each, record, time};
use super::super::images::{self, ImageRecord};
use super::super::members;
use super::super::schema;
use super::*;

mod order;
mod ways;

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

#[test]
fn ids_are_filled_up_to_a_power_of_two() {
    let ids: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
    let (list, values) = id_list(&ids);
    assert_eq!(list, "?, ?, ?, ?");
    assert_eq!(values, ["a", "b", "c", "c"].map(Value::from));
}
