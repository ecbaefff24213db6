//! Random sequences of calls by three projects and an administrator, played on ours and on the real Glance at once.
//!
//! After each step the statuses must agree, and at the end everything that anybody can see. Images have the same ids on
//! every site. A failure prints the seed: `GLASSHOUSE_SEQUENCE_SEED=SEED tests/run e2e sequences` plays it again;
//! with `GLASSHOUSE_SEQUENCES=1000` as many from that seed on.

mod steps;

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use glasshouse_tests::deployment::{Deployment, Site};
use glasshouse_tests::glance::Glance;
use glasshouse_tests::keystone::{ADMIN, Keystone, Person};
use serde_json::Value;

use crate::differential::compare::Outcome;
use steps::{Action, Step, random};

const fn member_of(project: &'static str) -> Person {
    Person { name: project, password: "sequence-secret", project, role: "member" }
}

/// Everybody who plays.
const PEOPLE: [Person; 4] =
    [member_of("sequence-one"), member_of("sequence-two"), member_of("sequence-three"), ADMIN];

const SEQUENCES: u64 = 4;
const STEPS: usize = 30;
/// So many images in a sequence: few, so that they meet often.
const IMAGES: usize = 4;

/// Numbers that look random and follow from the seed: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("a small number")
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

/// A site and its name for messages.
type Named = (&'static str, Site);

#[test]
fn random_sequences_go_as_on_the_real_glance() {
    for person in PEOPLE.iter().filter(|person| **person != ADMIN) {
        Keystone::shared().add_person(*person);
    }
    let sites = [
        ("glance", Glance::shared().site()),
        ("ours on SQLite", Deployment::on_sqlite().site()),
        ("ours on MariaDB", Deployment::on_mariadb().site()),
    ];
    let number = |name: &str| env::var(name).ok().map(|text| text.parse().expect("a number"));
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    let first = number("GLASSHOUSE_SEQUENCE_SEED");
    let sequences = number("GLASSHOUSE_SEQUENCES").unwrap_or(if first.is_some() { 1 } else { SEQUENCES });
    // The same ones in each run of all tests: what is new is looked for by whoever asks for it.
    let first = first.unwrap_or(1);
    for seed in first..first + sequences {
        play(seed, since.subsec_nanos(), &sites);
    }
}

/// One sequence. `run` makes the ids others than those of a former run with the same seed.
fn play(seed: u64, run: u32, sites: &[Named]) {
    let mut random_numbers = Random(seed);
    let ids: Vec<String> = (0..IMAGES)
        .map(|image| format!("{run:08x}-{:04x}-4000-8000-{:012x}", image + 1, seed & 0xffff_ffff_ffff))
        .collect();
    let mut told: Vec<String> = Vec::new();
    let mut refused = [false; IMAGES];
    for _ in 0..STEPS {
        let step = random(&mut random_numbers);
        let is_upload = matches!(step.action, Action::Upload(_));
        // Glance keeps refused data, and answers every further upload with 500: nothing can be compared there.
        if is_upload && refused[step.image] {
            continue;
        }
        let statuses: Vec<u16> = sites.iter().map(|(_, site)| step.play(site, &ids)).collect();
        refused[step.image] |= is_upload && statuses[0] == 415;
        told.push(format!("{step:?} → {statuses:?}"));
        let same = statuses.iter().all(|status| *status == statuses[0]);
        assert!(
            same || is_known(&step, &statuses),
            "{}",
            report(seed, &told, sites, "the last step differs")
        );
    }
    for person in PEOPLE {
        let views: Vec<Vec<(String, Outcome)>> =
            sites.iter().map(|(_, site)| view(site, person, &ids)).collect();
        for (number, (what, theirs)) in views[0].iter().enumerate() {
            for (view, (name, _)) in views.iter().zip(sites).skip(1) {
                let own = &view[number].1;
                let differs =
                    format!("{what} as {} differs\nglance: {theirs:#?}\n{name}: {own:#?}", person.name);
                assert!(own == theirs, "{}", report(seed, &told, sites, &differs));
            }
        }
    }
}

fn report(seed: u64, told: &[String], sites: &[Named], what: &str) -> String {
    let names: Vec<&str> = sites.iter().map(|(name, _)| *name).collect();
    let told = told.join("\n  ");
    format!("GLASSHOUSE_SEQUENCE_SEED={seed}\nstatuses of {names:?}:\n  {told}\n{what}")
}

/// Everything that a person can see of the images of a sequence.
fn view(site: &Site, person: Person, ids: &[String]) -> Vec<(String, Outcome)> {
    let api = site.api(person);
    let mut seen = Vec::new();
    for id in ids {
        for path in
            [format!("/v2/images/{id}"), format!("/v2/images/{id}/members"), format!("/v2/images/{id}/file")]
        {
            let mut answer = api.get(&path);
            // Members come in no order.
            if let Ok(Value::Object(mut document)) = serde_json::from_slice(&answer.body)
                && let Some(Value::Array(members)) = document.get_mut("members")
            {
                members.sort_by_key(|member| member["member_id"].to_string());
                answer.body = Value::Object(document).to_string().into_bytes();
            }
            seen.push((format!("GET {path}"), Outcome::of(&answer, api.base())));
        }
    }
    let lists = [
        "limit=500",
        "limit=500&visibility=all",
        "limit=500&os_hidden=true",
        MINE,
        "limit=500&visibility=community",
    ];
    for query in lists {
        seen.push((format!("the list of {query}"), list(&api, query, ids)));
    }
    seen
}

const MINE: &str = "limit=500&visibility=shared&member_status=all";

/// The list, page by page, without the images of others and in the order of ids: the times of the sites differ.
fn list(api: &glasshouse_tests::http::Api, query: &str, ids: &[String]) -> Outcome {
    let mut path = format!("/v2/images?{query}");
    let mut found = Vec::new();
    loop {
        let mut answer = api.get(&path);
        if answer.status != 200 {
            return Outcome::of(&answer, api.base());
        }
        let mut page = answer.json();
        let images = page["images"].as_array_mut().expect("a list");
        found.append(images);
        let Some(next) = page["next"].as_str() else {
            found.retain(|image| ids.iter().any(|id| image["id"] == id.as_str()));
            found.sort_by_key(|image| image["id"].to_string());
            answer.body = Value::Array(found).to_string().into_bytes();
            answer.headers.clear();
            return Outcome::of(&answer, api.base());
        };
        next.clone_into(&mut path);
    }
}

/// Tells by the step, the status of Glance and ours whether the difference is meant.
type IsMeant = fn(&Step, u16, u16) -> bool;

/// Differences that are meant, each with its row in `docs/differences.md`.
const KNOWN: &[(IsMeant, &str)] = &[];

fn is_known(step: &Step, statuses: &[u16]) -> bool {
    statuses[1..].iter().all(|ours| {
        *ours == statuses[0] || KNOWN.iter().any(|(matches, _)| matches(step, statuses[0], *ours))
    })
}

#[test]
fn every_known_difference_of_sequences_is_told_in_the_manual() {
    let page = include_str!("../../../../docs/differences.md");
    for (_, row) in KNOWN {
        assert!(page.contains(row), "docs/differences.md has no row with {row:?}");
    }
}
