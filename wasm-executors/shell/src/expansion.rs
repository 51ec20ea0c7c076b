//! From the words of a command to the texts they stand for. What a command substitution gives must
//! be known before: where it is not, expanding stops and says which, and is done again with it.

use crate::arithmetic;
use crate::limits::{EXPANSION_COST_MAX, PATTERN_CHARACTERS_MAX, WORDS_BYTES_MAX, WORDS_MAX};
use crate::pattern::Pattern;
use crate::syntax::{Operation, Part, Word};
use crate::variables::Variables;
use crate::world::{World, directory};

/// What a command substitution gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Without the ends of lines at its end.
    pub text: String,
    /// How it ended.
    pub status: i32,
}

/// Why expanding stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// What the substitution of this number gives must be known.
    Substitution(usize),
    /// It cannot be expanded.
    Wrong(String),
}

/// Expands words of one command.
pub struct Expander<'a, W> {
    /// For the names of files.
    pub world: &'a mut W,
    /// The values.
    pub variables: &'a Variables,
    /// The value of `$?`.
    pub status: i32,
    /// Whether a variable without value is an error.
    pub refuses_unset: bool,
    /// What the substitutions gave, in the order in which they are met.
    pub captured: &'a [Captured],
    /// How many of them were met.
    pub met: usize,
    /// What `${NAME=word}` has set, in order.
    pub assigned: Vec<(String, String)>,
    /// What it has cost so far, in characters looked at.
    pub cost: usize,
}

/// Characters, each with whether it stands for itself only.
type Text = Vec<(char, bool)>;

/// Words as they grow.
#[derive(Default)]
struct Fields {
    whole: Vec<Text>,
    /// The one that grows, if there is one.
    open: Option<Text>,
    splits: bool,
}

impl Fields {
    fn push(&mut self, text: &str, is_literal: bool) {
        self.open.get_or_insert_default().extend(text.chars().map(|c| (c, is_literal)));
    }

    /// Adds what was expanded, unquoted.
    fn push_value(&mut self, text: &str) {
        if !self.splits {
            return self.push(text, false);
        }
        for character in text.chars() {
            match character {
                ' ' | '\t' | '\n' => self.close(),
                _ => self.open.get_or_insert_default().push((character, false)),
            }
        }
    }

    fn close(&mut self) {
        self.whole.extend(self.open.take());
    }
}

impl<W: World> Expander<'_, W> {
    /// The words of a command: split where unquoted values have blanks, and names of files where
    /// unquoted patterns fit some.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn words(&mut self, words: &[Word]) -> Result<Vec<String>, Stop> {
        let mut all = Vec::new();
        for word in words {
            let mut fields = Fields { splits: true, ..Fields::default() };
            self.parts(word, false, &mut fields)?;
            fields.close();
            for field in fields.whole {
                self.push_files(&field, &mut all)?;
            }
            let bytes: usize = all.iter().map(String::len).sum();
            if all.len() > WORDS_MAX || bytes > WORDS_BYTES_MAX {
                let message = format!("more than {WORDS_MAX} words or {WORDS_BYTES_MAX} bytes");
                return Err(Stop::Wrong(message));
            }
        }
        Ok(all)
    }

    /// One text, not split: the value of a variable, the path of a redirection.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn text(&mut self, word: &Word) -> Result<String, Stop> {
        Ok(self.unsplit(word)?.into_iter().map(|(character, _)| character).collect())
    }

    /// A pattern, in which what was quoted stands for itself.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn pattern(&mut self, word: &Word) -> Result<Pattern, Stop> {
        let text = self.unsplit(word)?;
        match text.len() > PATTERN_CHARACTERS_MAX {
            true => {
                Err(Stop::Wrong(format!("a pattern of over {PATTERN_CHARACTERS_MAX} characters")))
            }
            false => Ok(Pattern::new(&text)),
        }
    }

    fn unsplit(&mut self, word: &Word) -> Result<Text, Stop> {
        let mut fields = Fields::default();
        self.parts(word, false, &mut fields)?;
        let text = fields.open.unwrap_or_default();
        match text.len() > WORDS_BYTES_MAX {
            true => Err(Stop::Wrong(format!("a word of more than {WORDS_BYTES_MAX} bytes"))),
            false => Ok(text),
        }
    }

    fn charge(&mut self, cost: usize) -> Result<(), Stop> {
        self.cost = self.cost.saturating_add(cost);
        match self.cost > EXPANSION_COST_MAX {
            true => Err(Stop::Wrong("a command that is too much to expand at once".to_owned())),
            false => Ok(()),
        }
    }

    fn push(&mut self, fields: &mut Fields, text: &str, quoted: bool) -> Result<(), Stop> {
        self.charge(text.len())?;
        match quoted {
            true => fields.push(text, true),
            false => fields.push_value(text),
        }
        Ok(())
    }

    fn parts(&mut self, word: &Word, in_braces: bool, fields: &mut Fields) -> Result<(), Stop> {
        for part in &word.parts {
            match part {
                // It is split as a value is.
                Part::Plain(text) if in_braces => self.push(fields, text, false)?,
                Part::Plain(text) => {
                    self.charge(text.len())?;
                    fields.push(text, false);
                }
                Part::Quoted(text) => self.push(fields, text, true)?,
                Part::Parameter { name, operation, quoted } => {
                    self.parameter(name, operation, *quoted, fields)?;
                }
                Part::Substitution { number, quoted, .. } => {
                    let Some(captured) = self.captured.get(self.met) else {
                        return Err(Stop::Substitution(*number));
                    };
                    self.met += 1;
                    let text = captured.text.as_str();
                    self.push(fields, text, *quoted)?;
                }
                Part::Arithmetic { expression, quoted } => {
                    let text = self.text(expression)?;
                    let value_of = |name: &str| self.value(name).unwrap_or_default();
                    let value = arithmetic::evaluate(&text, value_of).map_err(Stop::Wrong)?;
                    self.push(fields, &value.to_string(), *quoted)?;
                }
            }
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Option<String> {
        let assigned = self.assigned.iter().rev().find(|(other, _)| other == name);
        match name {
            "?" => Some(self.status.to_string()),
            "#" => Some("0".to_owned()),
            "0" => Some("sh".to_owned()),
            _ => match assigned {
                Some((_, value)) => Some(value.clone()),
                None => self.variables.value(name).map(str::to_owned),
            },
        }
    }

    fn parameter(
        &mut self,
        name: &str,
        operation: &Operation,
        quoted: bool,
        fields: &mut Fields,
    ) -> Result<(), Stop> {
        let value = self.value(name);
        let is_given = |or_empty: bool| value.as_ref().is_some_and(|v| !or_empty || !v.is_empty());
        match operation {
            Operation::Default(or_empty, word) if !is_given(*or_empty) => {
                return self.parts(word, true, fields);
            }
            Operation::Alternative(or_empty, word) => {
                return match is_given(*or_empty) {
                    true => self.parts(word, true, fields),
                    false => self.push(fields, "", quoted),
                };
            }
            Operation::Assign(or_empty, word) if !is_given(*or_empty) => {
                let text = self.text(word)?;
                self.push(fields, &text, quoted)?;
                self.assigned.push((name.to_owned(), text));
                return Ok(());
            }
            Operation::Require(or_empty, word) if !is_given(*or_empty) => {
                let text = match self.text(word)? {
                    text if text.is_empty() => "it has no value".to_owned(),
                    text => text,
                };
                return Err(Stop::Wrong(format!("{name}: {text}")));
            }
            _ => {}
        }
        // No positional parameters are no words, even within quotes.
        if value.is_none() && name == "@" {
            return Ok(());
        }
        let is_variable = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
        if value.is_none() && is_variable && self.refuses_unset {
            return Err(Stop::Wrong(format!("{name}: it has no value")));
        }
        let value = value.unwrap_or_default();
        let value = match operation {
            Operation::Length => value.chars().count().to_string(),
            Operation::TrimStart(longest, word) | Operation::TrimEnd(longest, word) => {
                let pattern = self.pattern(word)?;
                // Each length is tried.
                self.charge(value.len().saturating_mul(value.len()))?;
                match operation {
                    Operation::TrimStart(..) => trim_start(&value, &pattern, *longest),
                    _ => trim_end(&value, &pattern, *longest),
                }
            }
            _ => value,
        };
        self.push(fields, &value, quoted)
    }

    /// Adds the files that a word fits; if it is no pattern or fits none, the word itself.
    fn push_files(&mut self, word: &Text, all: &mut Vec<String>) -> Result<(), Stop> {
        let before = all.len();
        if word.len() <= PATTERN_CHARACTERS_MAX && Pattern::new(word).is_open() {
            all.extend(self.files(word)?);
            all[before..].sort();
        }
        if all.len() == before {
            all.push(word.iter().map(|(character, _)| character).collect());
        }
        Ok(())
    }

    fn files(&mut self, word: &Text) -> Result<Vec<String>, Stop> {
        let parts: Vec<&[(char, bool)]> = word.split(|(character, _)| *character == '/').collect();
        let mut found = vec![String::new()];
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let pattern = Pattern::new(part);
            if !is_last && !pattern.is_open() {
                let text: String = part.iter().map(|(character, _)| character).collect();
                found.iter_mut().for_each(|path| *path += &format!("{text}/"));
                continue;
            }
            let mut longer = Vec::new();
            for path in found {
                let entries = self.world.list_directory(&directory(&path)).unwrap_or_default();
                let names: usize = entries.iter().map(|(name, _)| name.len() + 16).sum();
                self.charge(names.saturating_mul(1 + part.len() / 16))?;
                for (name, is_directory) in entries {
                    let is_hidden = name.starts_with('.') && !pattern.starts_with('.');
                    let characters: Vec<char> = name.chars().collect();
                    if !is_hidden && (is_last || is_directory) && pattern.fits(&characters) {
                        longer.push(format!("{path}{name}{}", if is_last { "" } else { "/" }));
                    }
                }
            }
            found = longer;
        }
        Ok(found)
    }
}

fn trim_start(value: &str, pattern: &Pattern, longest: bool) -> String {
    let text: Vec<char> = value.chars().collect();
    let mut ends = 0..=text.len();
    let fits = |end: &usize| pattern.fits(&text[..*end]);
    let end = if longest { ends.rev().find(fits) } else { ends.find(fits) };
    text[end.unwrap_or(0)..].iter().collect()
}

fn trim_end(value: &str, pattern: &Pattern, longest: bool) -> String {
    let text: Vec<char> = value.chars().collect();
    let mut starts = 0..=text.len();
    let fits = |start: &usize| pattern.fits(&text[*start..]);
    let start = if longest { starts.find(fits) } else { starts.rev().find(fits) };
    text[..start.unwrap_or(text.len())].iter().collect()
}
