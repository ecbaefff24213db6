//! Schemathesis asks our service whatever `/openapi.json` permits and much that it does not: no failure of the server,
//! no silence, and no answer that the document does not know.

use std::env;
use std::process::Command;
use std::time::Duration;

use glasshouse_tests::deployment::{Database, Deployment};
use glasshouse_tests::keystone::{ADMIN, Keystone, MEMBER, Person};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{process, tools};
use serde_json::json;

/// So many inputs for each call and each way to make them; `GLASSHOUSE_CONTRACT_EXAMPLES` sets another number.
const EXAMPLES: &str = "8";

/// What is looked at in each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

#[test]
fn a_member_gets_no_answer_outside_of_the_document() {
    ask_everything(MEMBER);
}

#[test]
fn an_administrator_gets_no_answer_outside_of_the_document() {
    ask_everything(ADMIN);
}

fn ask_everything(person: Person) {
    // A service of its own: what this leaves behind is nobody else's.
    let scratch = Scratch::new("contract");
    let work = Scratch::new("contract-work");
    let database = Database::sqlite_in(scratch.path());
    let controller = Deployment::start(scratch, database, Keystone::shared());
    let examples = env::var("GLASSHOUSE_CONTRACT_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let api = controller.api(person);
    // Some with data and some without, for every second call to be about.
    let images: Vec<String> = (0..6)
        .map(|number| {
            let id = api.create_image(&json!({"disk_format": "raw", "container_format": "bare"}));
            if number % 2 == 0 {
                api.upload(&id, b"data").expect(204);
            }
            id
        })
        .collect();
    let python = tools::source_root().join("tests/python");
    let mut command = Command::new(tools::environment_program("schemathesis", "schemathesis"));
    command
        .current_dir(work.path())
        .env("PYTHONPATH", &python)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .env("GLASSHOUSE_IMAGE_IDS", images.join(","))
        .arg("--config-file")
        .arg(python.join("schemathesis.toml"))
        .args(["--no-color", "run", "--checks", CHECKS, "--max-examples", &examples])
        // The same inputs in each run: a failure can be looked at again.
        .args(["--seed", "1", "--generation-database", "none", "--suppress-health-check", "all"])
        .args(["--request-timeout", "20", "--workers", "1"])
        .args(["--header", &format!("X-Auth-Token: {}", Keystone::shared().token(person))])
        .arg(format!("{}/openapi.json", controller.service.url()));
    let ended = process::run(command, Duration::from_mins(15));
    assert!(ended.status.success(), "{}\n{}", ended.stdout, ended.stderr);
    let operations = controller.service.api().get("/openapi.json").expect(200).json();
    let count: usize = operations["paths"]
        .as_object()
        .expect("paths")
        .values()
        .map(|item| item.as_object().expect("operations").len())
        .sum();
    let told = format!("Tested: {count}");
    assert!(ended.stdout.contains(&told), "not all of the {count} operations were asked:\n{}", ended.stdout);
}
