//! From a shell line to its syntax tree. What this shell does not do is refused here, with the
//! place, before anything runs.

use crate::cursor::{Cursor, SyntaxError};
use crate::limits::{DEPTH_MAX, LINE_BYTES_MAX, PIPELINE_COMMANDS_MAX};
use crate::syntax::{
    AndOr, Command, Connective, List, Part, Pipeline, Position, Redirect, Script, Simple, Word,
};
use crate::words::is_name;

/// Keywords that no command starts with.
const CLOSERS: [&str; 8] = ["then", "elif", "else", "fi", "do", "done", "esac", "}"];

/// What other shells know and this one refuses.
const REFUSED: [(&str, &str); 17] = [
    ("function", "functions are not supported"),
    ("select", "select is not supported"),
    ("time", "time is not supported; the usage of a task is in its last status"),
    ("coproc", "coprocesses are not supported"),
    ("[[", "[[ is not supported; use ["),
    ("cd", "there is no working directory; name files by their absolute path"),
    ("read", "read is not supported: built-ins have no input"),
    ("eval", "eval is not supported"),
    ("exec", "exec is not supported"),
    ("source", "other scripts are not supported"),
    (".", "other scripts are not supported"),
    ("trap", "trap is not supported"),
    ("wait", "there are no background commands to wait for"),
    ("alias", "aliases are not supported"),
    ("local", "functions are not supported, and so are their variables"),
    ("shift", "there are no positional parameters"),
    ("return", "functions are not supported; use exit"),
];

/// Reads one line.
pub struct Parser {
    pub(crate) cursor: Cursor,
    depth: usize,
    /// Here-documents whose text starts after the end of this line: where their text goes.
    waiting: Vec<(usize, Document)>,
    /// What was read so far, but for the list.
    script: Script,
}

/// How a here-document was announced.
pub(crate) struct Document {
    pub(crate) at: Position,
    /// The line that ends it.
    pub(crate) end: String,
    pub(crate) strips_tabs: bool,
    /// Whether what starts with `$` is expanded in it.
    pub(crate) expands: bool,
}

/// Reads a whole shell line.
///
/// # Errors
/// What is wrong with it, or not supported, and where.
pub fn parse(line: &str) -> Result<Script, SyntaxError> {
    let start = Position { line: 1, column: 1 };
    if line.len() > LINE_BYTES_MAX {
        let message = format!("a line of {} bytes; {LINE_BYTES_MAX} are allowed", line.len());
        return Err(SyntaxError { at: start, message });
    }
    if line.contains('\0') {
        return Err(SyntaxError { at: start, message: "a line with a zero byte".to_owned() });
    }
    let cursor = Cursor::new(line, start);
    let mut parser = Parser { cursor, depth: 0, waiting: Vec::new(), script: Script::default() };
    let list = parser.list_to_end()?;
    Ok(Script { list, ..parser.script })
}

impl Parser {
    /// Everything up to the end of the text.
    pub(crate) fn list_to_end(&mut self) -> Result<List, SyntaxError> {
        let list = self.list()?;
        if self.cursor.peek().is_some() {
            return self.unexpected("a command or the end");
        }
        // A last line without end ends all the same.
        self.end_of_line()?;
        Ok(list)
    }

    /// A list and what closes it.
    pub(crate) fn list_until(&mut self, end: &str) -> Result<List, SyntaxError> {
        let list = self.list()?;
        match self.cursor.take_if(end) {
            true => Ok(list),
            false => self.unexpected(&format!("{end:?}")),
        }
    }

    /// Reads another text in the place of this one.
    pub(crate) fn nested<T>(
        &mut self,
        text: Cursor,
        read: fn(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        let script = std::mem::take(&mut self.script);
        let mut inner = Self { cursor: text, depth: self.depth, waiting: Vec::new(), script };
        inner.enter()?;
        let result = read(&mut inner);
        self.script = inner.script;
        result
    }

    /// Goes one level deeper.
    pub(crate) fn enter(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        match self.depth > DEPTH_MAX {
            true => self.cursor.error(format!("deeper than the {DEPTH_MAX} levels allowed")),
            false => Ok(()),
        }
    }

    /// Comes back from one.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Commands up to what cannot start one.
    pub(crate) fn list(&mut self) -> Result<List, SyntaxError> {
        self.enter()?;
        let mut list = List::default();
        loop {
            self.skip_lines()?;
            if !self.starts_command() {
                break;
            }
            list.0.push(self.and_or()?);
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                Some(';') if self.cursor.looks_at(";;") => break,
                Some(';') => {
                    self.cursor.take();
                }
                Some('\n') => self.end_of_line()?,
                Some('&') => {
                    let message = "background commands are not supported: a task ends when its \
                                   line does; use ; or a task of its own";
                    return self.cursor.error(message);
                }
                _ => break,
            }
        }
        self.leave();
        Ok(list)
    }

    fn starts_command(&self) -> bool {
        let word = self.keyword_ahead();
        match self.cursor.peek() {
            None | Some(')' | ';' | '&' | '|') => false,
            Some(_) => !CLOSERS.contains(&word.as_str()),
        }
    }

    fn and_or(&mut self) -> Result<AndOr, SyntaxError> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.cursor.skip_blanks();
            let connective = match () {
                () if self.cursor.take_if("&&") => Connective::And,
                () if self.cursor.take_if("||") => Connective::Or,
                () => return Ok(AndOr { first, rest }),
            };
            self.skip_lines()?;
            rest.push((connective, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, SyntaxError> {
        self.cursor.skip_blanks();
        let mut negated = false;
        while self.take_keyword("!") {
            negated = !negated;
            self.cursor.skip_blanks();
        }
        let mut commands = vec![self.command()?];
        loop {
            self.cursor.skip_blanks();
            if !self.cursor.looks_at("|") || self.cursor.looks_at("||") {
                return Ok(Pipeline { negated, commands });
            }
            if self.cursor.looks_at("|&") {
                return self.cursor.error("|& is not supported; use 2>&1 |");
            }
            if commands.len() == PIPELINE_COMMANDS_MAX {
                let message = format!("a pipeline of more than {PIPELINE_COMMANDS_MAX} commands");
                return self.cursor.error(message);
            }
            self.cursor.take();
            self.skip_lines()?;
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Result<Command, SyntaxError> {
        self.cursor.skip_blanks();
        self.enter()?;
        let command = match self.compound()? {
            Some(compound) => Command::Compound(compound, self.redirects()?),
            None => Command::Simple(self.simple()?),
        };
        self.leave();
        Ok(command)
    }

    fn redirects(&mut self) -> Result<Vec<Redirect>, SyntaxError> {
        let mut redirects = Vec::new();
        loop {
            self.cursor.skip_blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(redirects),
            }
        }
    }

    fn simple(&mut self) -> Result<Simple, SyntaxError> {
        let at = self.cursor.at();
        let keyword = self.keyword_ahead();
        if let Some((_, why)) = REFUSED.iter().find(|(word, _)| *word == keyword) {
            return self.cursor.error(*why);
        }
        let mut simple =
            Simple { at, assignments: Vec::new(), words: Vec::new(), redirects: Vec::new() };
        loop {
            self.cursor.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
            } else if simple.words.is_empty()
                && let Some(name) = self.assignment()
            {
                let here = self.cursor.at();
                let empty = Word { at: here, parts: Vec::new() };
                if self.cursor.looks_at("(") {
                    return self.cursor.error("arrays are not supported");
                }
                simple.assignments.push((name, self.word()?.unwrap_or(empty)));
            } else if let Some(word) = self.word()? {
                simple.words.push(word);
            } else {
                break;
            }
        }
        if self.cursor.looks_at("(") && simple.words.len() == 1 {
            return self.cursor.error("functions are not supported");
        }
        let is_empty = simple.words.is_empty() && simple.assignments.is_empty();
        match is_empty && simple.redirects.is_empty() {
            true => self.unexpected("a command"),
            false => Ok(simple),
        }
    }

    /// Takes `NAME=` if it comes next.
    fn assignment(&mut self) -> Option<String> {
        let ahead = self.cursor.ahead(|c| !"= \t\n;&|<>()'\"\\$`".contains(c));
        if !is_name(&ahead) || !self.cursor.looks_at(&format!("{ahead}=")) {
            return None;
        }
        self.cursor.take_if(&format!("{ahead}="));
        Some(ahead)
    }

    /// The unquoted word that comes next, if nothing else belongs to it.
    pub(crate) fn keyword_ahead(&self) -> String {
        let word = self.cursor.ahead(|c| !" \t\r\n;&|<>()".contains(c));
        match word.contains(['\'', '"', '\\', '$', '`']) {
            true => String::new(),
            false => word,
        }
    }

    /// Takes this keyword if it comes next.
    pub(crate) fn take_keyword(&mut self, keyword: &str) -> bool {
        self.cursor.skip_blanks();
        self.keyword_ahead() == keyword && self.cursor.take_if(keyword)
    }

    /// Takes a keyword that must come next, on this line or a later one.
    pub(crate) fn expect_keyword(&mut self, keyword: &str) -> Result<(), SyntaxError> {
        self.skip_lines()?;
        match self.take_keyword(keyword) {
            true => Ok(()),
            false => self.unexpected(&format!("{keyword:?}")),
        }
    }

    /// Takes blanks, comments and ends of lines.
    pub(crate) fn skip_lines(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                Some('\n') => self.end_of_line()?,
                _ => return Ok(()),
            }
        }
    }

    /// Keeps what a command substitution runs; answers its number.
    pub(crate) fn keep_substitution(&mut self, body: List) -> usize {
        self.script.substitutions.push(body);
        self.script.substitutions.len() - 1
    }

    /// An error that says what was found instead.
    pub(crate) fn unexpected<T>(&self, expected: &str) -> Result<T, SyntaxError> {
        self.cursor.error(format!("expected {expected}, found {}", self.cursor.found()))
    }

    /// Promises a here-document, whose text starts after the end of this line.
    pub(crate) fn promise_document(&mut self, document: Document) -> Redirect {
        let number = self.script.documents.len();
        self.script.documents.push(Word { at: document.at, parts: Vec::new() });
        self.waiting.push((number, document));
        Redirect::Document(number)
    }

    /// Takes the end of a line, and the here-documents that start after it.
    fn end_of_line(&mut self) -> Result<(), SyntaxError> {
        self.cursor.take();
        for (number, document) in std::mem::take(&mut self.waiting) {
            self.script.documents[number] = self.document(&document)?;
        }
        Ok(())
    }

    fn document(&mut self, document: &Document) -> Result<Word, SyntaxError> {
        let (start, mut text) = (self.cursor.at(), String::new());
        loop {
            let Some(line) = self.cursor.take_line() else {
                let message = format!("no line {:?} ends this here-document", document.end);
                return Err(SyntaxError { at: document.at, message });
            };
            let line = match document.strips_tabs {
                true => line.trim_start_matches('\t'),
                false => &line,
            };
            if line == document.end {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        match document.expands {
            true => self.nested(Cursor::new(&text, start), Self::document_text),
            false => Ok(Word { at: start, parts: vec![Part::Quoted(text)] }),
        }
    }
}
