//! The policy: who may do what. One table of rules ([`rules`]), changed by the operator's files, asked here.
//!
//! Use cases ask; handlers and queries do not. Whether an image is in reach at all is also the database's matter
//! (its visibility layer): both must agree.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use crate::config::PolicyConfig;
use crate::context::Context;
use crate::error::Error;

mod document;
mod file;
mod language;
mod remote;
mod rules;
mod set;
mod target;

pub use document::{markdown, sample_yaml};
pub use language::SyntaxError;
pub use remote::RemoteError;
pub use rules::{DEFINITIONS, Definition, Rule, Scope};
pub use target::Target;

use language::{Asked, Check};
use remote::Remote;
use set::RuleSet;

/// The files are looked at again after so long, and not for every request.
const LOOK_AGAIN_MILLIS: u64 = 1000;

/// Why the policy files cannot be used. Each text names the file and the rule.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("the policy file {} cannot be read: {source}", file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    #[error("the policy file {} is not valid: {why}", file.display())]
    NotPolicy { file: PathBuf, why: String },
    #[error("rule {rule:?} {}: {why}", place(file.as_ref()))]
    Check { file: Option<PathBuf>, rule: String, why: SyntaxError },
    #[error("rule {rule:?} {} refers to itself, directly or through other rules", place(file.as_ref()))]
    Circle { file: Option<PathBuf>, rule: String },
    #[error("{0}")]
    Remote(#[from] RemoteError),
}

fn place(file: Option<&PathBuf>) -> String {
    file.map_or_else(|| "of the defaults".to_owned(), |file| format!("in the policy file {}", file.display()))
}

/// Answers the rules. Cheap to ask: checks are read once, and again when a file changes.
#[derive(Debug)]
pub struct Enforcer {
    config: PolicyConfig,
    current: RwLock<Arc<RuleSet>>,
    stamp: Mutex<file::Stamp>,
    started: Instant,
    /// When the files were last looked at, in milliseconds after `started`.
    looked_millis: AtomicU64,
    remote: Remote,
    /// Rules of the operator's own that something beside the policy asks.
    asked_elsewhere: Mutex<BTreeSet<String>>,
}

impl Enforcer {
    /// Reads the files; they need not exist, but what exists must be right.
    pub fn new(config: &PolicyConfig) -> Result<Self, PolicyError> {
        // The stamp first: a file that changes while it is read is read again.
        let stamp = file::stamp(config);
        let remote = Remote::new(&config.remote);
        let set = load(config, &remote)?;
        Ok(Self {
            config: config.clone(),
            current: RwLock::new(Arc::new(set)),
            stamp: Mutex::new(stamp),
            started: Instant::now(),
            looked_millis: AtomicU64::new(0),
            remote,
            asked_elsewhere: Mutex::default(),
        })
    }

    /// Whether a rule may have to ask another server.
    pub fn asks_others(&self) -> bool {
        self.refresh_sometimes();
        self.set().is_remote
    }

    /// The answer of a rule.
    pub fn allows(&self, context: &Context, rule: Rule, target: &Target<'_>) -> bool {
        self.refresh_sometimes();
        if rule.scope() == Scope::Project && !is_for_a_project(context) {
            return false;
        }
        let set = self.set();
        self.answer(rule.name(), set.check(rule), context, target)
    }

    /// Something beside the policy will ask this rule, with [`Self::allows_named`]. Answers whether the policy, as it is
    /// now, has it.
    pub fn will_be_asked(&self, name: &str) -> bool {
        let mut asked = self.asked_elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(name.to_owned());
        self.set().check_named(name).is_some()
    }

    /// The answer of a rule that the operator named elsewhere than in the policy. One that is not there refuses.
    pub fn allows_named(&self, context: &Context, name: &str, target: &Target<'_>) -> bool {
        self.refresh_sometimes();
        let set = self.set();
        set.check_named(name).is_some_and(|check| self.answer(name, check, context, target))
    }

    /// A check that has no answer refuses.
    fn answer(
        &self,
        rule: &str,
        (check, rules): (&Check, &[Check]),
        context: &Context,
        target: &Target<'_>,
    ) -> bool {
        let asked = Asked { rule, context, target, rules, remote: &self.remote };
        check.passes(&asked).unwrap_or(false)
    }

    /// The answer of a rule, a refusal being an error that names the rule.
    pub fn enforce(&self, context: &Context, rule: Rule, target: &Target<'_>) -> Result<(), Error> {
        if self.allows(context, rule, target) {
            return Ok(());
        }
        Err(Error::Forbidden(format!(
            "you are not allowed to do this: policy rule {} refuses it",
            rule.name()
        )))
    }

    /// Like [`Self::enforce`] for a rule about one image: who may not even see the image gets `missing`, so that a
    /// refusal does not betray that there is one.
    pub fn enforce_or_hide(
        &self,
        context: &Context,
        rule: Rule,
        target: &Target<'_>,
        missing: impl FnOnce() -> Error,
    ) -> Result<(), Error> {
        let refused = self.enforce(context, rule, target);
        if refused.is_err() && !self.allows(context, Rule::GetImage, target) {
            return Err(missing());
        }
        refused
    }

    /// Whether the caller is an administrator; fills [`Context::is_admin`].
    pub fn is_admin(&self, context: &Context) -> bool {
        self.allows(context, Rule::ContextIsAdmin, &Target::new())
    }

    /// Names in the policy files that nothing asks: most likely misspelt.
    pub fn unknown_rules(&self) -> Vec<String> {
        let asked = self.asked_elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unknown = self.set().unknown.clone();
        unknown.retain(|name| !asked.contains(name));
        unknown
    }

    /// Logs them. To be called once everything that asks rules has said so.
    pub fn warn_of_unknown_rules(&self) {
        for name in self.unknown_rules() {
            tracing::warn!("the policy files set rule {name:?}, which nothing asks: is it misspelt?");
        }
    }

    fn set(&self) -> Arc<RuleSet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn refresh_sometimes(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let looked = self.looked_millis.load(Ordering::Relaxed);
        let due = now.saturating_sub(looked) >= LOOK_AGAIN_MILLIS;
        // Whoever wins the exchange looks; the others go on with the rules at hand.
        if due
            && self.looked_millis.compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.refresh();
        }
    }

    /// Reads the files again if they changed. A mistake in them keeps the rules that were good, and is logged.
    fn refresh(&self) {
        let stamp = file::stamp(&self.config);
        {
            let mut known = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
            if *known == stamp {
                return;
            }
            *known = stamp;
        }
        match load(&self.config, &self.remote) {
            Ok(set) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
                tracing::info!("the policy files changed and were read again");
                self.warn_of_unknown_rules();
            }
            Err(error) => {
                tracing::error!(
                    "the policy files changed and cannot be used, the former rules stay: {error}"
                );
            }
        }
    }
}

fn load(config: &PolicyConfig, remote: &Remote) -> Result<RuleSet, PolicyError> {
    let set = RuleSet::new(config.enforce_new_defaults, &file::read(config)?)?;
    if set.is_remote {
        remote.prepare()?;
    }
    Ok(set)
}

/// Tokens of the system say so. Tokens of a domain have roles but no project; a token without any scope has
/// neither, and the caller without identity (`[paste_deploy] flavor` empty) is no user at all.
fn is_for_a_project(context: &Context) -> bool {
    let of_domain = context.project_id.is_none() && context.user_id.is_some() && !context.roles.is_empty();
    context.system_scope.is_none() && !of_domain
}

#[cfg(test)]
mod tests;
