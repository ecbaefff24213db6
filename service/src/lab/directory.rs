//! Who is who in the lab: its projects, users and roles, as `identity.json` keeps them.
//!
//! They are made once and do not change, except for the passwords.

use serde::{Deserialize, Serialize};

use super::cloud_files::Passwords;
use super::folder::Folder;
use super::{LabError, secret};

const FILE: &str = "identity.json";
const LAYOUT: u32 = 1;

/// The only domain, with Keystone's own id for it.
pub const DOMAIN_ID: &str = "default";
pub const DOMAIN_NAME: &str = "Default";
pub const REGION: &str = "RegionOne";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Of this file; a newer one is refused and not guessed at.
    layout: u32,
    pub projects: Vec<Project>,
    pub roles: Vec<Role>,
    pub users: Vec<User>,
    pub assignments: Vec<Assignment>,
    /// Ids of the services and endpoints in the catalog.
    pub image_service: Service,
    pub identity_service: Service,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub id: String,
    pub name: String,
    pub description: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: String,
    pub name: String,
    pub default_project_id: String,
    /// argon2id in PHC form.
    pub password_hash: String,
}

/// A role of a user on a project, or on the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub user_id: String,
    pub role_id: String,
    /// `None`: the system as a whole.
    pub project_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub id: String,
    /// For public, internal and admin.
    pub endpoint_ids: [String; 3],
}

impl Directory {
    /// A new one. Nobody can log in before [`Self::set_passwords`].
    pub fn new() -> Result<Self, LabError> {
        let project = |name: &str, description: &str| {
            let (name, description) = (name.to_owned(), description.to_owned());
            Ok::<_, LabError>(Project { id: secret::id()?, name, description })
        };
        let role = |name: &str| Ok::<_, LabError>(Role { id: secret::id()?, name: name.to_owned() });
        let projects = [
            project("admin", "For the administrator of the lab")?,
            project("demo", "For trying things out")?,
            project("service", "For the services of the lab")?,
        ];
        let roles = [role("admin")?, role("member")?, role("reader")?, role("service")?];
        let mut users = Vec::new();
        let mut assignments = Vec::new();
        let [admin_project, demo_project, service_project] = &projects;
        let [admin_role, member_role, _, service_role] = &roles;
        for (name, home, role, places) in [
            ("admin", admin_project, admin_role, vec![Some(admin_project), Some(demo_project), None]),
            ("demo", demo_project, member_role, vec![Some(demo_project)]),
            ("glance", service_project, service_role, vec![Some(service_project)]),
        ] {
            let id = secret::id()?;
            for place in places {
                let project_id = place.map(|project| project.id.clone());
                assignments.push(Assignment { user_id: id.clone(), role_id: role.id.clone(), project_id });
            }
            let default_project_id = home.id.clone();
            users.push(User { id, name: name.to_owned(), default_project_id, password_hash: String::new() });
        }
        let service = || {
            let endpoint_ids = [secret::id()?, secret::id()?, secret::id()?];
            Ok::<_, LabError>(Service { id: secret::id()?, endpoint_ids })
        };
        let (projects, roles) = (projects.to_vec(), roles.to_vec());
        let (image_service, identity_service) = (service()?, service()?);
        Ok(Self { layout: LAYOUT, projects, roles, users, assignments, image_service, identity_service })
    }

    /// What the folder holds; `None` at the first start.
    pub fn load(folder: &Folder) -> Result<Option<Self>, LabError> {
        let Some(text) = folder.read(FILE)? else { return Ok(None) };
        let corrupt = |why: String| LabError::CorruptIdentity { file: folder.path().join(FILE), why };
        let directory: Self = serde_json::from_str(&text).map_err(|error| corrupt(error.to_string()))?;
        if directory.layout != LAYOUT {
            return Err(corrupt(format!("it has layout {}, this program knows {LAYOUT}", directory.layout)));
        }
        if directory.user_named("admin").is_none() || directory.user_named("demo").is_none() {
            return Err(corrupt("the users admin and demo are not both in it".to_owned()));
        }
        Ok(Some(directory))
    }

    pub fn save(&self, folder: &Folder) -> Result<(), LabError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| LabError::Secret(error.to_string()))?;
        folder.write(FILE, &format!("{text}\n"))
    }

    /// Gives the people these passwords. The account of the service gets one that nobody knows: the lab validates
    /// tokens in its own process.
    pub fn set_passwords(&mut self, passwords: &Passwords) -> Result<(), LabError> {
        for user in &mut self.users {
            user.password_hash = match user.name.as_str() {
                "admin" => secret::hash(&passwords.admin)?,
                "demo" => secret::hash(&passwords.demo)?,
                _ => secret::hash(&secret::password()?)?,
            };
        }
        Ok(())
    }

    /// Whether the users can log in with these passwords.
    pub fn knows(&self, passwords: &Passwords) -> bool {
        let fits = |name, password: &str| {
            self.user_named(name).is_some_and(|user| secret::verify(password, &user.password_hash))
        };
        fits("admin", &passwords.admin) && fits("demo", &passwords.demo)
    }

    pub fn user_named(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub fn project(&self, id: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    pub fn project_named(&self, name: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.name == name)
    }

    /// The projects on which a user has a role, in the order of their making.
    pub fn projects_of(&self, user_id: &str) -> impl Iterator<Item = &Project> {
        self.projects.iter().filter(move |project| !self.roles_of(user_id, Some(&project.id)).is_empty())
    }

    /// The roles of a user on a project, or on the system; with those that they imply: admin is member, member is
    /// reader.
    pub fn roles_of(&self, user_id: &str, project_id: Option<&str>) -> Vec<&Role> {
        let assigned = |role: &Role| {
            self.assignments.iter().any(|assignment| {
                assignment.user_id == user_id
                    && assignment.project_id.as_deref() == project_id
                    && assignment.role_id == role.id
            })
        };
        let mut implied = false;
        let mut roles = Vec::new();
        for name in ["admin", "member", "reader"] {
            if let Some(role) = self.roles.iter().find(|role| role.name == name) {
                implied |= assigned(role);
                if implied {
                    roles.push(role);
                }
            }
        }
        let others =
            self.roles.iter().filter(|role| !["admin", "member", "reader"].contains(&role.name.as_str()));
        roles.extend(others.filter(|role| assigned(role)));
        roles
    }
}
