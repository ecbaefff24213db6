//! Checks that another server answers (`http:` and `https:`): it is sent the rule, the target and the caller, and
//! allows with the word `True`.
//!
//! Rules are asked in the midst of use cases, for each row of a list, and nearly all are answered out of memory. To make
//! all of that async for a check that few sites have would let every caller pay; to ask in advance is not possible,
//! since the target is only known once the image is read. So the thread that meets such a check waits for the answer,
//! after it has handed its other requests to another thread (`block_in_place`): no request waits for somebody else's
//! check, and rules without one never come here.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::{Certificate, Client, Identity, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::{Handle, RuntimeFlavor};
use url::Url;

use super::language::Asked;
use crate::config::{RemoteChecksConfig, RemoteContentType};
use crate::context::Context;

/// `"True"` and some blanks; whatever is longer is no answer.
const ANSWER_LENGTH_MAX: usize = 1024;

/// Nobody said yes or no, so the whole rule refuses, whatever stands around the check: `not http:…` must not allow
/// because a server is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unanswered;

/// Why the options of `[oslo_policy]` for such checks cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("[oslo_policy] {option} = {} cannot be used: {why}", file.display())]
    File { option: &'static str, file: PathBuf, why: String },
    #[error("the client for remote checks of the policy cannot be made: {0}")]
    Client(reqwest::Error),
}

/// Asks the servers.
#[derive(Debug)]
pub struct Remote {
    config: RemoteChecksConfig,
    /// Made when the first such check is read.
    client: OnceLock<Client>,
    /// The last question had no answer: it is said once, and once that there are answers again.
    away: AtomicBool,
}

impl Remote {
    pub fn new(config: &RemoteChecksConfig) -> Self {
        Self { config: config.clone(), client: OnceLock::new(), away: AtomicBool::new(false) }
    }

    /// Makes ready to ask. The rules have such a check.
    pub fn prepare(&self) -> Result<(), RemoteError> {
        if self.client.get().is_none() {
            let client = client(&self.config)?;
            // Somebody else may have been first, with the same options.
            let _ = self.client.set(client);
        }
        Ok(())
    }

    /// The answer of the server at this address.
    pub fn ask(&self, url: Result<Url, String>, asked: &Asked<'_>) -> Result<bool, Unanswered> {
        let answer = url.and_then(|url| self.wait_for_answer(&url, asked));
        match &answer {
            Ok(_) => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("remote checks of the policy are answered again");
                }
            }
            Err(why) => {
                if !self.away.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        "rule {} refuses, because its remote check has no answer: {why}",
                        asked.rule
                    );
                }
            }
        }
        answer.map_err(|_| Unanswered)
    }

    fn wait_for_answer(&self, url: &Url, asked: &Asked<'_>) -> Result<bool, String> {
        let client = self.client.get().ok_or("the client was not made ready")?;
        let handle = Handle::try_current().map_err(|_| "there is no runtime to ask from")?;
        if handle.runtime_flavor() != RuntimeFlavor::MultiThread {
            return Err("the only thread of this runtime cannot wait".to_owned());
        }
        let request = body(client.post(url.clone()), self.config.content_type, asked);
        let answer = tokio::task::block_in_place(|| handle.block_on(text_of_answer(request)));
        Ok(answer.map_err(|why| format!("{url}: {why}"))?.trim().trim_matches('"') == "True")
    }
}

async fn text_of_answer(request: RequestBuilder) -> Result<String, String> {
    let mut response = request.send().await.map_err(|error| chain(&error))?;
    if !response.status().is_success() {
        return Err(format!("it answered {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
        if body.len() + chunk.len() > ANSWER_LENGTH_MAX {
            return Err("its answer is too long".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// An error of the connection with its causes.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn body(request: RequestBuilder, content_type: RemoteContentType, asked: &Asked<'_>) -> RequestBuilder {
    let (target, credentials) = (Value::Object(asked.target.document()), credentials(asked.context));
    match content_type {
        RemoteContentType::Json => {
            request.json(&json!({"rule": asked.rule, "target": target, "credentials": credentials}))
        }
        RemoteContentType::Form => {
            let fields = [("rule", &json!(asked.rule)), ("target", &target), ("credentials", &credentials)];
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, &value.to_string());
            }
            let form_type = "application/x-www-form-urlencoded";
            request.header(http::header::CONTENT_TYPE, form_type).body(form.finish())
        }
    }
}

/// The caller by the names that OpenStack's services use.
fn credentials(context: &Context) -> Value {
    json!({
        "user_id": context.user_id,
        "user_domain_id": context.user_domain_id,
        "project_id": context.project_id,
        "project_domain_id": context.project_domain_id,
        "system_scope": context.system_scope,
        "roles": context.roles,
        "service_roles": context.service_roles,
        "is_admin": context.is_admin,
        "request_id": context.request_id,
    })
}

fn client(config: &RemoteChecksConfig) -> Result<Client, RemoteError> {
    // Whoever comes first installs it; that it is there already is well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .timeout(config.timeout)
        // Who answers was named by the operator; it may not name others.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_danger_accept_invalid_certs(!config.verify_server)
        .user_agent(concat!("glasshouse-service/", env!("CARGO_PKG_VERSION")));
    if let Some(file) = &config.ca_file {
        let option = "remote_ssl_ca_crt_file";
        let pem = read(option, file)?;
        let unusable = |why: String| RemoteError::File { option, file: file.clone(), why };
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.to_string()))?;
        if certificates.is_empty() {
            return Err(unusable("it holds no certificate in PEM form".to_owned()));
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(file) = &config.client_certificate {
        let option = "remote_ssl_client_crt_file";
        let mut pem = read(option, file)?;
        if let Some(key) = &config.client_key {
            pem.push(b'\n');
            pem.extend(read("remote_ssl_client_key_file", key)?);
        }
        let unusable =
            |error: reqwest::Error| RemoteError::File { option, file: file.clone(), why: error.to_string() };
        builder = builder.identity(Identity::from_pem(&pem).map_err(unusable)?);
    }
    builder.build().map_err(RemoteError::Client)
}

fn read(option: &'static str, file: &Path) -> Result<Vec<u8>, RemoteError> {
    std::fs::read(file).map_err(|error| RemoteError::File {
        option,
        file: file.to_path_buf(),
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests;
