//! The one struct of collaborators that every use case receives.

use std::sync::Arc;

use crate::auth::keystone::LimitsReader;
use crate::config::{ImagesConfig, LimitsConfig};
use crate::db::Db;
use crate::images::protection::Protections;
use crate::images::resumable::Uploads;
use crate::jobs::Jobs;
use crate::outbound::Filter;
use crate::policy::Enforcer;
use crate::stores::Stores;

pub struct App {
    pub db: Db,
    pub stores: Stores,
    pub enforcer: Enforcer,
    pub protections: Protections,
    pub images: ImagesConfig,
    pub limits: LimitsConfig,
    /// `None`: Keystone has no limits for this service.
    pub keystone_limits: Option<LimitsReader>,
    pub outbound: Arc<Filter>,
    pub jobs: Jobs,
    /// Names this node in its leases; the same after a restart.
    pub node: String,
    /// Resumable uploads whose data comes, or came, through this node.
    pub uploads: Uploads,
}
