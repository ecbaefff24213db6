//! Our own service as a process, started the way an operator or the desktop starts it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::json;

use crate::http::{Answer, Api};
use crate::process::{self, Finished, Process};
use crate::scratch::Scratch;
use crate::{tools, wait};

/// A running `glasshouse-service`, whatever its subcommand.
#[derive(Debug)]
pub struct Service {
    pub process: Process,
    pub port: u16,
    _logs: Scratch,
}

/// A lab, and where it keeps its things.
#[derive(Debug)]
pub struct Lab {
    pub service: Service,
    pub data_dir: PathBuf,
    _scratch: Option<Scratch>,
}

/// One entry of a `clouds.yaml`, as far as the tests need it.
#[derive(Debug, Clone, Deserialize)]
pub struct Cloud {
    pub auth: CloudAuth,
}

#[derive(Debug, Clone, Deserialize)]
pub struct CloudAuth {
    pub auth_url: String,
    pub username: String,
    pub password: String,
    pub project_name: String,
}

#[derive(Debug, Deserialize)]
struct CloudsFile {
    clouds: std::collections::BTreeMap<String, Cloud>,
}

/// The name of the lab in its `clouds.yaml`.
pub const LAB_CLOUD: &str = "glasshouse-lab";

/// The command line of our service, to be completed.
pub fn command() -> Command {
    Command::new(tools::built_program("glasshouse-service"))
}

/// Runs the service with arguments that make it end by itself: `db sync`, or a start that must fail.
pub fn run(arguments: &[&str]) -> Finished {
    let mut command = command();
    command.args(arguments);
    process::run(command, wait::STEP)
}

impl Service {
    /// Starts `serve` with this file and waits until it answers.
    pub fn start_serve(configuration: &Path, port: u16) -> Self {
        Self::start_serve_in(configuration, port, &[])
    }

    /// The same with more variables around it.
    pub fn start_serve_in(configuration: &Path, port: u16, environment: &[(String, String)]) -> Self {
        let mut command = command();
        command.arg("serve").arg("--config-file").arg(configuration);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        Self::start(command, port)
    }

    /// The same as the end of another command, which makes its surroundings and becomes it.
    pub fn start_serve_by(mut outer: Command, configuration: &Path, port: u16) -> Self {
        outer.arg(command().get_program()).arg("serve").arg("--config-file").arg(configuration);
        Self::start(outer, port)
    }

    fn start(command: Command, port: u16) -> Self {
        let logs = Scratch::new("service");
        let mut process = Process::start("glasshouse-service", command, logs.path());
        process.serves(port);
        let api = Api::new(&format!("http://127.0.0.1:{port}"));
        process.wait_until("answering /versions", wait::START, || {
            process::is_listening(port) && api.get("/versions").status == 200
        });
        Self { process, port, _logs: logs }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn api(&self) -> Api {
        Api::new(&self.url())
    }
}

impl Lab {
    /// A lab in a new folder.
    pub fn start() -> Self {
        let scratch = Scratch::new("lab");
        let lab = Self::start_in(&scratch.join("data"));
        Self { _scratch: Some(scratch), ..lab }
    }

    /// A lab in this folder, which may hold one already.
    pub fn start_in(data_dir: &Path) -> Self {
        Self::start_with(command(), data_dir)
    }

    /// The same on another processor, by a program that is one: of such a model.
    pub fn start_on(model: &str) -> Self {
        let scratch = Scratch::new("lab");
        let mut processor = Command::new(tools::system_program("qemu-x86_64"));
        processor.args(["-cpu", model]).arg(command().get_program());
        let lab = Self::start_with(processor, &scratch.join("data"));
        Self { _scratch: Some(scratch), ..lab }
    }

    fn start_with(mut command: Command, data_dir: &Path) -> Self {
        let port = process::free_port();
        command.arg("lab").arg("--data-dir").arg(data_dir).args(["--listen", &format!("127.0.0.1:{port}")]);
        Self { service: Service::start(command, port), data_dir: data_dir.to_owned(), _scratch: None }
    }

    pub fn clouds_file(&self) -> PathBuf {
        self.data_dir.join("clouds.yaml")
    }

    /// What its `clouds.yaml` says.
    pub fn cloud(&self) -> Cloud {
        cloud_in(&self.clouds_file())
    }

    /// A token by the password in `clouds.yaml`.
    pub fn token(&self) -> String {
        let answer = self.log_in(&self.cloud().auth.password).expect(201);
        answer.header("x-subject-token").expect("a token").to_owned()
    }

    /// A login with that password, whatever comes of it.
    pub fn log_in(&self, password: &str) -> Answer {
        let mut cloud = self.cloud();
        password.clone_into(&mut cloud.auth.password);
        cloud.log_in()
    }

    /// The Image API with a token of the lab's user.
    pub fn api(&self) -> Api {
        self.service.api().with_token(&self.token())
    }
}

/// The lab's entry of a `clouds.yaml`.
pub fn cloud_in(file: &Path) -> Cloud {
    let text = fs::read_to_string(file).expect("a clouds.yaml of a lab");
    let mut file: CloudsFile = serde_norway::from_str(&text).expect("YAML");
    file.clouds.remove(LAB_CLOUD).unwrap_or_else(|| panic!("no cloud {LAB_CLOUD} in:\n{text}"))
}

impl Cloud {
    /// A login with the password, whatever comes of it.
    pub fn log_in(&self) -> Answer {
        let CloudAuth { auth_url, username, password, project_name } = &self.auth;
        let domain = json!({"id": "default"});
        let user = json!({"name": username, "domain": domain, "password": password});
        let scope = json!({"project": {"name": project_name, "domain": domain}});
        let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}});
        Api::new(auth_url).post_json("/auth/tokens", &body)
    }
}
