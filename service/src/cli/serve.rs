//! `serve`: the Image service as the configuration says, after everything was looked at.

use std::io;

use super::out::Out;
use super::{ExitCode, logging, runtime};
use crate::config::{Loaded, Problem, Severity, Sources, interpret};
use crate::doctor::{self, Finding, Patience};
use crate::lab::LabError;
use crate::service::{Service, StartError};

pub fn run(sources: &Sources, out: &mut Out) -> ExitCode {
    let (config, problems) = interpret(sources);
    let Some(config) = config else {
        for problem in &problems {
            out.remark(format_args!("{}: {problem}", problem.severity));
        }
        out.remark("the service does not start with this configuration");
        return ExitCode::Configuration;
    };
    if let Err(error) = logging::start(&config.log) {
        out.remark(error);
        return ExitCode::Configuration;
    }
    for file in sources.files() {
        tracing::info!("read {}", file.display());
    }
    problems.iter().for_each(log_problem);
    let workers = config.server.workers;
    let loaded = Loaded { config, warnings: problems, sources: sources.clone() };
    runtime::run(workers, out, async move |out| serve(loaded, out).await)
}

async fn serve(loaded: Loaded, out: &mut Out<'_>) -> ExitCode {
    // Before the checks, so that a signal in between is not lost.
    let mut end = std::pin::pin!(runtime::asked_to_end());
    let findings = tokio::select! {
        findings = needed_at_once(&loaded) => findings,
        _ = &mut end => return ExitCode::Ok,
    };
    if let Some(code) = told(&findings, &loaded, out) {
        out.remark("the service does not start");
        return code;
    }
    let service = match Service::start(loaded.config.clone()).await {
        Ok(service) => service,
        Err(error) => return failed(&error, out),
    };
    tracing::info!("listening on {}", service.address());
    // Beside the first requests: who asks without a token is answered already, and the others need Keystone anyway.
    let refused = tokio::select! {
        findings = doctor::checks_of_identity(&loaded) => told(&findings, &loaded, out),
        ended = &mut end => return stop(service, ended).await,
    };
    if let Some(code) = refused {
        out.remark("the service ends");
        service.stop().await;
        return code;
    }
    let ended = end.await;
    stop(service, ended).await
}

async fn stop(service: Service, ended: io::Result<()>) -> ExitCode {
    tracing::info!("asked to end");
    service.stop().await;
    if ended.is_ok() { ExitCode::Ok } else { ExitCode::Internal }
}

/// What must be well before anything is answered. Where it is not, all that is wrong is told at once.
async fn needed_at_once(loaded: &Loaded) -> Vec<Finding> {
    let mut findings = doctor::checks_before_listening(loaded, Patience::AsConfigured).await;
    if ExitCode::of_findings(&findings).is_some() {
        findings.extend(doctor::checks_of_identity(loaded).await);
    }
    findings
}

/// Says every finding; the number to end with when one of them forbids to go on.
fn told(findings: &[Finding], loaded: &Loaded, out: &mut Out) -> Option<ExitCode> {
    for finding in findings {
        tell(finding, loaded.config.log.file.is_some(), out);
    }
    ExitCode::of_findings(findings)
}

fn log_problem(problem: &Problem) {
    match problem.severity {
        Severity::Note => tracing::info!("{problem}"),
        Severity::Warning | Severity::Error => tracing::warn!("{problem}"),
    }
}

fn tell(finding: &Finding, log_is_a_file: bool, out: &mut Out) {
    match finding.severity {
        Severity::Note => tracing::info!(code = finding.code, "{finding}"),
        Severity::Warning => tracing::warn!(code = finding.code, "{finding}"),
        Severity::Error => {
            out.remark(format_args!("{}: {finding}", finding.code));
            // Nobody looks into the file now, but somebody will.
            if log_is_a_file {
                tracing::error!(code = finding.code, "{finding}");
            }
        }
    }
}

/// One sentence, and the number that goes with it.
pub fn failed(error: &StartError, out: &mut Out) -> ExitCode {
    let code = match error {
        StartError::Listen { address, source } => return listen_failed(address, source, out),
        StartError::Database(_) => ExitCode::Database,
        StartError::Store(_) => ExitCode::Store,
        StartError::Policy(_) | StartError::Protection(_) => ExitCode::Configuration,
        StartError::Identity(_) => ExitCode::Identity,
        StartError::Lab(LabError::NotLoopback(_)) => ExitCode::Usage,
        StartError::Lab(_) => ExitCode::LabFolder,
        StartError::Other(_) => ExitCode::Internal,
    };
    out.remark(error);
    code
}

fn listen_failed(address: &str, error: &io::Error, out: &mut Out) -> ExitCode {
    if error.kind() == io::ErrorKind::AddrInUse {
        out.remark(format_args!(
            "cannot listen on {address}: the port is taken; end the program that has it or choose another port"
        ));
    } else {
        out.remark(format_args!("cannot listen on {address}: {error}; correct the address"));
    }
    ExitCode::Listen
}
