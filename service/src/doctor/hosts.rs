//! Names of machines that do not agree: `controller` here and `controller01` there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, ToSocketAddrs as _};

use url::{Host, Url};

use super::{Finding, Neighbour, place};
use crate::config::{AuthConfig, DatabaseUrl, Loaded, Severity, parse_list, written};

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    host: String,
    place: String,
    /// This service connects to it; the others are for clients.
    needed: bool,
}

/// Which addresses each name has; `None` = it has none.
type Resolved = BTreeMap<String, Option<BTreeSet<IpAddr>>>;

/// Resolves every host that the configuration names and compares them.
pub async fn check(loaded: &Loaded) -> Vec<Finding> {
    let named = named(loaded);
    let hosts: BTreeSet<String> = named.iter().map(|named| named.host.clone()).collect();
    let resolving = tokio::task::spawn_blocking(move || {
        hosts.into_iter().map(|host| (host.clone(), resolve(&host))).collect::<Resolved>()
    });
    match resolving.await {
        Ok(resolved) => compare(&named, &resolved),
        Err(_) => Vec::new(),
    }
}

fn resolve(host: &str) -> Option<BTreeSet<IpAddr>> {
    let addresses: BTreeSet<IpAddr> = (host, 0).to_socket_addrs().ok()?.map(|address| address.ip()).collect();
    Some(addresses).filter(|addresses| !addresses.is_empty())
}

/// Every name, in the order of importance; bare addresses are left out.
fn named(loaded: &Loaded) -> Vec<Named> {
    let (config, sources) = (&loaded.config, &loaded.sources);
    let mut all = Vec::new();
    let mut add = |host: Option<String>, section: &str, option: &str| {
        let needed = matches!(option, "connection" | "auth_url");
        all.extend(host.map(|host| Named { host, place: place(sources, section, option), needed }));
    };
    if let DatabaseUrl::Mariadb { host, .. } = &config.database.url {
        add(name_in(host), "database", "connection");
    }
    if let AuthConfig::Keystone(keystone) = &config.auth {
        add(name_of(&keystone.access.auth_url), "keystone_authtoken", "auth_url");
        let public = keystone.www_authenticate_uri.as_ref().and_then(name_of);
        add(public, "keystone_authtoken", "www_authenticate_uri");
        let cache = written(sources, "keystone_authtoken", "memcached_servers").map(|written| written.text);
        for server in parse_list(&cache.unwrap_or_default()) {
            let server = server.strip_prefix("inet:").unwrap_or(&server).to_owned();
            let host = server.rsplit_once(':').map_or(server.as_str(), |(host, _)| host);
            add(name_in(host), "keystone_authtoken", "memcached_servers");
        }
    }
    add(config.server.public_endpoint.as_ref().and_then(name_of), "DEFAULT", "public_endpoint");
    all
}

fn name_of(url: &Url) -> Option<String> {
    match url.host()? {
        Host::Domain(name) => name_in(name),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

fn name_in(host: &str) -> Option<String> {
    (!host.is_empty() && host.parse::<IpAddr>().is_err()).then(|| host.to_ascii_lowercase())
}

fn compare(named: &[Named], resolved: &Resolved) -> Vec<Finding> {
    let mut findings = Vec::new();
    let addresses = |host: &str| resolved.get(host).and_then(Option::as_ref);
    let hosts: BTreeSet<&str> = named.iter().map(|named| named.host.as_str()).collect();
    for host in &hosts {
        let sibling = hosts.iter().copied().find(|other| other != host && are_siblings(host, other));
        let known = addresses(host).is_some();
        match sibling {
            None if known => {}
            None => findings.push(unresolved(host, named)),
            // Neither resolves: the rarer name is the slip, the other is simply unknown here.
            Some(sibling) if !known && addresses(sibling).is_none() && !is_odd(host, sibling, named) => {
                findings.push(unresolved(host, named));
            }
            Some(sibling) if !known => {
                let needed = named.iter().any(|named| named.host == *host && named.needed);
                let severity = if needed { Severity::Error } else { Severity::Warning };
                findings.push(odd_one(host, sibling, "does not resolve", named).weighing(severity));
            }
            // The pair is told once, from the side of the rarer name.
            Some(sibling) if addresses(sibling).is_none() || !is_odd(host, sibling, named) => {}
            Some(sibling) if addresses(host) == addresses(sibling) => {
                findings.push(odd_one(host, sibling, "is the same machine", named).weighing(Severity::Note));
            }
            Some(sibling) => {
                findings
                    .push(odd_one(host, sibling, "is another machine", named).weighing(Severity::Warning));
            }
        }
    }
    findings
}

/// `controller` and `controller01`, or `controller` and `controller.example.org`.
fn are_siblings(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    if long.strip_prefix(short).is_some_and(|rest| rest.starts_with('.')) {
        return true;
    }
    let stem = |host: &str| {
        let (name, domain) = host.split_once('.').unwrap_or((host, ""));
        (name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned(), domain.to_owned())
    };
    !stem(one).0.is_empty() && stem(one) == stem(other)
}

/// Used less often; at a draw the one that is named first, as the others agree behind it.
fn is_odd(host: &str, sibling: &str, named: &[Named]) -> bool {
    let uses = |host: &str| named.iter().filter(|named| named.host == host).count();
    let first = || named.iter().map(|named| named.host.as_str()).find(|name| [host, sibling].contains(name));
    uses(host) < uses(sibling) || (uses(host) == uses(sibling) && first() == Some(host))
}

fn places(host: &str, named: &[Named]) -> String {
    let places: Vec<&str> =
        named.iter().filter(|named| named.host == host).map(|named| named.place.as_str()).collect();
    places.join(", ")
}

fn odd_one(host: &str, sibling: &str, what: &str, named: &[Named]) -> Finding {
    let sentence = format!(
        "{}: the host {host} {what}, while {sibling} stands in {}",
        places(host, named),
        places(sibling, named)
    );
    let mend = if what == "is the same machine" {
        String::new()
    } else {
        format!(
            "write {sibling} if that machine is meant, or give {host} an address in /etc/hosts or the name service"
        )
    };
    Finding::error(Neighbour::Network, "HOST_NAMES_DIFFER", sentence, mend)
}

fn unresolved(host: &str, named: &[Named]) -> Finding {
    let sentence = format!("{}: the host {host} does not resolve", places(host, named));
    let mend = format!("correct the name, or give {host} an address in /etc/hosts or the name service");
    // Whoever needs it fails by itself; a public name need not be known inside.
    Finding::error(Neighbour::Network, "HOST_UNKNOWN", sentence, mend).weighing(Severity::Warning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guide() -> Vec<Named> {
        let pairs =
            [("controller", "db"), ("controller01", "auth_url"), ("controller01", "www_authenticate_uri")];
        pairs
            .map(|(host, place)| Named { host: host.into(), place: place.into(), needed: place == "db" })
            .to_vec()
    }

    fn resolved(pairs: &[(&str, Option<&str>)]) -> Resolved {
        let address = |text: &str| BTreeSet::from([text.parse().unwrap()]);
        pairs.iter().map(|(host, ip)| ((*host).to_owned(), ip.map(address))).collect()
    }

    fn found(pairs: &[(&str, Option<&str>)]) -> Vec<(Severity, String)> {
        compare(&guide(), &resolved(pairs)).into_iter().map(|f| (f.severity, f.sentence)).collect()
    }

    #[test]
    fn the_guide_of_old_names_the_machine_in_two_ways() {
        let sentence = |what: &str| {
            format!(
                "db: the host controller {what}, while controller01 stands in auth_url, www_authenticate_uri"
            )
        };
        assert_eq!(
            found(&[("controller", None), ("controller01", Some("10.0.0.1"))]),
            [(Severity::Error, sentence("does not resolve"))]
        );
        assert_eq!(
            found(&[("controller", Some("10.0.0.2")), ("controller01", Some("10.0.0.1"))]),
            [(Severity::Warning, sentence("is another machine"))]
        );
        let unknown = "auth_url, www_authenticate_uri: the host controller01 does not resolve".to_owned();
        assert_eq!(
            found(&[("controller", None), ("controller01", None)]),
            [(Severity::Error, sentence("does not resolve")), (Severity::Warning, unknown)]
        );
        assert_eq!(
            found(&[("controller", Some("10.0.0.1")), ("controller01", Some("10.0.0.1"))]),
            [(Severity::Note, sentence("is the same machine"))]
        );
    }

    #[test]
    fn names_of_different_machines_are_left_alone() {
        let named = ["db01", "keystone"]
            .map(|host| Named { host: host.into(), place: "x".into(), needed: true })
            .to_vec();
        let both = resolved(&[("db01", Some("10.0.0.1")), ("keystone", Some("10.0.0.2"))]);
        assert_eq!(compare(&named, &both), []);
    }

    #[test]
    fn siblings_differ_by_a_number_or_a_domain() {
        assert!(are_siblings("controller", "controller01"));
        assert!(are_siblings("controller-1", "controller"));
        assert!(are_siblings("controller", "controller.example.org"));
        assert!(!are_siblings("controller", "compute"));
        assert!(!are_siblings("a.example.org", "b.example.org"));
        assert!(!are_siblings("10", "20"));
    }

    #[test]
    fn a_lonely_name_that_does_not_resolve_is_a_warning() {
        let named = vec![Named { host: "nowhere".into(), place: "public_endpoint".into(), needed: false }];
        let findings = compare(&named, &resolved(&[("nowhere", None)]));
        assert_eq!(
            findings[0].to_string(),
            "public_endpoint: the host nowhere does not resolve; correct the name, or give nowhere an address in /etc/hosts or the name service"
        );
        assert_eq!(findings[0].severity, Severity::Warning);
    }
}
