//! A part of a shell that runs by itself: the line, a subshell, a command of a pipeline or of a
//! substitution. It holds where that part is; the machine moves it.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::budget::Budget;
use crate::expansion::Captured;
use crate::pattern::Pattern;
use crate::steps::Place;
use crate::syntax::Position;
use crate::variables::Variables;
use crate::world::{Input, Output, Stream, Wiring};

/// What `set` has set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// `-e`
    pub ends_at_failure: bool,
    /// `-u`
    pub refuses_unset: bool,
    /// `-o pipefail`
    pub pipeline_fails: bool,
}

/// A part of a shell.
#[derive(Debug)]
pub struct Strand {
    /// Its number.
    pub id: u64,
    /// The next step.
    pub place: Place,
    /// `$?`
    pub status: i32,
    /// Its own copies.
    pub variables: Variables,
    /// Its own copies.
    pub options: Options,
    /// Where its commands read and write.
    pub wiring: Wiring,
    /// The scopes it is in, the innermost last.
    pub frames: Vec<Frame>,
    /// What it may give to programs now.
    pub budget: Budget,
    /// What it waits for.
    pub state: State,
    /// The one that waits for it; none for the line itself.
    pub parent: Option<u64>,
    /// What the substitutions of the command that it is at have given.
    pub captured: Vec<Captured>,
    /// The command that it is at, once it is expanded.
    pub pending: Option<Pending>,
    /// What the status comes from, if it is not 0.
    pub blame: String,
    /// Whether it ended as its fuel or output was used up.
    pub is_used_up: bool,
    /// Whether all it runs is one simple command.
    pub is_simple: bool,
    /// Whether it leaves the scope that its last command was in.
    pub is_leaving: bool,
}

/// A scope.
#[derive(Debug)]
pub enum Frame {
    /// A loop with its status so far and, in a `for`, the values to come.
    Loop(i32, VecDeque<String>),
    /// A `case` with what is compared.
    Case(Rc<str>),
    /// Redirections, with what they replaced, and the relays that work for them.
    Redirect(Box<Wiring>, Vec<Relay>),
}

/// A program that passes on what goes to the other log than its own.
#[derive(Debug)]
pub struct Relay {
    /// What it reads.
    pub pipe: u64,
    /// It.
    pub subtask: u64,
}

/// What a strand waits for.
#[derive(Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Ready,
    /// A program, by its number.
    Program(u64),
    /// Other strands, with how they ended so far.
    Strands(Waiting, Vec<(u64, Option<Outcome>)>),
}

/// Why a strand waits for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// They are a pipeline or a subshell.
    Pipeline,
    /// It is a command substitution.
    Substitution,
}

/// How a strand ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Its status.
    pub status: i32,
    /// What the status comes from, if it is not 0.
    pub blame: String,
    /// Whether that is fuel or output that is used up: then nothing that follows can run either.
    pub is_used_up: bool,
}

/// A command that is expanded.
#[derive(Debug)]
pub struct Pending {
    /// Where it stands.
    pub at: Position,
    /// Its name and arguments; none for redirections of a compound command.
    pub words: Vec<String>,
    /// Variables for it only.
    pub environment: Vec<(String, String)>,
    /// Its streams.
    pub wiring: Wiring,
    /// Files to be made before it starts.
    pub touches: VecDeque<(Rc<str>, bool)>,
    /// What becomes of it once the files are made.
    pub then: Then,
}

/// What a pending command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// A program to start.
    Program,
    /// A built-in, or nothing, which ends with this status.
    Builtin(i32),
    /// A scope to enter, or where to go on if it cannot be.
    Scope(Place),
}

impl Outcome {
    /// That of a command which does not keep others from running.
    pub fn new(status: i32, blame: String) -> Self {
        Self { status, blame, is_used_up: false }
    }
}

impl Strand {
    /// The line itself, at its first step.
    pub fn root(variables: Variables, budget: Budget) -> Self {
        let log = Output::Log;
        let wiring =
            Wiring { stdin: Input::Task, stdout: log(Stream::Stdout), stderr: log(Stream::Stderr) };
        Self {
            id: 0,
            place: 0,
            status: 0,
            variables,
            options: Options::default(),
            wiring,
            frames: Vec::new(),
            budget,
            state: State::Ready,
            parent: None,
            captured: Vec::new(),
            pending: None,
            blame: String::new(),
            is_used_up: false,
            is_simple: false,
            is_leaving: false,
        }
    }

    /// The part that starts at a place within this one, with copies of what it has.
    pub fn child(&self, id: u64, place: Place, wiring: Wiring, budget: Budget) -> Self {
        Self {
            id,
            place,
            status: self.status,
            variables: self.variables.clone(),
            options: self.options,
            wiring,
            frames: Vec::new(),
            budget,
            state: State::Ready,
            parent: Some(self.id),
            captured: Vec::new(),
            pending: None,
            blame: String::new(),
            is_used_up: false,
            is_simple: false,
            is_leaving: false,
        }
    }

    /// The command it is at is over, and it goes on elsewhere.
    pub fn finish(&mut self, outcome: Outcome, next: Place) {
        self.status = outcome.status;
        self.is_used_up = outcome.is_used_up;
        self.blame = if outcome.status == 0 { String::new() } else { outcome.blame };
        self.captured.clear();
        self.pending = None;
        self.place = next;
        self.state = State::Ready;
    }

    /// Its status is 0.
    pub fn succeed(&mut self) {
        self.status = 0;
        self.blame.clear();
    }

    /// Goes on with the next step.
    pub fn advance(&mut self) {
        self.captured.clear();
        self.place += 1;
    }

    /// Whether a pattern fits what the innermost `case` compares.
    pub fn compare(&self, pattern: &Pattern) -> bool {
        match self.frames.last() {
            Some(Frame::Case(subject)) => pattern.fits(&subject.chars().collect::<Vec<_>>()),
            _ => false,
        }
    }
}
