//! Tries a connection in four steps and tells how each went, so that the window can show where it fails.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method as Verb;
use reqwest::tls::TlsInfo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use super::call::Call;
use super::credentials::{Credentials, Method};
use super::error::{ClientError, ErrorKind};
use super::{Client, Limits, auth, discovery, transport, words};

/// The steps, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A connection to host and port.
    Reach,
    /// Encryption and certificate.
    Tls,
    /// The login.
    Token,
    /// The Image service named by the catalog.
    Endpoint,
}

impl Step {
    /// Every step, in order.
    pub const ALL: &[Self] = &[Self::Reach, Self::Tls, Self::Token, Self::Endpoint];
}

/// Tries the credentials. Each step is reported once, with what was found in words; after a failure the rest is
/// not tried. A connection that passed all four is given back.
pub async fn probe(
    credentials: &Credentials,
    report: impl FnMut(Step, Result<String, ClientError>),
) -> Option<Client> {
    probe_within(credentials, report, Limits::default()).await
}

pub(super) async fn probe_within(
    credentials: &Credentials,
    mut report: impl FnMut(Step, Result<String, ClientError>),
    limits: Limits,
) -> Option<Client> {
    let result = walk(credentials, |step, words| report(step, Ok(words)), limits).await;
    match result {
        Ok(client) => Some(client),
        Err((step, error)) => {
            report(step, Err(error));
            None
        }
    }
}

async fn walk(
    credentials: &Credentials,
    mut passed: impl FnMut(Step, String),
    limits: Limits,
) -> Result<Client, (Step, ClientError)> {
    let at = |step| move |error| (step, error);
    let url = match &credentials.method {
        Method::None { endpoint } => endpoint,
        _ => &credentials.auth_url,
    };
    let address = reach(url).await.map_err(at(Step::Reach))?;
    passed(Step::Reach, format!("connected to {address}"));
    let words = encryption(credentials, url, limits.idle).await.map_err(at(Step::Tls))?;
    passed(Step::Tls, words);
    let http = transport::build(credentials, false).map_err(at(Step::Tls))?;
    let login = auth::login(&http, credentials, limits.idle).await.map_err(at(Step::Token))?;
    passed(Step::Token, who(&login));
    let found = discovery::image_endpoint(&http, &login.endpoint, limits.idle).await;
    let found = found.map_err(at(Step::Endpoint))?;
    passed(Step::Endpoint, found.endpoint.to_string());
    Ok(Client::assemble(http, credentials.clone(), (login, found), limits))
}

/// Opens a connection and closes it again.
async fn reach(url: &Url) -> Result<SocketAddr, ClientError> {
    let attempted = format!("reach {url}");
    let error = |message: String| ClientError::new(ErrorKind::Transport, attempted.as_str(), message);
    let host = url.host_str().ok_or_else(|| error("the address names no host".to_owned()))?;
    let port = url.port_or_known_default().ok_or_else(|| error("the address names no port".to_owned()))?;
    let name = format!("{host}:{port}");
    // Looked up first, so that a wrong name and a dead host are told apart.
    let addresses: Vec<SocketAddr> = match lookup_host(&name).await {
        Ok(found) => found.collect(),
        Err(cause) => return Err(error(format!("the name {host} is not known: {cause}"))),
    };
    match timeout(transport::CONNECT, TcpStream::connect(addresses.as_slice())).await {
        Ok(Ok(stream)) => stream.peer_addr().map_err(|cause| error(cause.to_string())),
        Ok(Err(cause)) => {
            Err(error(words::of_io(&cause, &name).unwrap_or_else(|| format!("{name}: {cause}"))))
        }
        Err(_) => Err(error(format!("{name} did not answer in time"))),
    }
}

/// Asks for anything, only to see the certificate.
async fn encryption(credentials: &Credentials, url: &Url, idle: Duration) -> Result<String, ClientError> {
    if url.scheme() == "http" {
        return Ok("not encrypted: the address says http".to_owned());
    }
    match certificate(credentials, url, idle).await {
        Ok(fingerprint) if credentials.insecure => {
            Ok(format!("encrypted, certificate not checked, SHA-256 {fingerprint}"))
        }
        Ok(fingerprint) => Ok(format!("encrypted, certificate trusted, SHA-256 {fingerprint}")),
        // Whoever means to trust it after all must be able to compare the fingerprint with the server's owner.
        Err(error) => {
            let unchecked = Credentials { insecure: true, ca_file: None, ..credentials.clone() };
            match certificate(&unchecked, url, idle).await {
                Ok(fingerprint) if !credentials.insecure => Err(ClientError {
                    message: format!("{}; its SHA-256 is {fingerprint}", error.message),
                    ..error
                }),
                _ => Err(error),
            }
        }
    }
}

/// Fingerprint of the certificate that the host shows.
async fn certificate(credentials: &Credentials, url: &Url, idle: Duration) -> Result<String, ClientError> {
    let http = transport::build(credentials, true)?;
    let host = url.host_str().unwrap_or_default();
    let call = Call::new(Verb::GET, url.clone(), format!("set up encryption with {host}"));
    let response = call.send(&http, None, idle).await?;
    let certificate = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
    let Some(certificate) = certificate else { return Ok("unknown".to_owned()) };
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let pairs: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(pairs.join(":"))
}

fn who(login: &auth::Login) -> String {
    match (&login.user, &login.project) {
        (Some(user), Some(project)) => format!("logged in as {} in project {}", user.name, project.name),
        (Some(user), None) => format!("logged in as {} without a project", user.name),
        (None, _) => "no login needed".to_owned(),
    }
}
