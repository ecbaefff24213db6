//! What can be looked up with a token: the catalog, the own projects, and for administrators all that there is.

use std::sync::Arc;

use glasshouse_shared::identity::Token;
use http::StatusCode;
use serde_json::{Value, json};

use super::reply::{Refusal, Reply};
use super::{Call, Inner, has_role};
use crate::lab::directory::{self, DOMAIN_ID, DOMAIN_NAME, REGION};

/// A collection by the names it has in a path and in a body.
struct Collection {
    plural: &'static str,
    singular: &'static str,
}

const COLLECTIONS: &[Collection] = &[
    Collection { plural: "projects", singular: "project" },
    Collection { plural: "users", singular: "user" },
    Collection { plural: "roles", singular: "role" },
    Collection { plural: "domains", singular: "domain" },
    Collection { plural: "services", singular: "service" },
    Collection { plural: "endpoints", singular: "endpoint" },
    Collection { plural: "regions", singular: "region" },
];

impl Inner {
    pub fn look_up(&self, call: &Call<'_>, path: &[&str], caller: &Arc<Token>) -> Result<Reply, Refusal> {
        match path {
            ["auth", "catalog"] => {
                let links = json!({"self": format!("{}/identity/v3/auth/catalog", call.base_url)});
                let document = json!({"catalog": self.catalog(call.base_url), "links": links});
                Ok(Reply::json(StatusCode::OK, &document))
            }
            ["auth", "projects"] => Ok(list(call, "projects", self.projects_of(call, &caller.user.id))),
            // Nobody has a role on the domain itself.
            ["auth", "domains"] => Ok(list(call, "domains", Vec::new())),
            ["auth", "system"] => {
                let scopes = if self.directory.roles_of(&caller.user.id, None).is_empty() {
                    Vec::new()
                } else {
                    vec![json!({"all": true})]
                };
                Ok(list(call, "system", scopes))
            }
            ["users", id, "projects"] => {
                self.admit(caller, *id == caller.user.id)?;
                let user = self.directory.user(id).ok_or_else(|| missing("user", id))?;
                Ok(list(call, "projects", self.projects_of(call, &user.id)))
            }
            ["role_assignments"] => {
                self.admit(
                    caller,
                    call.query.iter().any(|(key, id)| key == "user.id" && *id == caller.user.id),
                )?;
                Ok(list(call, "role_assignments", self.assignments(call)))
            }
            [plural] => {
                let collection = collection(plural)?;
                self.admit(caller, collection.plural == "regions")?;
                Ok(list(call, collection.plural, self.documents(call, collection.plural)))
            }
            [plural, id] => {
                let collection = collection(plural)?;
                self.admit(caller, self.is_own(collection, id, caller))?;
                let document =
                    self.documents(call, collection.plural).into_iter().find(|known| known["id"] == *id);
                let document = document.ok_or_else(|| missing(collection.singular, id))?;
                Ok(Reply::json(StatusCode::OK, &json!({collection.singular: document})))
            }
            _ => Err(Refusal::not_found("there is nothing at this address of the identity service")),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as the question that it is")]
    fn admit(&self, caller: &Token, own: bool) -> Result<(), Refusal> {
        if own || has_role(caller, "admin") {
            return Ok(());
        }
        Err(Refusal::forbidden("only administrators may look this up"))
    }

    /// What everybody may know of himself.
    fn is_own(&self, collection: &Collection, id: &str, caller: &Token) -> bool {
        match collection.plural {
            "users" => caller.user.id == id,
            "projects" => self.directory.projects_of(&caller.user.id).any(|project| project.id == id),
            "domains" => id == DOMAIN_ID,
            "regions" => true,
            _ => false,
        }
    }

    fn documents(&self, call: &Call<'_>, plural: &str) -> Vec<Value> {
        let directory = &self.directory;
        match plural {
            "projects" => directory.projects.iter().map(|project| project_document(call, project)).collect(),
            "users" => directory.users.iter().map(|user| user_document(call, user)).collect(),
            "roles" => directory.roles.iter().map(|role| role_document(call, role)).collect(),
            "domains" => vec![domain_document(call)],
            "services" => self.services(call),
            "endpoints" => self.endpoints(call),
            "regions" => vec![json!({
                "id": REGION, "description": "", "parent_region_id": null, "links": links(call, "regions", REGION),
            })],
            _ => Vec::new(),
        }
    }

    fn projects_of(&self, call: &Call<'_>, user_id: &str) -> Vec<Value> {
        self.directory.projects_of(user_id).map(|project| project_document(call, project)).collect()
    }

    fn services(&self, call: &Call<'_>) -> Vec<Value> {
        let catalog = self.catalog(call.base_url);
        let document = |service: glasshouse_shared::identity::CatalogService| {
            json!({
                "id": service.id, "type": service.service_type, "name": service.name, "enabled": true,
                "description": "", "links": links(call, "services", &service.id),
            })
        };
        catalog.0.into_iter().map(document).collect()
    }

    fn endpoints(&self, call: &Call<'_>) -> Vec<Value> {
        let mut documents = Vec::new();
        for service in self.catalog(call.base_url).0 {
            for endpoint in service.endpoints {
                documents.push(json!({
                    "id": endpoint.id, "interface": endpoint.interface, "region": endpoint.region,
                    "region_id": endpoint.region_id, "service_id": service.id, "url": endpoint.url,
                    "enabled": true, "links": links(call, "endpoints", &endpoint.id),
                }));
            }
        }
        documents
    }

    fn assignments(&self, call: &Call<'_>) -> Vec<Value> {
        let named = call.has("include_names");
        let domain = json!({"id": DOMAIN_ID, "name": DOMAIN_NAME});
        let mut documents = Vec::new();
        for assignment in &self.directory.assignments {
            let mut role = json!({"id": assignment.role_id});
            let mut user = json!({"id": assignment.user_id});
            let mut scope = match &assignment.project_id {
                Some(id) => json!({"project": {"id": id}}),
                None => json!({"system": {"all": true}}),
            };
            if named {
                let name = self.directory.roles.iter().find(|role| role.id == assignment.role_id);
                role["name"] = json!(name.map(|role| &role.name));
                user["name"] = json!(self.directory.user(&assignment.user_id).map(|user| &user.name));
                user["domain"] = domain.clone();
                if let Some(project) =
                    assignment.project_id.as_ref().and_then(|id| self.directory.project(id))
                {
                    scope = json!({"project": {"id": project.id, "name": project.name, "domain": domain}});
                }
            }
            documents.push(json!({"role": role, "user": user, "scope": scope, "links": {}}));
        }
        documents
    }
}

fn collection(plural: &str) -> Result<&'static Collection, Refusal> {
    COLLECTIONS
        .iter()
        .find(|collection| collection.plural == plural)
        .ok_or_else(|| Refusal::not_found("there is nothing at this address of the identity service"))
}

fn missing(singular: &str, id: &str) -> Refusal {
    Refusal::not_found(format!("could not find {singular}: {id}"))
}

fn list(call: &Call<'_>, plural: &str, documents: Vec<Value>) -> Reply {
    let documents = filtered(call, documents);
    let own = format!("{}/identity/{}", call.base_url, call.path.join("/"));
    let links = json!({"self": own, "next": null, "previous": null});
    Reply::json(StatusCode::OK, &json!({plural: documents, "links": links}))
}

/// Keeps what has the asked values. A key that nothing in the list has is no filter of ours and changes nothing.
fn filtered(call: &Call<'_>, mut documents: Vec<Value>) -> Vec<Value> {
    for (key, wanted) in &call.query {
        if documents.iter().any(|document| at(document, key).is_some()) {
            documents.retain(|document| at(document, key).is_some_and(|value| equals(value, wanted)));
        }
    }
    documents
}

/// `user.id` is the key `id` in the object `user`.
fn at<'v>(document: &'v Value, key: &str) -> Option<&'v Value> {
    key.split('.').try_fold(document, |value, part| value.get(part))
}

fn equals(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Bool(truth) => truth.to_string() == wanted.to_ascii_lowercase() || (*truth && wanted == "1"),
        Value::Null => wanted.is_empty(),
        _ => false,
    }
}

fn links(call: &Call<'_>, plural: &str, id: &str) -> Value {
    json!({"self": format!("{}/identity/v3/{plural}/{id}", call.base_url)})
}

fn project_document(call: &Call<'_>, project: &directory::Project) -> Value {
    json!({
        "id": project.id, "name": project.name, "description": project.description, "domain_id": DOMAIN_ID,
        "parent_id": DOMAIN_ID, "enabled": true, "is_domain": false, "tags": [], "options": {},
        "links": links(call, "projects", &project.id),
    })
}

fn user_document(call: &Call<'_>, user: &directory::User) -> Value {
    json!({
        "id": user.id, "name": user.name, "domain_id": DOMAIN_ID, "enabled": true,
        "default_project_id": user.default_project_id, "password_expires_at": null, "options": {},
        "links": links(call, "users", &user.id),
    })
}

fn role_document(call: &Call<'_>, role: &directory::Role) -> Value {
    json!({
        "id": role.id, "name": role.name, "domain_id": null, "description": null, "options": {},
        "links": links(call, "roles", &role.id),
    })
}

fn domain_document(call: &Call<'_>) -> Value {
    json!({
        "id": DOMAIN_ID, "name": DOMAIN_NAME, "description": "The only domain of the lab", "enabled": true,
        "tags": [], "options": {}, "links": links(call, "domains", DOMAIN_ID),
    })
}
