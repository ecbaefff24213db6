//! The worker: one thread with a small runtime that carries out effects and reports events. It owns the
//! connection, the transfers and the lab; it knows neither the window nor what is shown in it.

mod catalog;
mod connect;
mod inspect;
pub mod lab;
mod report;
pub mod settings;
mod transfer;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use glasshouse_shared::client::{Client, Progress};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::lab::LabCommand;
use self::report::Reporter;
use crate::clouds::Places;
use crate::effect::Effect;
use crate::event::Event;

/// Wakes the window when there is something to take.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// So many effects and events may wait; far more than a person or a list of images makes at once.
const QUEUE: usize = 512;

/// What the worker is told at the start.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where clouds are looked for.
    pub places: Places,
    pub settings_file: PathBuf,
    pub lab: LabCommand,
}

/// The window's end of the worker.
pub struct Worker {
    effects: mpsc::Sender<Effect>,
    events: mpsc::Receiver<Event>,
    runtime: Handle,
    thread: JoinHandle<()>,
}

impl Worker {
    pub fn start(setup: Setup, waker: Waker) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let handle = runtime.handle().clone();
        let (effects, incoming) = mpsc::channel(QUEUE);
        let (outgoing, events) = mpsc::channel(QUEUE);
        let reporter = Reporter::new(outgoing, waker);
        let thread = std::thread::Builder::new().name("worker".into()).spawn(move || {
            runtime.block_on(Desk::new(setup, reporter).serve(incoming));
            // Whatever still blocks (a dead network file system) must not hold the window open.
            runtime.shutdown_timeout(std::time::Duration::from_secs(2));
        })?;
        Ok(Self { effects, events, runtime: handle, thread })
    }

    /// Hands over an effect; false when the worker is gone or cannot follow.
    pub fn run(&self, effect: Effect) -> bool {
        self.effects.try_send(effect).is_ok()
    }

    /// What was reported since the last call.
    pub fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            events.push(event);
        }
        events
    }

    /// Where the window spawns what it waits for itself, such as the file picker.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Cancels transfers, stops the lab and waits for both.
    pub fn stop(self) {
        drop(self.effects);
        drop(self.events);
        // A worker that panicked has nothing left to wait for.
        let _ = self.thread.join();
    }
}

/// The client of the connection that stands, with its generation.
type Connection = Arc<Mutex<Option<(u64, Client)>>>;

/// The worker's own side: everything that is under way.
struct Desk {
    setup: Setup,
    reporter: Reporter,
    connection: Connection,
    /// The attempt to connect or to list that a newer one replaces.
    attempt: Option<AbortHandle>,
    transfers: HashMap<u64, Progress>,
    lab: Option<CancellationToken>,
    tasks: TaskTracker,
    /// Apart from the other tasks, because they have to end before the lab does.
    moving: TaskTracker,
}

impl Desk {
    fn new(setup: Setup, reporter: Reporter) -> Self {
        Self {
            setup,
            reporter,
            connection: Connection::default(),
            attempt: None,
            transfers: HashMap::new(),
            lab: None,
            tasks: TaskTracker::new(),
            moving: TaskTracker::new(),
        }
    }

    async fn serve(mut self, mut effects: mpsc::Receiver<Effect>) {
        while let Some(effect) = effects.recv().await {
            self.start(effect);
        }
        self.abandon();
        for progress in self.transfers.values() {
            progress.cancel();
        }
        // A cancelled upload takes its image back, for which the service must still be there.
        self.moving.close();
        let _ = tokio::time::timeout(std::time::Duration::from_secs(5), self.moving.wait()).await;
        if let Some(stop) = &self.lab {
            stop.cancel();
        }
        self.tasks.close();
        // Longer than a lab gets to end by itself.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(10), self.tasks.wait()).await;
    }

    fn start(&mut self, effect: Effect) {
        let reporter = self.reporter.clone();
        let places = self.setup.places.clone();
        match effect {
            Effect::FindClouds => self.spawn(connect::find_clouds(places, reporter)),
            Effect::StartLab => {
                let stop = CancellationToken::new();
                self.lab = Some(stop.clone());
                self.spawn(lab::run(self.setup.lab.clone(), stop, reporter));
            }
            Effect::StopLab => {
                if let Some(stop) = &self.lab {
                    stop.cancel();
                }
            }
            Effect::Discover { auth_url } => self.spawn(connect::discover(auth_url, reporter)),
            Effect::Test { form } => self.attempt(connect::test(form, places, reporter)),
            Effect::Connect { generation, target } => {
                self.leave();
                let connection = self.connection.clone();
                self.attempt(connect::connect(generation, target, places, (connection, reporter)));
            }
            Effect::Disconnect => self.leave(),
            Effect::Abandon => self.abandon(),
            Effect::List { generation } => {
                if let Some(client) = self.client(generation) {
                    self.attempt(catalog::list(client, generation, reporter));
                }
            }
            Effect::Delete { generation, id, name } => {
                if let Some(client) = self.client(generation) {
                    self.spawn(catalog::delete(client, generation, (id, name), reporter));
                }
            }
            Effect::Inspect { row, path } => self.spawn(inspect::inspect(row, path, reporter)),
            Effect::Upload { transfer, upload } => {
                let (client, progress) = self.transfer(transfer);
                self.moving.spawn(transfer::upload(client, upload, progress, reporter.of_transfer(transfer)));
            }
            Effect::Download { transfer, download } => {
                let (client, progress) = self.transfer(transfer);
                self.moving.spawn(transfer::download(
                    client,
                    download,
                    progress,
                    reporter.of_transfer(transfer),
                ));
            }
            Effect::CancelTransfer { transfer } => {
                if let Some(progress) = self.transfers.get(&transfer) {
                    progress.cancel();
                }
            }
            Effect::SaveSettings(settings) => {
                let path = self.setup.settings_file.clone();
                self.spawn(settings::save(*settings, path, reporter));
            }
            // These are the window's own.
            Effect::PickFiles { .. }
            | Effect::PickFolder { .. }
            | Effect::CopyText(_)
            | Effect::ApplyTheme(_)
            | Effect::CloseWindow => {}
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Spawns what makes an earlier attempt pointless.
    fn attempt(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.abandon();
        self.attempt = Some(self.tasks.spawn(task).abort_handle());
    }

    fn abandon(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            attempt.abort();
        }
    }

    fn leave(&mut self) {
        self.abandon();
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn client(&self, wanted: u64) -> Option<Client> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.as_ref().filter(|(generation, _)| *generation == wanted).map(|(_, client)| client.clone())
    }

    /// The client of the moment and the counters of a new transfer.
    fn transfer(&mut self, id: u64) -> (Option<Client>, Progress) {
        let progress = Progress::new();
        self.transfers.insert(id, progress.clone());
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        (connection.as_ref().map(|(_, client)| client.clone()), progress)
    }
}
