//! All rules of one moment: the table with the operator's changes, read, linked and proved free of circles.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::PolicyError;
use super::file::Override;
use super::language::{self, Check};
use super::rules::{self, DEFINITIONS, Definition, Rule};

/// The checks, each at the place of its rule; rules that only the operator knows follow.
#[derive(Debug)]
pub struct RuleSet {
    checks: Vec<Check>,
    /// Every name with the place of its check.
    places: HashMap<String, usize>,
    /// Names in the files that nothing asks: most likely misspelt.
    pub unknown: Vec<String>,
    /// Whether a rule may ask another server.
    pub is_remote: bool,
}

/// A check before it is read.
struct Source<'a> {
    name: &'a str,
    text: String,
    /// `None`: the table.
    file: Option<&'a Path>,
}

impl RuleSet {
    pub fn new(
        enforce_new_defaults: bool,
        overrides: &BTreeMap<String, Override>,
    ) -> Result<Self, PolicyError> {
        let mut sources: Vec<Source<'_>> = DEFINITIONS
            .iter()
            .map(|definition| match overrides.get(definition.name) {
                Some(changed) => source(definition.name, changed),
                None => Source {
                    name: definition.name,
                    text: default_text(definition, enforce_new_defaults, overrides),
                    file: None,
                },
            })
            .collect();
        let further =
            overrides.iter().filter(|(name, _)| DEFINITIONS.iter().all(|known| known.name != *name));
        sources.extend(further.map(|(name, changed)| source(name, changed)));

        let places: HashMap<&str, usize> =
            sources.iter().enumerate().map(|(at, source)| (source.name, at)).collect();
        let place_of = |name: &str| places.get(name).copied();
        let mut checks = Vec::with_capacity(sources.len());
        for source in &sources {
            checks.push(language::parse(&source.text, &place_of).map_err(|why| PolicyError::Check {
                file: source.file.map(Path::to_path_buf),
                rule: source.name.to_owned(),
                why,
            })?);
        }
        refuse_circles(&checks, &sources)?;
        let places = places.into_iter().map(|(name, at)| (name.to_owned(), at)).collect();
        let unknown = unreferenced(&checks).into_iter().filter_map(|at| sources.get(at));
        let unknown = unknown.map(|source| source.name.to_owned()).collect();
        Ok(Self { unknown, is_remote: checks.iter().any(Check::is_remote), checks, places })
    }

    /// The check of this name, also of one that only the operator knows.
    pub fn check_named(&self, name: &str) -> Option<(&Check, &[Check])> {
        let check = self.checks.get(*self.places.get(name)?)?;
        Some((check, &self.checks))
    }

    /// The check of a rule, and all checks for those it refers to.
    pub fn check(&self, rule: Rule) -> (&Check, &[Check]) {
        (self.checks.get(rule as usize).unwrap_or(&Check::Never), &self.checks)
    }
}

fn source<'a>(name: &'a str, changed: &'a Override) -> Source<'a> {
    Source { name, text: changed.check.clone(), file: Some(&changed.file) }
}

/// What a rule says that the files do not name.
fn default_text(
    definition: &Definition,
    enforce_new_defaults: bool,
    overrides: &BTreeMap<String, Override>,
) -> String {
    let former = rules::former_name(definition.rule).filter(|former| overrides.contains_key(former.name()));
    match (former, definition.old_check) {
        (Some(former), _) => format!("rule:{}", former.name()),
        (None, Some(old)) if !enforce_new_defaults && !definition.check.is_empty() => {
            format!("({}) or ({old})", definition.check)
        }
        _ => definition.check.to_owned(),
    }
}

/// A rule that comes back to itself would never answer.
fn refuse_circles(checks: &[Check], sources: &[Source<'_>]) -> Result<(), PolicyError> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    fn visit(at: usize, checks: &[Check], marks: &mut [Mark]) -> bool {
        match marks.get(at) {
            Some(Mark::Open) => return true,
            Some(Mark::Done) | None => return false,
            Some(Mark::New) => {}
        }
        let mut referred = Vec::new();
        if let (Some(mark), Some(check)) = (marks.get_mut(at), checks.get(at)) {
            *mark = Mark::Open;
            check.references(&mut |next| referred.push(next));
        }
        if referred.into_iter().any(|next| visit(next, checks, marks)) {
            return true;
        }
        if let Some(mark) = marks.get_mut(at) {
            *mark = Mark::Done;
        }
        false
    }
    let mut marks = vec![Mark::New; checks.len()];
    for (at, source) in sources.iter().enumerate() {
        if visit(at, checks, &mut marks) {
            let file = source.file.map(Path::to_path_buf);
            return Err(PolicyError::Circle { file, rule: source.name.to_owned() });
        }
    }
    Ok(())
}

/// The operator's own rules that no rule refers to.
fn unreferenced(checks: &[Check]) -> Vec<usize> {
    let mut referred = vec![false; checks.len()];
    for check in checks {
        check.references(&mut |at| {
            if let Some(mark) = referred.get_mut(at) {
                *mark = true;
            }
        });
    }
    (Rule::ALL.len()..checks.len()).filter(|at| referred.get(*at) == Some(&false)).collect()
}
