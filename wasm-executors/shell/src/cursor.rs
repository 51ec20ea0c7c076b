//! The characters of a shell line, read from left to right. It knows no syntax.

use crate::syntax::Position;

/// Why a line is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub at: Position,
    /// What is wrong there and what is allowed.
    pub message: String,
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// Where in the line reading is.
#[derive(Clone, Debug)]
pub struct Cursor {
    characters: Vec<char>,
    next: usize,
    at: Position,
}

impl Cursor {
    /// At the start of a text, which itself starts at `at`.
    pub fn new(text: &str, at: Position) -> Self {
        Self { characters: text.chars().collect(), next: 0, at }
    }

    /// Where the next character is.
    pub fn at(&self) -> Position {
        self.at
    }

    /// The next character, which stays.
    pub fn peek(&self) -> Option<char> {
        self.characters.get(self.next).copied()
    }

    /// Whether these characters come next.
    pub fn looks_at(&self, text: &str) -> bool {
        let ahead = self.characters[self.next..].iter().copied();
        text.chars().eq(ahead.take(text.chars().count()))
    }

    /// The characters that come next as long as they are such.
    pub fn ahead(&self, is_such: impl Fn(char) -> bool) -> String {
        self.characters[self.next..].iter().copied().take_while(|c| is_such(*c)).collect()
    }

    /// Takes the next character.
    pub fn take(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.next += 1;
        match character {
            '\n' => self.at = Position { line: self.at.line + 1, column: 1 },
            _ => self.at.column += 1,
        }
        Some(character)
    }

    /// Takes these characters if they come next.
    pub fn take_if(&mut self, text: &str) -> bool {
        let looks = self.looks_at(text);
        if looks {
            self.skip(text);
        }
        looks
    }

    /// Takes characters as long as they are such.
    pub fn take_while(&mut self, is_such: impl Fn(char) -> bool) -> String {
        let text = self.ahead(is_such);
        self.skip(&text);
        text
    }

    /// Takes what is known to come next.
    fn skip(&mut self, text: &str) {
        for _ in text.chars() {
            self.take();
        }
    }

    /// Takes the rest of a line with its end; none at the end of the text.
    pub fn take_line(&mut self) -> Option<String> {
        self.peek()?;
        let line = self.take_while(|c| c != '\n');
        self.take();
        Some(line)
    }

    /// Takes blanks, escaped ends of lines and a comment.
    pub fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.skip(" "),
                Some('\\') if self.looks_at("\\\n") => self.skip("\\\n"),
                Some('#') => drop(self.take_while(|c| c != '\n')),
                _ => return,
            }
        }
    }

    /// An error at the next character.
    pub fn error<T>(&self, message: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError { at: self.at, message: message.into() })
    }

    /// The next character for people.
    pub fn found(&self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            Some('\n') => "the end of the line".to_owned(),
            Some(_) => {
                let word = self.ahead(|c| !c.is_whitespace() && !"()&|;<>".contains(c));
                let end = self.ahead(|c| "()&|;<>".contains(c));
                format!("{:?}", if word.is_empty() { end } else { word })
            }
        }
    }
}
