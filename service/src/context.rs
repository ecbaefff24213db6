//! Who asks: the identity behind one request.

/// The caller of one request, as the token says.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// `req-<uuid>`, echoed in `x-openstack-request-id` and in every log line of the request.
    pub request_id: String,
    pub user_id: Option<String>,
    pub user_name: Option<String>,
    pub user_domain_id: Option<String>,
    /// The project that the token is scoped to; `None` for unscoped, domain and system tokens.
    pub project_id: Option<String>,
    pub project_domain_id: Option<String>,
    /// In lower case.
    pub roles: Vec<String>,
    /// Roles of `X-Service-Token`, in lower case; empty without a valid one.
    pub service_roles: Vec<String>,
    /// `Some("all")` for a token that is scoped to the system.
    pub system_scope: Option<String>,
    /// What the policy rule `context_is_admin` said of this caller.
    pub is_admin: bool,
}
