//! A running service: built from its parts, started, stopped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::threads::Threads;
use crate::api::{Api, Neighbour, server};
use crate::app::App;
use crate::auth::keystone::{Keystone, LimitsReader};
use crate::auth::{Authenticator, ServiceTokens, TokenValidator};
use crate::config::{AuthConfig, Config};
use crate::db::{self, Db, DbError};
use crate::images::protection::{ProtectionError, Protections};
use crate::images::repair;
use crate::images::resumable::Uploads;
use crate::jobs::Jobs;
use crate::lab::{self, Identity, LabError, LabOptions};
use crate::outbound::Filter;
use crate::policy::{Enforcer, PolicyError};
use crate::stores::{StoreError, Stores};

/// The one node of a lab.
const LAB_NODE: &str = "lab";

/// Why a service could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{0}")]
    Database(#[from] DbError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Policy(#[from] PolicyError),
    #[error("{0}")]
    Protection(#[from] ProtectionError),
    #[error("{0}")]
    Identity(#[from] crate::auth::keystone::KeystoneError),
    #[error("{0}")]
    Lab(#[from] LabError),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: String, source: io::Error },
    #[error("{0}")]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

/// A service that answers.
pub struct Service {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    heartbeat: JoinHandle<()>,
    app: Arc<App>,
}

impl Service {
    /// Starts what `config` describes. The database must have its tables.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let listener = listen((config.server.bind_host.as_str(), config.server.bind_port)).await?;
        let authenticator = match &config.auth {
            AuthConfig::None => Authenticator::none(),
            AuthConfig::Keystone(keystone) => {
                let service_tokens = ServiceTokens {
                    roles: keystone.service_token_roles.clone(),
                    roles_required: keystone.service_token_roles_required,
                };
                Authenticator::new(Arc::new(Keystone::new(keystone)?), service_tokens)
            }
        };
        let db = connect(&config).await?;
        let node = node_name(listener.local_addr().map_err(other)?.port());
        Self::start_with(open(&config, db, node).await?, listener, (config, authenticator), None).await
    }

    /// Starts a lab, and makes it at its first start: the same service, whose tokens come from its own identity.
    pub async fn start_lab(options: LabOptions) -> Result<Self, StartError> {
        let listener = listen((options.listen.ip().to_string().as_str(), options.listen.port())).await?;
        let listen = listener.local_addr().map_err(other)?;
        let prepared = blocking(move || lab::prepare(&LabOptions { listen, ..options })).await?;
        let (config, identity) = prepared?;
        let identity = Arc::new(identity);
        let service_tokens = ServiceTokens { roles: vec!["service".to_owned()], roles_required: true };
        let validator: Arc<dyn TokenValidator> = identity.clone();
        let authenticator = Authenticator::new(validator, service_tokens);
        let db = connect(&config).await?;
        db.write(db::schema::sync).await?;
        // The folder is locked: whatever its last owner left, on whatever port it listened, belongs to nobody now.
        let app = open(&config, db, LAB_NODE.to_owned()).await?;
        Self::start_with(app, listener, (config, authenticator), Some(identity)).await
    }

    async fn start_with(
        app: App,
        listener: TcpListener,
        (config, authenticator): (Config, Authenticator),
        neighbour: Option<Arc<dyn Neighbour>>,
    ) -> Result<Self, StartError> {
        let address = listener.local_addr().map_err(other)?;
        let app = Arc::new(app);
        repair::repair_at_start(&app).await.map_err(other)?;
        let threads = Threads::start(config.server.workers).map_err(other)?;
        let api = Api::new(Arc::clone(&app), authenticator, neighbour, config.server);
        let api = Arc::new(api.map_err(other)?);
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(server::serve(listener, api, threads, stopped));
        let beating = Arc::clone(&app);
        let heartbeat = tokio::spawn(async move { repair::heartbeat(&beating).await });
        Ok(Self { address, stop, server, heartbeat, app })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connection, lets requests in flight end, and returns.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the server did not end cleanly");
        }
        self.heartbeat.abort();
        self.app.jobs.stop().await;
    }
}

/// Opens every collaborator.
async fn open(config: &Config, db: Db, node: String) -> Result<App, StartError> {
    db.write(db::own_tables).await?;
    let enforcer = Enforcer::new(&config.policy)?;
    let protections = Protections::read(&config.images.protection, &enforcer)?;
    enforcer.warn_of_unknown_rules();
    let keystone_limits = config.keystone_limits.as_deref().map(LimitsReader::new).transpose()?;
    let outbound = Arc::new(Filter::new(&config.outbound));
    Ok(App {
        db,
        stores: Stores::open(&config.stores, &outbound)?,
        enforcer,
        protections,
        images: config.images.clone(),
        limits: config.limits.clone(),
        keystone_limits,
        outbound,
        jobs: Jobs::new(Handle::current()),
        node,
        uploads: Uploads::default(),
    })
}

async fn connect(config: &Config) -> Result<Db, StartError> {
    let database = config.database.clone();
    Ok(blocking(move || Db::open(&database)).await??)
}

async fn listen((host, port): (&str, u16)) -> Result<TcpListener, StartError> {
    let refused = |source| StartError::Listen { address: format!("{host}:{port}"), source };
    TcpListener::bind((host, port)).await.map_err(refused)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StartError> {
    tokio::task::spawn_blocking(work).await.map_err(other)
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StartError {
    StartError::Other(error.into())
}

/// The same after a restart, and another for every service that shares the database: host and port.
fn node_name(port: u16) -> String {
    format!("{}:{port}", host_name())
}

#[cfg(unix)]
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Only labs run on other systems, each with a database of its own.
#[cfg(not(unix))]
fn host_name() -> String {
    "local".to_owned()
}

/// The lab's identity answers beside the image API, so that one port is enough.
#[async_trait]
impl Neighbour for Identity {
    fn prefix(&self) -> &'static str {
        "/identity"
    }

    async fn answer(
        &self,
        head: &http::request::Parts,
        path: &str,
        body: &[u8],
        base_url: &str,
    ) -> http::Response<Vec<u8>> {
        Self::answer(self, (&head.method, path, head.uri.query()), &head.headers, body, base_url).await
    }
}
