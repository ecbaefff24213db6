//! Property protections: who may create, read, update and delete which custom property.
//!
//! The operator's file has one section for each pattern of names; the first that fits decides. Without a file nobody is
//! kept from anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::config::{ProtectionConfig, ProtectionFormat};
use crate::context::Context;
use crate::error::Error;
use crate::policy::{Enforcer, Target};
use glasshouse_shared::image::Image;

/// What may be done with a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Create,
    Read,
    Update,
    Delete,
}

impl Operation {
    const ALL: [(&'static str, Self); 4] =
        [("create", Self::Create), ("read", Self::Read), ("update", Self::Update), ("delete", Self::Delete)];
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProtectionError {
    #[error("the property protection file {} cannot be read: {source}", file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    #[error("line {line} of the property protection file {}: {what}", file.display())]
    Line { file: PathBuf, line: usize, what: String },
    #[error("section [{section}] of the property protection file {}: {what}", file.display())]
    Section { file: PathBuf, section: String, what: String },
}

/// The rules of the file, in its order.
#[derive(Debug, Default)]
pub struct Protections {
    rules: Vec<Protection>,
    is_on: bool,
}

#[derive(Debug)]
struct Protection {
    names: Regex,
    allowed: [Allowed; 4],
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    Everybody,
    Nobody,
    Roles(Vec<String>),
    Policy(String),
}

/// The service's own properties are nobody else's to protect.
const EXEMPT_PREFIX: &str = "os_glance";

impl Protections {
    /// Reads the file; whatever is wrong in it is an error, since an open door is worse than a closed service.
    pub fn read(config: &ProtectionConfig, enforcer: &Enforcer) -> Result<Self, ProtectionError> {
        let Some(file) = &config.file else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(file)
            .map_err(|source| ProtectionError::Unreadable { file: file.clone(), source })?;
        let rules = parse(&text, config.format, file)?;
        for rule in &rules {
            for allowed in &rule.allowed {
                if let Allowed::Policy(name) = allowed
                    && !enforcer.will_be_asked(name)
                {
                    return Err(ProtectionError::Section {
                        file: file.clone(),
                        section: rule.names.to_string(),
                        what: format!("the policy files have no rule {name:?}"),
                    });
                }
            }
        }
        Ok(Self { rules, is_on: true })
    }

    pub fn allow(&self, enforcer: &Enforcer, ctx: &Context, name: &str, operation: Operation) -> bool {
        if !self.is_on || name.starts_with(EXEMPT_PREFIX) {
            return true;
        }
        let Some(rule) = self.rules.iter().find(|rule| rule.names.is_match(name)) else { return false };
        let Some(allowed) = rule.allowed.get(operation as usize) else { return false };
        match allowed {
            Allowed::Everybody => true,
            Allowed::Nobody => false,
            Allowed::Roles(roles) => {
                ctx.roles.iter().chain(&ctx.service_roles).any(|role| roles.contains(role))
            }
            Allowed::Policy(rule) => enforcer.allows_named(ctx, rule, &Target::new()),
        }
    }

    /// [`Self::allow`], a refusal being an error that names the property.
    pub fn enforce(
        &self,
        enforcer: &Enforcer,
        ctx: &Context,
        name: &str,
        operation: Operation,
    ) -> Result<(), Error> {
        if self.allow(enforcer, ctx, name, operation) {
            return Ok(());
        }
        Err(Error::Forbidden(format!("Property '{name}' is protected.")))
    }

    /// Takes out of an image what the caller may not read, and answers it.
    pub fn hide(&self, enforcer: &Enforcer, ctx: &Context, image: &mut Image) -> BTreeMap<String, String> {
        if !self.is_on {
            return BTreeMap::new();
        }
        let properties = std::mem::take(&mut image.properties);
        let (seen, hidden) =
            properties.into_iter().partition(|(name, _)| self.allow(enforcer, ctx, name, Operation::Read));
        image.properties = seen;
        hidden
    }
}

/// A section while its lines are read.
struct Section {
    name: String,
    line: usize,
    lines: BTreeMap<String, String>,
}

fn parse(text: &str, format: ProtectionFormat, file: &Path) -> Result<Vec<Protection>, ProtectionError> {
    let mut sections: Vec<Section> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let (number, line) = (number + 1, line.trim());
        let bad =
            |what: &str| ProtectionError::Line { file: file.to_owned(), line: number, what: what.to_owned() };
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            // A pattern may hold brackets: the last one ends it.
            let (name, _) = name.rsplit_once(']').ok_or_else(|| bad("a section needs a ] at its end"))?;
            sections.push(Section { name: name.to_owned(), line: number, lines: BTreeMap::new() });
            continue;
        }
        let (key, value) =
            line.split_once(['=', ':']).ok_or_else(|| bad("neither a [section] nor operation = who may"))?;
        let section = sections.last_mut().ok_or_else(|| bad("there is no section above"))?;
        section.lines.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    sections
        .iter()
        .filter(|section| !section.name.starts_with(EXEMPT_PREFIX))
        .map(|section| {
            protection(section, format).map_err(|what| ProtectionError::Section {
                file: file.to_owned(),
                section: section.name.clone(),
                what: format!("{what} (line {})", section.line),
            })
        })
        .collect()
}

fn protection(section: &Section, format: ProtectionFormat) -> Result<Protection, String> {
    let names = Regex::new(&section.name).map_err(|error| format!("it is no regular expression: {error}"))?;
    let mut allowed = [const { Allowed::Nobody }; 4];
    for (word, operation) in Operation::ALL {
        let who = section.lines.get(word).ok_or_else(|| format!("it does not say who may {word}"))?;
        if let Some(place) = allowed.get_mut(operation as usize) {
            *place = permission(word, who, format)?;
        }
    }
    Ok(Protection { names, allowed })
}

fn permission(word: &str, who: &str, format: ProtectionFormat) -> Result<Allowed, String> {
    let names: Vec<&str> = who.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let (everybody, nobody) = (names.contains(&"@"), names.contains(&"!"));
    match (format, names.as_slice()) {
        (_, []) => Ok(Allowed::Nobody),
        _ if everybody && nobody => Err(format!("{word} cannot be for everybody (@) and for nobody (!)")),
        _ if everybody => Ok(Allowed::Everybody),
        _ if nobody => Ok(Allowed::Nobody),
        (ProtectionFormat::Roles, names) => {
            Ok(Allowed::Roles(names.iter().map(|name| name.to_lowercase()).collect()))
        }
        (ProtectionFormat::Policies, [rule]) => Ok(Allowed::Policy((*rule).to_owned())),
        (ProtectionFormat::Policies, _) => {
            Err(format!("{word} names several rules; join them in the policy file"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PolicyConfig;

    const ROLES: &str = "# comment\n[^billing_]\ncreate = admin, Billing\nread = admin,billing,member\nupdate = billing\n\
        delete = !\n[^secret$]\ncreate: admin\nread: admin\nupdate: admin\ndelete: admin\n\
        [.*]\ncreate = @\nread = @\nupdate = @\ndelete = @\n";

    fn enforcer(policy: &str) -> Enforcer {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("policy.yaml");
        std::fs::write(&file, policy).expect("the policy");
        let config = PolicyConfig { file: Some(file), ..PolicyConfig::default() };
        Enforcer::new(&config).expect("rules")
    }

    fn read(text: &str, format: ProtectionFormat, enforcer: &Enforcer) -> Result<Protections, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("protections.conf");
        std::fs::write(&file, text).expect("the file");
        Protections::read(&ProtectionConfig { file: Some(file), format }, enforcer)
            .map_err(|error| error.to_string())
    }

    fn caller(roles: &[&str]) -> Context {
        Context { roles: roles.iter().map(|role| (*role).to_owned()).collect(), ..Context::default() }
    }

    fn allowed(protections: &Protections, enforcer: &Enforcer, roles: &[&str], name: &str) -> String {
        let may = |operation| protections.allow(enforcer, &caller(roles), name, operation);
        let letters = [('c', Operation::Create), ('r', Operation::Read), ('u', Operation::Update)];
        let letters = letters.into_iter().chain([('d', Operation::Delete)]);
        letters.map(|(letter, operation)| if may(operation) { letter } else { '-' }).collect()
    }

    #[test]
    fn the_first_pattern_that_fits_decides() {
        let enforcer = enforcer("{}");
        let protections = read(ROLES, ProtectionFormat::Roles, &enforcer).expect("rules");
        for (roles, name, expected) in [
            (&["member"][..], "billing_code", "-r--"),
            (&["billing"], "billing_code", "cru-"),
            (&["admin"], "billing_code", "cr--"),
            (&["member"], "secret", "----"),
            (&["admin"], "secret", "crud"),
            (&["member"], "os_distro", "crud"),
            (&[], "os_glance_import_task", "crud"),
        ] {
            assert_eq!(allowed(&protections, &enforcer, roles, name), expected, "{roles:?} {name}");
        }
        let mut service = caller(&["member"]);
        service.service_roles.push("billing".to_owned());
        assert!(protections.allow(&enforcer, &service, "billing_code", Operation::Update));
    }

    #[test]
    fn what_no_pattern_fits_is_refused_and_without_a_file_nothing_is() {
        let enforcer = enforcer("{}");
        let text = "[^a$]\ncreate = @\nread = @\nupdate = @\ndelete = @\n";
        let protections = read(text, ProtectionFormat::Roles, &enforcer).expect("rules");
        assert_eq!(allowed(&protections, &enforcer, &["admin"], "b"), "----");
        assert_eq!(allowed(&Protections::default(), &enforcer, &[], "b"), "crud");
    }

    #[test]
    fn a_rule_of_the_policy_file_may_decide() {
        let enforcer = enforcer("billing: role:billing or role:admin\n");
        let text = "[^billing_]\ncreate = billing\nread = @\nupdate = billing\ndelete = !\n";
        let protections = read(text, ProtectionFormat::Policies, &enforcer).expect("rules");
        assert_eq!(allowed(&protections, &enforcer, &["billing"], "billing_code"), "cru-");
        assert_eq!(allowed(&protections, &enforcer, &["member"], "billing_code"), "-r--");
        let unknown = read(&text.replace("= billing", "= bling"), ProtectionFormat::Policies, &enforcer);
        assert!(unknown.is_err_and(|error| error.contains("no rule \"bling\"")));
    }

    #[test]
    fn a_file_with_a_mistake_is_refused_with_its_place() {
        let enforcer = enforcer("{}");
        let whole = "create = @\nread = @\nupdate = @\ndelete = @\n";
        for (text, part) in [
            (format!("[a\n{whole}"), "line 1"),
            (whole.to_owned(), "no section above"),
            (format!("[(]\n{whole}"), "no regular expression"),
            ("[a]\ncreate = @\n".to_owned(), "who may read"),
            (format!("[a]\n{}", whole.replacen('@', "@,!", 1)), "for everybody (@) and for nobody (!)"),
            ("[a]\nnonsense\n".to_owned(), "line 2"),
        ] {
            let error = read(&text, ProtectionFormat::Roles, &enforcer).expect_err("a mistake");
            assert!(error.contains(part), "{error}");
        }
    }
}
