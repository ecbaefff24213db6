//! Killed without warning at random moments of a mixed load, and started again: what was answered is there, and nothing
//! else is.
//!
//! The moments and the load are drawn from a seed that is printed. `tests/run crashes 500 [SEED]` does it 500 times.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use glasshouse_tests::alone::Alone;
use glasshouse_tests::http::{Answer, Api, Call};
use glasshouse_tests::service;
use serde_json::{Value, json};

/// On both databases together.
const CRASHES: u32 = 20;
const CLIENTS: usize = 6;
/// Answers before the kill, at most.
const ANSWERS_MAX: usize = 40;
const DATA_BYTES_MAX: usize = 3 << 20;
/// Images that live through the following crashes as well.
const SURVIVORS: usize = 6;

#[test]
fn killed_at_random_moments_it_keeps_its_word_on_sqlite() {
    crashes(Alone::on_sqlite("crashes-sqlite"));
}

#[test]
fn killed_at_random_moments_it_keeps_its_word_on_mariadb() {
    crashes(Alone::on_mariadb("crashes-mariadb"));
}

fn crashes(mut controller: Alone) {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seed = number("GLASSHOUSE_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    let count = number("GLASSHOUSE_CRASHES").unwrap_or(CRASHES.into()).div_ceil(2);
    let mut rng = Rng::with_seed(seed);
    let mut survivors: Vec<Known> = Vec::new();
    for crash in 1..=count {
        eprintln!("crash {crash} of {count}, GLASSHOUSE_CRASH_SEED={seed}");
        let mut known = load_and_kill(&mut controller, &mut rng);
        known.append(&mut survivors);
        controller.restart();
        let api = controller.api();
        let images: Vec<_> = known.iter().map(|image| image.verify(&api)).collect();
        assert_nothing_else(&controller, &api, &images);
        survivors = keep_some(&api, known, images);
    }
}

/// How far a request got, as its client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Asked,
    Answered,
}

/// What the only client of an image knows of it.
#[derive(Debug)]
struct Known {
    id: String,
    data: Vec<u8>,
    upload: Option<Said>,
    /// Value of the property `mark`: what was answered last, and what was asked for since.
    mark: Option<u32>,
    asked_mark: Option<u32>,
    delete: Option<Said>,
}

/// What the service says of an image after a crash: `None` when it is gone.
type Found = Option<Value>;

impl Known {
    /// Everything that was answered is so; what was only asked for is done whole or not at all.
    fn verify(&self, api: &Api) -> Found {
        let path = format!("/v2/images/{}", self.id);
        let answer = api.get(&path);
        if answer.status == 404 {
            assert!(self.delete.is_some(), "lost: {self}");
            return None;
        }
        let image = answer.expect(200).json();
        assert_ne!(self.delete, Some(Said::Answered), "it came back: {self}");
        self.verify_mark(&image);
        match image["status"].as_str() {
            Some("queued") => {
                assert_ne!(self.upload, Some(Said::Answered), "its data is lost: {self}");
                assert_eq!((&image["size"], &image["checksum"]), (&Value::Null, &Value::Null), "{self}");
                api.get(&format!("{path}/file")).expect(204);
            }
            Some("active") => {
                assert!(self.upload.is_some(), "nobody sent it data: {self}");
                let stored = api.get(&format!("{path}/file")).expect(200);
                assert!(stored.body == self.data, "its data changed: {self}");
                assert_eq!(image["size"], json!(self.data.len()), "{self}");
            }
            other => panic!("status {other:?}: {self}"),
        }
        Some(image)
    }

    fn verify_mark(&self, image: &Value) {
        let text = |mark: Option<u32>| mark.map_or(Value::Null, |mark| json!(mark.to_string()));
        let is_new = self.asked_mark.is_some() && image["mark"] == text(self.asked_mark);
        assert!(is_new || image["mark"] == text(self.mark), "mark {}: {self}", image["mark"]);
    }
}

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, data, upload, mark, asked_mark, delete } = self;
        write!(
            f,
            "image {id} of {} bytes, upload {upload:?}, mark {mark:?}, asked for {asked_mark:?}, delete {delete:?}",
            data.len()
        )
    }
}

/// Runs the load until the service was killed in the midst of it.
fn load_and_kill(controller: &mut Alone, rng: &mut Rng) -> Vec<Known> {
    let api = controller.api();
    let (answered, killed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (reached, kill) = mpsc::channel();
    let kill_at = rng.usize(1..=ANSWERS_MAX);
    let moment = Duration::from_micros(rng.u64(..60_000));
    let note = |answer: Result<Answer, _>, status| match answer {
        Ok(answer) => {
            answer.expect(status);
            if answered.fetch_add(1, Ordering::SeqCst) + 1 == kill_at {
                reached.send(()).expect("the killer waits");
            }
            true
        }
        Err(error) => {
            assert!(killed.load(Ordering::SeqCst), "a connection broke before the kill: {error:?}");
            false
        }
    };
    let note: &Note = &note;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let mut client = Client { api: api.clone(), rng: rng.fork(), note, known: Vec::new() };
                scope.spawn(move || {
                    while client.step() {}
                    client.known
                })
            })
            .collect();
        kill.recv().expect("clients at work");
        // Nothing is waited for: the moment itself was drawn.
        thread::sleep(moment);
        killed.store(true, Ordering::SeqCst);
        controller.service.process.kill();
        clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
    })
}

/// Takes what became of a request, and the status that it must have; tells whether the service still lives.
type Note<'a> = dyn Fn(Result<Answer, glasshouse_tests::http::Broken>, u16) -> bool + Sync + 'a;

struct Client<'a> {
    api: Api,
    rng: Rng,
    note: &'a Note<'a>,
    known: Vec<Known>,
}

impl Client<'_> {
    /// One thing that clients do; false when the service died over it.
    fn step(&mut self) -> bool {
        let mut living: Vec<_> =
            (0..self.known.len()).filter(|at| self.known[*at].delete.is_none()).collect();
        self.rng.shuffle(&mut living);
        match (living.first(), self.rng.u8(..10)) {
            (Some(at), 0..=2) => self.patch(*at),
            (Some(at), 3..=5) => self.delete(*at),
            _ => self.upload(),
        }
    }

    fn noted(&self, call: Call, status: u16) -> bool {
        (self.note)(call.try_send(), status)
    }

    fn upload(&mut self) -> bool {
        let body = json!({"disk_format": "raw", "container_format": "bare"});
        let Ok(made) = self.api.call("POST", "/v2/images").json(&body).try_send() else { return false };
        let id = made.expect(201).json()["id"].as_str().expect("an id").to_owned();
        let data = data(&mut self.rng);
        let call = self.api.call("PUT", &format!("/v2/images/{id}/file"));
        let call = call.header("content-type", "application/octet-stream").bytes(data.clone());
        let done = self.noted(call, 204);
        let upload = Some(if done { Said::Answered } else { Said::Asked });
        self.known.push(Known { id, data, upload, mark: None, asked_mark: None, delete: None });
        done
    }

    fn patch(&mut self, at: usize) -> bool {
        let mark = self.rng.u32(..);
        let image = &mut self.known[at];
        image.asked_mark = Some(mark);
        let operation = json!([{"op": "add", "path": "/mark", "value": mark.to_string()}]);
        let call = self.api.call("PATCH", &format!("/v2/images/{}", image.id));
        let call = call.header("content-type", "application/openstack-images-v2.1-json-patch");
        let done = self.noted(call.bytes(operation.to_string()), 200);
        if done {
            self.known[at].mark = Some(mark);
        }
        done
    }

    fn delete(&mut self, at: usize) -> bool {
        let call = self.api.call("DELETE", &format!("/v2/images/{}", self.known[at].id));
        let done = self.noted(call, 204);
        self.known[at].delete = Some(if done { Said::Answered } else { Said::Asked });
        done
    }
}

/// Noise with a hole in it, as in a disk.
fn data(rng: &mut Rng) -> Vec<u8> {
    let mut data = vec![0; rng.usize(..DATA_BYTES_MAX)];
    let hole = rng.usize(..=data.len());
    rng.fill(&mut data[hole..]);
    let hole = rng.usize(..=hole);
    rng.fill(&mut data[..hole]);
    data
}

/// No other file, no image on its way, and `fsck` agrees.
fn assert_nothing_else(controller: &Alone, api: &Api, images: &[Found]) {
    let files: BTreeSet<String> = fs::read_dir(controller.store())
        .expect("the store")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let active = images.iter().flatten().filter(|image| image["status"] == "active");
    let active: BTreeSet<String> =
        active.map(|image| image["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(files, active, "what lies in the store is what the active images have");
    let saving = api.get("/v2/images?status=saving&visibility=all").expect(200).json();
    assert_eq!(saving["images"], json!([]), "an image is stuck");
    let file = controller.configuration.to_string_lossy();
    let checked = service::run(&["fsck", "--config-file", &file]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
}

/// What came back into `queued` takes data again; most images go, so that the next checks stay short.
fn keep_some(api: &Api, known: Vec<Known>, images: Vec<Found>) -> Vec<Known> {
    let mut kept = Vec::new();
    for (mut known, image) in known.into_iter().zip(images) {
        let Some(image) = image else { continue };
        if image["status"] == "queued" {
            api.upload(&known.id, known.data.clone()).expect(204);
        }
        if kept.len() < SURVIVORS {
            let mark = image["mark"].as_str().map(|mark| mark.parse().expect("a mark"));
            (known.upload, known.mark, known.asked_mark, known.delete) =
                (Some(Said::Answered), mark, None, None);
            kept.push(known);
        } else {
            api.delete(&format!("/v2/images/{}", known.id)).expect(204);
        }
    }
    kept
}
