//! The clouds that this machine knows of: `clouds.yaml`, the `OS_*` variables, openrc files.
//!
//! Reads as the OpenStack clients do and runs nothing. What is missing from a cloud's settings is named, so that
//! the window can ask for it. It connects to nobody: that is the client's work.

mod openrc;
mod settings;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use glasshouse_shared::client::Credentials;

pub use settings::{Missing, Settings};

/// Where to look. Filled in at the start of the program; tests fill in their own.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// The current folder.
    pub current: PathBuf,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// `/etc/openstack`
    pub system: PathBuf,
}

/// One cloud that could be connected to.
#[derive(Debug, Clone, PartialEq)]
pub struct Cloud {
    pub name: String,
    pub source: Source,
    /// As they were found; the form shows them.
    pub settings: Settings,
    /// What the client needs, or what of it is missing.
    pub credentials: Result<Credentials, Vec<Missing>>,
}

/// Where a cloud was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    CloudsYaml(PathBuf),
    Openrc(PathBuf),
    Environment,
}

/// A file that could not be read, or not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: PathBuf,
    /// Counted from one, if the trouble has a place.
    pub line: Option<usize>,
    pub message: String,
}

/// All that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    pub clouds: Vec<Cloud>,
    pub problems: Vec<Problem>,
    /// `OS_CLOUD`: the cloud to begin with.
    pub selected: Option<String>,
}

impl Cloud {
    fn new(name: impl Into<String>, source: Source, settings: Settings, places: &Places) -> Self {
        let credentials = settings.credentials(places.home.as_deref());
        Self { name: name.into(), source, settings, credentials }
    }

    /// The same cloud with one setting filled in, a typed password for example.
    pub fn with(&self, setting: &str, value: &str, places: &Places) -> Self {
        let settings = self.settings.clone().set(setting, value);
        Self::new(self.name.clone(), self.source.clone(), settings, places)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CloudsYaml(path) | Self::Openrc(path) => write!(f, "{}", path.display()),
            Self::Environment => f.write_str("environment variables"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file.display(), self.message),
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
}

/// Looks in all the usual places. Like the command-line clients it takes the first `clouds.yaml` and the first
/// `secure.yaml` that exist.
pub fn discover(places: &Places) -> Found {
    let mut found = Found { selected: places.variable("OS_CLOUD"), ..Found::default() };
    let secure = places.first_file("OS_CLIENT_SECURE_FILE", "secure");
    if let Some(path) = places.first_file("OS_CLIENT_CONFIG_FILE", "clouds") {
        match yaml::read(&path, secure.as_deref(), places) {
            Ok(clouds) => found.clouds = clouds,
            Err(problem) => found.problems.push(problem),
        }
    }
    let settings = Settings::from_variables(places.variables.iter());
    if settings.get("auth_url").is_some() || settings.get("endpoint").is_some() {
        found.clouds.push(Cloud::new("environment", Source::Environment, settings, places));
    }
    found
}

/// Reads a file that the user chose: an openrc, or else a `clouds.yaml`.
pub fn read_file(path: &Path, places: &Places) -> Result<Vec<Cloud>, Problem> {
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    if is_yaml {
        let secure = path.with_file_name("secure.yaml");
        return yaml::read(path, secure.is_file().then_some(secure.as_path()), places);
    }
    openrc::read(path, places).map(|cloud| vec![cloud])
}

impl Places {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// The file that a variable names, or the first that exists in the usual folders.
    fn first_file(&self, variable: &str, stem: &str) -> Option<PathBuf> {
        if let Some(named) = self.variable(variable) {
            return Some(self.current.join(named));
        }
        let config = self
            .variable("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(self.home.as_ref()?.join(".config")));
        let folders = [
            Some(self.current.clone()),
            config.map(|path| path.join("openstack")),
            Some(self.system.clone()),
        ];
        folders
            .into_iter()
            .flatten()
            .flat_map(|folder| ["yaml", "yml"].map(|extension| folder.join(format!("{stem}.{extension}"))))
            .find(|path| path.is_file())
    }
}

fn read_text(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| Problem {
        file: path.to_owned(),
        line: None,
        message: format!("cannot be read: {error}"),
    })
}

#[cfg(test)]
mod tests;
