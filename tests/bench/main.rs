//! The benchmark: our service beside the real Glance, on the same machine in the same run. It prints and judges nothing.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends where it cannot go on"
)]

mod bare;
mod bytes;
mod calls;
mod client;
mod contenders;
mod fill;
mod measure;
mod metadata;
mod rows;

use std::process::ExitCode;

const USAGE: &str = "usage: bench [FACTOR]
       bench bytes [--mariadb] [MIB]                                           (1024)
       bench metadata [--ours-only | --mariadb-only | --sqlite-only] [--row TEXT] [IMAGES...]   (1000 100000)";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().unwrap_or_else(|| "1".to_owned());
    let understood = match first.as_str() {
        "metadata" => metadata::Options::parse(arguments).map(|options| metadata::run(&options)),
        "bytes" => bytes::Options::parse(arguments).map(|options| bytes::run(&options)),
        factor => factor.parse().ok().map(calls::run),
    };
    if understood.is_none() {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}
