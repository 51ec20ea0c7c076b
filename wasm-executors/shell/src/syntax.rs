//! The syntax tree of a shell line. It never says how it was written or what it does.

use std::fmt;

/// A place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1 on.
    pub line: u32,
    /// Characters, from 1 on.
    pub column: u32,
}

/// A whole line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// What runs.
    pub list: List,
    /// The texts of its here-documents.
    pub documents: Vec<Word>,
    /// What its command substitutions run.
    pub substitutions: Vec<List>,
}

/// Commands one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<AndOr>);

/// Pipelines of which each runs, or not, for how the one before it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AndOr {
    /// The one that runs always.
    pub first: Pipeline,
    /// The others.
    pub rest: Vec<(Connective, Pipeline)>,
}

/// When the next pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connective {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Commands at the same time, each reading what the one before it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Whether a `!` stands before it.
    pub negated: bool,
    /// At least one.
    pub commands: Vec<Command>,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A program or built-in with its arguments.
    Simple(Simple),
    /// Anything else.
    Compound(Compound, Vec<Redirect>),
}

/// Assignments and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simple {
    /// Where it starts.
    pub at: Position,
    /// Before the first word.
    pub assignments: Vec<(String, Word)>,
    /// The name and its arguments; may be none.
    pub words: Vec<Word>,
    /// In order.
    pub redirects: Vec<Redirect>,
}

/// A command made of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compound {
    /// `{ …; }`
    Group(List),
    /// `( … )`
    Subshell(List),
    /// `if`, with a condition and a body for each `if` and `elif`
    If {
        /// Conditions with what follows from each.
        branches: Vec<(List, List)>,
        /// What runs if no condition holds.
        otherwise: Option<List>,
    },
    /// `for`
    For {
        /// The variable.
        name: String,
        /// Its values.
        words: Vec<Word>,
        /// What runs for each.
        body: List,
    },
    /// `while` or `until`
    While {
        /// Whether it runs until the condition holds.
        until: bool,
        /// Before each round.
        condition: List,
        /// The round.
        body: List,
    },
    /// `case`
    Case {
        /// What is compared.
        subject: Word,
        /// Patterns with what runs for the first that fits.
        arms: Vec<(Vec<Word>, List)>,
    },
}

/// Where a stream of a command comes from or goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// `< file`
    Read(Word),
    /// `<<< word`
    Text(Word),
    /// `<< END`: the number of its text among the documents of the script.
    Document(usize),
    /// `> file`, `2>> file`, `&> file`
    Write {
        /// Which streams.
        what: Streams,
        /// The file.
        path: Word,
        /// Whether what is there is kept.
        append: bool,
    },
    /// `2>&1` or `1>&2`: this stream goes where the other goes now.
    Follow(Streams),
}

/// The streams that a command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// Descriptor 1.
    Stdout,
    /// Descriptor 2.
    Stderr,
    /// Both of them.
    Both,
}

/// What becomes words when it is expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where it starts.
    pub at: Position,
    /// In order; none is an empty word that was not quoted.
    pub parts: Vec<Part>,
}

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Unquoted text, in which `*`, `?` and `[` are patterns.
    Plain(String),
    /// Quoted text, maybe empty.
    Quoted(String),
    /// `$NAME` and `${NAME…}`
    Parameter {
        /// A name, or `?`, `#`, `@`, `*`, `0` to `9`.
        name: String,
        /// What is done with its value.
        operation: Operation,
        /// Whether it is within double quotes.
        quoted: bool,
    },
    /// `$(…)`
    Substitution {
        /// Where it starts.
        at: Position,
        /// The number of what writes the value among the substitutions of the script.
        number: usize,
        /// Whether it is within double quotes.
        quoted: bool,
    },
    /// `$((…))`
    Arithmetic {
        /// The expression, with what is expanded in it before.
        expression: Word,
        /// Whether it is within double quotes.
        quoted: bool,
    },
}

/// What is done with the value of a parameter. `or_empty` is the colon: an empty value counts as
/// none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Nothing.
    Value,
    /// `${#NAME}`
    Length,
    /// `${NAME-word}`
    Default(bool, Word),
    /// `${NAME=word}`
    Assign(bool, Word),
    /// `${NAME?word}`
    Require(bool, Word),
    /// `${NAME+word}`
    Alternative(bool, Word),
    /// `${NAME#pattern}`, and whether the longest match goes
    TrimStart(bool, Word),
    /// `${NAME%pattern}`, and whether the longest match goes
    TrimEnd(bool, Word),
}

impl Word {
    /// Its text, if it is nothing but unquoted text.
    pub fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Plain(text)] => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
