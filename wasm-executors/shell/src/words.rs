//! Reading words: quotes, escapes, and everything that starts with `$`.

use crate::cursor::{Cursor, SyntaxError};
use crate::parser::Parser;
use crate::syntax::{Operation, Part, Position, Word};

/// What ends a word that is not quoted.
const WORD_ENDS: &str = " \t\r\n;&|<>()";

/// Where a piece of text stands, which decides what is special in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    /// An ordinary word; ends where words end.
    Word,
    /// Within double quotes; ends at the quote.
    DoubleQuotes,
    /// The word within `${…}`, and whether that is itself quoted; ends at the brace.
    Braces(bool),
    /// Within `$((…))`; ends at the two parentheses.
    Arithmetic,
    /// The text of a here-document; ends at the end of the text.
    Text,
}

impl Context {
    fn is_quoted(self) -> bool {
        matches!(self, Self::DoubleQuotes | Self::Braces(true) | Self::Arithmetic | Self::Text)
    }
}

impl Parser {
    /// Takes a word; none if there is none here.
    pub(crate) fn word(&mut self) -> Result<Option<Word>, SyntaxError> {
        let starts = |c: char| !WORD_ENDS.contains(c);
        if !self.cursor.peek().is_some_and(starts) {
            return Ok(None);
        }
        self.pieces(Context::Word).map(Some)
    }

    /// Takes all of the text as that of a here-document.
    pub(crate) fn document_text(&mut self) -> Result<Word, SyntaxError> {
        self.pieces(Context::Text)
    }

    fn pieces(&mut self, context: Context) -> Result<Word, SyntaxError> {
        let mut word = Word { at: self.cursor.at(), parts: Vec::new() };
        self.enter()?;
        let mut depth = 0_usize;
        while let Some(character) = self.cursor.peek() {
            match (character, context) {
                (c, Context::Word) if WORD_ENDS.contains(c) && !self.cursor.looks_at("\\\n") => {
                    break;
                }
                ('"', Context::DoubleQuotes) | ('}', Context::Braces(_)) => break,
                (')', Context::Arithmetic) if depth == 0 => break,
                ('\\', _) => self.escape(context, &mut word),
                ('\'', Context::Word | Context::Braces(false)) => self.single_quotes(&mut word)?,
                ('"', Context::Word | Context::Braces(_)) => {
                    self.cursor.take();
                    let inner = self.pieces(Context::DoubleQuotes)?;
                    if !self.cursor.take_if("\"") {
                        return unclosed(inner.at, "\"");
                    }
                    // Quotes are a word even if nothing is within; but no parameters are none.
                    let is_all =
                        |part: &Part| matches!(part, Part::Parameter { name, .. } if name == "@");
                    if !inner.parts.iter().all(is_all) || inner.parts.is_empty() {
                        push(&mut word.parts, Part::Quoted(String::new()));
                    }
                    inner.parts.into_iter().for_each(|part| push(&mut word.parts, part));
                }
                ('$', _) => self.dollar(context.is_quoted(), &mut word)?,
                ('`', _) => self.backquotes(context.is_quoted(), &mut word)?,
                (c, _) => {
                    depth = match c {
                        '(' => depth + 1,
                        ')' => depth.saturating_sub(1),
                        _ => depth,
                    };
                    self.cursor.take();
                    self.text(context, c, &mut word);
                }
            }
        }
        self.leave();
        Ok(word)
    }

    fn text(&mut self, context: Context, character: char, word: &mut Word) {
        let text = character.to_string();
        let part = if context.is_quoted() { Part::Quoted(text) } else { Part::Plain(text) };
        push(&mut word.parts, part);
    }

    fn escape(&mut self, context: Context, word: &mut Word) {
        self.cursor.take();
        let Some(character) = self.cursor.peek() else {
            return self.text(context, '\\', word);
        };
        let escapes = match context {
            Context::Word | Context::Braces(false) => true,
            Context::DoubleQuotes => "$`\"\\\n".contains(character),
            Context::Braces(true) => "$`\"\\}\n".contains(character),
            Context::Arithmetic | Context::Text => "$`\\\n".contains(character),
        };
        if !escapes {
            return self.text(context, '\\', word);
        }
        self.cursor.take();
        if character != '\n' {
            push(&mut word.parts, Part::Quoted(character.to_string()));
        }
    }

    fn single_quotes(&mut self, word: &mut Word) -> Result<(), SyntaxError> {
        let at = self.cursor.at();
        self.cursor.take();
        let text = self.cursor.take_while(|c| c != '\'');
        if !self.cursor.take_if("'") {
            return unclosed(at, "'");
        }
        push(&mut word.parts, Part::Quoted(text));
        Ok(())
    }

    fn dollar(&mut self, quoted: bool, word: &mut Word) -> Result<(), SyntaxError> {
        let at = self.cursor.at();
        self.cursor.take();
        let part = match self.cursor.peek() {
            Some('(') if self.cursor.take_if("((") => {
                let expression = self.pieces(Context::Arithmetic)?;
                if !self.cursor.take_if("))") {
                    return unclosed(at, "$((");
                }
                Part::Arithmetic { expression, quoted }
            }
            Some('(') => {
                self.cursor.take();
                let body = self.list_until(")")?;
                Part::Substitution { at, number: self.keep_substitution(body), quoted }
            }
            Some('{') => {
                self.cursor.take();
                self.braces(at, quoted)?
            }
            Some('\'') if !quoted => return self.cursor.error("$'…' is not supported; use printf"),
            _ => match self.parameter_name(false)? {
                Some(name) => Part::Parameter { name, operation: Operation::Value, quoted },
                None if quoted => Part::Quoted("$".to_owned()),
                None => Part::Plain("$".to_owned()),
            },
        };
        push(&mut word.parts, part);
        Ok(())
    }

    fn parameter_name(&mut self, in_braces: bool) -> Result<Option<String>, SyntaxError> {
        match self.cursor.peek() {
            Some(c) if c == '_' || c.is_ascii_alphabetic() => {
                Ok(Some(self.cursor.take_while(is_name_character)))
            }
            Some(c) if c.is_ascii_digit() && in_braces => {
                Ok(Some(self.cursor.take_while(|c| c.is_ascii_digit())))
            }
            Some(c @ ('?' | '#' | '@' | '*' | '0'..='9')) => {
                self.cursor.take();
                Ok(Some(c.to_string()))
            }
            Some(c @ ('$' | '!' | '-')) => {
                let message = format!("${c} is not supported: there are no processes here");
                self.cursor.error(message)
            }
            _ => Ok(None),
        }
    }

    /// After `${`.
    fn braces(&mut self, at: Position, quoted: bool) -> Result<Part, SyntaxError> {
        let is_length = self.cursor.looks_at("#") && !self.cursor.looks_at("#}");
        if is_length {
            self.cursor.take();
        }
        let Some(name) = self.parameter_name(true)? else {
            let found = self.cursor.found();
            return self.cursor.error(format!("a name must follow ${{, found {found}"));
        };
        let operation = match is_length {
            true => Operation::Length,
            false => self.operation(quoted)?,
        };
        match self.cursor.take_if("}") {
            true => Ok(Part::Parameter { name, operation, quoted }),
            false if self.cursor.peek().is_none() => unclosed(at, "${"),
            false => {
                let found = self.cursor.found();
                let allowed = "}, or one of - = ? + # % with or without a colon";
                self.cursor.error(format!("found {found} after ${{{name}; allowed are {allowed}"))
            }
        }
    }

    fn operation(&mut self, quoted: bool) -> Result<Operation, SyntaxError> {
        let or_empty = self.cursor.looks_at(":") && {
            let mut ahead = self.cursor.clone();
            ahead.take();
            ahead.peek().is_some_and(|c| "-=?+".contains(c)) && self.cursor.take_if(":")
        };
        let Some(sign @ ('-' | '=' | '?' | '+' | '#' | '%')) = self.cursor.peek() else {
            return Ok(Operation::Value);
        };
        self.cursor.take();
        let is_doubled = "#%".contains(sign) && self.cursor.take_if(&sign.to_string());
        // The pattern of a trim is one even within double quotes.
        let quoted = quoted && !"#%".contains(sign);
        let word = self.pieces(Context::Braces(quoted))?;
        Ok(match sign {
            '-' => Operation::Default(or_empty, word),
            '=' => Operation::Assign(or_empty, word),
            '?' => Operation::Require(or_empty, word),
            '+' => Operation::Alternative(or_empty, word),
            '#' => Operation::TrimStart(is_doubled, word),
            _ => Operation::TrimEnd(is_doubled, word),
        })
    }

    /// The old way to write `$(…)`: what is within is a text of its own.
    fn backquotes(&mut self, quoted: bool, word: &mut Word) -> Result<(), SyntaxError> {
        let at = self.cursor.at();
        self.cursor.take();
        let mut text = String::new();
        loop {
            match self.cursor.take() {
                None => return unclosed(at, "`"),
                Some('`') => break,
                Some('\\') if self.cursor.peek().is_some_and(|c| "$`\\".contains(c)) => {
                    text.extend(self.cursor.take());
                }
                Some(character) => text.push(character),
            }
        }
        let body = self.nested(Cursor::new(&text, at), Parser::list_to_end)?;
        let number = self.keep_substitution(body);
        push(&mut word.parts, Part::Substitution { at, number, quoted });
        Ok(())
    }
}

/// Whether a name may go on with it.
pub fn is_name_character(character: char) -> bool {
    character == '_' || character.is_ascii_alphanumeric()
}

/// Whether it can name a variable.
pub fn is_name(text: &str) -> bool {
    text.chars().all(is_name_character)
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
}

fn unclosed<T>(at: Position, what: &str) -> Result<T, SyntaxError> {
    Err(SyntaxError { at, message: format!("this {what} is never closed") })
}

/// Adds a part, joined with the one before it if both are the same kind of text.
fn push(parts: &mut Vec<Part>, part: Part) {
    match (parts.last_mut(), part) {
        (Some(Part::Plain(before)), Part::Plain(text)) => before.push_str(&text),
        (Some(Part::Quoted(before)), Part::Quoted(text)) => before.push_str(&text),
        (_, part) => parts.push(part),
    }
}
