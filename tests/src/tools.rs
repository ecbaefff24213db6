//! Where the programs of the tests are: built by cargo, installed by apt, or in a virtual environment.
//!
//! Installing is not done here but by `tests/run`; a program that is missing ends the test with that hint.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that `tests/run` fills: `$GLASSHOUSE_CACHE`, else below the user's cache folder.
pub fn cache() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").expect("HOME is set"));
    env::var_os("GLASSHOUSE_CACHE").map_or_else(
        || {
            let base = env::var_os("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from);
            base.join("glasshouse-tests")
        },
        PathBuf::from,
    )
}

/// The virtual environment of that name: `keystone`, `glance` or `clients`.
pub fn environment(name: &str) -> PathBuf {
    let folder = cache().join(name);
    assert!(folder.is_dir(), "there is no {}: run `tests/run setup` first", folder.display());
    folder
}

/// A program out of a virtual environment.
pub fn environment_program(environment_name: &str, program: &str) -> PathBuf {
    let path = environment(environment_name).join("bin").join(program);
    assert!(path.is_file(), "there is no {}: run `tests/run setup` first", path.display());
    path
}

/// A program that a Debian package brings; servers hide in folders that are not in everybody's `PATH`.
pub fn system_program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin"), PathBuf::from("/usr/bin")])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("there is no program {name}: run `tests/run setup` first"))
}

/// A program of this workspace, in the folder of the running one: `target/debug` or `target/release`.
pub fn built_program(name: &str) -> PathBuf {
    let path = built_folder().join(name);
    assert!(path.is_file(), "there is no {}: run `cargo build --workspace` first", path.display());
    path
}

/// The folder cargo put this process's own program into, without the `deps` of tests.
fn built_folder() -> PathBuf {
    let own = env::current_exe().expect("the path of the running test");
    let folder = own.parent().expect("a program lies in a folder");
    if folder.ends_with("deps") {
        folder.parent().expect("deps lies in a folder").to_owned()
    } else {
        folder.to_owned()
    }
}

/// A folder below cargo's target folder for what tests leave behind: logs and screenshots.
pub fn artefacts(name: &str) -> PathBuf {
    let folder = built_folder().parent().expect("a profile lies in the target folder").join("tmp").join(name);
    std::fs::create_dir_all(&folder).expect("a folder for what the tests leave");
    folder
}

/// The root of the source tree.
pub fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

/// A file of `tests/python`, to be run by the Python of the clients' environment.
pub fn python_script(name: &str) -> Command {
    let mut command = Command::new(environment_program("clients", "python"));
    command.arg(source_root().join("tests/python").join(name));
    command
}
