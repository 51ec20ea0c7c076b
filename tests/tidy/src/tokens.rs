//! Rust text as tokens and comments with their lines. It never looks inside a literal, so that
//! what a text says is not taken for what the code does.

use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};

/// A word, a sign or a literal of the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// As it is written; `::` and `!=` are one token each.
    pub text: String,
    /// From 1 on.
    pub line: usize,
    /// Whether it belongs to an item that only tests have.
    pub is_test: bool,
}

/// One line of a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// With its slashes, without the blanks around it.
    pub text: String,
    /// From 1 on.
    pub line: usize,
}

impl Comment {
    /// Whether it belongs to the documentation.
    pub fn is_doc(&self) -> bool {
        let doc = ["///", "//!", "/**", "/*!"];
        doc.iter().any(|start| self.text.starts_with(start)) && !self.text.starts_with("////")
    }
}

/// A text of Rust, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rust {
    /// The code.
    pub tokens: Vec<Token>,
    /// Everything else that is not blank.
    pub comments: Vec<Comment>,
}

impl Rust {
    /// Takes a text apart.
    ///
    /// # Errors
    /// The text is no Rust: a bracket or a quote is not closed.
    pub fn lex(text: &str) -> Result<Self, LexError> {
        let mut lexer = Lexer { text, read: 0, line: 1, rust: Self::default() };
        lexer.on_stream(text.parse()?);
        lexer.on_gap(text.len());
        mark_tests(&mut lexer.rust.tokens);
        Ok(lexer.rust)
    }
}

struct Lexer<'a> {
    text: &'a str,
    /// Bytes that are taken apart.
    read: usize,
    /// The line that `read` is on.
    line: usize,
    rust: Rust,
}

impl Lexer<'_> {
    fn on_stream(&mut self, stream: TokenStream) {
        for tree in stream {
            let TokenTree::Group(group) = tree else {
                self.on_span(tree.span().byte_range());
                continue;
            };
            let is_visible = group.delimiter() != Delimiter::None;
            if is_visible {
                self.on_span(group.span_open().byte_range());
            }
            self.on_stream(group.stream());
            if is_visible {
                self.on_span(group.span_close().byte_range());
            }
        }
    }

    /// A documentation comment comes as the tokens of an attribute, all with the comment's span.
    fn on_span(&mut self, span: std::ops::Range<usize>) {
        if span.start < self.read {
            return;
        }
        self.on_gap(span.start);
        let text = &self.text[span.clone()];
        if text.starts_with("//") || text.starts_with("/*") {
            self.on_gap(span.end);
            return;
        }
        let tokens = &mut self.rust.tokens;
        let joins = |last: &Token| {
            let is_joined = matches!((last.text.as_str(), text), (":", ":") | ("!", "="));
            is_joined && self.text[..span.start].ends_with(&last.text)
        };
        match tokens.last_mut() {
            Some(last) if joins(last) => last.text.push_str(text),
            _ => tokens.push(Token { text: text.to_owned(), line: self.line, is_test: false }),
        }
        self.read = span.end;
        self.line += text.matches('\n').count();
    }

    /// What stands between tokens is blank or a comment.
    fn on_gap(&mut self, end: usize) {
        for (index, line) in self.text[self.read..end].split('\n').enumerate() {
            self.line += usize::from(index > 0);
            if !line.trim().is_empty() {
                self.rust.comments.push(Comment { text: line.trim().to_owned(), line: self.line });
            }
        }
        self.read = end;
    }
}

/// Marks the items under `#[cfg(test)]` and its like, and the functions under `#[test]`.
fn mark_tests(tokens: &mut [Token]) {
    let mut at = 0;
    while at < tokens.len() {
        let Some(attribute_end) = attribute_end(tokens, at) else {
            at += 1;
            continue;
        };
        if is_of_tests(&tokens[at..attribute_end]) {
            let item_end = item_end(tokens, attribute_end);
            tokens[at..item_end].iter_mut().for_each(|token| token.is_test = true);
            at = item_end;
        } else {
            at = attribute_end;
        }
    }
}

/// The index after the attribute that starts at `at`, if one does. One that opens a file, `#![…]`,
/// is none here.
fn attribute_end(tokens: &[Token], at: usize) -> Option<usize> {
    let starts = tokens.get(at)?.text == "#" && tokens.get(at + 1)?.text == "[";
    starts.then(|| closing(tokens, at + 1) + 1)
}

fn is_of_tests(attribute: &[Token]) -> bool {
    let says = |word: &str| attribute.iter().any(|token| token.text == word);
    let is_condition = attribute.get(2).is_some_and(|token| token.text == "cfg");
    let is_test_function =
        attribute.len().checked_sub(2).is_some_and(|last| attribute[last].text == "test");
    is_test_function || (is_condition && says("test") && !says("not"))
}

/// The index after the item, field or arm that starts at `at`, its other attributes included.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while let Some(end) = attribute_end(tokens, at) {
        at = end;
    }
    let mut angles = 0_usize;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" => return at + 1,
            "," if angles == 0 => return at + 1,
            "{" => return closing(tokens, at) + 1,
            ")" | "]" | "}" => return at,
            "(" | "[" => at = closing(tokens, at),
            "<" => angles += 1,
            ">" => angles = angles.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    at
}

/// The index of the bracket that closes the one at `open`.
///
/// # Panics
/// If there is none, which the lexer has ruled out.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    unreachable!("the lexer takes no text whose brackets do not match")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(text: &str) -> Rust {
        Rust::lex(text).unwrap()
    }

    #[test]
    fn comments_are_told_from_code_and_literals() {
        let rust = lex("//! Head.\nlet a = \"// no\"; // yes\n/* b\n c */ x::y");
        let comments: Vec<_> = rust
            .comments
            .iter()
            .map(|comment| (comment.line, comment.text.as_str(), comment.is_doc()))
            .collect();
        let expected =
            [(1, "//! Head.", true), (2, "// yes", false), (3, "/* b", false), (4, "c */", false)];
        assert_eq!(comments, expected);
        let last: Vec<_> =
            rust.tokens[5..].iter().map(|token| (token.line, token.text.as_str())).collect();
        assert_eq!(last, [(4, "x"), (4, "::"), (4, "y")]);
    }

    #[test]
    fn lines_go_on_after_a_literal_of_many() {
        let rust = lex("a(\"1\n2\n3\");\n/// Says ä.\nb");
        assert_eq!(rust.comments[0].line, 4);
        assert_eq!(rust.tokens.last().map(|token| token.line), Some(5));
    }

    #[test]
    fn items_of_tests_are_marked_to_their_end() {
        let rust = lex(
            "fn a() {} #[cfg(test)] mod tests { x } fn b() {} #[tokio::test] async fn c() { y } \
             #[cfg(not(test))] fn d() {} #[cfg(all(test, unix))] use e; fn f() {} \
             struct G { #[cfg(test)] z: u8 } #[cfg(test)] impl<A, B> H { w }",
        );
        let marked: Vec<_> = rust
            .tokens
            .iter()
            .filter(|token| token.is_test)
            .map(|token| token.text.as_str())
            .collect();
        for word in ["x", "y", "e", "z", "w"] {
            assert!(marked.contains(&word), "{word} is code of tests");
        }
        for word in ["a", "b", "d", "f", "struct"] {
            assert!(!marked.contains(&word), "{word} is no code of tests");
        }
    }
}
