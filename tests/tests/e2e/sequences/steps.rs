//! What may happen in a sequence, and how likely.

use glasshouse_tests::deployment::Site;
use glasshouse_tests::keystone::Person;
use serde_json::{Value, json};

use super::{IMAGES, PEOPLE, Random};

/// One call by one person.
#[derive(Debug, Clone)]
pub struct Step {
    who: Person,
    /// By its place among the ids.
    pub image: usize,
    pub action: Action,
}

#[derive(Debug, Clone)]
pub enum Action {
    Create(Value),
    Patch(Value),
    AddMember(Person),
    SetMember(Person, &'static str),
    RemoveMember(Person),
    Upload(&'static [u8]),
    Download,
    Deactivate,
    Reactivate,
    Delete,
    AddTag(&'static str),
    RemoveTag(&'static str),
}

const VISIBILITIES: [&str; 4] = ["private", "shared", "community", "public"];
const TAGS: [&str; 3] = ["blue", "Blue", "größe"];

/// A step that may make sense: the earlier images are met more often, and their makers too.
pub fn random(random: &mut Random) -> Step {
    let image = random.below(IMAGES);
    // Mostly one of the makers, so that what is done succeeds often enough to go on.
    let who = if random.below(3) == 0 { random.one_of(&PEOPLE) } else { PEOPLE[image % 2] };
    let member = PEOPLE[random.below(3)];
    let action = match random.below(100) {
        0..20 => Action::Create(record(random)),
        20..38 => Action::Patch(operations(random)),
        38..48 => Action::AddMember(member),
        48..58 => Action::SetMember(member, random.one_of(&["accepted", "rejected", "pending", "perhaps"])),
        58..62 => Action::RemoveMember(member),
        62..76 => Action::Upload(random.one_of(&[&b"data"[..], &b""[..], &b"some more data"[..]])),
        76..80 => Action::Download,
        80..85 => Action::Deactivate,
        85..89 => Action::Reactivate,
        89..92 => Action::Delete,
        92..97 => Action::AddTag(random.one_of(&TAGS)),
        _ => Action::RemoveTag(random.one_of(&TAGS)),
    };
    let who = match &action {
        // It is the member who answers an offer.
        Action::SetMember(member, _) if random.below(3) > 0 => *member,
        Action::Deactivate | Action::Reactivate if random.below(2) > 0 => PEOPLE[3],
        _ => who,
    };
    Step { who, image, action }
}

fn record(random: &mut Random) -> Value {
    let mut record = json!({"name": "a sequence", "visibility": random.one_of(&VISIBILITIES)});
    if random.below(2) == 0 {
        // `shared` is the default; most others are refused to a member or hide the image from the rest.
        record["visibility"] = json!("shared");
    }
    if random.below(5) > 0 {
        record["disk_format"] = json!(random.one_of(&["raw", "qcow2", "raw"]));
        record["container_format"] = json!("bare");
    }
    if random.below(3) == 0 {
        record["tags"] = json!([random.one_of(&TAGS), "blue"]);
    }
    if random.below(4) == 0 {
        record["protected"] = json!(true);
    }
    if random.below(3) == 0 {
        record["colour"] = json!(random.one_of(&["", "red", "green"]));
    }
    record
}

fn operations(random: &mut Random) -> Value {
    let many = 1 + random.below(2);
    (0..many).map(|_| operation(random)).collect()
}

fn operation(random: &mut Random) -> Value {
    let write = random.one_of(&["replace", "replace", "add"]);
    let set = |key: &str, value: Value| json!({"op": write, "path": format!("/{key}"), "value": value});
    match random.below(13) {
        0 => set("name", json!(random.one_of(&[Some("other"), Some(""), None]))),
        1..4 => set("visibility", json!(random.one_of(&VISIBILITIES))),
        4 => set("protected", json!(random.below(3) == 0)),
        5 => set("os_hidden", json!(random.below(2) == 0)),
        6 => set("tags", json!([random.one_of(&TAGS)])),
        7 => set("min_disk", json!(random.below(3))),
        8 => set("disk_format", json!(random.one_of(&["raw", "iso", "nonsense"]))),
        9 => set("container_format", json!("bare")),
        10 => json!({"op": "remove", "path": random.one_of(&["/colour", "/name", "/min_disk", "/none"])}),
        _ => set(random.one_of(&["colour", "shape", "status"]), json!(random.one_of(&["", "red"]))),
    }
}

impl Step {
    /// Does it there and tells the status.
    pub fn play(&self, site: &Site, ids: &[String]) -> u16 {
        let (api, id) = (site.api(self.who), &ids[self.image]);
        let path = format!("/v2/images/{id}");
        let project = |member: &Person| site.keystone.project_id(member.project);
        let answer = match &self.action {
            Action::Create(record) => {
                let mut record = record.clone();
                record["id"] = json!(id);
                api.post_json("/v2/images", &record)
            }
            Action::Patch(operations) => api.patch(&path, operations),
            Action::AddMember(member) => {
                api.post_json(&format!("{path}/members"), &json!({"member": project(member)}))
            }
            Action::SetMember(member, status) => {
                api.put_json(&format!("{path}/members/{}", project(member)), &json!({"status": status}))
            }
            Action::RemoveMember(member) => api.delete(&format!("{path}/members/{}", project(member))),
            Action::Upload(data) => api.upload(id, *data),
            Action::Download => api.get(&format!("{path}/file")),
            Action::Deactivate => api.call("POST", &format!("{path}/actions/deactivate")).send(),
            Action::Reactivate => api.call("POST", &format!("{path}/actions/reactivate")).send(),
            Action::Delete => api.delete(&path),
            Action::AddTag(tag) => api.call("PUT", &format!("{path}/tags/{tag}")).send(),
            Action::RemoveTag(tag) => api.delete(&format!("{path}/tags/{tag}")),
        };
        answer.status
    }
}
