//! The calls that are measured: one row of the table each.

use crate::client::{Call, Client};
use crate::fill;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Sees all images.
    Admin,
    /// A project that owns every thousandth image, or fifty of fewer than 50,000, and sees nothing else.
    Sparse,
}

/// One row.
pub struct Row {
    pub name: &'static str,
    pub caller: Caller,
    /// Makes the calls of a round.
    pub round: fn(&mut Client, u64, u64),
}

const fn row(name: &'static str, caller: Caller, round: fn(&mut Client, u64, u64)) -> Row {
    Row { name, caller, round }
}

use Caller::{Admin, Sparse};

/// A filter that finds nothing the caller may see: every fourth image has the value, and none of the caller's.
const INVISIBLE: &str = "/v2/images?os_distro=fedora";

/// Every row. The round's number and how many images there are decide what is asked.
pub const ROWS: &[Row] = &[
    row("show", Admin, |client, round, images| {
        get(client, &format!("/v2/images/{}", fill::id(round * 7919 % images + 1)), None);
    }),
    row("list: first page", Admin, |client, _, _| get(client, "/v2/images?limit=25", Some(25))),
    row("list: deep page by marker", Admin, |client, round, images| {
        get(client, &format!("/v2/images?limit=25&marker={}", deep(round, images)), Some(25));
    }),
    row("list: by name", Admin, |client, round, images| {
        let name = fill::name(round * 7919 % images + 1, images);
        get(client, &format!("/v2/images?name={name}"), None);
    }),
    row("list: by a common tag", Admin, |client, round, _| {
        get(client, &format!("/v2/images?tag=tag-{}", round % 20), None);
    }),
    row("list: by a rare tag", Admin, |client, round, images| {
        get(client, &format!("/v2/images?tag=rare-{}", fill::rare(round * 7919, images)), None);
    }),
    row("list: by a common property", Admin, |client, _, _| {
        get(client, "/v2/images?os_distro=debian", Some(25));
    }),
    row("list: by a rare property", Admin, |client, round, images| {
        get(client, &format!("/v2/images?build_id=build-{}", fill::rare(round * 7919, images)), None);
    }),
    row("list: sorted by name", Admin, |client, _, _| get(client, "/v2/images?sort=name:asc", Some(25))),
    row("list: sorted by created_at", Admin, |client, _, _| {
        get(client, "/v2/images?sort=created_at:asc", Some(25));
    }),
    row("list: deep, name descending", Admin, |client, round, images| {
        sorted_deep(client, "name:desc", round, images);
    }),
    row("list: deep, size descending", Admin, |client, round, images| {
        sorted_deep(client, "size:desc", round, images);
    }),
    row("list: deep, updated_at descending", Admin, |client, round, images| {
        sorted_deep(client, "updated_at:desc", round, images);
    }),
    row("list: deep, disk_format descending", Admin, |client, round, images| {
        sorted_deep(client, "disk_format:desc", round, images);
    }),
    row("list: 0.1 %, first page", Sparse, |client, _, _| get(client, "/v2/images?limit=25", Some(25))),
    row("list: 0.1 %, sorted by name", Sparse, |client, _, _| {
        get(client, "/v2/images?sort=name:asc", Some(25));
    }),
    row("list: 0.1 %, sorted by size, descending", Sparse, |client, _, _| {
        get(client, "/v2/images?sort=size:desc", Some(25));
    }),
    row("list: 0.1 %, by name", Sparse, |client, round, images| {
        let distance = fill::sparse(images);
        let name = fill::name((round % (images / distance) + 1) * distance, images);
        get(client, &format!("/v2/images?name={name}"), None);
    }),
    row("list: 0.1 %, by a common tag", Sparse, |client, _, _| get(client, "/v2/images?tag=tag-0", Some(25))),
    row("list: 0.1 %, by a common property", Sparse, |client, _, _| {
        get(client, "/v2/images?os_distro=debian", Some(25));
    }),
    row("list: 0.1 %, by what others have", Sparse, |client, _, _| get(client, INVISIBLE, None)),
    row("patch", Admin, |client, round, images| {
        let path = format!("/v2/images/{}", fill::id(round * 7919 % images + 1));
        let body = format!(
            r#"[{{"op": "replace", "path": "/min_ram", "value": {}}}, {{"op": "add", "path": "/os_version", "value": "{round}"}}]"#,
            round % 4096
        );
        let media_type = "application/openstack-images-v2.1-json-patch";
        expect(client, &Call { method: "PATCH", path, body: Some((media_type, body)) }, 200);
    }),
    row("create and delete", Admin, |client, round, _| {
        let body = format!(
            r#"{{"name": "new-{round}", "disk_format": "qcow2", "container_format": "bare", "tags": ["a", "b"],
                "p1": "1", "p2": "2", "p3": "3", "p4": "4", "p5": "5"}}"#
        );
        let body = Some(("application/json", body));
        let made = expect(client, &Call { method: "POST", path: "/v2/images".to_owned(), body }, 201);
        let made: serde_json::Value = serde_json::from_slice(&made).expect("JSON");
        let path = format!("/v2/images/{}", made["id"].as_str().expect("an id"));
        expect(client, &Call { method: "DELETE", path, body: None }, 204);
    }),
];

/// What many clients ask at once: shows and pages in turn.
pub fn mixed(images: u64) -> Vec<Call> {
    let of_round = |round: u64| {
        let id = fill::id(round * 7919 % images + 1);
        [Call::get(format!("/v2/images/{id}")), Call::get(format!("/v2/images?limit=25&marker={id}"))]
    };
    (0..200).flat_map(of_round).collect()
}

/// An image near the end of a list in any order that has to do with its number.
fn deep(round: u64, images: u64) -> String {
    fill::id(images / 10 + round * 7919 % (images / 20))
}

/// A page deep down a list in the order of `sort`.
fn sorted_deep(client: &mut Client, sort: &str, round: u64, images: u64) {
    let key = sort.split(':').next().expect("a key");
    let marker = fill::id(fill::deep(key, round, images));
    get(client, &format!("/v2/images?limit=25&sort={sort}&marker={marker}"), Some(25));
}

fn get(client: &mut Client, path: &str, expected_images: Option<usize>) {
    let body = expect(client, &Call::get(path), 200);
    if let Some(expected) = expected_images {
        // Counting the links is a hundred times quicker than reading the document.
        let text = String::from_utf8_lossy(&body);
        assert_eq!(text.matches("\"/v2/schemas/image\"").count(), expected, "GET {path}: {text}");
    }
}

fn expect(client: &mut Client, call: &Call, status: u16) -> Vec<u8> {
    let (found, body) = client.send(call);
    assert_eq!(found, status, "{} {}: {}", call.method, call.path, String::from_utf8_lossy(&body));
    body
}
