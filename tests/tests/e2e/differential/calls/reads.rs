//! Calls that change nothing.

use glasshouse_tests::keystone::Keystone;

use super::{FURNISHED, image};
use crate::api::schemas;
use crate::differential::{Call, EVERYBODY, Who};

/// Version documents, unknown paths, and every method on every path.
pub fn versions() -> Vec<Call> {
    let mut calls = Vec::new();
    for path in [
        "/",
        "/versions",
        "/versions/x",
        "/v3",
        "/v3/images",
        "/foo/bar",
        "/v2.7/images?limit=0",
        "/v2.99/images",
        "/v2/nothing",
        "/v2/images/a/b/c",
        "/v2/schemas/nothing",
    ] {
        for who in [Who::Nobody, Who::Member] {
            for method in ["GET", "POST", "DELETE"] {
                calls.push(Call::new(who, method, path));
            }
        }
    }
    for path in [
        "/v2/images",
        "/v2/images/x",
        "/v2/images/x/file",
        "/v2/images/x/tags/y",
        "/v2/images/x/members",
        "/v2/images/x/members/y",
        "/v2/schemas/image",
        "/v2/schemas/images",
    ] {
        for method in ["HEAD", "POST", "PUT", "DELETE", "PATCH"] {
            if !(path == "/v2/images/x/file" && method == "HEAD") {
                calls.push(Call::new(Who::Nobody, method, path));
                calls.push(Call::new(Who::Member, method, path));
            }
        }
    }
    for schema in schemas::NAMES {
        calls.push(Call::new(Who::Member, "GET", format!("/v2/schemas/{schema}")));
        calls.push(Call::new(Who::Nobody, "GET", format!("/v2/schemas/{schema}")));
    }
    for accept in [
        "application/vnd.openstack.images-v2",
        "application/vnd.openstack.images-v2.7",
        "application/vnd.openstack.images-v9",
    ] {
        calls.push(Call::new(Who::Member, "GET", "/images?limit=0").header("accept", accept));
    }
    for path in ["/v2/info/import", "/v2/info/stores", "/v2/info/stores/detail", "/v2/info/usage"] {
        calls.extend(EVERYBODY.map(|who| Call::new(who, "GET", path)));
    }
    calls
}

/// Every filter and order, right and wrong; blanks and quotes are escaped later.
const QUERIES: &[&str] = &[
    "",
    "limit=3",
    "limit=0",
    "limit=2000",
    "limit=-1",
    "limit=x",
    "limit=",
    "name=image 1",
    "name=eq:image 1",
    "name=in:image 1,image 2",
    "name=in:\"image 1\",x",
    "name=neq:x",
    "name=",
    "status=active",
    "status=queued",
    "status=in:active,queued",
    "status=nothing",
    "visibility=public",
    "visibility=private",
    "visibility=shared",
    "visibility=community",
    "visibility=all",
    "visibility=x",
    "member_status=accepted",
    "member_status=pending",
    "member_status=rejected",
    "member_status=all",
    "member_status=x",
    "tag=all",
    "tag=tag1",
    "tag=tag1&tag=all",
    "tag=nothing",
    "os_distro=debian",
    "os_distro=debian&number=2",
    "os_distro=x",
    "disk_format=raw",
    "disk_format=in:raw,qcow2",
    "container_format=bare",
    "container_format=ovf",
    "protected=true",
    "protected=false",
    "protected=True",
    "protected=x",
    "os_hidden=true",
    "os_hidden=True",
    "os_hidden=false",
    "os_hidden=x",
    "size_min=1",
    "size_max=1005",
    "size_min=x",
    "min_ram_min=128",
    "min_ram_max=128",
    "min_disk_min=1",
    "min_ram=64",
    "min_disk=1",
    "size=1006",
    "virtual_size_min=1",
    "checksum=x",
    "os_hash_value=x",
    "os_hash_algo=sha512",
    "created_at=gt:2020-01-01",
    "created_at=lt:2020-01-01",
    "created_at=gte:2020-01-01T00:00:00Z",
    "created_at=2020-01-01",
    "created_at=neq:2020-01-01",
    "created_at=eq:x",
    "created_at=x:2020-01-01",
    "updated_at=lte:2020-01-01",
    "updated_at=gt:2020-01-01",
    "changes-since=2020-01-01",
    "deleted=true",
    "id=10000000-0000-4000-8000-000000000001",
    "id=in:10000000-0000-4000-8000-000000000001,10000000-0000-4000-8000-000000000002",
    "sort=name",
    "sort=name:asc",
    "sort=name:desc,id:asc",
    "sort=size:asc,name:desc",
    "sort=x",
    "sort=name:x",
    "sort_key=name",
    "sort_key=name&sort_dir=asc",
    "sort_key=name&sort_dir=x",
    "sort_key=x",
    "sort_key=status&sort_key=name&sort_dir=desc",
    "sort_key=name&sort_key=id&sort_dir=asc&sort_dir=desc",
    "sort_dir=asc",
    "sort_dir=desc",
    "sort=name&sort_key=name",
    "sort=disk_format:asc",
    "sort=container_format",
    "sort=id:asc",
    "sort=created_at:asc",
    "sort=min_ram",
    "marker=10000000-0000-4000-8000-000000000003&limit=2",
    "marker=10000000-0000-4000-8000-000000000003&sort=name:asc&limit=4",
    "marker=10000000-0000-4000-8000-000000000003&sort_key=size&sort_dir=asc",
    "marker=x",
    "marker=",
    "marker=10000000-0000-4000-8000-000000000005",
    "limit=1&sort=name:asc&tag=all&tag=tag1",
    "properties=x",
    "locations=x",
    "number_min=1",
    "name=%F0%9F%98%80",
    "name=%E6%97%A5",
    "unknown=1&unknown=2",
];

/// Lists by everybody, with every filter and order, right and wrong.
pub fn lists(keystone: &Keystone) -> Vec<Call> {
    let project = keystone.project_id("demo");
    let mut queries: Vec<String> =
        QUERIES.iter().map(|query| query.replace(' ', "%20").replace('"', "%22")).collect();
    queries.push(format!("owner={project}"));
    queries.push("owner=x".to_owned());
    let mut calls = Vec::new();
    for query in queries {
        for who in EVERYBODY {
            calls.push(Call::new(who, "GET", format!("/v2/images?{query}")));
        }
    }
    calls
}

/// Each image and its data by everybody.
pub fn single() -> Vec<Call> {
    let mut calls = Vec::new();
    let others = [
        "/v2/images/x",
        "/v2/images/10000000-0000-4000-8000-00000000000000000000",
        "/v2/images/%00",
        "/v2/images/%E6%97%A5",
    ];
    let paths = (0..FURNISHED).map(image).chain(others.map(str::to_owned));
    for path in paths {
        for who in EVERYBODY {
            calls.push(Call::new(who, "GET", path.clone()));
            calls.push(Call::new(who, "GET", format!("{path}/file")));
            calls.push(Call::new(who, "GET", format!("{path}/members")));
            calls.push(Call::new(who, "GET", format!("{path}/members/a-project")));
        }
    }
    for accept in ["", "*/*", "text/html", "text/plain", "image/png", "application/json, */*"] {
        calls.push(Call::new(Who::Member, "GET", "/v2/images/x").header("accept", accept));
        calls.push(Call::new(Who::Nobody, "GET", "/v2/images").header("accept", accept));
    }
    calls
}

/// Parts of image 6, which has 1006 bytes.
pub fn ranges() -> Vec<Call> {
    let range =
        |text: &str| Call::new(Who::Member, "GET", format!("{}/file", image(6))).header("range", text);
    let mut calls: Vec<Call> = [
        "bytes=0-",
        "bytes=0-0",
        "bytes=0-9",
        "bytes=10-19",
        "bytes=1005-",
        "bytes=1005-1005",
        "bytes=1000-2000",
        "bytes=1006-",
        "bytes=2000-3000",
        "bytes=-1",
        "bytes=-10",
        "bytes=-1006",
        "bytes=-5000",
        "bytes=-0",
        "bytes=9-3",
        "bytes=0-1,3-4",
        "bytes=",
        "bytes=a-b",
        "items=0-1",
        "0-1",
        "bytes 0-1",
        "bytes=0-1-2",
        "bytes=--1",
    ]
    .map(range)
    .to_vec();
    for text in ["bytes 1-4/*", "bytes 1-4/10", "bytes 0-1005/1006", "bytes 0-2000/*", "bytes 5-1/*", "x"] {
        calls.push(Call::new(Who::Member, "GET", format!("{}/file", image(6))).header("content-range", text));
    }
    calls
}
