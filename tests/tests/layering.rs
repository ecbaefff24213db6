//! The arrows of ARCHITECTURE.md, checked against every file of the tree.

use glasshouse_tests::layers::{breaches, breaches_in, file_lengths, locked, shared_items};
use glasshouse_tests::tools::source_root;

#[test]
fn nobody_names_what_lies_beyond_an_arrow() {
    let found = breaches(&source_root());
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{} lines break a rule of the house:\n\n{}\n", found.len(), shown.join("\n"));
}

#[test]
fn no_file_is_longer_than_a_thousand_lines() {
    let mut too_long = Vec::new();
    for (path, lines) in file_lengths(&source_root()) {
        if lines > 1000 {
            too_long.push(format!("{path}: {lines} lines"));
        } else if lines > 600 {
            println!("warning: {path} has {lines} lines; 600 is where a natural seam should be looked for");
        }
    }
    assert!(too_long.is_empty(), "files of more than 1000 lines:\n{}", too_long.join("\n"));
}

#[test]
fn what_shared_offers_is_used_on_both_sides() {
    let lonely = shared_items::lonely_items(&source_root());
    let shown: Vec<String> = lonely
        .iter()
        .map(|item| format!("{}: {} is named by {} alone", item.file, item.item, item.importer))
        .collect();
    assert!(lonely.is_empty(), "items of shared that belong elsewhere:\n{}", shown.join("\n"));
}

#[test]
fn no_crate_stands_in_the_lock_file_that_must_stay_out() {
    let found = locked::unwanted(&source_root());
    assert!(found.is_empty(), "Cargo.lock has crates that must stay out:\n{}", found.join("\n"));
}

#[test]
fn a_crate_that_must_stay_out_is_found_by_the_beginning_of_its_name() {
    let lock = |name: &str| format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n");
    for name in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "sqlx-core"] {
        let found = locked::unwanted_in(&lock(name));
        assert!(matches!(found.as_slice(), [one] if one.starts_with(name)), "{name}: {found:?}");
    }
    for name in ["ring", "openssl-probe"] {
        assert_eq!(locked::unwanted_in(&lock(name)), Vec::<String>::new());
    }
}

/// The lines that must turn the check red, with a word of the rule that has to be printed beside each.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("service/src/images/upload.rs", "use warp::Filter;", "warp"),
    ("service/src/images/upload.rs", "fn f() { warp::any(); }", "warp"),
    ("service/src/api/images.rs", "use crate::{db::Db, error::Error};", "never names db"),
    ("service/src/api/images.rs", "use super::super::stores::Store;", "never names db or stores"),
    ("service/src/stores/file.rs", "use glasshouse_shared::image::Image;", "never names an Image"),
    ("service/src/db/images.rs", "use rusqlite::params;", "one file"),
    ("service/src/db/sqlite.rs", "use mysql::Conn;", "one file"),
    ("service/src/images/list.rs", "const Q: &str = \"SELECT id FROM images\";", "SQL text"),
    ("service/src/policy/mod.rs", "use std::env;", "environment"),
    ("shared/src/image.rs", "use tokio::fs::File;", "no runtime"),
    ("shared/src/client/mod.rs", "use glasshouse_service::lab;", "shared sees neither"),
    ("app/src/app.rs", "use glasshouse_service::lab;", "do not see each other"),
    ("app/src/state/mod.rs", "use eframe::egui;", "never names egui"),
    ("app/src/view/shell.rs", "use tokio::sync::mpsc;", "never names tokio"),
    ("app/src/worker/mod.rs", "use crate::state::State;", "never names State"),
];

#[test]
fn every_kind_of_forbidden_line_turns_the_check_red() {
    for (path, line, words) in FORBIDDEN {
        let text = format!("//! A file.\n\n{line}\n");
        let found = breaches_in(path, &text);
        let breach = found.iter().find(|breach| breach.rule.contains(words));
        let breach = breach.unwrap_or_else(|| panic!("{path} may say {line:?}: {found:?}"));
        assert_eq!((breach.line, breach.text.as_str(), breach.file.as_str()), (3, *line, *path));
        assert!(breach.to_string().starts_with(&format!("{path}:3: {line}")));
    }
}

#[test]
fn the_same_lines_are_welcome_in_their_own_rooms() {
    for (path, line) in [
        ("service/src/api/server.rs", "use warp::Filter;"),
        ("service/src/db/sqlite.rs", "use rusqlite::params;"),
        ("service/src/db/images.rs", "const Q: &str = \"SELECT id FROM images\";"),
        ("shared/src/client/upload.rs", "use tokio::fs::File;"),
        ("app/src/view/shell.rs", "use egui::Ui;"),
        ("app/src/main.rs", "use glasshouse_service::lab;"),
    ] {
        assert_eq!(breaches_in(path, line), [], "{path}: {line}");
    }
}
