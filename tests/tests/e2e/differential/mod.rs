//! The same calls on the real Glance and on ours, compared one by one.
//!
//! Ids are given by the client, so that both sides have the same. Times are blanked; of an error the status, the
//! headers and the title are compared, not the words, which are ours to choose. A difference is either in
//! [`known::KNOWN`], with its row in `docs/differences.md`, or it fails the test.

mod calls;
pub(crate) mod compare;
mod known;

use glasshouse_tests::deployment::{Database, Deployment, Site};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::keystone::{ADMIN, Keystone, MEMBER, Person, READER, STRANGER};
use glasshouse_tests::scratch::Scratch;
use serde_json::Value;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Admin,
    Member,
    Reader,
    Stranger,
    Nobody,
}

const EVERYBODY: [Who; 5] = [Who::Admin, Who::Member, Who::Reader, Who::Stranger, Who::Nobody];

impl Who {
    fn person(self) -> Option<Person> {
        match self {
            Self::Admin => Some(ADMIN),
            Self::Member => Some(MEMBER),
            Self::Reader => Some(READER),
            Self::Stranger => Some(STRANGER),
            Self::Nobody => None,
        }
    }
}

/// One call, the same on both sides.
#[derive(Debug, Clone)]
struct Call {
    who: Who,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Call {
    fn new(who: Who, method: &'static str, path: impl Into<String>) -> Self {
        Self { who, method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn json(self, document: &Value) -> Self {
        self.text(document.to_string()).header("content-type", "application/json")
    }

    fn patch(self, operations: &Value) -> Self {
        self.text(operations.to_string()).header("content-type", calls::PATCH)
    }

    fn text(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn data(self, body: &[u8]) -> Self {
        self.text(body).header("content-type", "application/octet-stream")
    }

    fn has(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, _)| *name == header)
    }

    fn repeats_a_key(&self) -> bool {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let mut keys: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        keys.len() < count
    }

    fn shown(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let body: String = body.chars().take(160).collect();
        format!("{:?} {} {} {:?} {body}", self.who, self.method, self.path, self.headers)
    }

    fn play(&self, site: &Site) -> compare::Outcome {
        let api = self.who.person().map_or_else(|| site.anonymous(), |person| site.api(person));
        let mut call = api.call(self.method, &self.path);
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        if !self.body.is_empty() {
            call = call.bytes(self.body.clone());
        }
        call.try_send().map_or_else(
            |_| compare::Outcome::unreadable(),
            |answer| compare::Outcome::of(&answer, api.base()),
        )
    }
}

/// At least so many calls are compared.
const CALLS_MIN: usize = 1500;
const LOCATION_CALLS_MIN: usize = 400;

#[test]
fn ours_answers_as_the_real_glance_does() {
    let glance = Glance::start(Keystone::shared(), &Database::mariadb());
    let ours = Deployment::start(Scratch::new("differential"), Database::mariadb(), Keystone::shared());
    let calls = calls::all(Keystone::shared());
    assert!(calls.len() >= CALLS_MIN, "{} calls", calls.len());
    compare_all(&calls, &glance.site(), &ours.site());
}

#[test]
fn ours_answers_about_locations_as_the_real_glance_does() {
    let options = crate::api::locations::options();
    let scratch = Scratch::new("differential-locations-glance");
    let glance = Glance::start_with(scratch, Keystone::shared(), &Database::mariadb(), &options);
    let scratch = Scratch::new("differential-locations");
    let ours = Deployment::start_with(scratch, Database::mariadb(), Keystone::shared(), &options);
    let calls = calls::locations::all();
    assert!(calls.len() >= LOCATION_CALLS_MIN, "{} calls", calls.len());
    compare_all(&calls, &glance.site(), &ours.site());
}

fn compare_all(calls: &[Call], glance: &Site, ours: &Site) {
    let mut differences = Vec::new();
    for call in calls {
        let (theirs, own) = (call.play(glance), call.play(ours));
        if theirs != own && !known::is_known(call, &theirs, &own) {
            differences.push(format!("{}\n  glance {theirs:?}\n  ours   {own:?}", call.shown()));
        }
    }
    let count = differences.len();
    assert!(differences.is_empty(), "{count} of {} calls differ:\n{}", calls.len(), differences.join("\n"));
}
