//! The threads that requests run on, and the signals that end them.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::ExitCode;
use super::out::Out;

/// What still runs in another thread when the program ends, such as an attempt to connect, is not waited for longer.
const LAST_WAIT: Duration = Duration::from_millis(200);

/// Runs to the end on threads of its own; `workers` of `None` means one for each processor.
pub fn run(workers: Option<usize>, out: &mut Out, work: impl AsyncFnOnce(&mut Out) -> ExitCode) -> ExitCode {
    match build(workers) {
        Ok(runtime) => {
            let code = runtime.block_on(work(out));
            runtime.shutdown_timeout(LAST_WAIT);
            code
        }
        Err(error) => {
            out.remark(format_args!("cannot start threads: {error}"));
            ExitCode::Internal
        }
    }
}

fn build(workers: Option<usize>) -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(workers);
    }
    builder.enable_all().thread_name("glasshouse").build()
}

/// Returns when the program is asked to end: an interrupt from the keyboard, or a polite kill.
pub async fn asked_to_end() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    }
    #[cfg(not(unix))]
    {
        tokio::signal::ctrl_c().await
    }
}
