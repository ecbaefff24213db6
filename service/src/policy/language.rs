//! The language of checks, as oslo.policy defines it: text in, a tree that can be asked out.
//!
//! ```text
//! check   = "@" | "!" | "" | kind ":" match
//! kind    = "rule" | "role" | "http" | "https" | 'literal' | number | True | False | None | attribute of the caller
//! match   = text with %(attribute of the target)s
//! binding = not, then and, then or
//! ```
//! Whatever cannot be read is an error with a reason: oslo.policy would log it and deny for ever.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::context::Context;

use super::remote::{Remote, Unanswered};
use super::target::Target;

/// Parentheses and `not` may be nested so deep; more is a mistake, and the stack is not endless.
const DEPTH_MAX: usize = 64;

/// A check, ready to be asked. Rules are named by their place in the set that holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    Always,
    Never,
    Not(Box<Check>),
    And(Vec<Check>),
    Or(Vec<Check>),
    /// The place of another rule.
    Rule(usize),
    /// The caller has this role.
    Role(Template),
    /// An attribute of the caller equals the text.
    Attribute(Attribute, Template),
    /// The literal equals the text.
    Literal(String, Template),
    /// Another server says so: the address.
    Remote(Template),
}

/// One question: who asks for what, under which rule, and what is needed for an answer.
pub struct Asked<'a> {
    /// The name of the rule that was asked, for the servers of remote checks and for the log.
    pub rule: &'a str,
    pub context: &'a Context,
    pub target: &'a Target<'a>,
    /// The rules that others refer to; the loader has made sure that they do not refer to each other in a circle.
    pub rules: &'a [Check],
    pub remote: &'a Remote,
}

/// What may stand in an address as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is known of a caller, by the names that checks use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    UserId,
    UserName,
    UserDomainId,
    ProjectId,
    ProjectDomainId,
    SystemScope,
    IsAdmin,
    Roles,
    ServiceRoles,
    RequestId,
    /// A name that oslo.policy would look for in vain: never equal to anything.
    Unknown,
}

/// Text with places for attributes of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(String),
}

/// Why a check cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    #[error("{0:?} is no check; write kind:match, for example role:admin")]
    NoCheck(String),
    #[error("{0:?} stands where a check is expected")]
    Unexpected(String),
    #[error("the check ends where another part is expected")]
    EndsEarly,
    #[error("a parenthesis is not closed")]
    NotClosed,
    #[error("{0:?} follows where \"and\", \"or\" or the end is expected")]
    Trailing(String),
    #[error("parentheses or \"not\" are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    #[error("{0:?} is no text with %(name)s in it; write %% for a percent sign")]
    BadTemplate(String),
    #[error("rule:{0} names a rule that does not exist")]
    UnknownRule(String),
    #[error(
        "{0:?} is no address of a server that could be asked; write for example http://server:8080/%(name)s"
    )]
    BadAddress(String),
}

/// Reads a check. `place_of` finds the place of a rule that is named.
pub fn parse(text: &str, place_of: &dyn Fn(&str) -> Option<usize>) -> Result<Check, SyntaxError> {
    if text.trim().is_empty() {
        return Ok(Check::Always);
    }
    let mut parser = Parser { tokens: tokens(text), next: 0, place_of };
    let check = parser.any_of(0)?;
    match parser.take() {
        None => Ok(check),
        Some(token) => Err(SyntaxError::Trailing(token.to_string())),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Lexeme<'a> {
    Open,
    Close,
    And,
    Or,
    Not,
    Word(&'a str),
}

impl std::fmt::Display for Lexeme<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "(",
            Self::Close => ")",
            Self::And => "and",
            Self::Or => "or",
            Self::Not => "not",
            Self::Word(word) => word,
        })
    }
}

/// Cuts at white space, then takes parentheses off both ends of each piece. A word keeps the parentheses inside of it,
/// because `%(name)s` has some; so `role:a)and` is one word, as it is for oslo.policy.
fn tokens(text: &str) -> Vec<Lexeme<'_>> {
    let mut found = Vec::new();
    for piece in text.split_whitespace() {
        let opened = piece.trim_start_matches('(');
        found.extend(std::iter::repeat_n(Lexeme::Open, piece.len() - opened.len()));
        let word = opened.trim_end_matches(')');
        if !word.is_empty() {
            found.push(match word.to_ascii_lowercase().as_str() {
                "and" => Lexeme::And,
                "or" => Lexeme::Or,
                "not" => Lexeme::Not,
                _ => Lexeme::Word(word),
            });
        }
        found.extend(std::iter::repeat_n(Lexeme::Close, opened.len() - word.len()));
    }
    found
}

struct Parser<'a> {
    tokens: Vec<Lexeme<'a>>,
    next: usize,
    place_of: &'a dyn Fn(&str) -> Option<usize>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&Lexeme<'a>> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Lexeme<'a>> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn any_of(&mut self, depth: usize) -> Result<Check, SyntaxError> {
        let mut checks = vec![self.all_of(depth)?];
        while self.peek() == Some(&Lexeme::Or) {
            self.take();
            checks.push(self.all_of(depth)?);
        }
        Ok(one_or(checks, Check::Or))
    }

    fn all_of(&mut self, depth: usize) -> Result<Check, SyntaxError> {
        let mut checks = vec![self.one(depth)?];
        while self.peek() == Some(&Lexeme::And) {
            self.take();
            checks.push(self.one(depth)?);
        }
        Ok(one_or(checks, Check::And))
    }

    fn one(&mut self, depth: usize) -> Result<Check, SyntaxError> {
        if depth >= DEPTH_MAX {
            return Err(SyntaxError::TooDeep);
        }
        match self.take() {
            None => Err(SyntaxError::EndsEarly),
            Some(Lexeme::Not) => Ok(Check::Not(Box::new(self.one(depth + 1)?))),
            Some(Lexeme::Open) => {
                let inner = self.any_of(depth + 1)?;
                match self.take() {
                    Some(Lexeme::Close) => Ok(inner),
                    None => Err(SyntaxError::NotClosed),
                    Some(other) => Err(SyntaxError::Trailing(other.to_string())),
                }
            }
            Some(Lexeme::Word(word)) => check(word, self.place_of),
            Some(other) => Err(SyntaxError::Unexpected(other.to_string())),
        }
    }
}

fn one_or(mut checks: Vec<Check>, join: fn(Vec<Check>) -> Check) -> Check {
    match checks.pop() {
        Some(only) if checks.is_empty() => only,
        Some(last) => {
            checks.push(last);
            join(checks)
        }
        None => Check::Never,
    }
}

fn check(word: &str, place_of: &dyn Fn(&str) -> Option<usize>) -> Result<Check, SyntaxError> {
    match word {
        "@" => return Ok(Check::Always),
        "!" => return Ok(Check::Never),
        _ => {}
    }
    let Some((kind, rest)) = word.split_once(':') else {
        return Err(SyntaxError::NoCheck(word.to_owned()));
    };
    match kind {
        "http" | "https" => remote(word),
        "rule" => place_of(rest).map(Check::Rule).ok_or_else(|| SyntaxError::UnknownRule(rest.to_owned())),
        "role" => Ok(Check::Role(Template::parse(rest)?.lower_case())),
        "" => Err(SyntaxError::NoCheck(word.to_owned())),
        _ => {
            let template = Template::parse(rest)?;
            Ok(match literal(kind) {
                Some(text) => Check::Literal(text, template),
                None => Check::Attribute(Attribute::named(kind), template),
            })
        }
    }
}

/// Whatever stands in the places, the server is always the same.
fn remote(word: &str) -> Result<Check, SyntaxError> {
    let address = Template::parse(word)?;
    let origin_with = |value: &'static str| {
        let text = address.fill(|_| Some(Cow::Borrowed(value)))?;
        Url::parse(&text).ok().filter(Url::has_host).map(|url| url.origin())
    };
    match (origin_with("1"), origin_with("2")) {
        (Some(one), Some(other)) if one == other => Ok(Check::Remote(address)),
        _ => Err(SyntaxError::BadAddress(word.to_owned())),
    }
}

/// The text of a literal: what stands in quotes, a whole number, or one of Python's three names.
fn literal(kind: &str) -> Option<String> {
    for quote in ['\'', '"'] {
        if let Some(inner) = kind.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return Some(inner.to_owned());
        }
    }
    match kind {
        "True" | "False" | "None" => Some(kind.to_owned()),
        _ => kind.parse::<i64>().ok().map(|number| number.to_string()),
    }
}

impl Attribute {
    fn named(name: &str) -> Self {
        match name {
            "user_id" | "user" => Self::UserId,
            "user_name" | "username" => Self::UserName,
            "user_domain_id" | "user_domain" => Self::UserDomainId,
            "project_id" | "tenant" | "tenant_id" => Self::ProjectId,
            "project_domain_id" | "project_domain" => Self::ProjectDomainId,
            "system_scope" | "system" => Self::SystemScope,
            "is_admin" => Self::IsAdmin,
            "roles" => Self::Roles,
            "service_roles" => Self::ServiceRoles,
            "request_id" => Self::RequestId,
            _ => Self::Unknown,
        }
    }

    fn equals(self, context: &Context, expected: &Expected<'_, '_>) -> bool {
        let text = match self {
            Self::UserId => &context.user_id,
            Self::UserName => &context.user_name,
            Self::UserDomainId => &context.user_domain_id,
            Self::ProjectId => &context.project_id,
            Self::ProjectDomainId => &context.project_domain_id,
            Self::SystemScope => &context.system_scope,
            Self::IsAdmin => return expected.is(if context.is_admin { "True" } else { "False" }),
            Self::Roles => return context.roles.iter().any(|role| expected.is(role)),
            Self::ServiceRoles => return context.service_roles.iter().any(|role| expected.is(role)),
            Self::RequestId => return expected.is(&context.request_id),
            Self::Unknown => return false,
        };
        text.as_deref().is_some_and(|text| expected.is(text))
    }
}

impl Template {
    fn parse(text: &str) -> Result<Self, SyntaxError> {
        let bad = || SyntaxError::BadTemplate(text.to_owned());
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            push_text(&mut pieces, before);
            if let Some(after) = after.strip_prefix('%') {
                push_text(&mut pieces, "%");
                rest = after;
                continue;
            }
            let (name, after) = after.strip_prefix('(').and_then(|r| r.split_once(')')).ok_or_else(bad)?;
            rest = after.strip_prefix('s').ok_or_else(bad)?;
            pieces.push(Piece::Place(name.to_owned()));
        }
        push_text(&mut pieces, rest);
        Ok(Self { pieces })
    }

    /// The text with its places filled in; `None` where one has nothing to be filled in with.
    fn fill<'t>(&self, value_of: impl Fn(&str) -> Option<Cow<'t, str>>) -> Option<String> {
        let mut filled = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Place(name) => filled.push_str(&value_of(name)?),
            }
        }
        Some(filled)
    }

    /// The address that the target leads to. What comes out of the target cannot lead elsewhere: it is escaped.
    fn address(&self, target: &Target<'_>) -> Result<Url, String> {
        let escaped = |name: &str| {
            let value = target.get(name)?.unwrap_or(Cow::Borrowed("None"));
            Some(Cow::Owned(utf8_percent_encode(&value, PLAIN).to_string()))
        };
        let text =
            self.fill(escaped).ok_or("its address needs an attribute that the target does not have")?;
        Url::parse(&text).map_err(|error| error.to_string())
    }

    /// For roles, which the caller's context has in lower case.
    fn lower_case(mut self) -> Self {
        for piece in &mut self.pieces {
            if let Piece::Text(text) = piece {
                *text = text.to_lowercase();
            }
        }
        self
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// A template with the target that fills it, compared piece by piece so that nothing is put together.
struct Expected<'t, 'a> {
    template: &'t Template,
    target: &'t Target<'a>,
    /// What null reads as; `None`: a null makes the comparison fail.
    null: Option<&'static str>,
    ignore_case: bool,
}

impl Expected<'_, '_> {
    fn is(&self, actual: &str) -> bool {
        let mut rest = actual;
        for piece in &self.template.pieces {
            let found;
            let text = match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Place(name) => match (self.target.get(name), self.null) {
                    (Some(Some(value)), _) => {
                        found = value;
                        &*found
                    }
                    (Some(None), Some(null)) => null,
                    (Some(None), None) | (None, _) => return false,
                },
            };
            let Some((head, tail)) = rest.split_at_checked(text.len()) else { return false };
            let equal = if self.ignore_case { head.eq_ignore_ascii_case(text) } else { head == text };
            if !equal {
                return false;
            }
            rest = tail;
        }
        rest.is_empty()
    }
}

impl Check {
    /// The answer; none where a remote check that matters has none.
    pub fn passes(&self, asked: &Asked<'_>) -> Result<bool, Unanswered> {
        let Asked { context, target, .. } = asked;
        Ok(match self {
            Self::Always => true,
            Self::Never => false,
            Self::Not(check) => !check.passes(asked)?,
            Self::And(checks) => {
                for check in checks {
                    if !check.passes(asked)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(checks) => {
                for check in checks {
                    if check.passes(asked)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Rule(place) => match asked.rules.get(*place) {
                Some(check) => check.passes(asked)?,
                None => false,
            },
            Self::Role(template) => {
                let expected = Expected { template, target, null: None, ignore_case: true };
                context.roles.iter().any(|role| expected.is(role))
            }
            Self::Attribute(attribute, template) => {
                attribute.equals(context, &Expected { template, target, null: None, ignore_case: false })
            }
            Self::Literal(text, template) => {
                Expected { template, target, null: Some("None"), ignore_case: false }.is(text)
            }
            Self::Remote(address) => asked.remote.ask(address.address(target), asked)?,
        })
    }

    /// Whether another server may be asked, other rules left aside.
    pub fn is_remote(&self) -> bool {
        match self {
            Self::Remote(_) => true,
            Self::Not(check) => check.is_remote(),
            Self::And(checks) | Self::Or(checks) => checks.iter().any(Self::is_remote),
            Self::Always
            | Self::Never
            | Self::Rule(_)
            | Self::Role(_)
            | Self::Attribute(..)
            | Self::Literal(..) => false,
        }
    }

    /// Calls `visit` with the place of each rule that this check refers to.
    pub fn references(&self, visit: &mut dyn FnMut(usize)) {
        match self {
            Self::Rule(place) => visit(*place),
            Self::Not(check) => check.references(visit),
            Self::And(checks) | Self::Or(checks) => checks.iter().for_each(|check| check.references(visit)),
            Self::Always
            | Self::Never
            | Self::Remote(_)
            | Self::Role(_)
            | Self::Attribute(..)
            | Self::Literal(..) => {}
        }
    }
}

#[cfg(test)]
mod tests;
