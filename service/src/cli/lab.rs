//! `lab`: a service for one person on one machine, made at its first start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::out::Out;
use super::serve::failed;
use super::{ExitCode, logging, runtime};
use crate::config::Environment;
use crate::lab::{CLOUD_ADMIN, LabError, LabOptions};
use crate::service::Service;

pub fn run(data_dir: Option<PathBuf>, listen: SocketAddr, out: &mut Out) -> ExitCode {
    let Some(data_dir) = data_dir.or_else(|| usual_dir(&Environment::of_this_process())) else {
        out.remark("no home directory is known for the lab; write --data-dir DIR");
        return ExitCode::LabFolder;
    };
    logging::start_on_terminal();
    runtime::run(None, out, async move |out| lab(LabOptions { data_dir, listen }, out).await)
}

async fn lab(options: LabOptions, out: &mut Out<'_>) -> ExitCode {
    if !options.listen.ip().is_loopback() {
        return failed(&LabError::NotLoopback(options.listen).into(), out);
    }
    let data_dir = options.data_dir.clone();
    let mut end = std::pin::pin!(runtime::asked_to_end());
    let started = tokio::select! {
        started = Service::start_lab(options) => started,
        _ = &mut end => return ExitCode::Ok,
    };
    let service = match started {
        Ok(service) => service,
        Err(error) => return failed(&error, out),
    };
    out.say(banner(service.address(), &std::path::absolute(&data_dir).unwrap_or(data_dir)));
    let ended = end.await;
    service.stop().await;
    if ended.is_ok() { ExitCode::Ok } else { ExitCode::Internal }
}

/// What to type next. Printed once the lab answers.
fn banner(address: SocketAddr, data_dir: &Path) -> String {
    let clouds = data_dir.join("clouds.yaml");
    format!(
        "The lab answers. It is for trying things out and not for production.\n\n  \
         image     http://{address}\n  \
         identity  http://{address}/identity/v3\n  \
         clouds    {}\n  \
         openrc    {}\n\n\
         Try it:\n\n  \
         OS_CLIENT_CONFIG_FILE={} openstack --os-cloud {CLOUD_ADMIN} image list\n\n\
         Ctrl-C ends it.",
        clouds.display(),
        data_dir.join("openrc").display(),
        clouds.display(),
    )
}

/// Where data of programs is kept on this system.
fn usual_dir(environment: &Environment) -> Option<PathBuf> {
    let base = if cfg!(windows) {
        environment.get("LOCALAPPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") {
        environment.home().map(|home| home.join("Library/Application Support"))
    } else {
        let named = environment.get("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        named.or_else(|| environment.home().map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("glasshouse").join("lab"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_names_what_to_type() {
        let text = banner("127.0.0.1:9292".parse().unwrap(), Path::new("/d"));
        for part in [
            "image     http://127.0.0.1:9292\n",
            "identity  http://127.0.0.1:9292/identity/v3\n",
            "OS_CLIENT_CONFIG_FILE=/d/clouds.yaml openstack --os-cloud glasshouse-lab image list",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_usual_folder_follows_the_desktop() {
        let environment = |pairs: &[(&str, &str)]| Environment {
            variables: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        assert_eq!(usual_dir(&environment(&[("HOME", "/h")])), Some("/h/.local/share/glasshouse/lab".into()));
        assert_eq!(usual_dir(&environment(&[("XDG_DATA_HOME", "/x")])), Some("/x/glasshouse/lab".into()));
        assert_eq!(usual_dir(&environment(&[])), None);
    }
}
