//! What the clients offer and no driver runs, each with the reason. Everything else must be run.

use std::collections::BTreeSet;

/// A command, method or option, or with `*` at its end all that begin so; the client; the reason.
struct NotYet(&'static str, &'static str, &'static str);

const CACHE: &str = "the service has no cache";
const IMPORT: &str = "the service has no staging and no import";
const METADATA: &str = "the service has no metadata definitions";
const TASKS: &str = "the service has no route of tasks but those of an image";
const STORES: &str = "the service has no route that removes one of several copies";
const VOLUMES: &str = "asks the volume service, not this one";

const NOT_YET: &[NotYet] = &[
    NotYet("cache-*", "glance", CACHE),
    NotYet("image-create-via-import --*", "glance", IMPORT),
    NotYet("image-import*", "glance", IMPORT),
    NotYet("image-stage*", "glance", IMPORT),
    NotYet("md-*", "glance", METADATA),
    NotYet("stores-delete*", "glance", STORES),
    NotYet("task-*", "glance", TASKS),
    NotYet("cached image *", "openstack", CACHE),
    NotYet("image create --force", "openstack", VOLUMES),
    NotYet("image create --volume", "openstack", VOLUMES),
    NotYet("image delete --store", "openstack", STORES),
    NotYet("image import", "openstack", IMPORT),
    NotYet("image import --*", "openstack", IMPORT),
    NotYet("image metadef *", "openstack", METADATA),
    NotYet("image stage*", "openstack", IMPORT),
    NotYet("image task *", "openstack", TASKS),
    NotYet("cloud.create_image volume", "sdk", VOLUMES),
    NotYet("image.cache_delete_image*", "sdk", CACHE),
    NotYet("image.cached_image_nodes*", "sdk", CACHE),
    NotYet("image.clean_cache", "sdk", CACHE),
    NotYet("image.clear_cache*", "sdk", CACHE),
    NotYet("image.get_image_cache", "sdk", CACHE),
    NotYet("image.prune_cache", "sdk", CACHE),
    NotYet("image.queue_image*", "sdk", CACHE),
    NotYet("image.create_image import_method", "sdk", IMPORT),
    NotYet("image.create_image uri", "sdk", IMPORT),
    NotYet("image.create_image remote_*", "sdk", IMPORT),
    NotYet("image.create_image stores", "sdk", IMPORT),
    NotYet("image.create_image all_stores*", "sdk", IMPORT),
    NotYet("image.import_image*", "sdk", IMPORT),
    NotYet("image.stage_image*", "sdk", IMPORT),
    NotYet("image.delete_image store", "sdk", STORES),
    NotYet("image.*_metadef_*", "sdk", METADATA),
    NotYet("image.metadef_*", "sdk", METADATA),
    NotYet("image.create_task", "sdk", TASKS),
    NotYet("image.get_task*", "sdk", TASKS),
    NotYet("image.tasks", "sdk", TASKS),
    NotYet("image.wait_for_task*", "sdk", TASKS),
];

impl NotYet {
    /// `*` stands for anything.
    fn covers(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|head| name.strip_prefix(head)) else { return false };
        for part in parts {
            let Some((_, behind)) = rest.split_once(part) else { return false };
            rest = if part.is_empty() { "" } else { behind };
        }
        rest.is_empty()
    }
}

/// What is offered, neither used nor listed; and what is listed without need.
pub fn forgotten(client: &str, offered: &BTreeSet<String>, used: &BTreeSet<String>) -> Vec<String> {
    let listed: Vec<&NotYet> = NOT_YET.iter().filter(|entry| entry.1 == client).collect();
    let unused: Vec<&String> = offered.difference(used).collect();
    let forgotten = unused.iter().filter(|name| !listed.iter().any(|entry| entry.covers(name)));
    let forgotten = forgotten.map(|name| format!("{client}: nothing runs {name:?}"));
    let stale = listed.iter().filter(|entry| !unused.iter().any(|name| entry.covers(name)));
    let stale = stale.map(|entry| format!("{client}: nothing is like {:?} ({})", entry.0, entry.2));
    forgotten.chain(stale).collect()
}

#[test]
fn an_entry_covers_what_its_stars_stand_for() {
    assert!(NotYet("md-*", "", "").covers("md-tag-list"));
    assert!(NotYet("image.*_metadef_*", "", "").covers("image.get_metadef_object name"));
    assert!(NotYet("image import", "", "").covers("image import"));
    assert!(!NotYet("image import", "", "").covers("image import info"));
    assert!(!NotYet("image.*_metadef_*", "", "").covers("image.metadef_objects"));
}
