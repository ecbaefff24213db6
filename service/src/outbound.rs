//! Where this service may go when somebody else names the address: `[import_filtering_opts]`, and never to itself.
//!
//! One filter for the locations of images, the redirects of web servers and the names that both lead to. It reads an
//! address with the parser of the HTTP client, so that no spelling is one thing here and another there. It fetches
//! nothing itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::config::{Choice, OutboundConfig};

#[cfg(test)]
mod tests;

/// Why an address is not gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is not an address with a scheme and a host")]
    Malformed,
    #[error("its scheme is not allowed")]
    Scheme,
    #[error("its host is not allowed")]
    Host,
    #[error("its port is not allowed")]
    Port,
    #[error("its host has no address")]
    Unresolved,
}

/// The rules of the operator, ready to be asked.
#[derive(Debug)]
pub struct Filter {
    schemes: Choice<String>,
    hosts: Choice<Name>,
    ports: Choice<u16>,
}

/// A host in the one form in which two spellings of it are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Address(IpAddr),
    Domain(String),
}

impl Name {
    fn of(host: Host<&str>) -> Self {
        match host {
            Host::Ipv4(address) => Self::Address(address.into()),
            Host::Ipv6(address) => Self::Address(plain(address.into())),
            Host::Domain(name) => Self::Domain(name.trim_end_matches('.').to_ascii_lowercase()),
        }
    }

    /// An entry of a list. IPv6 stands there with and without brackets.
    fn listed(text: &str) -> Self {
        if let Ok(address) = text.trim_matches(['[', ']']).parse() {
            return Self::Address(plain(address));
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) => Self::of(Host::Domain(&name)),
            Ok(Host::Ipv4(address)) => Self::of(Host::Ipv4(address)),
            Ok(Host::Ipv6(address)) => Self::of(Host::Ipv6(address)),
            Err(_) => Self::Domain(text.to_ascii_lowercase()),
        }
    }
}

impl Filter {
    pub fn new(config: &OutboundConfig) -> Self {
        let names = |hosts: &[String]| hosts.iter().map(|host| Name::listed(host)).collect();
        let lower = |words: &[String]| words.iter().map(|word| word.to_ascii_lowercase()).collect();
        Self {
            schemes: Choice {
                allowed: lower(&config.schemes.allowed),
                disallowed: lower(&config.schemes.disallowed),
            },
            hosts: Choice {
                allowed: names(&config.hosts.allowed),
                disallowed: names(&config.hosts.disallowed),
            },
            ports: config.ports.clone(),
        }
    }

    /// Whether the address of a client may be gone to, its host resolved.
    pub async fn check(&self, text: &str) -> Result<(), Refused> {
        let url = self.read(text)?;
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        let port = url.port_or_known_default().unwrap_or(80);
        let found = tokio::net::lookup_host((name, port)).await.map_err(|_| Refused::Unresolved)?;
        let addresses: Vec<IpAddr> = found.map(|socket| socket.ip()).collect();
        if addresses.is_empty() {
            return Err(Refused::Unresolved);
        }
        if self.admit(name, addresses).is_empty() { Err(Refused::Host) } else { Ok(()) }
    }

    /// The address as the HTTP client will read it. Refuses spellings of a host that hide what they are: numbers that
    /// are no plain IPv4 address, IPv6 addresses that carry one, and blanks that the client would drop.
    fn read(&self, text: &str) -> Result<Url, Refused> {
        if text.chars().any(|character| character.is_ascii_control() || character == ' ') {
            return Err(Refused::Malformed);
        }
        let url = Url::parse(text).map_err(|_| Refused::Malformed)?;
        // The parser takes `http:///x` for the host x, and other readers do not.
        let (host, port) = authority(text).filter(|(host, _)| !host.is_empty()).ok_or(Refused::Malformed)?;
        if let Some(Host::Ipv4(address)) = url.host()
            && host != address.to_string()
        {
            return Err(Refused::Host);
        }
        if let Some(Host::Ipv6(address)) = url.host()
            && plain(IpAddr::V6(address)).is_ipv4()
        {
            return Err(Refused::Host);
        }
        // A port that is the scheme's own is gone from the parsed address, but was named.
        if let Some(port) = port.filter(|port| !port.is_empty()) {
            let port: u16 = port.parse().map_err(|_| Refused::Malformed)?;
            if !self.ports.permits(&port) {
                return Err(Refused::Port);
            }
        }
        self.check_parsed(&url)?;
        Ok(url)
    }

    /// Whether an address may be gone to, as far as can be told without asking who its host is: [`Self::admit`] says
    /// the rest.
    pub fn check_parsed(&self, url: &Url) -> Result<(), Refused> {
        if !self.schemes.permits(&url.scheme().to_owned()) {
            return Err(Refused::Scheme);
        }
        let name = Name::of(url.host().ok_or(Refused::Malformed)?);
        if !self.hosts.permits(&name) {
            return Err(Refused::Host);
        }
        if url.port().is_some_and(|port| !self.ports.permits(&port)) {
            return Err(Refused::Port);
        }
        match name {
            Name::Address(address) if !self.hosts.allowed.contains(&name) && is_own(address) => {
                Err(Refused::Host)
            }
            _ => Ok(()),
        }
    }

    /// Those addresses of a host name that may be connected to: of a host that is allowed by name all of them.
    pub fn admit(&self, host: &str, addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        if self.hosts.allowed.contains(&Name::listed(host)) {
            return addresses;
        }
        let barred = |address: &IpAddr| {
            let address = plain(*address);
            // The black list counts only while there is no white one.
            is_own(address)
                || (self.hosts.allowed.is_empty() && self.hosts.disallowed.contains(&Name::Address(address)))
        };
        addresses.into_iter().filter(|address| !barred(address)).collect()
    }
}

/// Host and port as they were written. `None` without an authority.
fn authority(text: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '\\', '?', '#']).next()?;
    let place = authority.rsplit('@').next()?;
    if place.starts_with('[') {
        let (host, port) = place.split_once(']')?;
        return Some((host, port.strip_prefix(':')));
    }
    Some(place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))))
}

/// An IPv4 address that is carried in an IPv6 one comes out: every way of writing it is the address itself.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let embedded = match six.segments() {
        // ::ffff:a.b.c.d (RFC 4291), NAT64's 64:ff9b::a.b.c.d (RFC 6052), 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some((high, low)),
        // The former ::a.b.c.d; `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some((high, low)),
        _ => None,
    };
    embedded.map_or(IpAddr::V6(six), |(high, low)| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    })
}

/// An address of this very machine, or of its link, where clouds keep the credentials of machines. Private networks
/// are not meant: a private cloud fetches from its own servers.
fn is_own(address: IpAddr) -> bool {
    match plain(address) {
        // 0.0.0.0/8 is "this host on this network", and is connected to as such.
        IpAddr::V4(four) => four.is_loopback() || four.is_link_local() || four.octets()[0] == 0,
        IpAddr::V6(six) => {
            six == Ipv6Addr::LOCALHOST || six == Ipv6Addr::UNSPECIFIED || six.is_unicast_link_local()
        }
    }
}
