//! What hostile and clumsy clients, and bad luck, do to a lab.

use std::process::Command;
use std::thread;

use glasshouse_tests::http::Api;
use glasshouse_tests::process::{self, Process};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::service::Lab;
use glasshouse_tests::{tools, wait};
use serde_json::json;

#[test]
fn killed_and_started_on_another_port_it_puts_the_upload_back() {
    let scratch = Scratch::new("lab-other-port");
    let folder = scratch.join("data");
    let mut lab = Lab::start_in(&folder);
    let api = lab.api();
    let id = api.create_image(&json!({"disk_format": "raw", "container_format": "bare"}));
    let path = format!("/v2/images/{id}");
    let socket = api.begin_upload(&id, 8, b"half");
    wait::until_true("the upload under way", wait::STEP, || api.get(&path).json()["status"] == "saving");
    lab.service.process.kill();
    drop(socket);
    let port = lab.service.port;
    drop(lab);

    let lab = Lab::start_in(&folder);
    assert_ne!(lab.service.port, port);
    let api = lab.api();
    assert_eq!(api.get(&path).expect(200).json()["status"], "queued");
    api.upload(&id, "whole").expect(204);
    assert_eq!(api.get(&format!("{path}/file")).expect(200).text(), "whole");
}

#[test]
fn patches_and_tags_at_the_same_time_lose_nothing() {
    const EACH: usize = 24;
    let lab = Lab::start();
    let api = lab.api();
    let id = api.create_image(&json!({}));
    let path = format!("/v2/images/{id}");
    thread::scope(|scope| {
        for number in 0..EACH {
            let (api, path) = (&api, &path);
            scope.spawn(move || {
                let operation = json!([{"op": "add", "path": format!("/p{number}"), "value": "v"}]);
                api.patch(path, &operation).expect(200);
            });
            scope.spawn(move || api.call("PUT", &format!("{path}/tags/t{number}")).send().expect(204));
        }
    });
    let image = api.get(&path).expect(200).json();
    let kept = (0..EACH).filter(|number| image[format!("p{number}")] == "v").count();
    assert_eq!((kept, image["tags"].as_array().map(Vec::len)), (EACH, Some(EACH)), "{image}");
}

#[test]
fn a_log_that_cannot_be_written_costs_no_request() {
    let scratch = Scratch::new("lab-full-log");
    let port = process::free_port();
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec "$0" "$@" 2>/dev/full"#]).arg(tools::built_program("glasshouse-service"));
    command.arg("lab").arg("--data-dir").arg(scratch.join("data"));
    command.args(["--listen", &format!("127.0.0.1:{port}")]);
    let mut lab = Process::start("lab", command, scratch.path());
    lab.wait_for_port(port);
    let api = Api::new(&format!("http://127.0.0.1:{port}"));
    for _ in 0..3 {
        // Each is a line of the log.
        api.get("/v2/images").expect(401);
    }
}

#[test]
fn queries_and_documents_without_measure_are_refused() {
    let lab = Lab::start();
    let api = lab.api();
    let tags = "tag=a&".repeat(1000);
    let ids = format!("id=in:{}", ",".repeat(40_000));
    for query in [tags, ids, "created_at=gt:2020-01-01&".repeat(1000)] {
        api.get(&format!("/v2/images?{query}")).expect(400);
    }
    let before = lab.service.process.peak_memory_bytes();
    let zeros = format!("[{}0]", "0,".repeat(7 << 20));
    api.call("POST", "/v2/images").bytes(zeros).send().expect(413);
    let grown = lab.service.process.peak_memory_bytes() - before;
    assert!(grown < 64 << 20, "{} MiB for a document of 14 MiB", grown >> 20);
    api.post_json("/v2/images", &json!({"key": "v".repeat(65_535)})).expect(201);
    api.post_json("/v2/images", &json!({"key": "v".repeat(65_536)})).expect(400);
}
