//! nginx with sendfile: what serving a file costs when nothing is asked but the file.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use glasshouse_tests::process::{self, Process};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::tools;

use super::transfer::{Source, pattern};

#[derive(Debug)]
pub struct Nginx {
    pub source: Source,
    folder: PathBuf,
    _process: Process,
    _logs: Scratch,
}

impl Nginx {
    pub fn start(memory: &Scratch) -> Self {
        let (logs, port, folder) = (Scratch::new("nginx"), process::free_port(), memory.folder("nginx"));
        let configuration = logs.join("nginx.conf");
        let text = format!(
            "daemon off;\nworker_processes 2;\npid {logs}/pid;\nerror_log stderr;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; sendfile on; client_body_temp_path {logs}/body;\n\
             server {{ listen 127.0.0.1:{port}; root {}; }} }}\n",
            folder.display(),
            logs = logs.path().display(),
        );
        fs::write(&configuration, text).expect("nginx.conf");
        let mut command = Command::new(tools::system_program("nginx"));
        command.arg("-e").arg("stderr").arg("-c").arg(&configuration);
        let mut process = Process::start("nginx", command, logs.path());
        process.wait_for_port(port);
        let source = Source::new(port, process.id(), String::new());
        Self { source, folder, _process: process, _logs: logs }
    }

    /// A file of this size; its path for downloads.
    pub fn publish(&self, bytes: u64) -> String {
        let name = format!("{bytes}.raw");
        let mut file = fs::File::create(self.folder.join(&name)).expect("a file for nginx");
        pattern(bytes, &mut file);
        format!("/{name}")
    }
}
