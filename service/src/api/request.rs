//! A request that found its route: what a handler works on.

use std::sync::Arc;

use http::HeaderMap;

use super::body::Body;
use crate::app::App;
use crate::context::Context;

pub struct Request {
    pub app: Arc<App>,
    pub context: Context,
    /// The path of the route, with its parameters in braces.
    pub route_path: &'static str,
    pub params: Vec<(String, String)>,
    /// Raw, without the question mark.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Body,
    /// Scheme and host that the client used, or the configured public endpoint; no slash at the end.
    pub base_url: String,
}

impl Request {
    /// The decoded path parameter `name`; every route that a handler serves has it.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// A header as text; `None` when it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
