//! The unchanged command-line clients, `glance` and `openstack`, and how they are told whom to talk to.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::deployment::Deployment;
use crate::keystone::Person;
use crate::process::{self, Finished};
use crate::scratch::Scratch;
use crate::service::{LAB_CLOUD, Lab};
use crate::{tools, wait};

/// A person at a terminal: a home of its own and the environment that an openrc or a clouds.yaml gives.
#[derive(Debug)]
pub struct Terminal {
    environment: Vec<(String, String)>,
    home: Scratch,
}

impl Terminal {
    /// After `source openrc` for a deployment with a real Keystone.
    pub fn with_openrc(deployment: &Deployment, person: Person) -> Self {
        let pairs = [
            ("OS_AUTH_URL", deployment.keystone.auth_url()),
            ("OS_USERNAME", person.name.to_owned()),
            ("OS_PASSWORD", person.password.to_owned()),
            ("OS_PROJECT_NAME", person.project.to_owned()),
            ("OS_USER_DOMAIN_NAME", "Default".to_owned()),
            ("OS_PROJECT_DOMAIN_NAME", "Default".to_owned()),
            ("OS_REGION_NAME", deployment.region.clone()),
            ("OS_IDENTITY_API_VERSION", "3".to_owned()),
            ("OS_IMAGE_API_VERSION", "2".to_owned()),
        ];
        Self::new(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// With the `clouds.yaml` that the lab wrote.
    pub fn with_clouds(lab: &Lab) -> Self {
        let clouds = lab.clouds_file().display().to_string();
        Self::new(vec![
            ("OS_CLIENT_CONFIG_FILE".to_owned(), clouds),
            ("OS_CLOUD".to_owned(), LAB_CLOUD.to_owned()),
        ])
    }

    /// After `source openrc` of the lab: what a shell makes of the file it wrote.
    pub fn with_lab_openrc(lab: &Lab) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", ". \"$1\" && env | grep '^OS_'", "sh"]).arg(lab.data_dir.join("openrc"));
        shell.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let said = process::run_well(shell, wait::STEP).stdout;
        let pairs = said.lines().filter_map(|line| line.split_once('='));
        Self::new(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    fn new(environment: Vec<(String, String)>) -> Self {
        Self { environment, home: Scratch::new("home") }
    }

    /// A path below this person's home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Runs `openstack` with these arguments, whatever comes of it.
    pub fn try_openstack(&self, arguments: &[&str]) -> Finished {
        self.run("openstack", arguments)
    }

    /// Runs `openstack ARGUMENTS -f json` and reads what it prints.
    pub fn openstack_json(&self, arguments: &[&str]) -> Value {
        let finished = must_succeed(
            "openstack",
            arguments,
            self.run("openstack", &[arguments, &["-f", "json"]].concat()),
        );
        serde_json::from_str(&finished.stdout)
            .unwrap_or_else(|e| panic!("openstack {arguments:?} printed no JSON ({e}):\n{}", finished.stdout))
    }

    /// Runs `openstack` and expects success.
    pub fn openstack(&self, arguments: &[&str]) -> Finished {
        must_succeed("openstack", arguments, self.run("openstack", arguments))
    }

    /// Runs `glance` with these arguments, whatever comes of it.
    pub fn try_glance(&self, arguments: &[&str]) -> Finished {
        self.run("glance", arguments)
    }

    /// Runs `glance` and expects success; the table it prints becomes rows of cells, without the head.
    pub fn glance(&self, arguments: &[&str]) -> Vec<Vec<String>> {
        table_rows(&must_succeed("glance", arguments, self.run("glance", arguments)).stdout)
    }

    /// [`Terminal::glance`] for a table of properties and values.
    pub fn glance_record(&self, arguments: &[&str]) -> Record {
        Record(self.glance(arguments))
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Finished {
        let mut command = Command::new(tools::environment_program("clients", program));
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("LANG", "C.UTF-8")
            .envs(self.environment.iter().map(|(key, value)| (key, value)));
        process::run(command, wait::START)
    }
}

/// The two-column table that `glance` prints of one image.
#[derive(Debug)]
pub struct Record(Vec<Vec<String>>);

impl Record {
    /// The value beside a property.
    #[track_caller]
    pub fn value(&self, property: &str) -> &str {
        let row = self.0.iter().find(|row| row.first().is_some_and(|cell| cell == property));
        row.and_then(|row| row.get(1)).unwrap_or_else(|| panic!("no {property} in {:?}", self.0))
    }
}

#[track_caller]
fn must_succeed(program: &str, arguments: &[&str], finished: Finished) -> Finished {
    assert!(
        finished.status.success(),
        "{program} {arguments:?} failed ({}):\n{}\n{}",
        finished.status,
        finished.stdout,
        finished.stderr
    );
    finished
}

/// The cells of a table drawn with `|` and `+`, without its head. A value that was too wide for one line goes on in the
/// next, whose first cell is empty.
fn table_rows(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter(|line| line.starts_with('|')).skip(1);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in lines {
        let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
        let cells: Vec<String> = cells.collect();
        match rows.last_mut() {
            Some(row) if cells.first().is_some_and(String::is_empty) => {
                row.iter_mut().zip(cells).for_each(|(cell, more)| cell.push_str(&more));
            }
            _ => rows.push(cells),
        }
    }
    rows
}

/// Bytes as two digits each.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

/// SHA-512 of a file, as Glance writes it.
pub fn sha512_of(path: &Path) -> String {
    digest_of(path, &ring::digest::SHA512)
}

/// MD5 of a file, as Glance writes it. The product's own code is not asked: it is what the tests judge.
pub fn md5_of(path: &Path) -> String {
    let mut command = Command::new(tools::system_program("md5sum"));
    command.arg("--binary").arg(path);
    let said = process::run_well(command, wait::STEP).stdout;
    said.split_whitespace().next().expect("a digest").to_owned()
}

fn digest_of(path: &Path, algorithm: &'static ring::digest::Algorithm) -> String {
    use std::io::Read as _;
    let mut file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut context = ring::digest::Context::new(algorithm);
    let mut block = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut block).expect("a readable file");
        let Some(read) = block.get(..count).filter(|read| !read.is_empty()) else { break };
        context.update(read);
    }
    hexadecimal(context.finish().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_the_client_becomes_rows() {
        let text =
            "+----+------+\n| ID | Name |\n+----+------+\n| 1  | a b  |\n| 2  |      |\n+----+------+\n";
        assert_eq!(table_rows(text), [["1", "a b"], ["2", ""]]);
    }

    #[test]
    fn the_sha512_of_a_file_is_the_published_one() {
        let scratch = Scratch::new("digest");
        let path = scratch.join("abc");
        std::fs::write(&path, "abc").unwrap();
        assert!(sha512_of(&path).starts_with("ddaf35a193617abacc417349ae204131"));
    }
}
