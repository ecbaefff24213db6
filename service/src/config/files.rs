//! Which files are read, and what is said of one that cannot be. What stands in them is not looked at here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ini;
use super::problem::{Problem, Severity};
use super::settings::{Environment, Settings, SettingsFile};

/// Everything that was read, and what went wrong with it.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub settings: Settings,
    /// Where the policy file and its like are looked for.
    pub directory: Option<PathBuf>,
    /// Files that would have been read had they been there.
    pub absent: Vec<PathBuf>,
    pub problems: Vec<Problem>,
}

impl Sources {
    /// The files that were read, first to last.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.settings.files.iter().map(|file| file.path.as_ref())
    }

    /// The file that an option is best written into: the last `glance-api.conf`, or the last file at all.
    pub fn main_file(&self) -> Option<&Path> {
        let is_main = |file: &&Path| file.file_name().is_some_and(|name| name == MAIN_FILE);
        let files: Vec<&Path> = self.files().collect();
        files.iter().copied().rfind(|file| is_main(file)).or_else(|| files.last().copied())
    }
}

const MAIN_FILE: &str = "glance-api.conf";
const USUAL_FILES: [&str; 2] = ["glance-image-import.conf", MAIN_FILE];

/// Reads the files and directories that were named, or those of the usual places.
pub fn read(files: &[PathBuf], dirs: &[PathBuf], environment: &Environment) -> Sources {
    let mut sources = Sources::default();
    sources.settings.environment = environment.clone();
    for file in files {
        if sources.directory.is_none() {
            sources.directory = file.parent().map(absolute);
        }
        sources.add(file);
    }
    if files.is_empty() {
        sources.add_usual(dirs.is_empty());
    }
    for dir in dirs {
        sources.add_dir(dir);
        if sources.directory.is_none() {
            sources.directory = Some(absolute(dir));
        }
    }
    sources
}

/// The path from the root, for names that are printed and opened later.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl Sources {
    fn add_usual(&mut self, must_exist: bool) {
        let places = usual_places(&self.settings.environment);
        let Some(place) = places.iter().find(|place| place.join(MAIN_FILE).exists()) else {
            self.absent = places.iter().map(|place| place.join(MAIN_FILE)).collect();
            let from_environment = self
                .settings
                .environment
                .variables
                .keys()
                .any(|name| name.starts_with("OS_") && name.contains("__"));
            if must_exist && !from_environment {
                let looked: Vec<String> = self.absent.iter().map(|path| path.display().to_string()).collect();
                self.problems.push(Problem {
                    severity: Severity::Error,
                    file: None,
                    line: None,
                    section: String::new(),
                    option: String::new(),
                    what: format!("no configuration file was found, neither {}", looked.join(" nor ")),
                    mend: "name it with --config-file FILE".to_owned(),
                });
            }
            return;
        };
        self.directory = Some(place.clone());
        for name in USUAL_FILES {
            let file = place.join(name);
            if file.exists() {
                self.add(&file);
            } else {
                self.absent.push(file);
            }
            let dir = place.join(format!("{name}.d"));
            if dir.is_dir() {
                self.add_dir(&dir);
            }
        }
    }

    fn add_dir(&mut self, dir: &Path) {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable(dir, &error);
                return;
            }
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "conf") && path.is_file())
            .collect();
        files.sort();
        for file in files {
            self.add(&file);
        }
    }

    fn add(&mut self, file: &Path) {
        let file = absolute(file);
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.unreadable(&file, &error);
                return;
            }
        };
        // Remarks may be in any encoding; an option that is not UTF-8 is named below.
        let parsed = ini::parse(&String::from_utf8_lossy(&bytes));
        let garbled =
            parsed.entries.iter().filter(|entry| entry.value.contains('\u{fffd}')).map(|entry| Problem {
                severity: Severity::Error,
                file: Some(file.clone()),
                line: Some(entry.line),
                section: entry.section.clone(),
                option: entry.key.clone(),
                what: "the value is not in UTF-8".to_owned(),
                mend: "save the file in UTF-8".to_owned(),
            });
        self.problems.extend(garbled);
        self.problems.extend(parsed.faults.iter().map(|fault| Problem {
            severity: if fault.fatal { Severity::Error } else { Severity::Warning },
            file: Some(file.clone()),
            line: Some(fault.line),
            section: String::new(),
            option: String::new(),
            what: fault.what.clone(),
            mend: fault.mend.clone(),
        }));
        self.settings.files.push(SettingsFile { path: Arc::from(file), parsed });
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) {
        let (what, mend) = match error.kind() {
            std::io::ErrorKind::NotFound => ("there is no such file".to_owned(), String::new()),
            std::io::ErrorKind::PermissionDenied => (
                format!("cannot be read by {}: {}", running_user(), owner_and_mode(path)),
                format!("type `chgrp {} {} && chmod 640 {1}`", running_user(), path.display()),
            ),
            _ => (format!("cannot be read: {error}"), String::new()),
        };
        self.problems.push(Problem {
            severity: Severity::Error,
            file: Some(path.to_owned()),
            line: None,
            section: String::new(),
            option: String::new(),
            what,
            mend,
        });
    }
}

fn usual_places(environment: &Environment) -> Vec<PathBuf> {
    if let Some(dir) = environment.get("OS_GLANCE_CONFIG_DIR").filter(|dir| !dir.is_empty()) {
        return vec![absolute(Path::new(dir))];
    }
    let home = environment.home().map(|home| home.join(".glance"));
    home.into_iter().chain([PathBuf::from("/etc/glance")]).collect()
}

/// `owner root:glance, mode 0640`, or why even that is unknown.
pub fn owner_and_mode(path: &Path) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        match std::fs::metadata(path) {
            Ok(metadata) => {
                let user = name_of("/etc/passwd", metadata.uid());
                let group = name_of("/etc/group", metadata.gid());
                format!("owner {user}:{group}, mode {:04o}", metadata.mode() & 0o7777)
            }
            Err(_) => match path.parent() {
                Some(parent) if std::fs::metadata(parent).is_ok() && parent != path => {
                    format!("its directory has {}", owner_and_mode(parent))
                }
                _ => "a directory above it is closed".to_owned(),
            },
        }
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        "the access list of the file forbids it".to_owned()
    }
}

/// The account that this process runs as.
pub fn running_user() -> String {
    #[cfg(unix)]
    {
        name_of("/etc/passwd", rustix::process::geteuid().as_raw())
    }
    #[cfg(not(unix))]
    {
        "this account".to_owned()
    }
}

/// The name of a number in `/etc/passwd` or `/etc/group`, or the number.
#[cfg(unix)]
fn name_of(table: &str, number: u32) -> String {
    let wanted = number.to_string();
    let lines = std::fs::read_to_string(table).unwrap_or_default();
    let name = lines.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == wanted).then(|| name.to_owned())
    });
    name.unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment_at(dir: &Path) -> Environment {
        let pair = ("OS_GLANCE_CONFIG_DIR".to_owned(), dir.display().to_string());
        Environment { variables: [pair].into() }
    }

    fn names(sources: &Sources) -> Vec<String> {
        sources.files().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_usual_files_are_read_in_order_with_their_directories() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("glance-api.conf.d")).unwrap();
        for file in [
            "glance-api.conf",
            "glance-image-import.conf",
            "glance-api.conf.d/b.conf",
            "glance-api.conf.d/a.conf",
        ] {
            std::fs::write(dir.path().join(file), "[DEFAULT]\n").unwrap();
        }
        std::fs::write(dir.path().join("glance-api.conf.d/c.conf.rpmsave"), "[DEFAULT]\n").unwrap();
        let sources = read(&[], &[], &environment_at(dir.path()));
        assert_eq!(names(&sources), ["glance-image-import.conf", "glance-api.conf", "a.conf", "b.conf"]);
        assert!(sources.problems.is_empty());
        assert_eq!(sources.main_file(), Some(dir.path().join("glance-api.conf").as_path()));
    }

    #[test]
    fn no_file_at_all_names_every_place_that_was_tried() {
        let dir = tempfile::tempdir().unwrap();
        let sources = read(&[], &[], &environment_at(dir.path()));
        let expected =
            format!("no configuration file was found, neither {}/glance-api.conf", dir.path().display());
        assert_eq!(sources.problems[0].what, expected);
    }

    #[test]
    fn a_named_file_that_is_absent_is_an_error() {
        let sources = read(&[PathBuf::from("/nowhere/x.conf")], &[], &Environment::default());
        assert_eq!(sources.problems[0].to_string(), "/nowhere/x.conf: there is no such file");
    }

    #[test]
    fn remarks_in_another_encoding_do_no_harm_and_values_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.conf");
        std::fs::write(&file, b"# \x93\xfa\x96{\n[DEFAULT]\ndebug = True\npublic_endpoint = \x93\n").unwrap();
        let sources = read(&[file], &[], &Environment::default());
        assert_eq!(sources.settings.files[0].parsed.entries.len(), 2);
        assert_eq!((sources.problems.len(), sources.problems[0].line), (1, Some(4)));
    }

    #[cfg(unix)]
    #[test]
    fn owner_and_mode_are_told_by_name() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = owner_and_mode(file.path());
        assert!(text.starts_with(&format!("owner {}:", running_user())), "{text}");
        assert!(text.ends_with("mode 0600"), "{text}");
    }
}
