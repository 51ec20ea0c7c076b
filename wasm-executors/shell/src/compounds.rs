//! Reading commands that are made of commands, and redirections.

use crate::cursor::SyntaxError;
use crate::parser::{Document, Parser};
use crate::syntax::{Compound, List, Part, Redirect, Streams, Word};
use crate::words::is_name;

impl Parser {
    /// Takes a compound command without its redirections; none if a simple one comes next.
    pub(crate) fn compound(&mut self) -> Result<Option<Compound>, SyntaxError> {
        if self.cursor.looks_at("((") {
            return self.cursor.error("(( is not supported; use [ $((…)) -ne 0 ]");
        }
        if self.cursor.take_if("(") {
            let body = self.body(")")?;
            return match self.cursor.take_if(")") {
                true => Ok(Some(Compound::Subshell(body))),
                false => self.unexpected("\")\""),
            };
        }
        let keyword = self.keyword_ahead();
        if !["{", "if", "for", "while", "until", "case"].contains(&keyword.as_str()) {
            return Ok(None);
        }
        self.cursor.take_if(&keyword);
        let compound = match keyword.as_str() {
            "{" => Compound::Group(self.closed_body("}")?),
            "if" => self.after_if()?,
            "for" => self.after_for()?,
            "case" => self.after_case()?,
            _ => {
                let condition = self.closed_body("do")?;
                let body = self.closed_body("done")?;
                Compound::While { until: keyword == "until", condition, body }
            }
        };
        Ok(Some(compound))
    }

    /// A list of at least one command, and the keyword after it.
    fn closed_body(&mut self, keyword: &str) -> Result<List, SyntaxError> {
        let body = self.body(keyword)?;
        self.expect_keyword(keyword)?;
        Ok(body)
    }

    /// A list of at least one command, before this.
    fn body(&mut self, end: &str) -> Result<List, SyntaxError> {
        let list = self.list()?;
        match list.0.is_empty() {
            true => self.unexpected(&format!("a command before {end:?}")),
            false => Ok(list),
        }
    }

    fn after_if(&mut self) -> Result<Compound, SyntaxError> {
        let mut branches = Vec::new();
        loop {
            let condition = self.closed_body("then")?;
            let body = self.body("fi")?;
            branches.push((condition, body));
            self.skip_lines()?;
            if !self.take_keyword("elif") {
                break;
            }
        }
        let otherwise = match self.take_keyword("else") {
            true => Some(self.body("fi")?),
            false => None,
        };
        self.expect_keyword("fi")?;
        Ok(Compound::If { branches, otherwise })
    }

    fn after_for(&mut self) -> Result<Compound, SyntaxError> {
        self.cursor.skip_blanks();
        let name = self.keyword_ahead();
        if !is_name(&name) {
            return self.unexpected("the name of a variable");
        }
        self.cursor.take_if(&name);
        self.skip_lines()?;
        if !self.take_keyword("in") {
            return self.unexpected("\"in\", as there are no positional parameters");
        }
        let words = self.words_in_line()?;
        if !self.cursor.take_if(";") && !self.cursor.looks_at("\n") {
            return self.unexpected("\";\" or the end of the line");
        }
        self.expect_keyword("do")?;
        let body = self.closed_body("done")?;
        Ok(Compound::For { name, words, body })
    }

    fn words_in_line(&mut self) -> Result<Vec<Word>, SyntaxError> {
        let mut words = Vec::new();
        loop {
            self.cursor.skip_blanks();
            match self.word()? {
                Some(word) => words.push(word),
                None => return Ok(words),
            }
        }
    }

    fn after_case(&mut self) -> Result<Compound, SyntaxError> {
        self.cursor.skip_blanks();
        let Some(subject) = self.word()? else { return self.unexpected("a word") };
        self.expect_keyword("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_lines()?;
            if self.take_keyword("esac") {
                return Ok(Compound::Case { subject, arms });
            }
            self.cursor.take_if("(");
            let patterns = self.patterns()?;
            let body = self.list()?;
            arms.push((patterns, body));
            self.skip_lines()?;
            if self.cursor.take_if(";;") {
                continue;
            }
            self.expect_keyword("esac")?;
            return Ok(Compound::Case { subject, arms });
        }
    }

    fn patterns(&mut self) -> Result<Vec<Word>, SyntaxError> {
        let mut patterns = Vec::new();
        loop {
            self.cursor.skip_blanks();
            match self.word()? {
                Some(pattern) => patterns.push(pattern),
                None => return self.unexpected("a pattern or \"esac\""),
            }
            self.cursor.skip_blanks();
            if self.cursor.take_if(")") {
                return Ok(patterns);
            }
            if !self.cursor.take_if("|") {
                return self.unexpected("\"|\" or \")\" after a pattern");
            }
        }
    }

    /// Takes a redirection; none if none comes next.
    pub(crate) fn redirect(&mut self) -> Result<Option<Redirect>, SyntaxError> {
        if self.cursor.take_if("&>>") {
            return self.write(Streams::Both, true).map(Some);
        }
        if self.cursor.take_if("&>") {
            return self.write(Streams::Both, false).map(Some);
        }
        let digits = self.cursor.ahead(|c| c.is_ascii_digit());
        let is_input = self.cursor.looks_at(&format!("{digits}<"));
        if !is_input && !self.cursor.looks_at(&format!("{digits}>")) {
            return Ok(None);
        }
        let allowed = if is_input { ["", "0", "0"] } else { ["", "1", "2"] };
        if !allowed.contains(&digits.as_str()) {
            return self.cursor.error("only the descriptors 0 to 2 can be redirected");
        }
        self.cursor.take_if(&digits);
        self.cursor.take();
        if is_input {
            return self.input().map(Some);
        }
        let stream = if digits == "2" { Streams::Stderr } else { Streams::Stdout };
        match self.cursor.peek() {
            Some('>') => {
                self.cursor.take();
                self.write(stream, true).map(Some)
            }
            Some('&') => self.follow(stream).map(Some),
            _ => {
                self.cursor.take_if("|");
                self.write(stream, false).map(Some)
            }
        }
    }

    fn follow(&mut self, stream: Streams) -> Result<Redirect, SyntaxError> {
        self.cursor.take();
        let target = match self.cursor.peek() {
            Some('1') => Streams::Stdout,
            Some('2') => Streams::Stderr,
            _ => return self.unexpected("1 or 2 after \">&\""),
        };
        self.cursor.take();
        Ok(match (stream, target) {
            (Streams::Stdout, Streams::Stderr) => Redirect::Follow(Streams::Stdout),
            (Streams::Stderr, Streams::Stdout) => Redirect::Follow(Streams::Stderr),
            // Where it goes already.
            _ => Redirect::Follow(Streams::Both),
        })
    }

    fn write(&mut self, what: Streams, append: bool) -> Result<Redirect, SyntaxError> {
        let path = self.target()?;
        Ok(Redirect::Write { what, path, append })
    }

    fn target(&mut self) -> Result<Word, SyntaxError> {
        self.cursor.skip_blanks();
        if self.cursor.looks_at("(") {
            return self.cursor.error("process substitution is not supported");
        }
        match self.word()? {
            Some(word) => Ok(word),
            None => self.unexpected("the path of a file"),
        }
    }

    /// After `<`.
    fn input(&mut self) -> Result<Redirect, SyntaxError> {
        match () {
            () if self.cursor.take_if("<<") => Ok(Redirect::Text(self.target()?)),
            () if self.cursor.take_if("<") => self.document_start(),
            () if self.cursor.looks_at("&") || self.cursor.looks_at(">") => {
                self.cursor.error("<& and <> are not supported")
            }
            () if self.cursor.looks_at("(") => {
                self.cursor.error("process substitution is not supported")
            }
            () => Ok(Redirect::Read(self.target()?)),
        }
    }

    fn document_start(&mut self) -> Result<Redirect, SyntaxError> {
        let strips_tabs = self.cursor.take_if("-");
        self.cursor.skip_blanks();
        let at = self.cursor.at();
        let Some(word) = self.word()? else {
            return self.unexpected("the word that ends the here-document");
        };
        let mut end = String::new();
        for part in &word.parts {
            match part {
                Part::Plain(text) | Part::Quoted(text) => end.push_str(text),
                _ => return self.cursor.error("the end of a here-document cannot be expanded"),
            }
        }
        let expands = word.plain().is_some();
        Ok(self.promise_document(Document { at, end, strips_tabs, expands }))
    }
}
