//! The program `glasshouse-service`, also called as `glance-api` and `glance-manage`. Everything is in `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    glasshouse_service::cli::run(std::env::args_os()).into()
}
