//! The command line: what was asked for, and the number that the program ends with.
//!
//! Nothing but the answer goes to standard output.

mod config;
mod db;
mod doctor;
mod exit;
mod fsck;
mod inspect;
mod lab;
mod logging;
mod names;
mod out;
mod runtime;
mod scrub;
mod serve;
mod upkeep;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use exit::ExitCode;
use out::Out;

use crate::config::{Environment, Sources, read};

/// The OpenStack Image service.
#[derive(Debug, Parser)]
#[command(name = "glasshouse-service", version, after_help = exit::HELP)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a lab: the service with SQLite, a file store and an identity of its own, on this machine alone.
    Lab {
        /// Folder of the lab; it is made at the first start.
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Loopback address of the lab.
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9292")]
        listen: SocketAddr,
    },
    /// Serve images, as the configuration says.
    Serve {
        #[command(flatten)]
        files: Files,
    },
    /// Look at everything that can be wrong before the first request.
    Doctor {
        #[command(flatten)]
        files: Files,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make and look at the tables of the database.
    Db {
        #[command(flatten)]
        files: Files,
        #[command(subcommand)]
        command: db::Command,
    },
    /// Tell what a disk image is and whether it is safe; reads the file and nothing else.
    Inspect {
        /// The image.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look for images without their data and for data without an image; may run beside the service.
    Fsck {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        options: fsck::Options,
    },
    /// Verify stored data against its digests, what was verified longest ago first; may run beside the service.
    Scrub {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        options: scrub::Options,
    },
    /// Show and check the configuration.
    Config {
        #[command(flatten)]
        files: Files,
        #[command(subcommand)]
        command: config::Command,
    },
}

/// Which files are read; of two the later wins, and directories come after files.
#[derive(Debug, Args)]
struct Files {
    /// File to read instead of those in the usual places; may be repeated.
    #[arg(long = "config-file", value_name = "FILE", global = true)]
    files: Vec<PathBuf>,
    /// Directory whose *.conf are read; may be repeated.
    #[arg(long = "config-dir", value_name = "DIR", global = true)]
    dirs: Vec<PathBuf>,
}

impl Files {
    fn read(&self) -> Sources {
        read(&self.files, &self.dirs, &Environment::of_this_process())
    }
}

/// Does what the arguments say; the first is the name that the program was called by.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut out = Out { answer: &mut std::io::stdout().lock(), remarks: &mut std::io::stderr() };
    run_into(arguments.into_iter().collect(), &mut out)
}

fn run_into(arguments: Vec<OsString>, out: &mut Out) -> ExitCode {
    let line = match CommandLine::try_parse_from(names::translated(arguments)) {
        Ok(line) => line,
        Err(message) if message.use_stderr() => {
            out.remark(message.to_string().trim_end());
            return ExitCode::Usage;
        }
        Err(help) => {
            out.say(help.to_string().trim_end());
            return ExitCode::Ok;
        }
    };
    match line.command {
        Command::Lab { data_dir, listen } => lab::run(data_dir, listen, out),
        Command::Serve { files } => serve::run(&files.read(), out),
        Command::Doctor { files, json } => doctor::run(&files.read(), json, out),
        Command::Db { files, command } => db::run(&files.read(), command, out),
        Command::Fsck { files, options } => fsck::run(&files.read(), options, out),
        Command::Scrub { files, options } => scrub::run(&files.read(), options, out),
        Command::Inspect { file, json } => inspect::run(&file, json, out),
        Command::Config { files, command } => config::run(&files.read(), command, out),
    }
}

#[cfg(test)]
mod tests;
