//! A row of the route table, and the router that is made from all of them.

use futures_util::future::BoxFuture;
use http::Method;

use super::reply::Reply;
use super::request::Request;
use crate::error::Error;
use crate::policy::Rule;

/// Paths on which any other method reads as if the path were not there.
const WITHOUT_ALLOW: &[&str] = &["/v2/info/usage", "/v2/images/{image_id}/tasks"];

pub type Handler = fn(Request) -> BoxFuture<'static, Result<Reply, Error>>;

/// One call of the API.
pub struct Route {
    pub method: Method,
    /// Parameters stand in braces.
    pub path: &'static str,
    pub handler: Handler,
    /// The rules that it can be refused by; none for what any valid token may call.
    pub rules: &'static [Rule],
    /// Minor version that brought it.
    pub since: &'static str,
    /// What the call is for, in a few words.
    pub purpose: &'static str,
}

/// A row of the table; boxes the handler's future, so that handlers are plain `async fn`.
macro_rules! route {
    ($method:expr, $path:literal, $handler:path, $rules:expr, $since:literal, $purpose:literal) => {
        $crate::api::route::Route {
            method: $method,
            path: $path,
            handler: |request| Box::pin($handler(request)),
            rules: $rules,
            since: $since,
            purpose: $purpose,
        }
    };
}
pub(super) use route;

/// All routes of one path.
type Resource = Vec<&'static Route>;

/// Finds the route of a path and a method.
pub struct Router {
    paths: matchit::Router<Resource>,
}

/// What a path and a method lead to.
pub enum Found {
    Route {
        route: &'static Route,
        params: Vec<(String, String)>,
    },
    /// The path is there, the method is not: the methods that are.
    Allow(String),
    Nothing,
}

impl Router {
    pub fn new(routes: &'static [Route]) -> Result<Self, matchit::InsertError> {
        let mut resources: Vec<(&'static str, Resource)> = Vec::new();
        for route in routes {
            match resources.iter_mut().find(|(path, _)| *path == route.path) {
                Some((_, resource)) => resource.push(route),
                None => resources.push((route.path, vec![route])),
            }
        }
        let mut paths = matchit::Router::new();
        for (path, resource) in resources {
            paths.insert(path, resource)?;
        }
        Ok(Self { paths })
    }

    /// `path` is decoded: an escaped slash splits segments, as it does for every WSGI server.
    pub fn find(&self, method: &Method, path: &str) -> Found {
        let Ok(matched) = self.paths.at(path) else { return Found::Nothing };
        match matched.value.iter().find(|route| route.method == *method) {
            Some(route) => {
                let params =
                    matched.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                Found::Route { route, params }
            }
            None if matched.value.iter().any(|route| WITHOUT_ALLOW.contains(&route.path)) => Found::Nothing,
            None => Found::Allow(
                matched.value.iter().map(|route| route.method.as_str()).collect::<Vec<_>>().join(", "),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ROUTES;

    fn find(method: &Method, path: &str) -> String {
        match Router::new(ROUTES).expect("the table is consistent").find(method, path) {
            Found::Route { route, params } => format!("{} {params:?}", route.path),
            Found::Allow(allow) => format!("allow {allow}"),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn parameters_are_handed_over() {
        let expected = r#"/v2/images/{image_id}/tags/{tag} [("image_id", "a"), ("tag", "b c")]"#;
        assert_eq!(find(&Method::PUT, "/v2/images/a/tags/b c"), expected);
    }

    #[test]
    fn an_unknown_method_names_the_known_ones() {
        assert_eq!(find(&Method::DELETE, "/v2/images"), "allow GET, POST");
        assert_eq!(find(&Method::DELETE, "/v2/images/a/file"), "allow PUT, GET, HEAD");
        assert_eq!(find(&Method::POST, "/v2/info/usage"), "nothing");
    }

    #[test]
    fn a_slash_in_a_tag_is_another_path() {
        assert_eq!(find(&Method::PUT, "/v2/images/a/tags/b/c"), "nothing");
        assert_eq!(find(&Method::PUT, "/v2/images/a/tags/"), "nothing");
    }
}
