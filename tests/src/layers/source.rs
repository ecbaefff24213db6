//! A Rust file as far as the rules need it: its paths, its names and its string literals, each with its line.
//!
//! No parser: a scanner that knows comments, literals and `use` trees. Test modules (`#[cfg(test)] mod …`, files named
//! `tests.rs`, `…_tests.rs` or `fixture.rs`, folders named `tests`) are empty to it.

/// What one file names.
#[derive(Debug, Default)]
pub struct Source {
    /// Paths with `self` and `super` resolved to `crate::…`, from `use` trees and from code.
    pub paths: Vec<(usize, Vec<String>)>,
    /// Every name in code.
    pub words: Vec<(usize, String)>,
    /// The text of every string literal.
    pub strings: Vec<(usize, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

type Tokens = Vec<(usize, Token)>;

impl Source {
    /// `path` is the file's path from the root of the workspace: it tells the module.
    pub fn read(path: &str, text: &str) -> Self {
        if is_for_tests(path) {
            return Self::default();
        }
        let tokens = without_test_modules(tokenize(text));
        let module = module_of(path);
        let mut source = Self::default();
        for (line, token) in &tokens {
            match token {
                Token::Word(word) => source.words.push((*line, word.clone())),
                Token::Text(text) => source.strings.push((*line, text.clone())),
                Token::Sign(_) => {}
            }
        }
        let mut reader = Reader { tokens: &tokens, at: 0, module: &module, paths: Vec::new() };
        reader.read_all();
        source.paths = reader.paths;
        source
    }
}

/// Files that are compiled for tests only, by their names.
fn is_for_tests(path: &str) -> bool {
    let inside = path.split_once("/src/").map_or("", |(_, inside)| inside);
    let endings = ["tests.rs", "_tests.rs", "fixture.rs", "fixtures.rs"];
    inside.contains("tests/") || endings.iter().any(|ending| path.ends_with(ending))
}

/// `service/src/api/images.rs` is `crate::api::images`.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("/src/").map_or(path, |(_, inside)| inside);
    let inside = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    let mut module = vec!["crate".to_owned()];
    if !matches!(inside, "lib" | "main" | "mod") {
        module.extend(inside.split('/').map(str::to_owned));
    }
    module
}

/// Walks over the tokens and collects whole paths.
struct Reader<'a> {
    tokens: &'a [(usize, Token)],
    at: usize,
    module: &'a [String],
    paths: Vec<(usize, Vec<String>)>,
}

impl Reader<'_> {
    fn read_all(&mut self) {
        while let Some((line, token)) = self.tokens.get(self.at) {
            match token {
                Token::Word(word) if word == "use" => {
                    self.at += 1;
                    self.use_tree(&[]);
                }
                Token::Word(_) => {
                    let line = *line;
                    let path = self.segments();
                    if path.len() > 1 {
                        self.note(line, path);
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// `a::b::{c, d::e}` with what stands before it; ends at the `,`, `}` or `;` behind it.
    fn use_tree(&mut self, before: &[String]) {
        let line = self.tokens.get(self.at).map_or(0, |(line, _)| *line);
        // A leading `::` means the same crates.
        while self.sign() == Some(':') {
            self.at += 1;
        }
        let mut path = before.to_vec();
        path.extend(self.segments());
        match self.sign() {
            Some('{') => {
                self.at += 1;
                while !matches!(self.sign(), Some('}')) && self.at < self.tokens.len() {
                    self.use_tree(&path);
                    if self.sign() == Some(',') {
                        self.at += 1;
                    }
                }
                self.at += 1;
            }
            _ => self.note(line, path),
        }
        // `as name` and whatever else belongs to this branch.
        while self.at < self.tokens.len() && !matches!(self.sign(), Some(',' | '}' | ';')) {
            self.at += 1;
        }
    }

    /// Words with `::` between them; a `::` at the end is passed over.
    fn segments(&mut self) -> Vec<String> {
        let mut path = Vec::new();
        while let Some((_, Token::Word(word))) = self.tokens.get(self.at) {
            path.push(word.clone());
            self.at += 1;
            if self.sign() == Some(':') && self.sign_after(1) == Some(':') {
                self.at += 2;
            } else {
                break;
            }
        }
        path
    }

    fn sign(&self) -> Option<char> {
        self.sign_after(0)
    }

    fn sign_after(&self, count: usize) -> Option<char> {
        match self.tokens.get(self.at + count) {
            Some((_, Token::Sign(sign))) => Some(*sign),
            _ => None,
        }
    }

    fn note(&mut self, line: usize, path: Vec<String>) {
        let mut resolved: Vec<String> = Vec::new();
        for (index, segment) in path.into_iter().enumerate() {
            match segment.as_str() {
                "self" if index == 0 => resolved = self.module.to_vec(),
                "super" => {
                    if index == 0 {
                        resolved = self.module.to_vec();
                    }
                    resolved.pop();
                }
                // `use a::{self}` names `a`.
                "self" => {}
                _ => resolved.push(segment),
            }
        }
        self.paths.push((line, resolved));
    }
}

/// Takes out `#[cfg(test)] mod name { … }`.
fn without_test_modules(tokens: Tokens) -> Tokens {
    let is = |at: usize, word: &str| matches!(tokens.get(at), Some((_, Token::Word(have))) if have == word);
    let sign = |at: usize| match tokens.get(at) {
        Some((_, Token::Sign(sign))) => Some(*sign),
        _ => None,
    };
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        // # [ cfg ( test ) ] mod name {
        let opens = sign(at) == Some('#') && is(at + 2, "cfg") && is(at + 4, "test") && is(at + 7, "mod");
        if opens && sign(at + 9) == Some('{') {
            at += 10;
            let mut depth = 1;
            while depth > 0 && at < tokens.len() {
                depth += match sign(at) {
                    Some('{') => 1,
                    Some('}') => -1,
                    _ => 0,
                };
                at += 1;
            }
            continue;
        }
        kept.extend(tokens.get(at).cloned());
        at += 1;
    }
    kept
}

/// Words, texts and signs; comments and blanks are gone.
fn tokenize(text: &str) -> Tokens {
    let mut scanner = Scanner { rest: text, line: 1, tokens: Vec::new() };
    while !scanner.rest.is_empty() {
        scanner.step();
    }
    scanner.tokens
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    tokens: Tokens,
}

impl<'a> Scanner<'a> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.take(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.take(rest.find("*/").map_or(rest.len(), |end| end + 2));
        } else if let Some((open, close)) = raw_string(rest) {
            let inside = rest.get(open..).unwrap_or_default();
            self.text(open, inside.find(&close).unwrap_or(inside.len()), close.len());
        } else if rest.starts_with('"') {
            self.text(1, end_of_string(rest.get(1..).unwrap_or_default()), 1);
        } else if let Some(length) = character_literal(rest) {
            self.take(length);
        } else {
            self.word_or_sign();
        }
    }

    fn word_or_sign(&mut self) {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let line = self.line;
        if length > 0 {
            let word = self.take(length).to_owned();
            self.tokens.push((line, Token::Word(word)));
        } else if let Some(sign) = self.rest.chars().next() {
            self.take(sign.len_utf8());
            if !sign.is_whitespace() {
                self.tokens.push((line, Token::Sign(sign)));
            }
        }
    }

    /// A literal: `open` bytes, then `length` bytes of text, then `close` bytes.
    fn text(&mut self, open: usize, length: usize, close: usize) {
        let line = self.line;
        self.take(open);
        let text = self.take(length).to_owned();
        self.take(close);
        self.tokens.push((line, Token::Text(text)));
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }
}

/// The length of what opens a raw string (`r#"`, `br"`), and what closes it.
fn raw_string(rest: &str) -> Option<(usize, String)> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after.get(hashes..)?.starts_with('"').then(|| {
        let open = rest.len() - after.len() + hashes + 1;
        (open, format!("\"{}", "#".repeat(hashes)))
    })
}

/// Where the closing quote of an ordinary string is.
fn end_of_string(inside: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            '\\' if !is_escaped => is_escaped = true,
            '"' if !is_escaped => return at,
            _ => is_escaped = false,
        }
    }
    inside.len()
}

/// The length of `'x'` or `'\n'`; a lifetime is none.
fn character_literal(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let mut characters = inside.char_indices();
    let (_, first) = characters.next()?;
    if first == '\\' {
        return inside.get(2..)?.find('\'').map(|end| end + 4);
    }
    let (at, second) = characters.next()?;
    (second == '\'').then_some(at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(path: &str, text: &str) -> Vec<String> {
        Source::read(path, text)
            .paths
            .iter()
            .map(|(line, path)| format!("{line} {}", path.join("::")))
            .collect()
    }

    #[test]
    fn use_trees_are_read_branch_by_branch() {
        let text = "use crate::{db::Db, error::{self, Error}};\nuse std::fmt as words;\n";
        assert_eq!(
            paths("service/src/api/mod.rs", text),
            ["1 crate::db::Db", "1 crate::error", "1 crate::error::Error", "2 std::fmt"]
        );
    }

    #[test]
    fn relative_paths_are_resolved_by_the_place_of_the_file() {
        let text = "use super::route;\nfn f() { super::super::db::get(); self::inner::g() }";
        assert_eq!(
            paths("service/src/api/images.rs", text),
            ["1 crate::api::route", "2 crate::db::get", "2 crate::api::images::inner::g"]
        );
    }

    #[test]
    fn comments_texts_and_characters_hide_what_is_in_them() {
        let text = "// warp::a\n/* warp::b */ const A: &str = \"warp::c\"; const B: char = '\"'; fn c<'a>() { x::y() }\n";
        assert_eq!(paths("service/src/a.rs", text), ["2 x::y"]);
    }

    #[test]
    fn string_literals_are_kept_with_the_line_they_begin_on() {
        let source = Source::read("a/src/a.rs", "\nlet a = r#\"SELECT \"x\" \"#;\nlet b = \"a\\\"b\";");
        assert_eq!(source.strings, [(2, "SELECT \"x\" ".to_owned()), (3, "a\\\"b".to_owned())]);
    }

    #[test]
    fn test_modules_are_not_looked_at() {
        let text = "use a::b;\n#[cfg(test)]\nmod tests {\n use c::d;\n}\nuse e::f;";
        assert_eq!(paths("a/src/a.rs", text), ["1 a::b", "6 e::f"]);
        assert!(paths("a/src/a/tests.rs", "use a::b;").is_empty());
    }
}
