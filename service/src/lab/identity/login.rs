//! `POST /v3/auth/tokens`: by password or by token, for a project, the system or nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use glasshouse_shared::identity::{
    AuthRequest, Named, PasswordUser, Project, Reference, Scope, System, Token, TokenMethod, User,
};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, oneshot};

use super::reply::{Refusal, Reply};
use super::{Call, Inner};
use crate::clock::now;
use crate::lab::directory::{self, DOMAIN_ID, DOMAIN_NAME};
use crate::lab::{LabError, secret};

const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);
const BODY_LENGTH_MAX: usize = 64 * 1024;
const PASSWORD_LENGTH_MAX: usize = 4096;

/// Wrong passwords in a row that cost no time.
const FREE_FAILURES: u32 = 3;
const DELAY_FIRST: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_secs(2);

/// Checks passwords: one at a time, because each takes 19 MiB, and slower after failures.
pub struct Passwords {
    turn: Arc<Semaphore>,
    /// A hash of nothing that anybody knows, so that unknown users take as long as known ones.
    decoy: String,
    /// Failures in a row by user id; all unknown users are one. So it has no more entries than the lab has users.
    failures: Mutex<HashMap<String, u32>>,
}

impl Passwords {
    pub fn new() -> Result<Self, LabError> {
        let decoy = secret::hash(&secret::password()?)?;
        Ok(Self { turn: Arc::new(Semaphore::new(1)), decoy, failures: Mutex::new(HashMap::new()) })
    }

    /// Whether it is the password of the user; never for `None`.
    async fn fit(&self, user: Option<&directory::User>, password: String) -> Result<bool, Refusal> {
        let busy = || Refusal::unavailable("passwords cannot be checked now");
        let turn =
            Arc::clone(&self.turn).acquire_owned().await.map_err(|_| Refusal::unavailable("the lab ends"))?;
        let hash = user.map_or_else(|| self.decoy.clone(), |user| user.password_hash.clone());
        // The turn goes along: should the client hang up, the work goes on, and so must the bound.
        // Not on the pool: each of its many threads would keep the 19 MiB of its last check for itself.
        let (reply, answer) = oneshot::channel();
        let check = move || {
            let fits = secret::verify(&password, &hash);
            drop(turn);
            // A client that hung up needs no answer.
            let _ = reply.send(fits);
        };
        Builder::new().name("password".to_owned()).spawn(check).map_err(|_| busy())?;
        let fits = answer.await.map_err(|_| busy())? && user.is_some();
        if let Some(delay) = self.note(user.map_or("", |user| &user.id), fits) {
            tokio::time::sleep(delay).await;
        }
        Ok(fits)
    }

    /// Counts, and says how long the answer is held back.
    fn note(&self, user_id: &str, fits: bool) -> Option<Duration> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if fits {
            failures.remove(user_id);
            return None;
        }
        let count = failures.entry(user_id.to_owned()).or_default();
        *count = count.saturating_add(1);
        let doublings = count.checked_sub(FREE_FAILURES + 1)?;
        Some(
            2_u32
                .checked_pow(doublings)
                .and_then(|factor| DELAY_FIRST.checked_mul(factor))
                .map_or(DELAY_MAX, |delay| delay.min(DELAY_MAX)),
        )
    }
}

/// Who logged in, and how.
struct Login<'d> {
    user: &'d directory::User,
    methods: Vec<String>,
    /// `None`: a whole life.
    expires_at: Option<Timestamp>,
    /// Of the token that this one is made from.
    audit_id: Option<String>,
}

impl Inner {
    pub async fn log_in(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        if call.body.len() > BODY_LENGTH_MAX {
            return Err(Refusal::too_large());
        }
        let request: AuthRequest = serde_json::from_slice(call.body)
            .map_err(|error| Refusal::bad_request(format!("the body is no login of Keystone v3: {error}")))?;
        let identity = request.auth.identity;
        let login = match (identity.methods.as_slice(), identity.password, identity.token) {
            ([method], Some(password), _) if method == "password" => self.by_password(password.user).await?,
            ([method], _, Some(token)) if method == "token" => self.by_token(&token)?,
            ([method], ..) if method == "password" || method == "token" => {
                return Err(Refusal::bad_request(format!(
                    "the part of the login method {method:?} is missing"
                )));
            }
            _ => {
                return Err(Refusal::login(
                    "the lab knows the login methods password and token, one at a time",
                ));
            }
        };
        let token = self.token_for(&login, request.auth.scope)?;
        let secret =
            secret::token().map_err(|_| Refusal::unavailable("the system gives no random numbers"))?;
        self.tokens.insert(&secret, token.clone(), now());
        Ok(self.token_reply(call, StatusCode::CREATED, &token, &secret))
    }

    async fn by_password(&self, asked: PasswordUser) -> Result<Login<'_>, Refusal> {
        if asked.password.len() > PASSWORD_LENGTH_MAX {
            return Err(Refusal::too_large());
        }
        let user = match (&asked.id, &asked.name, &asked.domain) {
            (Some(id), ..) => self.directory.user(id),
            (None, Some(name), Some(domain)) => self.directory.user_named(name).filter(|_| is_ours(domain)),
            (None, Some(_), None) => {
                return Err(Refusal::bad_request("a user name needs its domain: the lab's is \"Default\""));
            }
            (None, None, _) => return Err(Refusal::bad_request("the user has neither an id nor a name")),
        };
        let fits = self.passwords.fit(user, asked.password).await?;
        let user = user.filter(|_| fits).ok_or_else(|| {
            Refusal::login(
                "the user or the password is wrong; those of the lab stand in clouds.yaml in its folder",
            )
        })?;
        Ok(Login { user, methods: vec!["password".to_owned()], expires_at: None, audit_id: None })
    }

    /// A token for another one: it does not live longer than the first.
    fn by_token(&self, asked: &TokenMethod) -> Result<Login<'_>, Refusal> {
        let token = self.tokens.get(asked.id.trim(), now()).ok_or_else(Refusal::unauthenticated)?;
        let user = self.directory.user(&token.user.id).ok_or_else(Refusal::unauthenticated)?;
        let mut methods = vec!["token".to_owned()];
        methods.extend(token.methods.iter().filter(|method| *method != "token").cloned());
        let audit_id = token.audit_ids.last().cloned();
        Ok(Login { user, methods, expires_at: Some(token.expires_at), audit_id })
    }

    fn token_for(&self, login: &Login<'_>, scope: Option<Scope>) -> Result<Token, Refusal> {
        let user = login.user;
        let (project, system) = match scope {
            None => (self.directory.project(&user.default_project_id), None),
            Some(Scope::Unscoped) => (None, None),
            Some(Scope::Project(asked)) => (Some(self.project_asked(&asked)?), None),
            Some(Scope::System(System { all: true })) => (None, Some(System { all: true })),
            Some(Scope::System(System { all: false })) => {
                return Err(Refusal::bad_request("the scope system has only the part \"all\""));
            }
            Some(Scope::Domain(_)) => return Err(no_access("the domain")),
        };
        let roles = match (project, &system) {
            (None, None) => Vec::new(),
            (project, _) => {
                let roles = self.directory.roles_of(&user.id, project.map(|project| project.id.as_str()));
                if roles.is_empty() {
                    return Err(no_access(project.map_or("the system", |_| "the project")));
                }
                roles
            }
        };
        let issued_at = now();
        let whole_life = issued_at.saturating_add(TOKEN_LIFE).unwrap_or(Timestamp::MAX);
        let audit_id = uuid::Uuid::new_v4().simple().to_string();
        Ok(Token {
            methods: login.methods.clone(),
            user: User {
                id: user.id.clone(),
                name: user.name.clone(),
                domain: domain(),
                password_expires_at: None,
            },
            project: project.map(|project| Project {
                id: project.id.clone(),
                name: project.name.clone(),
                domain: domain(),
            }),
            domain: None,
            system,
            roles: roles
                .into_iter()
                .map(|role| Named { id: role.id.clone(), name: role.name.clone() })
                .collect(),
            catalog: None,
            issued_at,
            expires_at: login.expires_at.unwrap_or(whole_life),
            audit_ids: std::iter::once(audit_id).chain(login.audit_id.clone()).collect(),
            application_credential: None,
        })
    }

    /// A project that is not there is not told apart from one without access.
    fn project_asked(&self, asked: &Reference) -> Result<&directory::Project, Refusal> {
        let found = match (&asked.id, &asked.name, &asked.domain) {
            (Some(id), ..) => self.directory.project(id),
            (None, Some(name), Some(domain)) => {
                self.directory.project_named(name).filter(|_| is_ours(domain))
            }
            (None, Some(_), None) => {
                return Err(Refusal::bad_request(
                    "a project name needs its domain: the lab's is \"Default\"",
                ));
            }
            (None, None, _) => return Err(Refusal::bad_request("the project has neither an id nor a name")),
        };
        found.ok_or_else(|| no_access("the project"))
    }
}

fn no_access(to: &str) -> Refusal {
    Refusal::login(format!("the user has no role on {to} that is asked for, or it does not exist"))
}

fn is_ours(domain: &Reference) -> bool {
    match (&domain.id, &domain.name) {
        (Some(id), _) => id == DOMAIN_ID,
        (None, name) => name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(DOMAIN_NAME)),
    }
}

fn domain() -> Named {
    Named { id: DOMAIN_ID.to_owned(), name: DOMAIN_NAME.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_passwords_cost_more_and_more_time_up_to_a_bound() {
        let passwords = Passwords::new().unwrap();
        let delays: Vec<_> = (0..10).map(|_| passwords.note("u", false)).collect();
        assert_eq!(delays[..3], [None; 3]);
        assert_eq!(delays[3..6], [100, 200, 400].map(|millis| Some(Duration::from_millis(millis))));
        assert_eq!(delays[9], Some(DELAY_MAX));
        assert_eq!(passwords.note("another", false), None);
        assert_eq!(passwords.note("u", true), None);
        assert_eq!(passwords.note("u", false), None);
    }
}
