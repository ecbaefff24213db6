//! Runs a command with a MariaDB of its own: `with-mariadb cargo test --workspace`. Ends as the command ends.
#![expect(clippy::expect_used, reason = "part of the test tools")]

use std::env;
use std::process::{Command, ExitCode};

use glasshouse_tests::mariadb::{Mariadb, URL_VARIABLE};

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: with-mariadb COMMAND [ARGUMENT...]");
        return ExitCode::from(2);
    };
    let mariadb = Mariadb::start();
    let mut command = Command::new(program);
    command.args(arguments).env(URL_VARIABLE, mariadb.url());
    let status = command.status().expect("the command can be started");
    drop(mariadb);
    u8::try_from(status.code().unwrap_or(1)).map_or(ExitCode::FAILURE, ExitCode::from)
}
