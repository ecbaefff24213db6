//! Where bytes are kept: named, configured stores over drivers. Nothing here knows what an image is.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::config::{StoreConfig, StoreKind, StoresConfig};
use crate::outbound::Filter;

pub mod backend;
#[cfg(test)]
mod conformance;
mod file;
mod http;

pub use backend::{Backend, Batch, ByteRange, ByteStream, Content, KeptObject, Lender, StoredObject, Writer};

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("nothing is stored there")]
    NotFound,
    #[error("something is stored there already")]
    Duplicate,
    #[error("the store is full")]
    Full(#[source] std::io::Error),
    #[error("the store refuses access to {path}: {source}")]
    Denied { path: String, source: std::io::Error },
    #[error("the store is read-only")]
    ReadOnly,
    /// Cut off, or another thing than was stored.
    #[error("{stored_bytes} bytes are stored and {recorded_bytes} are recorded")]
    WrongSize { recorded_bytes: u64, stored_bytes: u64 },
    /// A server that holds the bytes is away, or in trouble of its own.
    #[error("the server of the store cannot be reached: {0}")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("{0:?} is not a location of this store")]
    BadLocation(String),
    #[error("the store failed: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A configured, named backend.
pub struct Store {
    pub id: String,
    pub description: Option<String>,
    /// Copies are read from the heaviest store first.
    pub weight: i64,
    pub read_only: bool,
    /// The driver, by its name in `enabled_backends`.
    pub kind: &'static str,
    /// What an administrator is told of the driver.
    pub properties: Map<String, Value>,
    backend: Arc<dyn Backend>,
}

impl Store {
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }
}

/// All configured stores.
pub struct Stores {
    all: Vec<Store>,
    default: String,
    multi: bool,
}

impl Stores {
    /// Makes the drivers. Touches no disk beyond creating missing directories.
    /// `outbound` says where web servers may lead.
    pub fn open(config: &StoresConfig, outbound: &Arc<Filter>) -> Result<Self, StoreError> {
        let all = config.stores.iter().map(|store| open_store(store, outbound)).collect::<Result<_, _>>()?;
        Ok(Self { all, default: config.default.clone(), multi: config.multi })
    }

    /// The store that takes what names none.
    pub fn default_store(&self) -> Option<&Store> {
        self.get(&self.default)
    }

    pub fn get(&self, id: &str) -> Option<&Store> {
        self.all.iter().find(|store| store.id == id)
    }

    /// Stores have ids that clients see (`enabled_backends` is set).
    pub fn is_multi(&self) -> bool {
        self.multi
    }

    pub fn iter(&self) -> impl Iterator<Item = &Store> {
        self.all.iter()
    }

    /// The store that can read `url`: the one that the location's metadata names, else the first of its scheme.
    pub fn for_location(&self, url: &str, store_id: Option<&str>) -> Option<&Store> {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme)?;
        let of_scheme = |store: &&Store| store.backend.reads(scheme);
        store_id.and_then(|id| self.get(id)).filter(of_scheme).or_else(|| self.all.iter().find(of_scheme))
    }
}

fn open_store(config: &StoreConfig, outbound: &Arc<Filter>) -> Result<Store, StoreError> {
    let (kind, backend, properties): (_, Arc<dyn Backend>, _) = match &config.kind {
        StoreKind::File { datadir, file_perm, thin_provisioning } => {
            let properties = json!({
                "data_dir": datadir,
                "chunk_size": file::READ_BLOCK_BYTES,
                "thin_provisioning": thin_provisioning,
            });
            ("file", Arc::new(file::FileBackend::open(datadir, *file_perm)?), properties)
        }
        StoreKind::Http { insecure, ca_file } => {
            let backend = http::HttpBackend::open(*insecure, ca_file.as_deref(), outbound)?;
            ("http", Arc::new(backend), json!({}))
        }
    };
    let properties = properties.as_object().cloned().unwrap_or_default();
    Ok(Store {
        id: config.id.clone(),
        description: config.description.clone(),
        weight: config.weight,
        read_only: matches!(config.kind, StoreKind::Http { .. }),
        kind,
        properties,
        backend,
    })
}
