//! The limits that Keystone has for projects: what is registered for this service and region, and what of it a
//! project has otherwise. What is counted, and against what, is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded::{self, Serializer};

use super::session::Session;
use super::{KeystoneError, Trouble};
use crate::config::{EndpointRef, KeystoneLimitsConfig};

/// The limits of so many projects are remembered.
const PROJECTS_MAX: u64 = 10_000;
/// Where the endpoint stands in the catalog is looked up again after so long: it hardly ever moves.
const ENDPOINT_TIME: Duration = Duration::from_mins(10);

/// The limits of one project by name; negative is without limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits(BTreeMap<String, i64>);

impl Limits {
    /// What nobody registered is not granted to anybody: 0.
    pub fn of(&self, name: &str) -> i64 {
        self.0.get(name).copied().unwrap_or_default()
    }
}

/// Whose limits are asked about: an entry of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endpoint {
    pub service_id: String,
    pub region_id: Option<String>,
}

/// What can be said of the limits before a project is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    pub endpoint: Endpoint,
    /// The names of the limits that are registered.
    pub registered: Vec<String>,
    /// How Keystone wants limits to be understood: `flat` or `strict_two_level`.
    pub model: String,
    /// Otherwise Keystone shows the account only the limits of its own project, and says nothing of it.
    pub sees_every_project: bool,
}

/// Reads limits with an account of its own.
pub struct LimitsReader {
    session: Session,
    endpoint: EndpointRef,
    known_endpoint: Cache<(), Endpoint>,
    /// `None`: each time anew.
    projects: Option<Cache<String, Arc<Limits>>>,
}

#[derive(Deserialize)]
struct RegisteredLimits {
    registered_limits: Vec<RegisteredLimit>,
}

#[derive(Deserialize)]
struct RegisteredLimit {
    resource_name: String,
    default_limit: i64,
}

#[derive(Deserialize)]
struct ProjectLimits {
    limits: Vec<ProjectLimit>,
}

#[derive(Deserialize)]
struct ProjectLimit {
    resource_name: String,
    resource_limit: i64,
}

#[derive(Deserialize)]
struct ModelBody {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    name: String,
}

#[derive(Deserialize)]
struct EndpointBody {
    endpoint: Endpoint,
}

#[derive(Deserialize)]
struct Endpoints {
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Services {
    services: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    id: String,
}

const READ_LIMITS: &str = "read limits";
const READ_CATALOG: &str = "read the catalog";

impl LimitsReader {
    /// Nothing is asked yet.
    pub fn new(config: &KeystoneLimitsConfig) -> Result<Self, KeystoneError> {
        let projects = (!config.cache_time.is_zero())
            .then(|| Cache::builder().max_capacity(PROJECTS_MAX).time_to_live(config.cache_time).build());
        Ok(Self {
            session: Session::new(&config.access)?,
            endpoint: config.endpoint.clone(),
            known_endpoint: Cache::builder().max_capacity(1).time_to_live(ENDPOINT_TIME).build(),
            projects,
        })
    }

    /// The limits of a project, from memory or from Keystone; many askers about one project make one call.
    pub async fn limits_of(&self, project: &str) -> Result<Arc<Limits>, Trouble> {
        let asked = async { self.read(project).await.map(Arc::new) };
        match &self.projects {
            Some(projects) => {
                // On the heap: what it waits for is as large as all that it may ask.
                let known = Box::pin(projects.try_get_with(project.to_owned(), asked)).await;
                known.map_err(|trouble| Trouble::clone(&trouble))
            }
            None => asked.await,
        }
    }

    async fn read(&self, project: &str) -> Result<Limits, Trouble> {
        let endpoint = self.endpoint().await?;
        let mut limits: BTreeMap<String, i64> = self.registered(&endpoint).await?.collect();
        let query = query(&[
            ("service_id", Some(&endpoint.service_id)),
            ("region_id", endpoint.region_id.as_deref()),
            ("project_id", Some(project)),
        ]);
        let own: ProjectLimits = self.get("/limits", &query, READ_LIMITS).await?;
        limits.extend(own.limits.into_iter().map(|limit| (limit.resource_name, limit.resource_limit)));
        Ok(Limits(limits))
    }

    /// Logs in and looks at everything that a request will need.
    pub async fn overview(&self) -> Result<Overview, Trouble> {
        self.session.find_version().await?;
        let own = self.session.own_token().await?.token;
        let powerful = |role: &str| ["admin", "service"].contains(&role.to_lowercase().as_str());
        let sees_every_project = own.system.is_some() || own.roles.iter().any(|role| powerful(&role.name));
        let endpoint = self.endpoint().await?;
        let registered = self.registered(&endpoint).await?.map(|(name, _)| name).collect();
        let model = self.get::<ModelBody>("/limits/model", "", READ_LIMITS).await?.model.name;
        Ok(Overview { endpoint, registered, model, sees_every_project })
    }

    async fn registered(
        &self,
        endpoint: &Endpoint,
    ) -> Result<impl Iterator<Item = (String, i64)> + use<>, Trouble> {
        let query = query(&[
            ("service_id", Some(&endpoint.service_id)),
            ("region_id", endpoint.region_id.as_deref()),
        ]);
        let found: RegisteredLimits = self.get("/registered_limits", &query, READ_LIMITS).await?;
        Ok(found.registered_limits.into_iter().map(|limit| (limit.resource_name, limit.default_limit)))
    }

    async fn endpoint(&self) -> Result<Endpoint, Trouble> {
        let known = self.known_endpoint.try_get_with((), self.find_endpoint()).await;
        known.map_err(|trouble| Trouble::clone(&trouble))
    }

    async fn find_endpoint(&self) -> Result<Endpoint, Trouble> {
        match &self.endpoint {
            EndpointRef::Id(id) => {
                let path = format!("/endpoints/{}", escaped(id));
                let found: Option<EndpointBody> = self.find(&path, "", READ_CATALOG).await?;
                found.map(|body| body.endpoint).ok_or_else(|| {
                    self.no_endpoint(format!("endpoint_id = {id}: Keystone has no endpoint of this id"))
                })
            }
            EndpointRef::Lookup { service_type, service_name, region, interface } => {
                let service = self.find_service(service_type.as_deref(), service_name.as_deref()).await?;
                let query = query(&[
                    ("service_id", Some(&service)),
                    ("interface", Some(interface)),
                    ("region_id", region.as_deref()),
                ]);
                let found: Endpoints = self.get("/endpoints", &query, READ_CATALOG).await?;
                self.only(found.endpoints, || {
                    let region = region.as_deref().unwrap_or("not set");
                    format!("endpoint_interface = {interface}, endpoint_region_name {region}: endpoints")
                })
            }
        }
    }

    async fn find_service(&self, by_type: Option<&str>, by_name: Option<&str>) -> Result<String, Trouble> {
        let query = query(&[("type", by_type), ("name", by_name)]);
        let found: Services = self.get("/services", &query, READ_CATALOG).await?;
        let service = self.only(found.services, || {
            let [by_type, by_name] = [by_type, by_name].map(|value| value.unwrap_or("not set"));
            format!("endpoint_service_type {by_type}, endpoint_service_name {by_name}: services")
        })?;
        Ok(service.id)
    }

    fn only<T>(&self, found: Vec<T>, what: impl Fn() -> String) -> Result<T, Trouble> {
        let count = found.len();
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(self.no_endpoint(format!("{} that fit: {count}", what()))),
        }
    }

    fn no_endpoint(&self, what: String) -> Trouble {
        let mend =
            "write `endpoint_id = ID` with the ID that `openstack endpoint list --service image` shows";
        Trouble::Endpoint { section: self.session.access().section.clone(), what, mend: mend.to_owned() }
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        what: &'static str,
    ) -> Result<T, Trouble> {
        self.find(path, query, what)
            .await?
            .ok_or_else(|| self.session.not_keystone("it answers 404 Not Found where limits should be"))
    }

    /// `None` where there is nothing.
    async fn find<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        what: &'static str,
    ) -> Result<Option<T>, Trouble> {
        let query = Some(query).filter(|query| !query.is_empty());
        let answer = self.session.ask(what, |caller, _| caller.request(Method::GET, path, query)).await?;
        match answer.status {
            StatusCode::OK => self.session.read(&answer).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.session.failed(&answer)),
        }
    }
}

/// What is known of the pairs, as a query.
fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let known = pairs.iter().filter_map(|(key, value)| Some((key, (*value)?)));
    Serializer::new(String::new()).extend_pairs(known).finish()
}

fn escaped(segment: &str) -> String {
    form_urlencoded::byte_serialize(segment.as_bytes()).collect()
}

#[cfg(test)]
mod tests;
