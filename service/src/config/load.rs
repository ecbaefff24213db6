//! The settings into the tree, and all problems at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::{Sources, absolute, read};
use super::problem::{Problem, Severity};
use super::reader::Reader;
use super::{
    Choice, Config, CorsConfig, DatabaseConfig, DatabaseUrl, Environment, ImagesConfig, LimitsConfig,
    LogConfig, OutboundConfig, PolicyConfig, ProtectionConfig, ProtectionFormat, RemoteChecksConfig,
    RemoteContentType, ServerConfig, UpkeepConfig, checks, database_url, identity, image_schema, stores,
};

/// A configuration that can be started with, and what should be said about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    pub warnings: Vec<Problem>,
    pub sources: Sources,
}

/// Reads the files (or those of the usual places), the directories and the environment. On failure every problem is
/// in the list, warnings too.
pub fn load(files: &[PathBuf], dirs: &[PathBuf], environment: &Environment) -> Result<Loaded, Vec<Problem>> {
    let sources = read(files, dirs, environment);
    let (config, problems) = interpret(&sources);
    match config {
        Some(config) => Ok(Loaded { config, warnings: problems, sources }),
        None => Err(problems),
    }
}

/// The tree, `None` as soon as one problem is an error; and all problems, in the order of the files.
pub fn interpret(sources: &Sources) -> (Option<Config>, Vec<Problem>) {
    let mut problems = sources.problems.clone();
    // Without a file the rest would only say that everything is missing.
    if sources.settings.files.is_empty() && !problems.is_empty() {
        return (None, problems);
    }
    let mut reader = Reader::new(&sources.settings);
    let config = tree(&mut reader, sources);
    let address = reader.written("database", "connection");
    let has_sqlite = address.as_ref().is_some_and(|written| written.text.starts_with("sqlite"));
    problems.append(&mut reader.problems);
    if has_sqlite || address.is_none() {
        problems.extend(checks::forgotten_database(sources, has_sqlite));
    }
    problems.extend(checks::names(sources));
    problems.extend(checks::registry(sources));
    in_order(&mut problems, sources);
    let refused = problems.iter().any(|problem| problem.severity == Severity::Error);
    (config.filter(|_| !refused), problems)
}

/// `[database]` alone, for commands that need nothing else: a fault elsewhere does not stop them.
pub fn interpret_database(sources: &Sources) -> (Option<DatabaseConfig>, Vec<Problem>) {
    let mut problems = sources.problems.clone();
    let mut reader = Reader::new(&sources.settings);
    let config = database(&mut reader, sources);
    let has_sqlite = config.as_ref().is_some_and(|config| matches!(config.url, DatabaseUrl::Sqlite { .. }));
    problems.append(&mut reader.problems);
    if has_sqlite || config.is_none() {
        problems.extend(checks::forgotten_database(sources, has_sqlite));
    }
    let of_database = |problem: &Problem| problem.section.eq_ignore_ascii_case("database");
    problems.extend(checks::names(sources).into_iter().filter(of_database));
    problems.extend(checks::registry(sources));
    in_order(&mut problems, sources);
    let refused = problems.iter().any(|problem| problem.severity == Severity::Error);
    (config.filter(|_| !refused), problems)
}

/// By file as read, then by line; what stands nowhere first. One problem is told once.
fn in_order(problems: &mut Vec<Problem>, sources: &Sources) {
    let order = |problem: &Problem| {
        let file = problem.file.as_deref();
        let number = file.map(|file| sources.files().position(|read| read == file).unwrap_or(usize::MAX));
        (number, problem.line)
    };
    problems.sort_by_key(order);
    problems.dedup();
}

fn tree(reader: &mut Reader, sources: &Sources) -> Option<Config> {
    let server = server(reader);
    let auth = identity::read(reader, &server.bind_host);
    let database = database(reader, sources);
    let stores = stores::read(reader);
    let policy = policy(reader, sources);
    let limits = limits(reader);
    let keystone_limits = identity::limits(reader).map(Box::new);
    let images = images(reader, sources);
    let upkeep = UpkeepConfig::of_rate(reader.number("glasshouse", "scrub_rate"));
    let outbound = outbound(reader);
    let log = log(reader);
    // Only here may one be absent: by now each has said all that is wrong with it.
    let (auth, database, stores) = (auth?, database?, stores?);
    Some(Config {
        server,
        auth,
        database,
        stores,
        policy,
        limits,
        keystone_limits,
        images,
        upkeep,
        outbound,
        log,
    })
}

fn server(reader: &mut Reader) -> ServerConfig {
    ServerConfig {
        // An IPv6 address may be written as in an address of the web.
        bind_host: reader
            .text("DEFAULT", "bind_host")
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned(),
        bind_port: reader.number("DEFAULT", "bind_port"),
        workers: Some(reader.number("DEFAULT", "workers")).filter(|workers| *workers > 0),
        public_endpoint: reader.url("DEFAULT", "public_endpoint"),
        max_request_id_length: reader.number("DEFAULT", "max_request_id_length"),
        trust_proxy_headers: reader.boolean("oslo_middleware", "enable_proxy_headers_parsing"),
        client_timeout: Duration::from_secs(reader.number("DEFAULT", "client_socket_timeout")),
        document_timeout: Duration::from_secs(
            reader.number::<u32>("glasshouse", "document_timeout").max(1).into(),
        ),
        flat_json_errors: reader.boolean("glasshouse", "flat_json_errors"),
        disable_by_file: reader.path("healthcheck", "disable_by_file_path"),
        cors: cors(reader),
    }
}

fn cors(reader: &mut Reader) -> CorsConfig {
    CorsConfig {
        allowed_origins: reader.list("cors", "allowed_origin"),
        allow_credentials: reader.boolean("cors", "allow_credentials"),
        expose_headers: reader.list("cors", "expose_headers"),
        max_age_secs: reader.number("cors", "max_age"),
        allow_methods: reader.list("cors", "allow_methods"),
        allow_headers: reader.list("cors", "allow_headers"),
    }
}

fn database(reader: &mut Reader, sources: &Sources) -> Option<DatabaseConfig> {
    let max_retries = reader.integer("database", "max_retries", -1);
    let max_pool_size = reader.integer("database", "max_pool_size", 0);
    let rest = |url, reader: &mut Reader| DatabaseConfig {
        url,
        // 0 is "no limit" to SQLAlchemy; a pool has one.
        max_pool_size: usize::try_from(max_pool_size).ok().filter(|size| *size > 0).unwrap_or(100),
        max_retries: u32::try_from(max_retries).ok(),
        retry_interval: Duration::from_secs(reader.number("database", "retry_interval")),
        mysql_sql_mode: reader.text("database", "mysql_sql_mode").unwrap_or_default(),
        sqlite_synchronous: reader.boolean("database", "sqlite_synchronous"),
    };
    let Some(written) = reader.written("database", "connection") else {
        let named = reader.problems.iter().any(|problem| problem.option.ends_with("connection"));
        if !named {
            let file = sources.main_file().map_or("the file".to_owned(), |file| file.display().to_string());
            reader.absent(
                "database",
                "connection",
                "is not set, so there is no database",
                format!("write `connection = mysql+pymysql://USER:PASSWORD@HOST/DATABASE` below [database] in {file}"),
            );
        }
        return None;
    };
    match database_url::parse(&written.text) {
        Ok(parsed) => {
            for warning in parsed.warnings {
                reader.warn(&written, warning.what, warning.mend);
            }
            Some(rest(parsed.url, reader))
        }
        Err(refusal) => {
            reader.error(&written, refusal.what, refusal.mend);
            None
        }
    }
}

fn policy(reader: &mut Reader, sources: &Sources) -> PolicyConfig {
    let directory = sources.directory.clone().unwrap_or_else(|| absolute(Path::new(".")));
    let written = reader.written("oslo_policy", "policy_file");
    let named = reader.text("oslo_policy", "policy_file").map(|name| directory.join(name));
    if let (Some(written), Some(file)) = (&written, &named)
        && !file.exists()
    {
        let what = format!("there is no file {}, so the default rules count", file.display());
        reader.warn(written, what, "write the file or remove the line");
    }
    // Before the release Wallaby the file was JSON, which is YAML as well.
    let old = directory.join("policy.json");
    let file = match named {
        Some(file) if written.is_none() && !file.exists() && old.exists() => Some(old),
        other => other,
    };
    let mut dirs: Vec<String> = reader
        .settings
        .written_all("oslo_policy", "policy_dirs")
        .into_iter()
        .map(|written| written.text)
        .collect();
    if dirs.is_empty() {
        dirs.extend(reader.text("oslo_policy", "policy_dirs"));
    }
    PolicyConfig {
        file,
        dirs: dirs.iter().map(|dir| directory.join(dir)).collect(),
        enforce_new_defaults: reader.boolean("oslo_policy", "enforce_new_defaults"),
        remote: remote_checks(reader),
    }
}

fn remote_checks(reader: &mut Reader) -> RemoteChecksConfig {
    const SECTION: &str = "oslo_policy";
    let content_type = |text: &str| match text {
        "application/x-www-form-urlencoded" => Some(RemoteContentType::Form),
        "application/json" => Some(RemoteContentType::Json),
        _ => None,
    };
    let wanted = "application/x-www-form-urlencoded or application/json";
    let seconds = |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok();
    RemoteChecksConfig {
        content_type: reader.parse(SECTION, "remote_content_type", wanted, content_type).unwrap_or_default(),
        timeout: reader
            .parse(SECTION, "remote_timeout", "a number of seconds", seconds)
            .unwrap_or(Duration::from_mins(1)),
        verify_server: reader.boolean(SECTION, "remote_ssl_verify_server_crt"),
        ca_file: reader.path(SECTION, "remote_ssl_ca_crt_file"),
        client_certificate: reader.path(SECTION, "remote_ssl_client_crt_file"),
        client_key: reader.path(SECTION, "remote_ssl_client_key_file"),
    }
}

fn limits(reader: &mut Reader) -> LimitsConfig {
    let quota = |reader: &mut Reader, name| u32::try_from(reader.integer("DEFAULT", name, i64::MIN)).ok();
    let wanted = "a number of bytes, alone or with B, KB, MB, GB or TB";
    let storage = reader.parse("DEFAULT", "user_storage_quota", wanted, parse_size).unwrap_or(0);
    let keystone_has_them = reader.boolean("DEFAULT", "use_keystone_limits");
    LimitsConfig {
        image_size_cap: reader.number("DEFAULT", "image_size_cap"),
        user_storage_quota: Some(storage).filter(|bytes| *bytes > 0 && !keystone_has_them),
        charge_image_owner: reader.boolean("glasshouse", "charge_image_owner"),
        upload_expiry: Duration::from_secs(reader.number::<u64>("glasshouse", "upload_expiry").max(1)),
        image_member_quota: quota(reader, "image_member_quota"),
        image_property_quota: quota(reader, "image_property_quota"),
        image_tag_quota: quota(reader, "image_tag_quota"),
        image_location_quota: quota(reader, "image_location_quota"),
        page_size_default: reader.number("DEFAULT", "limit_param_default"),
        page_size_max: reader.number("DEFAULT", "api_limit_max"),
    }
}

/// `10GB`, in powers of 1024; without blanks and fractions, as Glance reads it.
fn parse_size(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let power = match unit {
        "" | "B" => 0,
        "KB" => 1,
        "MB" => 2,
        "GB" => 3,
        "TB" => 4,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1024_u64.checked_pow(power)?)
}

/// The hashes that can be computed here, by their name in Python's hashlib.
const HASHES: [&str; 5] = ["md5", "sha1", "sha256", "sha384", "sha512"];

fn images(reader: &mut Reader, sources: &Sources) -> ImagesConfig {
    let wanted = format!("a hash that is known here ({})", HASHES.join(", "));
    let known = |text: &str| HASHES.contains(&text).then(|| text.to_owned());
    let directory = sources.directory.clone();
    ImagesConfig {
        disk_formats: reader.list("image_format", "disk_formats"),
        container_formats: reader.list("image_format", "container_formats"),
        require_format_match: reader.boolean("image_format", "require_image_format_match"),
        vmdk_allowed_types: reader.list("image_format", "vmdk_allowed_types"),
        gpt_checks_nonfatal: reader.list("image_format", "gpt_safety_checks_nonfatal"),
        hashing_algorithm: reader.parse("DEFAULT", "hashing_algorithm", &wanted, known).unwrap_or_default(),
        hash_locations: reader.boolean("DEFAULT", "do_secure_hash"),
        location_attempts: reader.number::<u32>("DEFAULT", "http_retries").max(1),
        task_time_to_live: Duration::from_hours(reader.number("task", "task_time_to_live")),
        show_image_direct_url: reader.boolean("DEFAULT", "show_image_direct_url"),
        show_multiple_locations: reader.boolean("DEFAULT", "show_multiple_locations"),
        import_methods: import_methods(reader),
        custom_properties: image_schema::custom_properties(reader, directory.as_deref()),
        schema_dir: directory.clone().filter(|directory| directory.join("schema-image.json").exists()),
        protection: protection(reader, directory.as_deref()),
    }
}

const FILTER: &str = "import_filtering_opts";

fn outbound(reader: &mut Reader) -> OutboundConfig {
    let words = |reader: &mut Reader, allowed, disallowed| Choice {
        allowed: reader.list(FILTER, allowed),
        disallowed: reader.list(FILTER, disallowed),
    };
    OutboundConfig {
        schemes: words(reader, "allowed_schemes", "disallowed_schemes"),
        hosts: words(reader, "allowed_hosts", "disallowed_hosts"),
        ports: Choice {
            allowed: ports(reader, "allowed_ports"),
            disallowed: ports(reader, "disallowed_ports"),
        },
    }
}

/// A list of ports; one that is none is an error, lest the filter be another than the one that was meant.
fn ports(reader: &mut Reader, name: &str) -> Vec<u16> {
    let words = reader.list(FILTER, name);
    let wrong = words.iter().find(|word| word.parse::<u16>().is_err());
    if let (Some(wrong), Some(written)) = (wrong, reader.written(FILTER, name)) {
        let what = format!("\"{wrong}\" is no port");
        reader.error(&written, what, format!("write `{name} = [80,443]`"));
    }
    words.iter().filter_map(|word| word.parse().ok()).collect()
}

fn protection(reader: &mut Reader, directory: Option<&Path>) -> ProtectionConfig {
    let format = |text: &str| match text.to_ascii_lowercase().as_str() {
        "roles" => Some(ProtectionFormat::Roles),
        "policies" => Some(ProtectionFormat::Policies),
        _ => None,
    };
    let file = reader.path("DEFAULT", "property_protection_file");
    ProtectionConfig {
        file: file.map(|file| directory.map_or_else(|| absolute(&file), |directory| directory.join(&file))),
        format: reader
            .parse("DEFAULT", "property_protection_rule_format", "roles or policies", format)
            .unwrap_or_default(),
    }
}

const IMPORT_METHODS: [&str; 4] = ["glance-direct", "web-download", "copy-image", "glance-download"];

fn import_methods(reader: &mut Reader) -> Vec<String> {
    let methods = reader.list("DEFAULT", "enabled_import_methods");
    let written = reader.written("DEFAULT", "enabled_import_methods");
    if let (Some(written), Some(unknown)) =
        (written, methods.iter().find(|method| !IMPORT_METHODS.contains(&method.as_str())))
    {
        let what = format!("\"{unknown}\" is no import method");
        reader.error(&written, what, format!("write some of {}", IMPORT_METHODS.join(",")));
    }
    methods
}

fn log(reader: &mut Reader) -> LogConfig {
    let file = reader.path("DEFAULT", "log_file");
    let dir = reader.path("DEFAULT", "log_dir");
    let file = match (file, dir) {
        (Some(file), Some(dir)) => Some(dir.join(file)),
        (Some(file), None) => Some(file),
        (None, Some(dir)) => Some(dir.join("glance-api.log")),
        (None, None) => None,
    };
    LogConfig {
        debug: reader.boolean("DEFAULT", "debug"),
        file: file.map(|file| absolute(&file)),
        json: reader.boolean("DEFAULT", "use_json"),
    }
}

#[cfg(test)]
mod tests;
