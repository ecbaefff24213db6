//! `serve`: the Image service as the configuration says, after everything was looked at.

use super::out::Out;
use super::{ExitCode, logging, runtime};
use crate::config::{Loaded, Severity, Sources, interpret};
use crate::doctor::{self, Patience};
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
    for problem in &problems {
        match problem.severity {
            Severity::Note => tracing::info!("{problem}"),
            Severity::Warning | Severity::Error => tracing::warn!("{problem}"),
        }
    }
    let loaded = Loaded { config, warnings: problems, sources: sources.clone() };
    let workers = loaded.config.server.workers;
    runtime::run(workers, out, async move |out| serve(loaded, out).await)
}

async fn serve(loaded: Loaded, out: &mut Out<'_>) -> ExitCode {
    // Before the checks, so that a signal in between is not lost.
    let mut end = std::pin::pin!(runtime::asked_to_end());
    let findings = tokio::select! {
        findings = doctor::start_checks(&loaded, Patience::AsConfigured) => findings,
        _ = &mut end => return ExitCode::Ok,
    };
    for finding in &findings {
        match finding.severity {
            Severity::Note => tracing::info!(code = finding.code, "{finding}"),
            Severity::Warning => tracing::warn!(code = finding.code, "{finding}"),
            Severity::Error => {
                // The log may be a file that nobody looks at now.
                out.remark(format_args!("{}: {finding}", finding.code));
                if loaded.config.log.file.is_some() {
                    tracing::error!(code = finding.code, "{finding}");
                }
            }
        }
    }
    if let Some(code) = ExitCode::of_findings(&findings) {
        out.remark("the service does not start");
        return code;
    }
    match Service::start(loaded.config).await {
        Ok(service) => {
            tracing::info!("listening on {}", service.address());
            let ended = end.await;
            tracing::info!("asked to end");
            service.stop().await;
            if ended.is_ok() { ExitCode::Ok } else { ExitCode::Internal }
        }
        Err(error) => failed(&error, out),
    }
}

fn remarked(error: &StartError, out: &mut Out, code: ExitCode) -> ExitCode {
    out.remark(error);
    code
}

/// One sentence, and the number that goes with it.
pub fn failed(error: &StartError, out: &mut Out) -> ExitCode {
    match error {
        StartError::Listen { address, source } if source.kind() == std::io::ErrorKind::AddrInUse => {
            out.remark(format_args!(
                "cannot listen on {address}: the port is taken; end the program that has it or choose another port"
            ));
            ExitCode::Listen
        }
        StartError::Listen { address, source } => {
            out.remark(format_args!("cannot listen on {address}: {source}"));
            ExitCode::Listen
        }
        StartError::Lab(LabError::NotLoopback(_)) => remarked(error, out, ExitCode::Usage),
        StartError::Lab(_) => remarked(error, out, ExitCode::LabFolder),
        StartError::Database(_) => remarked(error, out, ExitCode::Database),
        StartError::Store(_) => remarked(error, out, ExitCode::Store),
        StartError::Identity(_) => remarked(error, out, ExitCode::Identity),
        StartError::Policy(_) => remarked(error, out, ExitCode::Configuration),
        StartError::Other(_) => remarked(error, out, ExitCode::Internal),
    }
}
