//! The desktop: a real window on a screen of its own, a real drop, real keys. Waited for by its own event log, judged
//! by what the service holds and what lies on the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use glasshouse_tests::clients::sha512_of;
use glasshouse_tests::process::{self, Process};
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::screen::{Screen, colours_in};
use glasshouse_tests::service::{self, Lab};
use glasshouse_tests::{images, tools, wait};
use serde_json::Value;

const TITLE: &str = "Glasshouse";

/// A running desktop of a person with an empty home.
struct Window {
    process: Process,
    id: String,
    events: PathBuf,
    home: Scratch,
    screen: Screen,
}

impl Window {
    /// Starts it with these arguments on a new screen.
    fn open(theme: &str, arguments: &[&str]) -> Self {
        Self::open_in(Scratch::new("desktop"), theme, arguments)
    }

    /// [`Window::open`] in a home that holds something already.
    fn open_in(home: Scratch, theme: &str, arguments: &[&str]) -> Self {
        let screen = Screen::start();
        let events = home.join("events");
        let settings = home.folder("config/glasshouse").join("settings.json");
        fs::write(&settings, format!("{{\"version\": 1, \"theme\": \"{theme}\"}}")).expect("settings");
        fs::write(home.folder("config").join("user-dirs.dirs"), "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n")
            .expect("the person's folders");
        home.folder("Downloads");
        let mut command = Command::new(tools::built_program("glasshouse"));
        command.args(arguments).env("GLASSHOUSE_EVENT_LOG", &events);
        command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.join("config"));
        command.env("XDG_DATA_HOME", home.join("data")).env("XDG_CACHE_HOME", home.join("cache"));
        command.env("LANG", "C.UTF-8").env("TZ", "UTC").env_remove("DBUS_SESSION_BUS_ADDRESS");
        for variable in ["OS_CLOUD", "OS_CLIENT_CONFIG_FILE", "OS_AUTH_URL"] {
            command.env_remove(variable);
        }
        screen.show(&mut command);
        let mut process = Process::start("glasshouse", command, home.path());
        let id = screen.window(&mut process, TITLE);
        screen.put_pointer_away();
        Self { process, id, events, home, screen }
    }

    /// Starts it with a lab in its home.
    fn open_with_lab(theme: &str, files: &[&Path]) -> Self {
        let home = Scratch::new("desktop");
        let data_dir = home.join("lab").to_string_lossy().into_owned();
        let files: Vec<String> = files.iter().map(|file| file.to_string_lossy().into_owned()).collect();
        let mut arguments = vec!["--lab", "--data-dir", &data_dir];
        arguments.extend(files.iter().map(String::as_str));
        let mut window = Self::open_in(home, theme, &arguments);
        // A file that cannot be read is an error of its own, and may be told before the lab answers.
        window.event_amid_errors("connected");
        window
    }

    fn all_events(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.events).unwrap_or_default();
        // The last line may still be being written.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits for an event of this name; an error of the window on the way fails the test.
    fn event(&mut self, name: &str) -> Value {
        self.nth_event(name, 1)
    }

    fn nth_event(&mut self, name: &str, count: usize) -> Value {
        self.wait_for(name, count, name == "error")
    }

    fn event_amid_errors(&mut self, name: &str) -> Value {
        self.wait_for(name, 1, true)
    }

    fn wait_for(&mut self, name: &str, count: usize, errors_are_welcome: bool) -> Value {
        let mut found = None;
        let events = self.events.clone();
        self.process.wait_until(&format!("the event {name}"), wait::START, || {
            let text = fs::read_to_string(&events).unwrap_or_default();
            let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let error = lines.iter().find(|line| line["event"] == "error");
            assert!(errors_are_welcome || error.is_none(), "while waiting for {name}: {error:?}");
            found = lines.into_iter().filter(|line| line["event"] == name).nth(count - 1);
            found.is_some()
        });
        found.expect("just found")
    }

    fn press(&self, keys: &str) {
        self.screen.press(&self.id, keys);
    }

    /// Presses keys again and again until an event comes: the window may still be busy with what came before.
    fn press_until(&mut self, keys: &str, name: &str) -> Value {
        let before = self.all_events().len();
        let mut presses = 0;
        wait::until_true(&format!("{name} after {keys}"), wait::START, || {
            presses += 1;
            // Once in a while: a key that was taken needs its time.
            if presses % 100 == 1 {
                self.screen.press(&self.id, keys);
            }
            self.all_events().iter().skip(before).any(|line| line["event"] == name)
        });
        self.event(name)
    }

    /// A picture of the window under this name: below `docs/screenshots` when `tests/run screenshots` asks for it.
    fn picture(&self, name: &str) -> PathBuf {
        let folder = std::env::var_os("GLASSHOUSE_SCREENSHOTS")
            .map_or_else(|| tools::artefacts("screenshots"), PathBuf::from);
        fs::create_dir_all(&folder).expect("a folder for pictures");
        self.settle();
        let picture = self.screen.picture(&self.id, &folder.join(format!("{name}.png")));
        let colours = colours_in(&picture);
        assert!(colours > 20, "{} shows {colours} colours: nothing is drawn", picture.display());
        picture
    }

    /// Waits until the window has nothing left to draw.
    fn settle(&self) {
        wait::until_true("a window at rest", wait::STEP, || self.ticks_over(Duration::from_millis(500)) == 0);
    }

    /// Processor time used during a span, in hundredths of a second. This is a measurement, not a wait.
    fn ticks_over(&self, span: Duration) -> u64 {
        let before = self.process.cpu_ticks();
        std::thread::sleep(span);
        self.process.cpu_ticks() - before
    }
}

/// The Image API of the lab that the window started, and its address.
fn lab_api(window: &mut Window) -> glasshouse_tests::http::Api {
    let ready = window.event("lab_ready");
    let clouds = ready["clouds"].as_str().expect("the lab's clouds.yaml");
    let token =
        service::cloud_in(Path::new(clouds)).log_in().header("x-subject-token").expect("a token").to_owned();
    let endpoint = window.event("connected")["endpoint"].as_str().expect("an endpoint").to_owned();
    let endpoint = endpoint.trim_end_matches('/').trim_end_matches("/v2").to_owned();
    glasshouse_tests::http::Api::new(&endpoint).with_token(&token)
}

/// What the service says of the image that an `upload_done` names.
fn assert_uploaded(window: &mut Window, done: &Value, file: &Path) -> String {
    let id = done["id"].as_str().expect("an id").to_owned();
    let image = lab_api(window).get(&format!("/v2/images/{id}")).expect(200).json();
    assert_eq!(image["status"], "active");
    assert_eq!(image["os_hash_value"].as_str(), Some(sha512_of(file).as_str()));
    assert_eq!(done["os_hash_value"], image["os_hash_value"]);
    id
}

#[test]
fn a_file_given_by_command_line_is_uploaded_and_comes_back_unharmed() {
    let file = images::qcow2();
    let mut window = Window::open_with_lab("light", &[&file]);
    let inspected = window.event("inspected");
    assert_eq!(inspected["format"], "qcow2");
    assert_eq!(inspected["virtual_size"].as_u64(), Some(images::virtual_size_bytes(&file, "qcow2")));
    window.picture("review");
    let done = window.press_until("ctrl+Return", "upload_done");
    let id = assert_uploaded(&mut window, &done, &file);
    let image = lab_api(&mut window).get(&format!("/v2/images/{id}")).expect(200).json();
    assert_eq!(image["disk_format"], "qcow2", "the format was read from the file");

    window.press("Down");
    window.settle();
    window.picture("uploaded");
    let saved = window.press_until("ctrl+d", "download_verified");
    let path = PathBuf::from(saved["path"].as_str().expect("a path"));
    assert!(path.starts_with(window.home.path()), "{}", path.display());
    assert_eq!(sha512_of(&path), sha512_of(&file));
    assert_eq!(saved["digest"].as_str(), Some(sha512_of(&file).as_str()));
    window.press("Return");
    window.picture("details");
}

#[test]
fn a_file_that_is_really_dropped_is_uploaded_under_its_japanese_name() {
    let folder = Scratch::new("dropped");
    let file = folder.join("ディスク イメージ.qcow2");
    fs::copy(images::small_qcow2(), &file).expect("a copy");
    let mut window = Window::open_with_lab("dark", &[]);
    window.event("listed");
    window.picture("empty-dark");
    window.screen.drop_files(TITLE, &[&file]);
    let chosen = window.event("files_chosen");
    assert_eq!(chosen["paths"], serde_json::json!([file]));
    assert_eq!(window.event("inspected")["format"], "qcow2");
    window.picture("review-dark");
    let done = window.press_until("ctrl+Return", "upload_done");
    assert!(done["name"].as_str().is_some_and(|name| name.contains("ディスク")), "{done}");
    assert_uploaded(&mut window, &done, &file);
    window.picture("images-dark");
}

#[test]
fn a_window_at_rest_uses_no_processor_time() {
    let mut window = Window::open_with_lab("light", &[]);
    window.event("listed");
    window.settle();
    let ticks = window.ticks_over(Duration::from_secs(3));
    assert!(ticks <= 1, "{ticks} hundredths of a second of work in three seconds of rest");
}

#[test]
fn the_first_screen_offers_a_lab_and_a_controller() {
    let window = Window::open("light", &[]);
    window.picture("welcome");
}

#[test]
fn the_lab_ends_with_the_window_that_started_it() {
    let mut window = Window::open_with_lab("light", &[]);
    let endpoint = window.event("connected")["endpoint"].as_str().expect("an endpoint").to_owned();
    let port = url::Url::parse(&endpoint).expect("a URL").port().expect("a port");
    assert!(process::is_listening(port));
    // Killed, not asked: the lab must notice by itself.
    window.process.signal(process::Signal::KILL);
    window.process.wait_for_end();
    wait::until_true("the end of the lab", wait::STEP, || !process::is_listening(port));
}

#[test]
fn it_connects_to_a_cloud_of_clouds_yaml() {
    let lab = Lab::start();
    let images = furnish(&lab);
    let home = Scratch::new("desktop");
    fs::copy(lab.clouds_file(), home.folder("config/openstack").join("clouds.yaml")).expect("a copy");
    let mut window = Window::open_in(home, "light", &["--cloud", service::LAB_CLOUD]);
    window.event("connected");
    assert_eq!(window.event("listed")["images"], images);
    window.press("Down");
    window.picture("images");
}

/// A lab as people have it: several formats, a Japanese name, and one image that still waits for its data. Answers
/// how many there are.
fn furnish(lab: &Lab) -> usize {
    let api = lab.api();
    let kept = [
        ("grub-rescue", "iso", "public", images::rescue_iso()),
        ("ipxe", "iso", "community", images::ipxe_iso()),
        ("installer", "raw", "private", images::installer_disk()),
        ("installer-vmdk", "vmdk", "shared", images::converted("vmdk", "")),
        ("installer-vdi", "vdi", "private", images::converted("vdi", "")),
        ("インストーラー", "qcow2", "public", images::qcow2()),
    ];
    for (name, disk_format, visibility, file) in &kept {
        let id = api.create_image(&serde_json::json!({
            "name": name, "disk_format": disk_format, "container_format": "bare", "visibility": visibility,
            "tags": ["installer"], "os_distro": "debian",
        }));
        api.upload_file(&id, file).expect(204);
    }
    api.create_image(&serde_json::json!({"name": "waits for its data"}));
    kept.len() + 1
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_in_words() {
    let mut window = Window::open("light", &["/nonexistent/disk.img"]);
    let error = window.event("error");
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{error}");
}

#[test]
fn without_a_display_it_says_so_in_one_line_and_names_the_command_for_the_service() {
    let mut command = Command::new(tools::built_program("glasshouse"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    let ended = process::run(command, wait::STEP);
    assert!(!ended.status.success());
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("display") && ended.stderr.contains("glasshouse-service lab"),
        "{}",
        ended.stderr
    );
}
