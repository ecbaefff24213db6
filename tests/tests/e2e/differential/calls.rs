//! Which calls are compared: what people do, crossed with who does it and with what can be wrong about it.

pub mod locations;
mod reads;
mod records;

use glasshouse_tests::keystone::Keystone;
use serde_json::{Value, json};

use super::{Call, EVERYBODY, Who};

pub const PATCH: &str = "application/openstack-images-v2.1-json-patch";
const PATCH_2_0: &str = "application/openstack-images-v2.0-json-patch";

/// Ids grow in the order of creation, so that images of the same second come in the same order on both sides.
fn id(number: usize) -> String {
    format!("10000000-0000-4000-8000-{number:012}")
}

fn image(number: usize) -> String {
    format!("/v2/images/{}", id(number))
}

/// Every call, in the order in which they are played.
pub fn all(keystone: &Keystone) -> Vec<Call> {
    let mut calls = reads::versions();
    calls.extend(furnish());
    calls.extend(reads::lists(keystone));
    calls.extend(reads::single());
    calls.extend(everybody_tries());
    calls.extend(reads::ranges());
    calls.extend(records::creates());
    calls.extend(records::patches());
    calls.extend(records::pointers());
    calls.extend(data_in_the_wrong_way());
    calls
}

/// How many images [`furnish`] makes.
const FURNISHED: usize = 12;

/// Images of three projects in every visibility, with and without data.
fn furnish() -> Vec<Call> {
    let mut calls = Vec::new();
    let owners = [
        (Who::Member, "shared"),
        (Who::Member, "private"),
        (Who::Member, "community"),
        (Who::Admin, "public"),
        (Who::Stranger, "shared"),
        (Who::Stranger, "private"),
    ];
    for (number, (who, visibility)) in owners.iter().chain(&owners).enumerate() {
        let document = json!({
            "id": id(number), "name": format!("image {}", number % 5), "visibility": visibility,
            "disk_format": if number % 2 == 0 { "raw" } else { "qcow2" }, // Only bare containers are looked into: a refused upload would leave Glance's record in disorder.
            "container_format": if number % 2 == 0 { "bare" } else { "ovf" },
            "min_ram": number * 64, "min_disk": number % 3, "tags": [format!("tag{}", number % 3), "all"],
            "os_distro": if number % 2 == 0 { "debian" } else { "ubuntu" }, "number": number.to_string(),
            "protected": number == 7,
        });
        calls.push(Call::new(*who, "POST", "/v2/images").json(&document));
        if number >= owners.len() {
            let data = if number % 2 == 0 { vec![b'x'; 1000 + number] } else { b"no qcow2".to_vec() };
            calls.push(Call::new(*who, "PUT", format!("{}/file", image(number))).data(&data));
        }
    }
    for member in [Who::Member, Who::Stranger] {
        let document = json!({"member": "a-project"});
        calls.push(Call::new(member, "POST", format!("{}/members", image(0))).json(&document));
    }
    calls
}

/// Every verb on every image by everybody, and what cannot be undone at the end.
fn everybody_tries() -> Vec<Call> {
    let mut calls = Vec::new();
    for number in 0..FURNISHED {
        let path = image(number);
        for who in EVERYBODY {
            calls.push(Call::new(who, "PUT", format!("{path}/tags/by-{who:?}")));
            calls.push(Call::new(who, "DELETE", format!("{path}/tags/by-{who:?}")));
            calls.push(Call::new(who, "DELETE", format!("{path}/tags/by-{who:?}")));
            let operations = json!([{"op": "add", "path": "/touched", "value": format!("{who:?}")}]);
            calls.push(Call::new(who, "PATCH", path.clone()).patch(&operations));
            for visibility in ["public", "community"] {
                let operations = json!([{"op": "replace", "path": "/visibility", "value": visibility}]);
                if who != Who::Admin {
                    calls.push(Call::new(who, "PATCH", path.clone()).patch(&operations));
                }
            }
            calls.push(Call::new(who, "PUT", format!("{path}/file")).data(b"second"));
            calls.push(
                Call::new(who, "POST", format!("{path}/members"))
                    .json(&json!({"member": format!("p-{who:?}")})),
            );
            calls.push(Call::new(who, "GET", format!("{path}/members")));
            calls.push(Call::new(who, "POST", format!("{path}/actions/deactivate")));
            calls.push(Call::new(who, "GET", format!("{path}/file")));
            calls.push(Call::new(who, "POST", format!("{path}/actions/reactivate")));
            calls.push(Call::new(who, "GET", path.clone()));
        }
    }
    for number in 0..FURNISHED {
        for who in [Who::Nobody, Who::Reader, Who::Stranger, Who::Member] {
            if number % 3 == 2 {
                calls.push(Call::new(who, "DELETE", image(number)));
                calls.push(Call::new(who, "GET", image(number)));
            }
        }
    }
    calls
}

/// Uploads that are refused, on an image of their own each.
fn data_in_the_wrong_way() -> Vec<Call> {
    let mut calls = Vec::new();
    let kinds = [
        "application/json",
        "text/plain",
        "",
        "application/octet-stream; charset=x",
        "APPLICATION/OCTET-STREAM",
    ];
    for (number, kind) in (9000..).zip(kinds) {
        let document =
            json!({"id": id(number), "name": "data", "disk_format": "raw", "container_format": "bare"});
        calls.push(Call::new(Who::Member, "POST", "/v2/images").json(&document));
        let upload = Call::new(Who::Member, "PUT", format!("{}/file", image(number))).text("data");
        calls.push(if kind.is_empty() { upload } else { upload.header("content-type", kind) });
        calls.push(Call::new(Who::Member, "GET", image(number)));
        calls.push(Call::new(Who::Member, "GET", format!("{}/file", image(number))));
    }
    for (number, (disk, container)) in (9100..).zip([(None, None), (Some("raw"), None), (None, Some("bare"))])
    {
        let document = json!({"id": id(number), "disk_format": disk, "container_format": container});
        calls.push(Call::new(Who::Member, "POST", "/v2/images").json(&document));
        calls.push(Call::new(Who::Member, "PUT", format!("{}/file", image(number))).data(b"data"));
        calls.push(Call::new(Who::Member, "GET", image(number)));
    }
    for (number, size) in (9200..).zip(["4", "0", "many", "-1", "1e3"]) {
        let document = json!({"id": id(number), "disk_format": "raw", "container_format": "bare"});
        calls.push(Call::new(Who::Member, "POST", "/v2/images").json(&document));
        let upload = Call::new(Who::Member, "PUT", format!("{}/file", image(number))).data(b"data");
        calls.push(upload.header("x-openstack-image-size", size));
        calls.push(Call::new(Who::Member, "GET", image(number)));
    }
    calls
}

/// Values of every type, to be put where they do not belong.
fn values() -> Vec<Value> {
    let long = "l".repeat(256);
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(7),
        json!(-1),
        json!(2_147_483_647_u64),
        json!(2_147_483_648_u64),
        json!(1.5),
        json!(""),
        json!("text"),
        json!("public"),
        json!("raw"),
        json!("bare"),
        json!(long),
        json!("日本語"),
        json!("\u{1f600}"),
        json!([]),
        json!(["a", "a"]),
        json!([1]),
        json!([long]),
        json!({}),
        json!({"a": 1}),
    ]
}
