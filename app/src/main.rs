//! The program: flags, the lab's process, the window. Everything else is the library.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use eframe::egui::{Context, IconData, ViewportBuilder};
use glasshouse::action::{Action, ConnectionAction};
use glasshouse::app::{Desktop, waker};
use glasshouse::clouds::Places;
use glasshouse::event_log::EventLog;
use glasshouse::files::{SystemPicker, trouble};
use glasshouse::state::State;
use glasshouse::state::session::Target;
use glasshouse::view::theme::MIN_WINDOW;
use glasshouse::worker::lab::LabCommand;
use glasshouse::worker::{Setup, Worker, settings};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The first argument with which this program becomes the image service: the lab is a process of its own, so
/// that neither takes the other down, and one file is enough.
const SERVICE: &str = "__service";

/// Disk images for OpenStack: browse, upload, inspect and download them.
#[derive(Debug, Parser)]
#[command(name = "glasshouse", version)]
struct Flags {
    /// Start a local lab and connect to it
    #[arg(long, conflicts_with = "cloud")]
    lab: bool,
    /// Where the lab keeps its data
    #[arg(long, value_name = "DIR", requires = "lab")]
    data_dir: Option<PathBuf>,
    /// Connect to this cloud of clouds.yaml
    #[arg(long, value_name = "NAME")]
    cloud: Option<String>,
    /// Disk images to upload
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let rest: Vec<OsString> = arguments.collect();
    match rest.split_first() {
        Some((first, rest)) if first == SERVICE => service(program, rest),
        _ => window(Flags::parse()),
    }
}

/// Runs the image service, until it ends or the window that started it is gone.
fn service(program: OsString, rest: &[OsString]) -> ExitCode {
    std::thread::spawn(|| {
        let mut pipe = std::io::stdin().lock();
        // Nobody writes into this pipe: it ends when the window does, however that happens.
        let _ = std::io::copy(&mut pipe.by_ref(), &mut std::io::sink());
        end_this_process();
    });
    glasshouse_service::cli::run(std::iter::once(program).chain(rest.iter().cloned())).into()
}

#[cfg(unix)]
fn end_this_process() {
    // The service ends cleanly on SIGTERM; when the signal cannot be sent there is nobody left to tell.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM);
}

#[cfg(not(unix))]
fn end_this_process() {
    std::process::exit(0);
}

fn window(flags: Flags) -> ExitCode {
    start_log();
    if let Some(reason) = no_display() {
        return no_window(&reason);
    }
    // Where parts of the window system are missing, winit ends in a panic instead of an error.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    let options = native_options();
    let was_open = AtomicBool::new(false);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let create = |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
            was_open.store(true, Ordering::Relaxed);
            Ok(Box::new(desktop(&cc.egui_ctx, flags)?))
        };
        eframe::run_native("Glasshouse", options, Box::new(create))
    }));
    let reason = match result {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            words.unwrap_or("the window system cannot be used").to_owned()
        }
    };
    if was_open.load(Ordering::Relaxed) {
        eprintln!("glasshouse: the window had to close: {reason}");
        return ExitCode::FAILURE;
    }
    no_window(&reason)
}

fn desktop(ctx: &Context, flags: Flags) -> std::io::Result<Desktop> {
    let folders = directories::ProjectDirs::from("", "", "glasshouse");
    let settings_file = folders.as_ref().map_or_else(
        || PathBuf::from("glasshouse-settings.json"),
        |dirs| dirs.config_dir().join("settings.json"),
    );
    let data_dir = flags.data_dir.or_else(|| folders.as_ref().map(|dirs| dirs.data_dir().join("lab")));
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let has_bus = variables.contains_key("DBUS_SESSION_BUS_ADDRESS");
    let mut state = State::new(Timestamp::now(), TimeZone::system(), settings::load(&settings_file));
    let people = directories::UserDirs::new();
    let home = people.as_ref().map(|dirs| dirs.home_dir().to_owned());
    let downloads = people.as_ref().and_then(|dirs| dirs.download_dir()).map(Path::to_owned);
    state.default_download_folder =
        downloads.or_else(|| home.clone()).unwrap_or_else(|| std::env::temp_dir().join("glasshouse"));
    state.can_drop = can_drop(&variables);
    let setup = Setup {
        places: Places {
            variables,
            current: std::env::current_dir().unwrap_or_default(),
            home,
            system: PathBuf::from("/etc/openstack"),
        },
        settings_file,
        lab: LabCommand {
            program: std::env::current_exe()?,
            first_arguments: vec![SERVICE.into(), "lab".into()],
            data_dir: data_dir.unwrap_or_else(|| PathBuf::from("glasshouse-lab")),
        },
    };
    let worker = Worker::start(setup, waker(ctx))?;
    let trouble = trouble(std::env::var_os("PATH").as_deref(), has_bus);
    let picker = SystemPicker::new(worker.runtime().clone(), trouble, waker(ctx));
    let log = match std::env::var_os("GLASSHOUSE_EVENT_LOG") {
        Some(path) => Some(EventLog::open(Path::new(&path))?),
        None => None,
    };
    let mut desktop = Desktop::new(ctx, state, worker, Box::new(picker)).with_log(log);
    desktop.act(ctx, Action::Connection(ConnectionAction::FindClouds));
    if flags.lab {
        desktop.act(ctx, Action::Connection(ConnectionAction::StartLab));
    }
    if let Some(name) = flags.cloud {
        let target = Target::Cloud { name, file: None };
        desktop.act(ctx, Action::Connection(ConnectionAction::Connect(target)));
    }
    if !flags.files.is_empty() {
        let files = flags.files.iter().map(|file| std::path::absolute(file).unwrap_or_else(|_| file.clone()));
        desktop.act(ctx, Action::FilesChosen(files.collect()));
    }
    Ok(desktop)
}

fn native_options() -> eframe::NativeOptions {
    let mut viewport = ViewportBuilder::default()
        .with_title("Glasshouse")
        .with_app_id("glasshouse")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size(MIN_WINDOW)
        .with_drag_and_drop(true);
    if let Some(icon) = icon() {
        viewport = viewport.with_icon(icon);
    }
    let mut options = eframe::NativeOptions { viewport, centered: true, ..eframe::NativeOptions::default() };
    prefer_x11(&mut options);
    options
}

/// Files can be dropped on a window of X11 but not on one of Wayland, so X11 comes first where both are there.
#[cfg(target_os = "linux")]
fn prefer_x11(options: &mut eframe::NativeOptions) {
    use winit::platform::x11::EventLoopBuilderExtX11;
    if is_set("DISPLAY") {
        options.event_loop_builder = Some(Box::new(|builder| {
            builder.with_x11();
        }));
    }
}

#[cfg(not(target_os = "linux"))]
fn prefer_x11(_: &mut eframe::NativeOptions) {}

fn can_drop(variables: &BTreeMap<String, String>) -> bool {
    !cfg!(target_os = "linux") || variables.get("DISPLAY").is_some_and(|display| !display.is_empty())
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn icon() -> Option<IconData> {
    let image = image::load_from_memory(include_bytes!("../../icons/glasshouse-128.png")).ok()?.into_rgba8();
    let (width, height) = image.dimensions();
    Some(IconData { rgba: image.into_raw(), width, height })
}

fn no_display() -> Option<String> {
    let is_missing = cfg!(target_os = "linux")
        && !["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].iter().any(|name| is_set(name));
    is_missing.then(|| "neither DISPLAY nor WAYLAND_DISPLAY is set".to_owned())
}

fn no_window(reason: &str) -> ExitCode {
    eprintln!(
        "glasshouse: there is no display to open a window on ({}). The service alone needs none: \
         glasshouse-service lab (from the sources: cargo run --release -p glasshouse-service -- lab)",
        reason.lines().next().unwrap_or_default().trim_end_matches('.')
    );
    ExitCode::FAILURE
}

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("GLASSHOUSE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
