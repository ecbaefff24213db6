//! Against the login of the lab's identity, with limits that the test makes up.

use std::sync::{Mutex, PoisonError};

use http::Response;
use serde_json::{Value, json};

use super::super::tests::{Cloud, access, answer};
use super::*;

fn reader(cloud: &Cloud, endpoint: EndpointRef, cache_time: Duration) -> LimitsReader {
    let access = access(&format!("http://{}/identity", cloud.address), &cloud.password);
    LimitsReader::new(&KeystoneLimitsConfig { access, endpoint, cache_time }).unwrap()
}

fn by_id() -> EndpointRef {
    EndpointRef::Id("e 1".into())
}

fn by_lookup() -> EndpointRef {
    EndpointRef::Lookup {
        service_type: Some("image".into()),
        service_name: None,
        region: Some("RegionOne".into()),
        interface: "internal".into(),
    }
}

/// Answers what begins with one of these texts, in which `/identity/v3` is left out; the login stays as it is.
fn answers(cloud: &Cloud, table: Vec<(&'static str, Value)>) {
    cloud.fail(move |line| {
        let line = line.replace("/identity/v3", "");
        let (_, body) = table.iter().find(|(start, _)| line.starts_with(start))?;
        Some(Response::new(body.to_string().into_bytes()))
    });
}

const ENDPOINT: &str = "GET /endpoints/e+1";
const REGISTERED: &str = "GET /registered_limits?service_id=s1&region_id=RegionOne";
const OWN: &str = "GET /limits?service_id=s1&region_id=RegionOne&project_id=p1";

fn endpoint() -> Value {
    json!({"id": "e1", "service_id": "s1", "region_id": "RegionOne", "interface": "internal"})
}

fn usual() -> Vec<(&'static str, Value)> {
    let registered = |name: &str, limit: i64| json!({"resource_name": name, "default_limit": limit});
    vec![
        (ENDPOINT, json!({"endpoint": endpoint()})),
        (
            REGISTERED,
            json!({"registered_limits": [registered("a", 10), registered("b", -1), registered("c", 7)]}),
        ),
        (OWN, json!({"limits": [{"resource_name": "c", "resource_limit": 0}]})),
        ("GET /limits?", json!({"limits": []})),
    ]
}

#[tokio::test]
async fn a_limit_of_the_project_counts_before_the_registered_one() {
    let cloud = Cloud::start().await;
    answers(&cloud, usual());
    let reader = reader(&cloud, by_id(), Duration::from_secs(30));
    let limits = reader.limits_of("p1").await.unwrap();
    assert_eq!(["a", "b", "c", "unregistered"].map(|name| limits.of(name)), [10, -1, 0, 0]);
    assert_eq!(reader.limits_of("p2").await.unwrap().of("c"), 7);
}

#[tokio::test]
async fn limits_are_remembered_for_each_project() {
    let cloud = Cloud::start().await;
    answers(&cloud, usual());
    let remembering = reader(&cloud, by_id(), Duration::from_secs(30));
    for project in ["p1", "p1", "p2", "p1"] {
        remembering.limits_of(project).await.unwrap();
    }
    let count = |line: &str| cloud.count(&line.replace("GET /", "GET /identity/v3/"));
    assert_eq!((count(ENDPOINT), count(OWN), count(REGISTERED)), (1, 1, 2));
    let asking = reader(&cloud, by_id(), Duration::ZERO);
    asking.limits_of("p1").await.unwrap();
    asking.limits_of("p1").await.unwrap();
    assert_eq!((count(ENDPOINT), count(OWN)), (2, 3));
}

#[tokio::test]
async fn the_endpoint_is_found_by_service_region_and_interface() {
    let cloud = Cloud::start().await;
    let mut table = usual();
    table.push(("GET /services?type=image", json!({"services": [{"id": "s1"}]})));
    table.push((
        "GET /endpoints?service_id=s1&interface=internal&region_id=RegionOne",
        json!({"endpoints": [endpoint()]}),
    ));
    answers(&cloud, table);
    let reader = reader(&cloud, by_lookup(), Duration::ZERO);
    assert_eq!(reader.limits_of("p1").await.unwrap().of("a"), 10);
}

#[tokio::test]
async fn an_endpoint_that_is_not_one_names_the_options() {
    let cloud = Cloud::start().await;
    cloud.fail(|line| line.contains("/endpoints/").then(|| answer(404, "no such thing")));
    let said = reader(&cloud, by_id(), Duration::ZERO).limits_of("p1").await.unwrap_err().to_string();
    assert!(said.contains("endpoint_id = e 1") && said.contains("openstack endpoint list"), "{said}");
    for services in [json!([]), json!([{"id": "s1"}, {"id": "s2"}])] {
        let count = services.as_array().unwrap().len();
        answers(&cloud, vec![("GET /services?", json!({"services": services}))]);
        let said = reader(&cloud, by_lookup(), Duration::ZERO).limits_of("p1").await.unwrap_err().to_string();
        assert!(said.contains("endpoint_service_type image"), "{said}");
        assert!(said.contains(&format!("that fit: {count}")), "{said}");
    }
}

#[tokio::test]
async fn an_overview_says_what_is_registered_and_what_the_account_sees() {
    let cloud = Cloud::start().await;
    let mut table = usual();
    table.insert(0, ("GET /limits/model", json!({"model": {"name": "flat", "description": "x"}})));
    answers(&cloud, table);
    let overview = reader(&cloud, by_id(), Duration::ZERO).overview().await.unwrap();
    assert_eq!(overview.registered, ["a", "b", "c"]);
    assert_eq!((overview.model.as_str(), overview.sees_every_project), ("flat", true));
    assert_eq!(overview.endpoint.region_id.as_deref(), Some("RegionOne"));
}

#[tokio::test]
async fn a_right_that_is_missing_and_a_failure_are_told_and_not_remembered() {
    let cloud = Cloud::start().await;
    let refused = Mutex::new(true);
    let table = usual();
    cloud.fail(move |line| {
        let line = line.replace("/identity/v3", "");
        let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
        if line.starts_with("GET /registered_limits") && *refused {
            *refused = false;
            return Some(answer(403, "not you"));
        }
        let (_, body) = table.iter().find(|(start, _)| line.starts_with(start))?;
        Some(Response::new(body.to_string().into_bytes()))
    });
    let reader = reader(&cloud, by_id(), Duration::from_secs(30));
    let said = reader.limits_of("p1").await.unwrap_err().to_string();
    assert!(said.contains("read limits: not you"), "{said}");
    assert_eq!(reader.limits_of("p1").await.unwrap().of("a"), 10);
}
