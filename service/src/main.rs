//! The program `glasshouse-service`, also called as `glance-api` and `glance-manage`. Everything is in `cli`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    glasshouse_service::cli::run(std::env::args_os()).into()
}
