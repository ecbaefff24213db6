//! `doctor`: everything that can be looked at, as lines or as JSON.

use super::out::Out;
use super::{ExitCode, logging, runtime};
use crate::config::{Loaded, Severity, Sources, interpret};
use crate::doctor::{self, Finding, Patience};

pub fn run(sources: &Sources, json: bool, out: &mut Out) -> ExitCode {
    logging::start_on_terminal();
    let (config, problems) = interpret(sources);
    let mut findings: Vec<Finding> = problems.iter().map(Finding::of_problem).collect();
    let nothing_read = sources.settings.files.is_empty() && config.is_none();
    if let Some(config) = config {
        let loaded = Loaded { config, warnings: Vec::new(), sources: sources.clone() };
        let looked = runtime::run(None, out, async |_| {
            findings.extend(doctor::all_checks(&loaded, Patience::Once).await);
            ExitCode::Ok
        });
        if looked != ExitCode::Ok {
            return ExitCode::Usage;
        }
    }
    print(&findings, json, out);
    let is_wrong = findings.iter().any(|finding| finding.severity == Severity::Error);
    match (nothing_read, is_wrong) {
        (true, _) => ExitCode::Usage,
        (false, true) => ExitCode::Wrong,
        (false, false) => ExitCode::Ok,
    }
}

fn print(findings: &[Finding], json: bool, out: &mut Out) {
    if json {
        let wrong = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let document = serde_json::json!({ "errors": wrong, "findings": findings });
        out.say(format_args!("{document:#}"));
        return;
    }
    for finding in findings {
        out.say(format_args!("{:<8} {:<22} {}", finding.severity, finding.code, finding.sentence));
        if !finding.mend.is_empty() {
            out.say(format_args!("{:32}{}", "", finding.mend));
        }
    }
    if findings.iter().all(|finding| finding.severity != Severity::Error) {
        out.say("nothing is in the way of a start");
    }
}
