//! The configuration of a lab: what an operator would write for one machine, made in memory.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::options::IDENTITY_SECTION;
use crate::config::{
    AuthConfig, Choice, Config, CorsConfig, DatabaseConfig, DatabaseUrl, DomainRef, ImagesConfig,
    KeystoneAccess, KeystoneConfig, LimitsConfig, LogConfig, LoginScope, OutboundConfig, PolicyConfig,
    ProtectionConfig, Secret, ServerConfig, ServiceLogin, StoreConfig, StoreKind, StoresConfig, UpkeepConfig,
};

use super::LabError;
use super::directory::DOMAIN_ID;
use super::folder::Folder;

const TEBIBYTE: u64 = 1 << 40;

pub fn of(folder: &Folder, listen: SocketAddr) -> Result<Config, LabError> {
    let path = folder.path();
    Ok(Config {
        server: ServerConfig {
            bind_host: listen.ip().to_string(),
            bind_port: listen.port(),
            workers: None,
            public_endpoint: None,
            max_request_id_length: 64,
            trust_proxy_headers: false,
            client_timeout: Duration::from_mins(15),
            document_timeout: Duration::from_secs(30),
            flat_json_errors: false,
            disable_by_file: None,
            cors: CorsConfig::default(),
        },
        auth: auth(listen)?,
        database: DatabaseConfig {
            url: DatabaseUrl::Sqlite { path: path.join("glance.sqlite") },
            max_pool_size: 5,
            max_retries: Some(10),
            retry_interval: Duration::from_secs(10),
            mysql_sql_mode: "TRADITIONAL".to_owned(),
            sqlite_synchronous: true,
        },
        stores: StoresConfig {
            stores: vec![StoreConfig {
                id: "file".to_owned(),
                description: None,
                weight: 0,
                kind: StoreKind::File {
                    datadir: path.join("images"),
                    file_perm: Some(0o600),
                    thin_provisioning: false,
                },
            }],
            default: "file".to_owned(),
            multi: false,
        },
        policy: PolicyConfig {
            file: Some(path.join("policy.yaml")),
            dirs: vec![path.join("policy.d")],
            ..PolicyConfig::default()
        },
        limits: limits(),
        keystone_limits: None,
        images: images(),
        upkeep: UpkeepConfig::default(),
        outbound: outbound(),
        log: LogConfig { debug: false, file: None, json: false },
    })
}

/// The lab validates tokens in its own process. Should somebody take this for the way to do it, the login without a
/// password fails, which is better than a lab without identity.
fn auth(listen: SocketAddr) -> Result<AuthConfig, LabError> {
    // A loopback address and a port always make a URL.
    let auth_url: url::Url =
        format!("http://{listen}/identity").parse().map_err(|_| LabError::NotLoopback(listen))?;
    let scope =
        LoginScope::Project { name: "service".to_owned(), domain: DomainRef::Id(DOMAIN_ID.to_owned()) };
    let access = KeystoneAccess {
        section: IDENTITY_SECTION.to_owned(),
        auth_url: auth_url.clone(),
        login: ServiceLogin::Password {
            username: "glance".to_owned(),
            user_domain: DomainRef::Id(DOMAIN_ID.to_owned()),
            password: Secret::new(""),
            scope,
        },
        cafile: None,
        insecure: false,
        timeout: Duration::from_secs(10),
        max_retries: 0,
    };
    Ok(AuthConfig::Keystone(Box::new(KeystoneConfig {
        www_authenticate_uri: Some(auth_url),
        access,
        token_cache_time: None,
        service_token_roles: vec!["service".to_owned()],
        service_token_roles_required: true,
        delay_auth_decision: true,
    })))
}

fn limits() -> LimitsConfig {
    LimitsConfig {
        image_size_cap: TEBIBYTE,
        user_storage_quota: None,
        charge_image_owner: true,
        upload_expiry: Duration::from_hours(24),
        image_member_quota: Some(128),
        image_property_quota: Some(128),
        image_tag_quota: Some(128),
        image_location_quota: Some(10),
        page_size_default: 25,
        page_size_max: 1000,
    }
}

/// What a file without these options says.
fn outbound() -> OutboundConfig {
    OutboundConfig {
        schemes: Choice { allowed: vec!["http".to_owned(), "https".to_owned()], disallowed: Vec::new() },
        hosts: Choice::default(),
        ports: Choice { allowed: vec![80, 443], disallowed: Vec::new() },
    }
}

fn images() -> ImagesConfig {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    ImagesConfig {
        disk_formats: words(&[
            "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop",
        ]),
        container_formats: words(&["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]),
        require_format_match: true,
        vmdk_allowed_types: words(&["streamOptimized", "monolithicSparse"]),
        gpt_checks_nonfatal: Vec::new(),
        hashing_algorithm: "sha512".to_owned(),
        hash_locations: true,
        location_attempts: 3,
        task_time_to_live: Duration::from_hours(48),
        show_image_direct_url: false,
        show_multiple_locations: false,
        import_methods: words(&["glance-direct", "web-download", "copy-image"]),
        schema_dir: None,
        custom_properties: serde_json::Map::new(),
        protection: ProtectionConfig::default(),
    }
}
