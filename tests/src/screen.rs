//! A screen of our own (Xvfb with a window manager), hands that type and drop, and eyes that take pictures.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, Process};
use crate::scratch::Scratch;
use crate::{tools, wait};

/// An X server that nobody else uses.
#[derive(Debug)]
pub struct Screen {
    display: String,
    _window_manager: Process,
    _server: Process,
    _logs: Scratch,
}

impl Screen {
    pub fn start() -> Self {
        let logs = Scratch::new("screen");
        let mut server = Command::new(tools::system_program("Xvfb"));
        // The server chooses a free number and writes it to its standard output when it is ready.
        server.args(["-displayfd", "1", "-screen", "0", "1400x900x24", "-nolisten", "tcp", "-noreset"]);
        let mut server = Process::start("xvfb", server, logs.path());
        let output = logs.join("xvfb.out");
        let number = move || std::fs::read_to_string(&output).ok().filter(|text| text.ends_with('\n'));
        server.wait_until("choosing a display", wait::START, || number().is_some());
        let display = format!(":{}", number().expect("just seen").trim());

        // It runs the command when it manages windows; one that is mapped while it comes up may be lost.
        let ready = logs.join("openbox-is-ready");
        let mut manager = Command::new(tools::system_program("openbox"));
        manager.env("DISPLAY", &display).env("HOME", logs.path());
        manager.arg("--startup").arg(format!("touch {}", ready.display()));
        let mut window_manager = Process::start("openbox", manager, logs.path());
        window_manager.wait_until("managing windows", wait::START, || ready.exists());
        Self { display, _window_manager: window_manager, _server: server, _logs: logs }
    }

    /// Makes a program show its windows here, drawn in software.
    pub fn show(&self, command: &mut Command) {
        command.env("DISPLAY", &self.display).env("LIBGL_ALWAYS_SOFTWARE", "1");
        command.env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    }

    /// The visible window with this title, once `process` has opened it.
    pub fn window(&self, process: &mut Process, title: &str) -> String {
        let mut found = None;
        process.wait_until(&format!("opening a window titled {title:?}"), wait::START, || {
            let said = self.xdotool(&["search", "--onlyvisible", "--name", title]).stdout;
            found = said.lines().next().map(str::to_owned);
            found.is_some()
        });
        found.expect("just found")
    }

    /// Gives the window the keyboard and presses keys: `ctrl+d`, `Return`.
    pub fn press(&self, window: &str, keys: &str) {
        self.must(&["windowactivate", "--sync", window, "key", "--clearmodifiers", keys]);
    }

    /// Clicks at a point of the window.
    pub fn click(&self, window: &str, x: u32, y: u32) {
        let (x, y) = (x.to_string(), y.to_string());
        self.must(&[
            "windowactivate",
            "--sync",
            window,
            "mousemove",
            "--window",
            window,
            &x,
            &y,
            "click",
            "1",
        ]);
    }

    /// Types text into whatever has the keyboard.
    pub fn type_text(&self, window: &str, text: &str) {
        self.must(&["windowactivate", "--sync", window, "type", "--delay", "20", text]);
    }

    /// Puts the pointer into the corner, where nothing reacts to it.
    pub fn put_pointer_away(&self) {
        self.must(&["mousemove", "1399", "899"]);
    }

    /// Drags files onto the window and lets them go, as a file browser does.
    pub fn drop_files(&self, title: &str, files: &[&Path]) {
        let mut drop = tools::python_script("xdnd_drop.py");
        drop.env("DISPLAY", &self.display).arg(title).args(files);
        let said = process::run_well(drop, wait::START);
        assert!(
            said.stdout.contains("finished"),
            "the drop was not finished: {}{}",
            said.stdout,
            said.stderr
        );
    }

    /// A picture of the window (without its frame), as PNG.
    pub fn picture(&self, window: &str, path: &Path) -> PathBuf {
        let mut import = Command::new(tools::system_program("import"));
        import.env("DISPLAY", &self.display).args(["-window", window]).arg(path);
        process::run_well(import, wait::STEP);
        path.to_owned()
    }

    fn xdotool(&self, arguments: &[&str]) -> process::Finished {
        let mut command = Command::new(tools::system_program("xdotool"));
        command.env("DISPLAY", &self.display).args(arguments);
        process::run(command, wait::STEP)
    }

    fn must(&self, arguments: &[&str]) {
        let finished = self.xdotool(arguments);
        assert!(finished.status.success(), "xdotool {arguments:?}: {}", finished.stderr);
    }
}

/// How many colours a picture has: an empty window has a handful.
pub fn colours_in(picture: &Path) -> u64 {
    let mut identify = Command::new(tools::system_program("identify"));
    identify.args(["-format", "%k"]).arg(picture);
    process::run_well(identify, wait::STEP).stdout.trim().parse().expect("a number of colours")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_on_the_screen_is_found_and_photographed() {
        let screen = Screen::start();
        let scratch = Scratch::new("window");
        let mut eyes = Command::new(tools::system_program("xeyes"));
        screen.show(&mut eyes);
        let mut eyes = Process::start("xeyes", eyes, scratch.path());
        let window = screen.window(&mut eyes, "xeyes");
        let picture = scratch.join("eyes.png");
        wait::until_true("eyes that are drawn", wait::STEP, || {
            colours_in(&screen.picture(&window, &picture)) >= 2
        });
    }
}
