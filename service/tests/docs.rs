//! Pages that are made from tables in the code say what the tables say.

use std::fs;
use std::path::Path;

/// Compares the page with what the code says, or writes it when `GLASSHOUSE_WRITE_DOCS` is set.
fn check(name: &str, expected: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("GLASSHOUSE_WRITE_DOCS").is_some() {
        assert!(fs::write(&page, expected).is_ok(), "docs/{name} cannot be written");
    }
    let found = fs::read_to_string(&page).unwrap_or_default();
    assert!(
        found == expected,
        "docs/{name} is not what the code says; write it with GLASSHOUSE_WRITE_DOCS=1"
    );
}

#[test]
fn the_api_coverage_is_the_route_table() {
    check("api-coverage.md", &glasshouse_service::api::coverage_markdown());
}

#[test]
fn the_configuration_page_is_the_table_of_options() {
    check("configure.md", &glasshouse_service::config::options::markdown());
}

#[test]
fn the_policy_page_is_the_table_of_rules() {
    check("policy.md", &glasshouse_service::policy::markdown(&glasshouse_service::api::calls_of));
}
