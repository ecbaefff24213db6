//! `[paste_deploy] flavor`, `[keystone_authtoken]` and `[oslo_limit]` into who may call and how the service logs in.

use std::net::IpAddr;
use std::time::Duration;

use url::Url;

use super::options::{IDENTITY_SECTION, LIMITS_SECTION};
use super::reader::{Reader, parse_url};
use super::settings::Written;
use super::{
    AuthConfig, DomainRef, EndpointRef, KeystoneAccess, KeystoneConfig, KeystoneLimitsConfig, LoginScope,
    Secret, ServiceLogin,
};

/// The port of Keystone's second listener, which it has not had since 2018.
const OLD_ADMIN_PORT: u16 = 35357;
const PORT: u16 = 5000;

/// The whole of authentication, or `None` with the reasons in the reader.
pub fn read(reader: &mut Reader, bind_host: &str) -> Option<AuthConfig> {
    let flavor = reader.written("paste_deploy", "flavor").filter(|written| written.text != "none");
    let Some(flavor) = flavor else { return without_authentication(reader, bind_host) };
    let mut words = flavor.text.split('+');
    if words.any(|word| word == "keystone") {
        return keystone(reader).map(|keystone| AuthConfig::Keystone(Box::new(keystone)));
    }
    match flavor.text.as_str() {
        "caching" | "cachemanagement" => {
            reader.warn(&flavor, "this flavor has no authentication", "write `flavor = keystone`");
            without_authentication(reader, bind_host)
        }
        other => {
            reader.error(
                &flavor,
                format!("\"{other}\" is no pipeline of this service"),
                "write `flavor = keystone`",
            );
            None
        }
    }
}

fn without_authentication(reader: &mut Reader, bind_host: &str) -> Option<AuthConfig> {
    if !reader.boolean("glasshouse", "allow_no_auth") {
        reader.absent(
            "paste_deploy",
            "flavor",
            "without it nobody is asked for a token and every caller is an administrator",
            "write `flavor = keystone` into [paste_deploy], or `allow_no_auth = True` into [glasshouse] together with \
             a loopback bind_host",
        );
        return None;
    }
    if is_loopback(bind_host) {
        return Some(AuthConfig::None);
    }
    reader.absent(
        "DEFAULT",
        "bind_host",
        format!("{bind_host} is open to the network, and [glasshouse] allow_no_auth makes every caller an administrator"),
        "write `bind_host = 127.0.0.1`",
    );
    None
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn keystone(reader: &mut Reader) -> Option<KeystoneConfig> {
    let section =
        reader.text(IDENTITY_SECTION, "auth_section").unwrap_or_else(|| IDENTITY_SECTION.to_owned());
    let access = access(reader, &section, IDENTITY_SECTION);
    let www_authenticate_uri = reader.url(IDENTITY_SECTION, "www_authenticate_uri");
    let cache_seconds = reader.integer(IDENTITY_SECTION, "token_cache_time", -1);
    let keystone = KeystoneConfig {
        access: access?,
        www_authenticate_uri,
        token_cache_time: u64::try_from(cache_seconds).ok().map(Duration::from_secs),
        service_token_roles: reader.list(IDENTITY_SECTION, "service_token_roles"),
        service_token_roles_required: reader.boolean(IDENTITY_SECTION, "service_token_roles_required"),
        delay_auth_decision: reader.boolean(IDENTITY_SECTION, "delay_auth_decision"),
    };
    Some(keystone)
}

/// The login stands in `section`, the connection in `home`.
fn access(reader: &mut Reader, section: &str, home: &str) -> Option<KeystoneAccess> {
    let auth_url = auth_url(reader, section);
    let login = login(reader, section);
    let (timeout, retries) = match home {
        LIMITS_SECTION => ("timeout", "connect_retries"),
        _ => ("http_connect_timeout", "http_request_max_retries"),
    };
    Some(KeystoneAccess {
        section: section.to_owned(),
        cafile: reader.path(home, "cafile"),
        insecure: reader.boolean(home, "insecure"),
        timeout: Duration::from_secs(reader.number(home, timeout)),
        max_retries: reader.number(home, retries),
        auth_url: auth_url?,
        login: login?,
    })
}

/// `use_keystone_limits` and `[oslo_limit]`; `None` where it is off, and where something is wrong, with the reasons in
/// the reader.
pub fn limits(reader: &mut Reader) -> Option<KeystoneLimitsConfig> {
    if !reader.boolean("DEFAULT", "use_keystone_limits") {
        return None;
    }
    let section = reader.text(LIMITS_SECTION, "auth_section").unwrap_or_else(|| LIMITS_SECTION.to_owned());
    let access = access(reader, &section, LIMITS_SECTION);
    let endpoint = endpoint(reader);
    let cache_time = Duration::from_secs(reader.number("glasshouse", "keystone_limits_cache_time"));
    Some(KeystoneLimitsConfig { access: access?, endpoint: endpoint?, cache_time })
}

fn endpoint(reader: &mut Reader) -> Option<EndpointRef> {
    if let Some(id) = reader.text(LIMITS_SECTION, "endpoint_id") {
        return Some(EndpointRef::Id(id));
    }
    let interface = |text: &str| {
        let name = text.trim_end_matches("URL");
        ["public", "internal", "admin"].contains(&name).then(|| name.to_owned())
    };
    let interface =
        reader.parse(LIMITS_SECTION, "endpoint_interface", "public, internal or admin", interface)?;
    let service_type = reader.text(LIMITS_SECTION, "endpoint_service_type");
    let service_name = reader.text(LIMITS_SECTION, "endpoint_service_name");
    if service_type.is_none() && service_name.is_none() {
        reader.absent(
            LIMITS_SECTION,
            "endpoint_id",
            "is not set, so nobody knows which limits in Keystone are those of this service",
            "write `endpoint_id = ID` into [oslo_limit], with the ID that `openstack endpoint list --service image` \
             shows, or write endpoint_service_type and endpoint_region_name",
        );
        return None;
    }
    let region = reader.text(LIMITS_SECTION, "endpoint_region_name");
    Some(EndpointRef::Lookup { service_type, service_name, region, interface })
}

fn auth_url(reader: &mut Reader, section: &str) -> Option<Url> {
    let Some(written) = reader.written(section, "auth_url") else {
        reader.absent(
            section,
            "auth_url",
            if section == LIMITS_SECTION {
                "is not set, so no limit can be read"
            } else {
                "is not set, so no token can be checked"
            },
            format!("write `auth_url = http://KEYSTONE:{PORT}` into [{section}]"),
        );
        return None;
    };
    let Some(mut url) = parse_url(&written.text) else {
        let what = format!("\"{}\" is not an address", written.text);
        reader.error(&written, what, format!("write `auth_url = http://KEYSTONE:{PORT}`"));
        return None;
    };
    let path = url.path().trim_end_matches('/').to_owned();
    let version = path.rsplit('/').next().unwrap_or_default().to_owned();
    let base = path.strip_suffix(version.as_str()).unwrap_or_default().trim_end_matches('/').to_owned();
    match version.as_str() {
        "v2.0" | "v2" => {
            url.set_path(&base);
            let good = shown(&with_usual_port(&url));
            reader.error(
                &written,
                "Keystone has not had version 2 of its API since 2018",
                format!("write `auth_url = {good}`"),
            );
            return None;
        }
        "v3" => url.set_path(&base),
        _ => url.set_path(&path),
    }
    if url.port() == Some(OLD_ADMIN_PORT) {
        warn_of_old_port(reader, &written, &url);
    }
    Some(url)
}

fn warn_of_old_port(reader: &mut Reader, written: &Written, url: &Url) {
    let good = shown(&with_usual_port(url));
    reader.warn(
        written,
        format!("port {OLD_ADMIN_PORT} is Keystone's admin port of old, on which nothing may listen today"),
        format!("write `auth_url = {good}`"),
    );
}

fn with_usual_port(url: &Url) -> Url {
    let mut url = url.clone();
    if url.port() == Some(OLD_ADMIN_PORT) && url.set_port(Some(PORT)).is_err() {
        return url;
    }
    url
}

fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn login(reader: &mut Reader, section: &str) -> Option<ServiceLogin> {
    let auth_type = reader.written(section, "auth_type");
    let name = auth_type.as_ref().map_or("", |written| written.text.as_str());
    match name {
        "v3applicationcredential" => application_credential(reader, section),
        "password" | "v3password" => password(reader, section),
        // Files of before 2015 name no type and mean a password.
        "" if reader.written(section, "username").is_some() => password(reader, section),
        "" => {
            let rest = if section == LIMITS_SECTION {
                "user_domain_name, with `system_scope = all`,"
            } else {
                "project_name and both domains"
            };
            reader.absent(
                section,
                "auth_type",
                "is not set, so the service cannot log in to Keystone",
                format!("write `auth_type = password`, username, password, {rest} into [{section}]"),
            );
            None
        }
        "v2password" => {
            let written = auth_type?;
            reader.error(
                &written,
                "Keystone has not had version 2 of its API since 2018",
                "write `auth_type = password`",
            );
            None
        }
        other => {
            let what = format!("this service cannot log in by \"{other}\"");
            let written = auth_type.clone()?;
            reader.error(
                &written,
                what,
                "write `auth_type = password` or `auth_type = v3applicationcredential`",
            );
            None
        }
    }
}

fn application_credential(reader: &mut Reader, section: &str) -> Option<ServiceLogin> {
    let id = required(reader, section, "application_credential_id");
    let secret = required(reader, section, "application_credential_secret");
    Some(ServiceLogin::ApplicationCredential { id: id?, secret: Secret::new(secret?) })
}

fn password(reader: &mut Reader, section: &str) -> Option<ServiceLogin> {
    let username = required(reader, section, "username");
    let password = required(reader, section, "password");
    let scope = scope(reader, section);
    let user_domain = domain(reader, section, "user_domain");
    Some(ServiceLogin::Password {
        username: username?,
        user_domain,
        password: Secret::new(password?),
        scope: scope?,
    })
}

/// A token is for one thing: Keystone refuses a login for two.
fn scope(reader: &mut Reader, section: &str) -> Option<LoginScope> {
    let Some(system) = reader.written(section, "system_scope") else {
        if section == LIMITS_SECTION && reader.written(section, "project_name").is_none() {
            reader.absent(
                section,
                "system_scope",
                "is not set, and only a login for the system reads the limits of every project",
                format!("write `system_scope = all` into [{section}]"),
            );
            return None;
        }
        let name = required(reader, section, "project_name");
        let domain = domain(reader, section, "project_domain");
        return Some(LoginScope::Project { name: name?, domain });
    };
    if system.text != "all" {
        let what = format!("\"{}\" is no part of the system", system.text);
        reader.error(&system, what, "write `system_scope = all`");
        return None;
    }
    if let Some(project) = reader.written(section, "project_name") {
        let what = "a login is either for a project or for the system, and system_scope is set as well";
        reader.error(&project, what, "remove one of the two lines");
        return None;
    }
    Some(LoginScope::System)
}

fn required(reader: &mut Reader, section: &str, name: &str) -> Option<String> {
    let text = reader.written(section, name).map(|written| written.text);
    // A text that is there and could not be filled in has been named already.
    let named = reader.problems.iter().any(|problem| problem.section == section && problem.option == name);
    if text.is_none() && !named {
        let mend = format!("write `{name} = …` into [{section}]");
        reader.absent(
            section,
            name,
            "is not set, and the service cannot log in to Keystone without it",
            mend,
        );
    }
    text
}

/// By id, by name, or the domain that every Keystone is made with.
fn domain(reader: &mut Reader, section: &str, which: &str) -> DomainRef {
    let id = reader.written(section, &format!("{which}_id"));
    let name = reader.written(section, &format!("{which}_name"));
    match (id, name) {
        (Some(id), _) => DomainRef::Id(id.text),
        (None, Some(name)) => DomainRef::Name(name.text),
        (None, None) => DomainRef::Id("default".to_owned()),
    }
}
