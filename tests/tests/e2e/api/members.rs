//! /v2/images/{id}/members: sharing an image, answering the offer, taking it back.

use glasshouse_tests::deployment::{Deployment, Site};
use glasshouse_tests::keystone::{ADMIN, MEMBER, READER, STRANGER};
use serde_json::{Value, json};

use super::{active, is_time, listed, queued, unique};

on_every_site!(
    a_shared_image_is_seen_once_it_is_offered_and_listed_once_it_is_accepted,
    the_document_of_a_member_says_who_what_and_when,
    each_side_does_its_own_part,
    a_member_sees_itself_alone,
    only_shared_images_have_members,
    bodies_that_name_no_member_are_refused,
    answers_that_are_none_are_refused,
    a_project_is_added_once_and_again_after_it_was_removed,
    members_sleep_while_the_image_is_private,
    what_is_not_there_reads_as_404,
    a_member_may_have_a_name_of_three_bytes_to_the_letter_and_no_more,
);

on_both_databases!(a_member_of_any_name_is_found_again, a_name_that_is_no_text_or_too_long_is_refused);

const NOWHERE: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

fn members(id: &str) -> String {
    format!("/v2/images/{id}/members")
}

fn member(id: &str, project: &str) -> String {
    format!("/v2/images/{id}/members/{project}")
}

/// An image of the member's project that is offered to the stranger's, and that project.
fn offered(site: &Site) -> (String, String) {
    let api = site.api(MEMBER);
    let (id, project) = (active(&api, b"data"), site.keystone.project_id("other"));
    api.post_json(&members(&id), &json!({"member": project})).expect(200);
    (id, project)
}

fn is_listed(site: &Site, id: &str, query: &str) -> bool {
    let list = site.api(STRANGER).get(&format!("/v2/images?limit=1000{query}")).expect(200).json();
    list["images"].as_array().expect("a list").iter().any(|image| image["id"] == *id)
}

fn a_shared_image_is_seen_once_it_is_offered_and_listed_once_it_is_accepted(site: &Site) {
    let (api, stranger) = (site.api(MEMBER), site.api(STRANGER));
    let (id, project) = (active(&api, b"data"), site.keystone.project_id("other"));
    let image = format!("/v2/images/{id}");
    stranger.get(&image).expect(404);
    api.post_json(&members(&id), &json!({"member": project})).expect(200);
    stranger.get(&image).expect(200);
    assert_eq!(stranger.get(&format!("{image}/file")).expect(200).text(), "data");
    for (status, by_default) in [("pending", false), ("accepted", true), ("rejected", false)] {
        let answer = stranger.put_json(&member(&id, &project), &json!({"status": status})).expect(200).json();
        assert_eq!(answer["status"], status);
        assert_eq!(is_listed(site, &id, ""), by_default, "{status}");
        assert!(is_listed(site, &id, &format!("&visibility=shared&member_status={status}")), "{status}");
        assert!(is_listed(site, &id, "&member_status=all"), "{status}");
        stranger.get(&image).expect(200);
    }
    api.delete(&member(&id, &project)).expect(204);
    stranger.get(&image).expect(404);
}

fn the_document_of_a_member_says_who_what_and_when(site: &Site) {
    let api = site.api(MEMBER);
    let (id, project) = (queued(&api), site.keystone.project_id("other"));
    let made = api.post_json(&members(&id), &json!({"member": project, "status": "accepted"})).expect(200);
    assert!(made.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    let made = made.json();
    let mut keys: Vec<&String> = made.as_object().expect("an object").keys().collect();
    keys.sort();
    assert_eq!(keys, ["created_at", "image_id", "member_id", "schema", "status", "updated_at"]);
    // Nobody accepts for somebody else.
    assert_eq!((&made["status"], &made["schema"]), (&json!("pending"), &json!("/v2/schemas/member")));
    assert_eq!((&made["image_id"], &made["member_id"]), (&json!(id), &json!(project)));
    assert!(is_time(&made["created_at"]) && is_time(&made["updated_at"]), "{made}");
    assert_eq!(api.get(&member(&id, &project)).expect(200).json(), made);
    let list = api.get(&members(&id)).expect(200).json();
    assert_eq!(list, json!({"members": [made], "schema": "/v2/schemas/members"}));
}

fn each_side_does_its_own_part(site: &Site) {
    let (id, project) = offered(site);
    let one = member(&id, &project);
    let accepted = json!({"status": "accepted"});
    // The owner may not answer, the member may neither add nor remove.
    site.api(MEMBER).put_json(&one, &accepted).expect(403);
    site.api(STRANGER).post_json(&members(&id), &json!({"member": "third"})).expect(403);
    site.api(STRANGER).delete(&one).expect(403);
    // A reader of the owner's project looks only.
    site.api(READER).get(&members(&id)).expect(200);
    site.api(READER).get(&one).expect(200);
    site.api(READER).post_json(&members(&id), &json!({"member": "third"})).expect(403);
    site.api(READER).delete(&one).expect(403);
    // An administrator does everything.
    assert_eq!(site.api(ADMIN).put_json(&one, &accepted).expect(200).json()["status"], "accepted");
    site.api(ADMIN).post_json(&members(&id), &json!({"member": "third"})).expect(200);
    site.api(ADMIN).delete(&member(&id, "third")).expect(204);
    // For who is neither there is no such image.
    let private = queued(&site.api(MEMBER));
    site.api(STRANGER).get(&members(&private)).expect(404);
    site.api(STRANGER).post_json(&members(&private), &json!({"member": project})).expect(404);
    site.api(STRANGER).put_json(&member(&private, &project), &accepted).expect(404);
    site.api(STRANGER).delete(&member(&private, &project)).expect(404);
}

fn a_member_sees_itself_alone(site: &Site) {
    let (id, project) = offered(site);
    site.api(MEMBER).post_json(&members(&id), &json!({"member": "third"})).expect(200);
    let names = |answer: Value| -> Vec<String> {
        let list = answer["members"].as_array().expect("a list").clone();
        list.iter().map(|member| member["member_id"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(
        names(site.api(STRANGER).get(&members(&id)).expect(200).json()),
        std::slice::from_ref(&project)
    );
    for owner in [MEMBER, ADMIN] {
        let mut all = names(site.api(owner).get(&members(&id)).expect(200).json());
        all.sort();
        let mut wanted = vec![project.clone(), "third".to_owned()];
        wanted.sort();
        assert_eq!(all, wanted);
    }
    site.api(STRANGER).get(&member(&id, &project)).expect(200);
    site.api(STRANGER).get(&member(&id, "third")).expect(404);
    site.api(STRANGER).put_json(&member(&id, "third"), &json!({"status": "accepted"})).expect(404);
    site.api(STRANGER).delete(&member(&id, "third")).expect(404);
}

fn only_shared_images_have_members(site: &Site) {
    let project = site.keystone.project_id("other");
    for visibility in ["private", "community", "public"] {
        let id = site.api(ADMIN).create_image(&json!({"visibility": visibility}));
        let api = site.api(ADMIN);
        api.get(&members(&id)).expect(403);
        api.post_json(&members(&id), &json!({"member": project})).expect(403);
        api.put_json(&member(&id, &project), &json!({"status": "accepted"})).expect(403);
        api.delete(&member(&id, &project)).expect(403);
        // Only this one keeps silent about the reason.
        api.get(&member(&id, &project)).expect(404);
    }
}

fn bodies_that_name_no_member_are_refused(site: &Site) {
    let api = site.api(MEMBER);
    let id = queued(&api);
    for body in ["", "{", "[]", "\"demo\"", "{}", r#"{"member": ""}"#, r#"{"member": null}"#, r#"["member"]"#]
    {
        let call = api.call("POST", &members(&id)).header("content-type", "application/json").bytes(body);
        let answer = call.send();
        assert_eq!(answer.status, 400, "{body:?}: {}", answer.text());
    }
    let call = api.call("GET", &members(&id)).header("content-type", "application/json").bytes("{}");
    call.send().expect(400);
}

fn answers_that_are_none_are_refused(site: &Site) {
    let (id, project) = offered(site);
    let api = site.api(STRANGER);
    for body in ["", "{", "[]", "{}", r#"{"status": "maybe"}"#, r#"{"status": ""}"#, r#"{"status": null}"#] {
        let call = api.call("PUT", &member(&id, &project)).header("content-type", "application/json");
        let answer = call.bytes(body).send();
        assert_eq!(answer.status, 400, "{body:?}: {}", answer.text());
    }
    assert_eq!(api.get(&member(&id, &project)).expect(200).json()["status"], "pending");
    let call = site.api(MEMBER).call("DELETE", &member(&id, &project)).bytes("{}");
    call.header("content-type", "application/json").send().expect(400);
    // Who may not answer hears that first.
    site.api(MEMBER).put_json(&member(&id, &project), &json!({"status": "maybe"})).expect(403);
}

fn a_project_is_added_once_and_again_after_it_was_removed(site: &Site) {
    let (id, project) = offered(site);
    let (api, body) = (site.api(MEMBER), json!({"member": project}));
    let first = api.get(&member(&id, &project)).expect(200).json();
    site.api(STRANGER).put_json(&member(&id, &project), &json!({"status": "rejected"})).expect(200);
    api.post_json(&members(&id), &body).expect(409);
    api.delete(&member(&id, &project)).expect(204);
    api.delete(&member(&id, &project)).expect(404);
    assert_eq!(api.get(&members(&id)).expect(200).json()["members"], json!([]));
    let again = api.post_json(&members(&id), &body).expect(200).json();
    assert_eq!(again["status"], "pending", "an answer to an earlier offer is none to this one");
    assert_eq!(again["member_id"], first["member_id"]);
}

fn members_sleep_while_the_image_is_private(site: &Site) {
    let (id, project) = offered(site);
    site.api(STRANGER).put_json(&member(&id, &project), &json!({"status": "accepted"})).expect(200);
    let set = |visibility: &str| {
        let operations = json!([{"op": "replace", "path": "/visibility", "value": visibility}]);
        site.api(MEMBER).patch(&format!("/v2/images/{id}"), &operations).expect(200);
    };
    set("private");
    site.api(STRANGER).get(&format!("/v2/images/{id}")).expect(404);
    assert!(!is_listed(site, &id, "&member_status=all"));
    site.api(MEMBER).get(&members(&id)).expect(403);
    set("shared");
    assert_eq!(site.api(STRANGER).get(&member(&id, &project)).expect(200).json()["status"], "accepted");
    assert!(is_listed(site, &id, ""));
}

fn what_is_not_there_reads_as_404(site: &Site) {
    let (api, body) = (site.api(MEMBER), json!({"member": "demo"}));
    api.get(&members(NOWHERE)).expect(404);
    api.post_json(&members(NOWHERE), &body).expect(404);
    api.put_json(&member(NOWHERE, "demo"), &json!({"status": "accepted"})).expect(404);
    api.get(&member(NOWHERE, "demo")).expect(404);
    api.delete(&member(NOWHERE, "demo")).expect(404);
    let id = queued(&api);
    api.get(&member(&id, "nobody")).expect(404);
    api.put_json(&member(&id, "nobody"), &json!({"status": "accepted"})).expect(404);
    api.delete(&member(&id, "nobody")).expect(404);
    for (method, path, allowed) in [
        ("PATCH", members(&id), vec!["GET", "POST"]),
        ("POST", member(&id, "nobody"), vec!["DELETE", "GET", "PUT"]),
        ("HEAD", member(&id, "nobody"), vec!["DELETE", "GET", "PUT"]),
    ] {
        assert_eq!(listed(&api.call(method, &path).send().expect(405), "allow"), allowed);
    }
}

fn a_member_may_have_a_name_of_three_bytes_to_the_letter_and_no_more(site: &Site) {
    let api = site.api(MEMBER);
    let id = queued(&api);
    let name = unique("プロジェクト 一");
    let made = api.post_json(&members(&id), &json!({"member": name})).expect(200).json();
    assert_eq!(made["member_id"], json!(name));
    api.post_json(&members(&id), &json!({"member": "😀"})).expect(400);
}

fn a_member_of_any_name_is_found_again(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = queued(&api);
    for name in ["プロジェクト 一", "a b+c", "100%"] {
        api.post_json(&members(&id), &json!({"member": name})).expect(200);
        let path = name.bytes().fold(String::new(), |path, byte| path + &format!("%{byte:02X}"));
        assert_eq!(api.get(&member(&id, &path)).expect(200).json()["member_id"], name);
        api.delete(&member(&id, &path)).expect(204);
    }
}

fn a_name_that_is_no_text_or_too_long_is_refused(controller: &Deployment) {
    let api = controller.api(MEMBER);
    let id = queued(&api);
    api.post_json(&members(&id), &json!({"member": "x".repeat(255)})).expect(200);
    for bad in [json!("x".repeat(256)), json!(["demo"]), json!({"id": "demo"}), json!(true), json!("nul\0")] {
        let answer = api.post_json(&members(&id), &json!({"member": bad}));
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text());
    }
    let made = api.post_json(&members(&id), &json!({"member": 42})).expect(200).json();
    assert_eq!(made["member_id"], "42");
}
