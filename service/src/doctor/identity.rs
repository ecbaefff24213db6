//! Keystone: is there one at `auth_url`, and does it know the account of this service and let it validate tokens.

use super::{Finding, Neighbour, place};
use crate::auth::AuthError;
use crate::auth::keystone::Keystone;
use crate::config::{AuthConfig, KeystoneConfig, Loaded, Severity};

/// The version document, the login, and the own token asked about with itself.
pub async fn check(loaded: &Loaded) -> Vec<Finding> {
    let AuthConfig::Keystone(config) = &loaded.config.auth else { return vec![no_authentication()] };
    match login(config).await {
        Ok(()) => Vec::new(),
        Err(reason) => {
            // The reason names the option that is wrong and what to type.
            let place = place(&loaded.sources, "keystone_authtoken", "auth_url");
            vec![wrong("IDENTITY_LOGIN", format!("{place}: this service cannot use Keystone: {reason}"))]
        }
    }
}

fn wrong(code: &'static str, sentence: String) -> Finding {
    Finding::error(Neighbour::Identity, code, sentence, String::new())
}

fn no_authentication() -> Finding {
    let sentence = "nobody is asked for a token and every caller is an administrator, as [glasshouse] allow_no_auth says";
    wrong("IDENTITY_NONE", sentence.to_owned()).weighing(Severity::Warning)
}

async fn login(config: &KeystoneConfig) -> Result<(), String> {
    let keystone = Keystone::new(config).map_err(|error| error.to_string())?;
    keystone.login().await.map_err(|error| match error {
        AuthError::Unreachable { reason } => reason,
        other => other.to_string(),
    })
}
