//! A running service: built from its parts, started, stopped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::{Api, Neighbour, server};
use crate::app::App;
use crate::auth::keystone::Keystone;
use crate::auth::{Authenticator, ServiceTokens, TokenValidator};
use crate::config::{AuthConfig, Config};
use crate::db::{self, Db, DbError};
use crate::images::repair;
use crate::policy::{Enforcer, PolicyError};
use crate::stores::{StoreError, Stores};

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
    Identity(#[from] crate::auth::keystone::KeystoneError),
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
}

/// Who says whose a token is, when it is not the configured Keystone.
pub struct LabIdentity {
    pub validator: Arc<dyn TokenValidator>,
    /// Answers the calls of the identity API on the same listener.
    pub neighbour: Arc<dyn Neighbour>,
}

impl Service {
    /// Starts what `config` describes on the listener. The database must have its tables.
    pub async fn start(config: Config, listener: TcpListener) -> Result<Self, StartError> {
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
        Self::start_with(config, listener, authenticator, None).await
    }

    /// Starts a lab: the same service, whose tokens come from its own identity.
    pub async fn start_lab(
        config: Config,
        listener: TcpListener,
        identity: LabIdentity,
    ) -> Result<Self, StartError> {
        let service_tokens = ServiceTokens { roles: vec!["service".to_owned()], roles_required: true };
        let authenticator = Authenticator::new(identity.validator, service_tokens);
        Self::start_with(config, listener, authenticator, Some(identity.neighbour)).await
    }

    async fn start_with(
        config: Config,
        listener: TcpListener,
        authenticator: Authenticator,
        neighbour: Option<Arc<dyn Neighbour>>,
    ) -> Result<Self, StartError> {
        let address = listener.local_addr().map_err(|error| StartError::Other(error.into()))?;
        let app = Arc::new(open(&config, address).await?);
        repair::repair_at_start(&app).await.map_err(|error| StartError::Other(error.into()))?;
        let api = Api::new(Arc::clone(&app), authenticator, neighbour, config.server);
        let api = Arc::new(api.map_err(|error| StartError::Other(error.into()))?);
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(server::serve(listener, api, stopped));
        let heartbeat = tokio::spawn(async move { repair::heartbeat(&app).await });
        Ok(Self { address, stop, server, heartbeat })
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
    }
}

/// Opens every collaborator.
async fn open(config: &Config, address: SocketAddr) -> Result<App, StartError> {
    let database = config.database.clone();
    let db = tokio::task::spawn_blocking(move || Db::open(&database)).await;
    let db = db.map_err(|error| StartError::Other(error.into()))??;
    db.write(db::leases::ensure_table).await?;
    Ok(App {
        db,
        stores: Stores::open(&config.stores)?,
        enforcer: Enforcer::new(&config.policy)?,
        images: config.images.clone(),
        limits: config.limits.clone(),
        node: node_name(address.port()),
    })
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
