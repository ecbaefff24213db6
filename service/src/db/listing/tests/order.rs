//! Orders, pages and markers.

use super::*;

/// Images in pairs that no sort key but the id tells apart, some without a name and without a size.
pub(super) fn add_pairs(conn: &mut dyn Connection, count: u32) {
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

pub(super) fn walk_as(conn: &mut dyn Connection, first: &ListQuery, scope: &Scope) -> Vec<u32> {
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
