//! Processes of other programs: started with a log, waited for with a limit, killed with everything they started.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt as _;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process, kill_process_group};

use crate::scratch::Scratch;
use crate::{tools, wait};

/// A running server or window. Dropping it kills it and its children.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// What a finished command said.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Process {
    /// Starts `command` in a process group of its own; what it says goes to two files in `folder`.
    pub fn start(name: &str, command: Command, folder: &Path) -> Self {
        let stdout = folder.join(format!("{name}.out"));
        let stderr = folder.join(format!("{name}.err"));
        let mut tied = tied_to_us(&command);
        tied.stdin(Stdio::null())
            .stdout(File::create(&stdout).expect("a file for the output"))
            .stderr(File::create(&stderr).expect("a file for the log"))
            .process_group(0);
        let child = spawn(tied).unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        Self { name: name.to_owned(), child, stdout, stderr }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What it wrote to its standard output so far.
    pub fn output(&self) -> String {
        read_lossy(&self.stdout)
    }

    /// What it wrote to its standard error so far.
    pub fn log(&self) -> String {
        read_lossy(&self.stderr)
    }

    /// Remembers whose log it is that explains what the server at this port answers.
    pub fn serves(&self, port: u16) {
        LOGS.lock().unwrap_or_else(PoisonError::into_inner).insert(port, self.stderr.clone());
    }

    /// Waits for `ask` to say yes; a process that ends meanwhile is reported at once, with its log.
    pub fn wait_until(&mut self, what: &str, limit: Duration, mut ask: impl FnMut() -> bool) {
        let end = Instant::now() + limit;
        while !ask() {
            if let Some(status) = self.child.try_wait().expect("the state of a child") {
                panic!("{} ended ({status}) before {what}:\n{}", self.name, self.everything_said());
            }
            assert!(
                Instant::now() < end,
                "{} did not get to {what} in {limit:?}:\n{}",
                self.name,
                self.everything_said()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until something accepts connections on the port.
    pub fn wait_for_port(&mut self, port: u16) {
        self.wait_until(&format!("listening on port {port}"), wait::START, || is_listening(port));
    }

    /// Asks it to end (SIGTERM) and waits.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_for_end()
    }

    /// Sends a signal to the process alone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a signal to a running child");
    }

    /// SIGKILL to it and everything it started, then waits.
    pub fn kill(&mut self) {
        // No such process: it was quicker.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.wait();
    }

    /// Waits until it has ended by itself.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let child = &mut self.child;
        wait::until("the end of a process", wait::STEP, || child.try_wait().expect("the state of a child"))
    }

    /// The most memory it ever held at once, as the kernel counted.
    pub fn peak_memory_bytes(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the status of a running child");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM in /proc");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of KiB") * 1024
    }

    /// Processor time it has used (user and system), in the kernel's ticks of a hundredth of a second.
    pub fn cpu_ticks(&self) -> u64 {
        cpu_ticks_of(self.id()).expect("the times of a running child")
    }

    fn everything_said(&self) -> String {
        format!("--- stdout\n{}\n--- stderr\n{}", tail(&self.output()), tail(&self.log()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("=== what {} said:\n{}", self.name, self.everything_said());
        }
    }
}

/// User and system time of one process, without its children.
pub fn cpu_ticks_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold blanks: count from behind it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// User and system time of a process and of the children it has now.
pub fn cpu_ticks_of_family(pid: u32) -> u64 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    cpu_ticks_of(pid).unwrap_or_default() + children.map(cpu_ticks_of_family).sum::<u64>()
}

/// Runs a command to its end; one that does not end in time is killed and fails the test.
pub fn run(command: Command, limit: Duration) -> Finished {
    let scratch = Scratch::new("command");
    let shown = format!("{command:?}");
    let mut process = Process::start("command", command, scratch.path());
    let end = Instant::now() + limit;
    let status = loop {
        if let Some(status) = process.child.try_wait().expect("the state of a child") {
            break status;
        }
        assert!(Instant::now() < end, "{shown} did not end in {limit:?}:\n{}", process.everything_said());
        thread::sleep(Duration::from_millis(10));
    };
    Finished { status, stdout: process.output(), stderr: process.log() }
}

/// [`run`] for a command that must succeed.
pub fn run_well(command: Command, limit: Duration) -> Finished {
    let shown = format!("{command:?}");
    let finished = run(command, limit);
    assert!(
        finished.status.success(),
        "{shown} failed ({}):\n--- stdout\n{}\n--- stderr\n{}",
        finished.status,
        tail(&finished.stdout),
        tail(&finished.stderr)
    );
    finished
}

/// The logs of servers by their ports: an answer that blames the server is shown with what the server says.
static LOGS: Mutex<BTreeMap<u16, PathBuf>> = Mutex::new(BTreeMap::new());

/// The end of the log of the server at this port, if it is one of ours to know.
pub fn log_at(port: u16) -> Option<String> {
    let logs = LOGS.lock().unwrap_or_else(PoisonError::into_inner);
    logs.get(&port).map(|log| tail(&read_lossy(log)))
}

/// A port of the loopback address that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("the address of a listener").port()
}

pub fn is_listening(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

/// The same command, killed by the kernel when the thread that starts it ends: no test leaves a server behind, however
/// it ends. `setpriv` does it and then becomes the program, so the process id is the program's.
fn tied_to_us(command: &Command) -> Command {
    let mut tied = Command::new(tools::system_program("setpriv"));
    tied.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => tied.env(key, value),
            None => tied.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        tied.current_dir(folder);
    }
    tied
}

type Spawn = (Command, mpsc::Sender<std::io::Result<Child>>);

/// The thread that starts everything. The kernel's "when the parent dies" means the parent *thread*, and the threads of
/// single tests end while shared fixtures go on.
static STARTER: LazyLock<Mutex<mpsc::Sender<Spawn>>> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel::<Spawn>();
    thread::Builder::new()
        .name("starter".to_owned())
        .spawn(move || {
            for (mut command, answer) in receiver {
                let _ = answer.send(command.spawn());
            }
        })
        .expect("a thread");
    Mutex::new(sender)
});

fn spawn(command: Command) -> std::io::Result<Child> {
    let (sender, receiver) = mpsc::channel();
    STARTER.lock().expect("the starter").send((command, sender)).expect("the starter runs");
    receiver.recv().expect("the starter answers")
}

fn read_lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// The last 60 lines.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(60)..).unwrap_or_default().join("\n")
}

/// Whether this process may do everything.
pub fn we_are_root() -> bool {
    rustix::process::geteuid().is_root()
}
