//! The benchmark: our service beside the real Glance, on the same machine in the same run. It prints and judges nothing.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a tool that prints a table or ends")]

mod client;
mod contenders;
mod fill;
mod measure;
mod metadata;
mod rows;

use std::process::ExitCode;

const USAGE: &str = "usage: bench metadata [--ours-only] [--row TEXT] [IMAGES...]   (default: 1000 100000)";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        None => metadata::run(&metadata::Options::default()),
        Some("metadata") => {
            let Some(options) = metadata::Options::parse(arguments) else {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            };
            metadata::run(&options);
        }
        Some(_) => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
