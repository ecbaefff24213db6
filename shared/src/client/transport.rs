//! Builds the HTTP client: time-outs, certificates, redirects. Nothing is sent from here.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Certificate, ClientBuilder};

use super::{ClientError, Credentials, ErrorKind};

/// How long a connection may take to stand.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

const ATTEMPTED: &str = "prepare the connection";

/// One HTTP client with the certificates of these credentials.
pub(super) fn build(credentials: &Credentials, tls_info: bool) -> Result<reqwest::Client, ClientError> {
    install_crypto();
    let own = match &credentials.ca_file {
        Some(path) => certificates(path)?,
        None => Vec::new(),
    };
    let base = || -> ClientBuilder {
        reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .user_agent(concat!("glasshouse/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::custom(same_origin))
            .tls_danger_accept_invalid_certs(credentials.insecure)
            .tls_info(tls_info)
    };
    // A machine without any system certificates cannot build the first kind; it still reaches plain HTTP, the
    // lab above all, and hosts whose certificate is in the given file.
    base().tls_certs_merge(own.clone()).build().or_else(|_| base().tls_certs_only(own).build()).map_err(
        |error| {
            ClientError::new(
                ErrorKind::Transport,
                ATTEMPTED,
                format!("the HTTP client cannot start: {error}"),
            )
        },
    )
}

/// Every TLS library call needs to know the one cryptography that is linked.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Refused when the program has installed one already, and then that one is right.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, ClientError> {
    let attempted = "read the CA file";
    let pem = std::fs::read(path).map_err(|error| ClientError::local(&error, attempted, path))?;
    let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() {
        let message = format!("{} holds no certificate in PEM form", path.display());
        return Err(ClientError::new(ErrorKind::Local(std::io::ErrorKind::InvalidData), attempted, message));
    }
    Ok(found)
}

/// Tokens travel in a header that HTTP libraries do not know to be secret: they must not follow to other hosts.
fn same_origin(attempt: Attempt<'_>) -> Action {
    let stays = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
    if stays && attempt.previous().len() <= 5 { attempt.follow() } else { attempt.stop() }
}
