//! Who asks: from the headers of a request to a [`Context`].
//!
//! Only tokens are read. Whatever else a client says about itself (`X-Roles`, `X-User-Id`, …) is not looked at, so it
//! need not be stripped. What a caller may do is the policy's matter.

use std::sync::Arc;

use async_trait::async_trait;
use glasshouse_shared::identity::Token;
use http::HeaderMap;

use crate::context::Context;

mod access_rules;
pub mod keystone;

/// A token is at most so long; Keystone's are far shorter.
const TOKEN_LENGTH_MAX: usize = 16 * 1024;

/// Asks whether a token is good, and whose it is.
#[async_trait]
pub trait TokenValidator: Send + Sync {
    /// What the token says, if it is valid now.
    async fn validate(&self, token: &str) -> Result<Arc<Token>, AuthError>;

    /// The same for a caller whom another service vouches for: its token may have ended while that service was at
    /// work. Who does not know ended tokens refuses them here too.
    async fn validate_vouched(&self, token: &str) -> Result<Arc<Token>, AuthError> {
        self.validate(token).await
    }

    /// What `WWW-Authenticate` says in a 401.
    fn challenge(&self) -> Option<String>;
}

/// Why a caller is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    #[error("the request has no token")]
    Missing,
    #[error("the token is not valid")]
    Invalid,
    /// Nobody can say whether the token is good. The reason is for the operator; it names addresses and accounts.
    #[error("identity cannot be asked: {reason}")]
    Unreachable { reason: String },
}

/// `[keystone_authtoken] service_token_roles` and `service_token_roles_required`.
#[derive(Debug, Clone)]
pub struct ServiceTokens {
    pub roles: Vec<String>,
    pub roles_required: bool,
}

/// Turns headers into the caller.
#[derive(Clone)]
pub struct Authenticator {
    /// `None`: nobody is asked and everybody is an administrator.
    validator: Option<Arc<dyn TokenValidator>>,
    service_tokens: ServiceTokens,
}

impl Authenticator {
    pub fn new(validator: Arc<dyn TokenValidator>, service_tokens: ServiceTokens) -> Self {
        let roles = service_tokens.roles.iter().map(|role| role.to_lowercase()).collect();
        Self { validator: Some(validator), service_tokens: ServiceTokens { roles, ..service_tokens } }
    }

    /// For a service without identity: every caller is an administrator of no project.
    pub fn none() -> Self {
        Self { validator: None, service_tokens: ServiceTokens { roles: Vec::new(), roles_required: true } }
    }

    /// What `WWW-Authenticate` says in a 401.
    pub fn challenge(&self) -> Option<String> {
        self.validator.as_ref().and_then(|validator| validator.challenge())
    }

    /// The caller, without `request_id` and `is_admin`, which others know. As the call is not known here, tokens that
    /// are restricted to some calls are refused; [`Self::authenticate_call`] looks closer.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Context, AuthError> {
        self.authenticate_as(None, headers).await
    }

    /// The caller of one call. `path` is without the query.
    pub async fn authenticate_call(
        &self,
        method: &http::Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Context, AuthError> {
        self.authenticate_as(Some((method, path)), headers).await
    }

    async fn authenticate_as(
        &self,
        call: Option<(&http::Method, &str)>,
        headers: &HeaderMap,
    ) -> Result<Context, AuthError> {
        let Some(validator) = &self.validator else {
            let roles = ["admin", "member", "reader"].map(str::to_owned).to_vec();
            return Ok(Context { roles, ..Context::default() });
        };
        let user_token = match token_in(headers, "x-auth-token")? {
            Some(token) => token,
            None => token_in(headers, "x-storage-token")?.ok_or(AuthError::Missing)?,
        };
        let service = match token_in(headers, "x-service-token")? {
            Some(token) => Some(self.validate_service(validator.as_ref(), token).await?),
            None => None,
        };
        let vouched = service.as_ref().is_some_and(|service| self.is_service(service));
        let token = if vouched {
            validator.validate_vouched(user_token).await?
        } else {
            validator.validate(user_token).await?
        };
        if !vouched && !access_rules::permit(&token, call) {
            tracing::info!(
                user = token.user.id,
                "the application credential of this caller does not permit the call"
            );
            return Err(AuthError::Invalid);
        }
        Ok(context_of(&token, service.as_deref()))
    }

    async fn validate_service(
        &self,
        validator: &dyn TokenValidator,
        token: &str,
    ) -> Result<Arc<Token>, AuthError> {
        let token = validator.validate(token).await?;
        if self.service_tokens.roles_required && !self.is_service(&token) {
            tracing::info!(user = token.user.id, "X-Service-Token has none of the service_token_roles");
            return Err(AuthError::Invalid);
        }
        Ok(token)
    }

    fn is_service(&self, token: &Token) -> bool {
        role_names(token).iter().any(|role| self.service_tokens.roles.contains(role))
    }
}

/// The token in a header: trimmed; nothing but blanks is no token. Two of them, or one that no identity service made,
/// cannot be valid.
fn token_in<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, AuthError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(AuthError::Invalid);
    }
    let token = value.to_str().map_err(|_| AuthError::Invalid)?.trim();
    if token.len() > TOKEN_LENGTH_MAX {
        return Err(AuthError::Invalid);
    }
    Ok(Some(token).filter(|token| !token.is_empty()))
}

fn context_of(token: &Token, service: Option<&Token>) -> Context {
    let (project_id, project_domain_id) =
        token.project.as_ref().map(|project| (project.id.clone(), project.domain.id.clone())).unzip();
    Context {
        roles: role_names(token),
        service_roles: service.map(role_names).unwrap_or_default(),
        user_id: Some(token.user.id.clone()),
        user_name: Some(token.user.name.clone()),
        user_domain_id: Some(token.user.domain.id.clone()),
        project_id,
        project_domain_id,
        system_scope: token.system.as_ref().map(|_| "all".to_owned()),
        ..Context::default()
    }
}

fn role_names(token: &Token) -> Vec<String> {
    token.roles.iter().map(|role| role.name.to_lowercase()).collect()
}

#[cfg(test)]
mod tests;
