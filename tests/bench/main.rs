//! The benchmark: our service beside the real Glance, on the same machine in the same run. It prints and judges nothing.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends where it cannot go on"
)]

mod calls;
mod client;
mod contenders;
mod fill;
mod measure;
mod metadata;
mod rows;

use std::process::ExitCode;

const USAGE: &str = "usage: bench [FACTOR]
       bench metadata [--ours-only | --sqlite-only] [--row TEXT] [IMAGES...]   (1000 100000)";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().unwrap_or_else(|| "1".to_owned());
    if first == "metadata"
        && let Some(options) = metadata::Options::parse(arguments)
    {
        metadata::run(&options);
    } else if let Ok(factor) = first.parse() {
        calls::run(factor);
    } else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}
