//! `config show`, `config check`, `config options-markdown`.

use clap::Subcommand;

use super::ExitCode;
use super::out::Out;
use crate::config::{Problem, Severity, Sources, interpret, options, show};

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Command {
    /// Print every option that is in effect and where it comes from; secrets are masked.
    Show,
    /// Name every mistake at once, with the line that mends it.
    Check,
    /// Print the page about all options.
    OptionsMarkdown,
}

pub fn run(sources: &Sources, command: Command, out: &mut Out) -> ExitCode {
    match command {
        Command::OptionsMarkdown => {
            out.say(options::markdown().trim_end());
            ExitCode::Ok
        }
        Command::Show => {
            for problem in &sources.problems {
                out.remark(format_args!("{}: {problem}", problem.severity));
            }
            if sources.settings.files.is_empty() && !sources.problems.is_empty() {
                return ExitCode::Usage;
            }
            out.say(show(sources).trim_end());
            ExitCode::Ok
        }
        Command::Check => check(sources, out),
    }
}

fn check(sources: &Sources, out: &mut Out) -> ExitCode {
    let (config, problems) = interpret(sources);
    for problem in &problems {
        out.say(format_args!("{}: {problem}", problem.severity));
    }
    let count = |severity| problems.iter().filter(|problem: &&Problem| problem.severity == severity).count();
    let files: Vec<String> = sources.files().map(|file| file.display().to_string()).collect();
    out.say(format_args!(
        "{} errors, {} warnings in {}",
        count(Severity::Error),
        count(Severity::Warning),
        if files.is_empty() { "no file".to_owned() } else { files.join(", ") }
    ));
    // Warnings are for people: the service starts with them.
    if config.is_some() { ExitCode::Ok } else { ExitCode::Wrong }
}
