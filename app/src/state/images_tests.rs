//! Tests of the list of images.

use glasshouse_shared::image::Visibility;

use super::*;
use crate::state::fixture;

fn image(id: &str, name: &str, size: u64, updated: &str) -> Image {
    let updated: Timestamp = updated.parse().unwrap();
    Image { size: Some(size), created_at: updated, updated_at: updated, ..fixture::image(id, name) }
}

fn now() -> Timestamp {
    "2026-11-22T06:00:00Z".parse().unwrap()
}

fn three() -> Images {
    let mut images = Images::of_project(Some("p1".into()));
    images.start_listing();
    let mut public = image("b", "alpine", 30, "2026-11-03T00:00:00Z");
    public.visibility = Visibility::Public;
    public.owner = Some("p2".into());
    images.take_page(
        vec![
            image("a", "Debian", 10, "2026-11-01T00:00:00Z"),
            public,
            image("c", "cirros", 20, "2026-11-02T00:00:00Z"),
        ],
        true,
        now(),
    );
    images
}

fn ids(images: &Images) -> Vec<&str> {
    (0..images.shown.len()).filter_map(|row| images.in_row(row)).map(|image| image.id.as_str()).collect()
}

#[test]
fn the_newest_image_comes_first_until_another_column_is_asked_for() {
    let mut images = three();
    assert_eq!(ids(&images), ["b", "c", "a"]);
    images.sort_by(Column::Name);
    assert_eq!(ids(&images), ["b", "c", "a"], "case does not count: alpine, cirros, Debian");
    images.sort_by(Column::Size);
    assert_eq!(ids(&images), ["a", "c", "b"]);
    images.sort_by(Column::Size);
    assert_eq!(ids(&images), ["b", "c", "a"]);
}

#[test]
fn a_scope_and_a_search_both_hold() {
    let mut images = three();
    images.set_scope(Scope::Mine);
    assert_eq!(ids(&images), ["c", "a"]);
    assert_eq!((images.count(Scope::All), images.count(Scope::Public)), (3, 1));
    images.set_search("deb".into());
    assert_eq!(ids(&images), ["a"]);
    images.set_scope(Scope::Public);
    assert!(ids(&images).is_empty());
}

#[test]
fn a_refresh_keeps_the_old_list_until_the_new_one_is_whole() {
    let mut images = three();
    images.select("a".into());
    images.start_listing();
    images.take_page(vec![image("x", "new", 1, "2026-11-05T00:00:00Z")], false, now());
    assert_eq!(images.all.len(), 3);
    images.take_page(vec![image("y", "newer", 1, "2026-11-06T00:00:00Z")], true, now());
    assert_eq!(ids(&images), ["y", "x"]);
    assert!(images.selected.is_empty(), "a selected image that is gone is no longer selected");
    assert_eq!(images.focused, None);
}

#[test]
fn the_selection_survives_sorting() {
    let mut images = three();
    images.select("c".into());
    images.sort_by(Column::Size);
    assert_eq!(images.selected, BTreeSet::from(["c".to_owned()]));
    assert_eq!(images.row_of_focus(), Some(1));
}

#[test]
fn arrow_keys_stop_at_both_ends() {
    let mut images = three();
    images.step(1);
    assert_eq!(images.focused.as_deref(), Some("b"));
    images.step(5);
    assert_eq!(images.focused.as_deref(), Some("a"));
    images.step(-1);
    assert_eq!(images.focused.as_deref(), Some("c"));
    images.step(-9);
    assert_eq!(images.focused.as_deref(), Some("b"));
}

#[test]
fn extending_takes_everything_between() {
    let mut images = three();
    images.select("b".into());
    images.extend_to("a");
    assert_eq!(images.selected.len(), 3);
    images.toggle("c".into());
    assert_eq!(images.selected, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
}

#[test]
fn a_removed_image_leaves_selection_and_focus() {
    let mut images = three();
    images.select("a".into());
    images.remove("a");
    assert_eq!(ids(&images), ["b", "c"]);
    assert!(images.selected.is_empty());
    assert_eq!(images.focused_image(), None);
}
