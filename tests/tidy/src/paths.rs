//! The paths that Rust code names, `use` trees spread out: `use a::{b, c::d}` names `a::b` and
//! `a::c::d`. It never resolves a name.

use crate::tokens::{Token, closing};

/// One path, where it stands, and what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathUse<'a> {
    /// Its parts; `core` and `alloc` are written `std`.
    pub segments: Vec<&'a str>,
    /// The line of its last part, from 1 on.
    pub line: usize,
    /// Whether it belongs to an item that only tests have.
    pub is_test: bool,
    /// The token before it, empty if there is none.
    pub before: &'a str,
    /// The token after it, empty if there is none.
    pub after: &'a str,
    /// The index of the token after it.
    pub end: usize,
}

impl PathUse<'_> {
    /// Whether the path is `start` or below it.
    pub fn starts_with(&self, start: &[&str]) -> bool {
        self.segments.starts_with(start)
    }

    /// Whether the path ends like this.
    pub fn ends_with(&self, end: &[&str]) -> bool {
        self.segments.ends_with(end)
    }

    /// The name of the macro, if the path calls one.
    pub fn macro_name(&self) -> Option<&str> {
        let is_call = self.after == "!";
        is_call.then(|| *self.segments.last().expect("a path has a part"))
    }

    /// The name of the function or method, if the path calls one.
    pub fn function_name(&self) -> Option<&str> {
        let is_call = matches!(self.after, "(" | "::") && self.before != "fn";
        is_call.then(|| *self.segments.last().expect("a path has a part"))
    }

    /// The path as it is written.
    pub fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// Every path of the code in its order; a single word is a path too.
pub fn in_code(tokens: &[Token]) -> Vec<PathUse<'_>> {
    let mut reader = Reader { tokens, found: Vec::new() };
    let mut at = 0;
    while at < tokens.len() {
        at = if is_word(tokens, at) {
            let before = at.checked_sub(1).map_or("", |index| &tokens[index].text);
            reader.on_path(at, &[], before)
        } else {
            at + 1
        };
    }
    reader.found
}

struct Reader<'a> {
    tokens: &'a [Token],
    found: Vec<PathUse<'a>>,
}

impl<'a> Reader<'a> {
    /// Reads the path whose first own word is at `at`; gives the index after it.
    fn on_path(&mut self, mut at: usize, above: &[&'a str], before: &'a str) -> usize {
        let mut segments = above.to_vec();
        loop {
            segments.push(plain(&self.tokens[at].text, segments.is_empty()));
            let follows = self.text(at + 1) == "::";
            if follows && (is_word(self.tokens, at + 2) || self.text(at + 2) == "*") {
                at += 2;
                continue;
            }
            if follows && self.text(at + 2) == "{" {
                self.on_branches(at + 2, &segments, before);
                return closing(self.tokens, at + 2) + 1;
            }
            self.found.push(PathUse {
                segments,
                line: self.tokens[at].line,
                is_test: self.tokens[at].is_test,
                before,
                after: self.text(at + 1),
                end: at + 1,
            });
            return at + 1;
        }
    }

    fn on_branches(&mut self, open: usize, above: &[&'a str], before: &'a str) {
        let end = closing(self.tokens, open);
        let mut at = open + 1;
        while at < end {
            let starts_branch = matches!(self.text(at - 1), "{" | ",");
            at = if starts_branch && is_word(self.tokens, at) {
                self.on_path(at, above, before)
            } else {
                at + 1
            };
        }
    }

    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }
}

fn is_word(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| {
        let first = token.text.chars().next().unwrap_or(' ');
        let is_literal = token.text.contains(['"', '\'']);
        (first.is_alphabetic() || first == '_') && !is_literal
    })
}

fn plain(word: &str, is_first: bool) -> &str {
    let word = word.strip_prefix("r#").unwrap_or(word);
    if is_first && matches!(word, "core" | "alloc") { "std" } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Rust;

    fn texts(code: &str) -> Vec<String> {
        let rust = Rust::lex(code).unwrap();
        in_code(&rust.tokens).iter().map(PathUse::text).collect()
    }

    #[test]
    fn use_trees_are_spread_out() {
        let paths = texts("use std::{fs, io::{self, Read as _}, collections::*};");
        let expected = ["use", "std::fs", "std::io::self", "std::io::Read", "std::collections::*"];
        assert_eq!(paths, expected);
    }

    #[test]
    fn paths_in_expressions_and_types_are_found() {
        let paths = texts("let a: core::time::Duration = ::tokio::spawn(b\"std::fs\");");
        assert_eq!(paths, ["let", "a", "std::time::Duration", "tokio::spawn"]);
    }

    #[test]
    fn calls_are_told_from_definitions() {
        let rust =
            Rust::lex("fn spawn() { println!(); x.spawn(1); spawn::<T>(); a != b }").unwrap();
        let paths = in_code(&rust.tokens);
        let calls = paths.iter().filter(|path| path.function_name() == Some("spawn"));
        assert_eq!(calls.count(), 2);
        let macros: Vec<_> = paths.iter().filter_map(PathUse::macro_name).collect();
        assert_eq!(macros, ["println"]);
    }
}
