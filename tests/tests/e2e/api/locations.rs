//! Where the data of an image lies: GET and POST /v2/images/{id}/locations, and PATCH of `/locations`. Sites with an
//! http store that shows locations, and a web server on this machine that they may fetch from.

use std::sync::OnceLock;

use glasshouse_tests::deployment::{Database, Deployment, Site};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::http::Api;
use glasshouse_tests::keystone::{ADMIN, Keystone, MEMBER, SERVICE, STRANGER};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::wait;
use glasshouse_tests::web::{Page, WebServer};
use serde_json::{Value, json};

use super::{active, queued, record};

/// Makes of each function that takes a `&Site` a test on our service with both databases and on the real Glance.
macro_rules! on_every_site_with_locations {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            #[test]
            fn on_sqlite() {
                super::$name(&super::super::on_sqlite().site());
            }

            #[test]
            fn on_mariadb() {
                super::$name(&super::super::on_mariadb().site());
            }

            #[test]
            fn on_the_real_glance() {
                super::$name(&super::super::on_glance().site());
            }
        }
    )+ };
}

mod add;
mod change;
mod ours;

on_every_site!(locations_are_for_services_and_administrators);

/// Options of a site whose images lie on a web server as well. Glance needs two folders before it computes a digest.
pub(crate) fn options(scratch: &Scratch) -> String {
    let port = WebServer::shared().port;
    let (locks, staging) = (scratch.folder("locks"), scratch.folder("staging"));
    let (locks, staging) = (locks.display(), staging.display());
    format!(
        "[oslo_concurrency]\nlock_path = {locks}\n[DEFAULT]\nnode_staging_uri = file://{staging}\n\
         show_multiple_locations = True\nshow_image_direct_url = True\nimage_location_quota = 3\n\
         [glance_store]\nstores = file,http\n\
         [import_filtering_opts]\nallowed_hosts = [127.0.0.1]\nallowed_ports = [{port}]\n"
    )
}

own_databases!("locations", start);

fn start(scratch: Scratch, database: Database) -> Deployment {
    let options = options(&scratch);
    Deployment::start_with(scratch, database, Keystone::shared(), &options)
}

fn on_glance() -> &'static Glance {
    static SITE: OnceLock<Glance> = OnceLock::new();
    SITE.get_or_init(|| {
        let scratch = Scratch::new("locations-glance");
        let options = options(&scratch);
        Glance::start_with(scratch, Keystone::shared(), &Database::mariadb(), &options)
    })
}

/// Data on the web server, under an address of its own.
fn on_the_web(data: &[u8]) -> String {
    WebServer::shared().serve(Page::Data(data.to_vec()))
}

/// POST of a location.
pub(crate) fn post(api: &Api, id: &str, body: &Value) -> glasshouse_tests::http::Answer {
    api.post_json(&format!("/v2/images/{id}/locations"), body)
}

/// The one task of an image, once it ended.
pub(crate) fn ended_task(api: &Api, id: &str) -> Value {
    wait::until("the end of the tasks", wait::START, || {
        let tasks = api.get(&format!("/v2/images/{id}/tasks")).expect(200).json();
        let tasks = tasks["tasks"].as_array().expect("a list").clone();
        // All of them: MariaDB keeps whole seconds, so that the last one need not be the newest.
        let has_ended =
            |task: &Value| ["success", "failure"].contains(&task["status"].as_str().unwrap_or_default());
        tasks.iter().all(has_ended).then(|| tasks.last().cloned()).flatten()
    })
}

/// The image, once the digest of its data is known.
fn hashed(api: &Api, id: &str) -> Value {
    wait::until("the digest of the data", wait::START, || {
        let image = record(api, id);
        (image["status"] == "active" && image["os_hash_value"].is_string()).then_some(image)
    })
}

fn locations_are_for_services_and_administrators(site: &Site) {
    let id = active(&site.api(MEMBER), b"data");
    let path = format!("/v2/images/{id}/locations");
    for person in [ADMIN, SERVICE] {
        let list = site.api(person).get(&path).expect(200).json();
        let list = list.as_array().expect("a list");
        assert_eq!(list.len(), 1);
        let url = list[0]["url"].as_str().expect("an address");
        assert!(url.starts_with("file:///") && url.ends_with(&id), "{url}");
        assert_eq!(list[0]["metadata"], json!({}));
        assert_eq!(list[0].as_object().expect("an object").len(), 2);
    }
    site.api(MEMBER).get(&path).expect(403);
    site.api(STRANGER).get(&path).expect(404);
    let empty = format!("/v2/images/{}/locations", queued(&site.api(MEMBER)));
    assert_eq!(site.api(ADMIN).get(&empty).expect(200).json(), json!([]));
}
