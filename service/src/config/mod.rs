//! The configuration: one tree, read once, handed out in parts. There is no global.
//!
//! The names in the file are those of `glance-api.conf`; each field says which option fills it.

mod checks;
mod database_url;
mod files;
mod identity;
mod image_schema;
mod ini;
mod load;
pub mod options;
mod problem;
mod reader;
mod settings;
mod show;
mod stores;

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

pub use files::{Sources, owner_and_mode, read, running_user};
pub use load::{Loaded, interpret, interpret_database, load};
pub use problem::{Problem, Severity};
pub use reader::{parse_list, written};
pub use settings::{Environment, Origin, Settings, Written};
pub use show::show;

/// Everything an operator can set. Each collaborator receives only its own part.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: ServerConfig,
    pub auth: AuthConfig,
    pub database: DatabaseConfig,
    pub stores: StoresConfig,
    pub policy: PolicyConfig,
    pub limits: LimitsConfig,
    /// `None`: `use_keystone_limits` is off.
    pub keystone_limits: Option<Box<KeystoneLimitsConfig>>,
    pub images: ImagesConfig,
    pub upkeep: UpkeepConfig,
    pub outbound: OutboundConfig,
    pub log: LogConfig,
}

/// What the commands beside the service are told.
#[derive(Debug, Clone, Copy, Default)]
pub struct UpkeepConfig {
    /// `[glasshouse] scrub_rate` in bytes for each second; `None` = as fast as it goes.
    pub scrub_rate_bytes: Option<u64>,
}

impl UpkeepConfig {
    /// MiB for each second; 0 = no limit.
    pub fn of_rate(mebibytes: u64) -> Self {
        let rate_bytes = mebibytes.saturating_mul(1 << 20);
        Self { scrub_rate_bytes: Some(rate_bytes).filter(|rate_bytes| *rate_bytes > 0) }
    }
}

/// `[DEFAULT]` options of the listener.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// `bind_host`
    pub bind_host: String,
    /// `bind_port`; 0 lets the system choose.
    pub bind_port: u16,
    /// `workers`: threads of the runtime; `None` = one for each processor.
    pub workers: Option<usize>,
    /// `public_endpoint`: base address of links; `None` = from the request.
    pub public_endpoint: Option<Url>,
    /// `max_request_id_length`
    pub max_request_id_length: usize,
    /// `[oslo_middleware] enable_proxy_headers_parsing`
    pub trust_proxy_headers: bool,
    /// `client_socket_timeout`: a sender that is silent for so long is cut off; zero = never.
    pub client_timeout: Duration,
    /// `[glasshouse] document_timeout`: how long the sender of a body that is no image data may be silent.
    pub document_timeout: Duration,
    /// `[glasshouse] flat_json_errors`
    pub flat_json_errors: bool,
    /// `[healthcheck] disable_by_file_path`
    pub disable_by_file: Option<PathBuf>,
    pub cors: CorsConfig,
}

/// `[cors]`
#[derive(Debug, Clone, Default)]
pub struct CorsConfig {
    /// `allowed_origin`; empty: no page from elsewhere.
    pub allowed_origins: Vec<String>,
    pub allow_credentials: bool,
    pub expose_headers: Vec<String>,
    /// `max_age`; 0 = unsaid.
    pub max_age_secs: u32,
    pub allow_methods: Vec<String>,
    pub allow_headers: Vec<String>,
}

/// `[paste_deploy] flavor` and `[keystone_authtoken]`.
#[derive(Debug, Clone)]
pub enum AuthConfig {
    /// No flavor: every caller is an administrator. Only on loopback and only when asked for.
    None,
    Keystone(Box<KeystoneConfig>),
}

/// `[keystone_authtoken]`
#[derive(Debug, Clone)]
pub struct KeystoneConfig {
    pub access: KeystoneAccess,
    /// `www_authenticate_uri`: what a 401 points at.
    pub www_authenticate_uri: Option<Url>,
    /// `token_cache_time`; `None` = no cache (-1).
    pub token_cache_time: Option<Duration>,
    pub service_token_roles: Vec<String>,
    pub service_token_roles_required: bool,
    /// `delay_auth_decision`
    pub delay_auth_decision: bool,
}

/// Where a Keystone is and how the service logs in to it. Tokens and limits are asked for with accounts of their own.
#[derive(Debug, Clone)]
pub struct KeystoneAccess {
    /// The section that says it: `keystone_authtoken`, `oslo_limit` or what `auth_section` names.
    pub section: String,
    /// `auth_url`, without a version suffix; `/v3` is appended by who calls.
    pub auth_url: Url,
    pub login: ServiceLogin,
    pub cafile: Option<PathBuf>,
    pub insecure: bool,
    /// `http_connect_timeout` or `timeout`, with a default of our own; it bounds the whole call.
    pub timeout: Duration,
    /// `http_request_max_retries` or `connect_retries`
    pub max_retries: u32,
}

/// How the service itself logs in to Keystone.
#[derive(Debug, Clone)]
pub enum ServiceLogin {
    Password { username: String, user_domain: DomainRef, password: Secret, scope: LoginScope },
    ApplicationCredential { id: String, secret: Secret },
}

/// What a login is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginScope {
    /// `project_name` and its domain.
    Project { name: String, domain: DomainRef },
    /// `system_scope = all`: the cloud as a whole.
    System,
}

/// A domain by id (`default`) or by name (`Default`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainRef {
    Id(String),
    Name(String),
}

/// A password or a key: printed as `***`, wiped on drop.
#[derive(Clone, PartialEq, Eq, zeroize::ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `connection`
    pub url: DatabaseUrl,
    /// `max_pool_size`
    pub max_pool_size: usize,
    /// `max_retries` of the first connection; `None` = for ever (-1).
    pub max_retries: Option<u32>,
    /// `retry_interval`
    pub retry_interval: Duration,
    /// `mysql_sql_mode`
    pub mysql_sql_mode: String,
    /// `sqlite_synchronous`: commits survive a power cut.
    pub sqlite_synchronous: bool,
}

/// Which database, as `connection` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:////absolute/path`
    Sqlite { path: PathBuf },
    /// `mysql+pymysql://user:password@host:port/database?charset=utf8`
    Mariadb {
        host: String,
        port: u16,
        user: String,
        password: Secret,
        database: String,
        ssl_ca: Option<PathBuf>,
    },
}

/// `[glance_store]`, `enabled_backends` and the sections it names.
#[derive(Debug, Clone)]
pub struct StoresConfig {
    pub stores: Vec<StoreConfig>,
    /// Id of the store that takes what names none.
    pub default: String,
    /// `enabled_backends` is set: stores have ids that clients see.
    pub multi: bool,
}

/// One configured store.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    pub id: String,
    /// `store_description`
    pub description: Option<String>,
    pub weight: i64,
    pub kind: StoreKind,
}

/// The driver of a store and its options.
#[derive(Debug, Clone)]
pub enum StoreKind {
    File {
        /// `filesystem_store_datadir`
        datadir: PathBuf,
        /// `filesystem_store_file_perm` in octal digits; `None` = leave (0).
        file_perm: Option<u32>,
        /// `filesystem_thin_provisioning`
        thin_provisioning: bool,
    },
    /// `http`: reads only.
    Http {
        /// `https_insecure`
        insecure: bool,
        /// `https_ca_certificates_file`
        ca_file: Option<PathBuf>,
    },
}

/// `[oslo_policy]`
#[derive(Debug, Clone)]
pub struct PolicyConfig {
    /// `policy_file`, made absolute; it need not exist.
    pub file: Option<PathBuf>,
    /// `policy_dirs`, made absolute; they need not exist.
    pub dirs: Vec<PathBuf>,
    /// `enforce_new_defaults`
    pub enforce_new_defaults: bool,
    pub remote: RemoteChecksConfig,
}

impl Default for PolicyConfig {
    /// Nothing but the default rules.
    fn default() -> Self {
        Self {
            file: None,
            dirs: Vec::new(),
            enforce_new_defaults: true,
            remote: RemoteChecksConfig::default(),
        }
    }
}

/// `[oslo_policy] remote_…`: how the servers of `http:` and `https:` checks are asked.
#[derive(Debug, Clone)]
pub struct RemoteChecksConfig {
    /// `remote_content_type`
    pub content_type: RemoteContentType,
    /// `remote_timeout`
    pub timeout: Duration,
    /// `remote_ssl_verify_server_crt`
    pub verify_server: bool,
    /// `remote_ssl_ca_crt_file`
    pub ca_file: Option<PathBuf>,
    /// `remote_ssl_client_crt_file`
    pub client_certificate: Option<PathBuf>,
    /// `remote_ssl_client_key_file`
    pub client_key: Option<PathBuf>,
}

impl Default for RemoteChecksConfig {
    fn default() -> Self {
        Self {
            content_type: RemoteContentType::default(),
            timeout: Duration::from_mins(1),
            verify_server: false,
            ca_file: None,
            client_certificate: None,
            client_key: None,
        }
    }
}

/// The form of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemoteContentType {
    #[default]
    Form,
    Json,
}

/// Counts and sizes that a request may not pass. `None` = unlimited.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// `image_size_cap` in bytes
    pub image_size_cap: u64,
    /// `user_storage_quota` in bytes; also `None` where Keystone has the limits.
    pub user_storage_quota: Option<u64>,
    /// `[glasshouse] charge_image_owner`: the owner's project pays for an image, else the caller's.
    pub charge_image_owner: bool,
    /// `[glasshouse] upload_expiry`: how long a resumable upload waits for more data.
    pub upload_expiry: Duration,
    pub image_member_quota: Option<u32>,
    pub image_property_quota: Option<u32>,
    pub image_tag_quota: Option<u32>,
    pub image_location_quota: Option<u32>,
    /// `limit_param_default`
    pub page_size_default: u32,
    /// `api_limit_max`
    pub page_size_max: u32,
}

/// `use_keystone_limits` and `[oslo_limit]`: where the limits of a project are read.
#[derive(Debug, Clone)]
pub struct KeystoneLimitsConfig {
    pub access: KeystoneAccess,
    pub endpoint: EndpointRef,
    /// `[glasshouse] keystone_limits_cache_time`; zero = ask each time.
    pub cache_time: Duration,
}

/// The endpoint in Keystone's catalog whose limits count: its service and its region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointRef {
    /// `endpoint_id`
    Id(String),
    /// `endpoint_service_type`, `endpoint_service_name`, `endpoint_region_name`, `endpoint_interface`
    Lookup {
        service_type: Option<String>,
        service_name: Option<String>,
        region: Option<String>,
        interface: String,
    },
}

/// What an image may be and what of it is shown.
#[derive(Debug, Clone)]
pub struct ImagesConfig {
    /// `[image_format] disk_formats`
    pub disk_formats: Vec<String>,
    /// `[image_format] container_formats`
    pub container_formats: Vec<String>,
    /// `[image_format] require_image_format_match`
    pub require_format_match: bool,
    /// `[image_format] vmdk_allowed_types`
    pub vmdk_allowed_types: Vec<String>,
    /// `[image_format] gpt_safety_checks_nonfatal`
    pub gpt_checks_nonfatal: Vec<String>,
    /// `hashing_algorithm`
    pub hashing_algorithm: String,
    /// `do_secure_hash`: the data of a location that is added is read.
    pub hash_locations: bool,
    /// `http_retries`: attempts at that.
    pub location_attempts: u32,
    /// `[task] task_time_to_live`
    pub task_time_to_live: Duration,
    pub show_image_direct_url: bool,
    pub show_multiple_locations: bool,
    /// `enabled_import_methods`
    pub import_methods: Vec<String>,
    /// Directory that holds `schema-image.json`, if any.
    pub schema_dir: Option<PathBuf>,
    /// What that file says of custom properties: for each name a piece of JSON schema.
    pub custom_properties: serde_json::Map<String, serde_json::Value>,
    pub protection: ProtectionConfig,
}

/// `[import_filtering_opts]`: where the service may go when somebody else names the address.
#[derive(Debug, Clone, Default)]
pub struct OutboundConfig {
    /// `allowed_schemes`, `disallowed_schemes`
    pub schemes: Choice<String>,
    /// `allowed_hosts`, `disallowed_hosts`
    pub hosts: Choice<String>,
    /// `allowed_ports`, `disallowed_ports`
    pub ports: Choice<u16>,
}

/// A white list, and a black one that counts only while the white one is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<T> {
    pub allowed: Vec<T>,
    pub disallowed: Vec<T>,
}

impl<T> Default for Choice<T> {
    fn default() -> Self {
        Self { allowed: Vec::new(), disallowed: Vec::new() }
    }
}

impl<T: PartialEq> Choice<T> {
    pub fn permits(&self, value: &T) -> bool {
        if self.allowed.is_empty() { !self.disallowed.contains(value) } else { self.allowed.contains(value) }
    }
}

/// `property_protection_file` and `property_protection_rule_format`
#[derive(Debug, Clone, Default)]
pub struct ProtectionConfig {
    /// Made absolute; `None` = no property is protected.
    pub file: Option<PathBuf>,
    pub format: ProtectionFormat,
}

/// What stands behind an operation in the property protection file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProtectionFormat {
    #[default]
    Roles,
    Policies,
}

/// `[DEFAULT]` options of the log.
#[derive(Debug, Clone)]
pub struct LogConfig {
    pub debug: bool,
    /// `log_file`, under `log_dir` when relative; `None` = stderr.
    pub file: Option<PathBuf>,
    /// `use_json`
    pub json: bool,
}
