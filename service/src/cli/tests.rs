//! Whole command lines, with real files and a real SQLite.

use std::path::Path;

use super::*;

struct Ran {
    code: ExitCode,
    answer: String,
    remarks: String,
}

fn ran(words: &[&str]) -> Ran {
    let (mut answer, mut remarks) = (Vec::new(), Vec::new());
    let arguments = words.iter().map(OsString::from).collect();
    let code = run_into(arguments, &mut Out { answer: &mut answer, remarks: &mut remarks });
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code, answer: text(answer), remarks: text(remarks) }
}

fn file(dir: &Path, text: &str) -> String {
    let file = dir.join("glance-api.conf");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn sqlite_lines(dir: &Path) -> String {
    format!(
        "[database]\nconnection = sqlite:///{0}/glance.sqlite\n[glasshouse]\nallow_no_auth = True\n\
         [DEFAULT]\nbind_host = 127.0.0.1\n[glance_store]\nfilesystem_store_datadir = {0}/images\n",
        dir.display()
    )
}

#[test]
fn help_is_an_answer_and_nonsense_is_not() {
    let help = ran(&["glasshouse-service", "--help"]);
    assert_eq!(help.code, ExitCode::Ok);
    assert!(help.answer.contains("Exit codes: 0 well") && help.remarks.is_empty());
    let nonsense = ran(&["glasshouse-service", "dance"]);
    assert_eq!(nonsense.code, ExitCode::Usage);
    assert!(nonsense.remarks.contains("dance") && nonsense.answer.is_empty());
}

#[test]
fn config_check_names_all_and_ends_with_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), "[DEFAULT]\ndebug = perhaps\n");
    let found = ran(&["glasshouse-service", "config", "check", "--config-file", &file]);
    assert_eq!(found.code, ExitCode::Wrong);
    assert!(
        found.answer.contains(&format!("error: {file}:2: [DEFAULT] debug: \"perhaps\" is not True or False"))
    );
    assert!(found.answer.ends_with(&format!("3 errors, 0 warnings in {file}\n")), "{}", found.answer);
}

#[test]
fn sync_says_what_it_did_and_then_that_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &sqlite_lines(dir.path()));
    let before = ran(&["glance-manage", "--config-file", &file, "db_check"]);
    assert_eq!(before.code, ExitCode::ExpandNeeded, "{}", before.remarks);
    let first = ran(&["glance-manage", "--config-file", &file, "db_sync"]);
    assert_eq!(first.code, ExitCode::Ok, "{}", first.remarks);
    let start = format!(
        "database  SQLite file {}/glance.sqlite\nrevision  none -> 2024_1_contract01\ntables    15 there; 15 tables made\n",
        dir.path().display()
    );
    assert!(first.answer.starts_with(&start), "{}", first.answer);
    let second = ran(&["glance-manage", "--config-file", &file, "db", "sync"]);
    assert_eq!(second.code, ExitCode::Ok);
    assert!(
        second.answer.contains("revision  2024_1_contract01 -> 2024_1_contract01\n"),
        "{}",
        second.answer
    );
    assert!(second.answer.contains("already current, nothing to do"));
    let version = ran(&["glasshouse-service", "db", "version", "--config-file", &file]);
    assert_eq!((version.code, version.answer.as_str()), (ExitCode::Ok, "2024_1_contract01\n"));
    assert_eq!(ran(&["glasshouse-service", "db", "check", "--config-file", &file]).code, ExitCode::Ok);
    assert_eq!(ran(&["glasshouse-service", "db", "expand", "--config-file", &file]).code, ExitCode::Ok);
}

#[test]
fn sync_without_an_address_touches_nothing_and_names_the_forgotten_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), "[database]\n#connection = mysql://glance:Password123$@controller/glance\n");
    let ran = ran(&["glance-manage", "db_sync", "--config-file", &file]);
    assert_eq!(ran.code, ExitCode::Configuration);
    assert!(ran.answer.is_empty());
    assert!(ran.remarks.contains(
        "no database is set, while this line, mysql://glance:***@controller/glance, stands in a comment"
    ));
    assert!(ran.remarks.ends_with("FAILED: no database was touched\n"));
}

#[test]
fn a_server_that_is_away_is_named_with_its_address() {
    let dir = tempfile::tempdir().unwrap();
    let lines =
        "[database]\nconnection = mysql://glance:p@127.0.0.1:1/glance\nmax_retries = 1\nretry_interval = 0\n";
    let file = file(dir.path(), lines);
    let ran = ran(&["glasshouse-service", "db", "sync", "--config-file", &file]);
    assert_eq!(ran.code, ExitCode::Database);
    let start =
        format!("FAILED: {file}:2: [database] connection: cannot reach the database server at 127.0.0.1:1: ");
    assert!(ran.remarks.contains(&start), "{}", ran.remarks);
}

#[test]
fn serve_does_not_start_on_an_empty_database() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &sqlite_lines(dir.path()));
    let ran = ran(&["glance-api", "--config-file", &file]);
    assert_eq!(ran.code, ExitCode::Database);
    assert!(ran.answer.is_empty());
    assert!(
        ran.remarks.contains(&format!("type `glasshouse-service db sync --config-file {file}`")),
        "{}",
        ran.remarks
    );
    assert!(!dir.path().join("glance.sqlite").exists());
}

#[test]
fn serve_does_not_start_without_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &sqlite_lines(dir.path()));
    assert_eq!(ran(&["glasshouse-service", "db", "sync", "--config-file", &file]).code, ExitCode::Ok);
    std::fs::write(dir.path().join("images"), "a file").unwrap();
    let ran = ran(&["glasshouse-service", "serve", "--config-file", &file]);
    assert_eq!(ran.code, ExitCode::Store, "{}", ran.remarks);
    assert!(
        ran.remarks.contains(&format!("STORE_DIRECTORY: {file}:8: [glance_store] filesystem_store_datadir"))
    );
}

#[test]
fn the_doctor_speaks_json() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &sqlite_lines(dir.path()));
    let ran = ran(&["glasshouse-service", "doctor", "--json", "--config-file", &file]);
    assert_eq!(ran.code, ExitCode::Wrong);
    let document: serde_json::Value = serde_json::from_str(&ran.answer).unwrap();
    assert_eq!(document["errors"], 1);
    let codes: Vec<&str> =
        document["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"DB_SCHEMA_MISSING") && codes.contains(&"IDENTITY_NONE"), "{codes:?}");
}

#[test]
fn the_doctor_without_a_file_cannot_look() {
    assert_eq!(
        ran(&["glasshouse-service", "doctor", "--config-file", "/nowhere.conf"]).code,
        ExitCode::Usage
    );
}

#[test]
fn a_lab_is_refused_a_folder_that_is_a_file_and_an_open_address() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display().to_string();
    let folder = ran(&["glasshouse-service", "lab", "--listen", "127.0.0.1:0", "--data-dir", &path]);
    assert_eq!(folder.code, ExitCode::LabFolder);
    assert!(
        folder.remarks.contains(&format!("the lab folder {path} cannot be written")),
        "{}",
        folder.remarks
    );
    let open = ran(&["glasshouse-service", "lab", "--listen", "0.0.0.0:9292"]);
    assert_eq!(open.code, ExitCode::Usage);
}

#[test]
fn a_port_that_is_taken_is_one_sentence_and_leaves_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = dir.path().join("lab");
    let ran =
        ran(&["glasshouse-service", "lab", "--listen", &address, "--data-dir", folder.to_str().unwrap()]);
    assert_eq!(ran.code, ExitCode::Listen);
    let sentence = format!(
        "cannot listen on {address}: the port is taken; end the program that has it or choose another port\n"
    );
    assert_eq!((ran.remarks, ran.answer.as_str()), (sentence, ""));
    assert!(!folder.exists());
}
