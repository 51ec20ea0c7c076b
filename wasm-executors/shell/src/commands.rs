//! Runs simple commands and redirections: expands them, makes their files, and starts programs.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::builtins::{self, Done};
use crate::expansion::{Expander, Stop};
use crate::machine::Machine;
use crate::plumbing::Kind;
use crate::steps::{Place, Steps};
use crate::strand::{Outcome, Pending, State, Strand, Then};
use crate::syntax::{Part, Position, Redirect, Simple, Streams, Word};
use crate::words::is_name;
use crate::world::{Ended, Input, Output, Start, Stream, Wiring, World, absolute, directory};

/// A redirection whose words are expanded.
enum Expanded {
    Read(String),
    Text(String),
    Write(Streams, String, bool),
    Follow(Streams),
}

impl Machine {
    /// A simple command, from its words to its end or to what it waits for.
    pub(crate) fn run<W: World>(&mut self, world: &mut W, strand: &mut Strand, simple: &Simple) {
        if strand.pending.is_none() {
            let steps = self.steps();
            let expanded = self.expand(world, strand, |by| expand_simple(by, simple, &steps));
            let Some((words, assignments, redirects)) = expanded else { return };
            let status = match words.is_empty() {
                true => strand.captured.last().map_or(0, |captured| captured.status),
                false => 0,
            };
            let name = words.first().map_or("", String::as_str);
            let is_builtin = words.is_empty() || builtins::is_builtin(name);
            if words.is_empty() || builtins::is_special(name) {
                for (name, value) in &assignments {
                    if let Err(why) = strand.variables.set(name, value.clone()) {
                        return self.fail(world, 2, why);
                    }
                }
            }
            let then = if is_builtin { Then::Builtin(status) } else { Then::Program };
            let pending = Pending {
                at: simple.at,
                words,
                environment: assignments,
                wiring: strand.wiring.clone(),
                touches: VecDeque::new(),
                then,
            };
            strand.pending = Some(pending);
            if let Err(why) = wire(world, strand, redirects) {
                let next = strand.place + 1;
                return self.complain(world, strand, (1, why), next);
            }
        }
        self.go_on_with_pending(world, strand);
    }

    /// The redirections of a compound command.
    pub(crate) fn redirect<W: World>(
        &mut self,
        world: &mut W,
        strand: &mut Strand,
        redirects: &[Redirect],
        over: Place,
    ) {
        if strand.pending.is_none() {
            let steps = self.steps();
            let expanded = self.expand(world, strand, |by| expand_redirects(by, redirects, &steps));
            let Some(redirects) = expanded else { return };
            strand.pending = Some(Pending {
                at: Position { line: 1, column: 1 },
                words: Vec::new(),
                environment: Vec::new(),
                wiring: strand.wiring.clone(),
                touches: VecDeque::new(),
                then: Then::Scope(over),
            });
            if let Err(why) = wire(world, strand, redirects) {
                return self.complain(world, strand, (1, why), over);
            }
        }
        self.go_on_with_pending(world, strand);
    }

    fn go_on_with_pending<W: World>(&mut self, world: &mut W, strand: &mut Strand) {
        let Some(pending) = &mut strand.pending else { return };
        let next = match pending.then {
            Then::Scope(over) => over,
            _ => strand.place + 1,
        };
        if let Some((path, append)) = pending.touches.pop_front() {
            let start = Start {
                name: "true".to_owned(),
                arguments: Vec::new(),
                environment: Vec::new(),
                wiring: Wiring {
                    stdin: Input::Empty,
                    stdout: Output::File(Rc::clone(&path), append),
                    stderr: Output::Nothing,
                },
                budget: strand.budget.take(),
            };
            let what = format!("making {path}");
            match self.plumbing.start(world, strand, start, (Kind::Touch, what)) {
                Ok(subtask) => strand.state = State::Program(subtask),
                Err(why) => {
                    self.complain(world, strand, (1, format!("cannot make {path}: {why}")), next);
                }
            }
            return;
        }
        let (then, wiring) = (pending.then, pending.wiring.clone());
        match then {
            Then::Program => self.start_program(world, strand),
            Then::Builtin(status) => self.run_builtin(world, strand, status),
            Then::Scope(over) => match self.plumbing.enter(world, strand, wiring) {
                Ok(()) => {
                    strand.pending = None;
                    strand.advance();
                }
                Err(why) => self.complain(world, strand, (1, why), over),
            },
        }
    }

    fn run_builtin<W: World>(&mut self, world: &mut W, strand: &mut Strand, status: i32) {
        let Some(pending) = &mut strand.pending else { return };
        let (words, at, next) = (std::mem::take(&mut pending.words), pending.at, strand.place + 1);
        let done = match words.is_empty() {
            true => Done::Status(status),
            false => builtins::run(&words, strand, world),
        };
        let name = words.first().map_or("a command substitution", String::as_str);
        let blame = |status: i32| format!("{name} at {at}: exited with {status}");
        match done {
            Done::Status(status) => {
                strand.finish(Outcome::new(status, blame(status)), next);
            }
            Done::Complaint(status, why) => self.complain(world, strand, (status, why), next),
            Done::Exit(status) => {
                // What failed before says more than the exit that passes it on.
                let blame = match strand.blame.is_empty() || strand.status != status {
                    true => blame(status),
                    false => std::mem::take(&mut strand.blame),
                };
                let next = self.steps().last();
                strand.finish(Outcome::new(status, blame), next);
            }
        }
    }

    fn start_program<W: World>(&mut self, world: &mut W, strand: &mut Strand) {
        let Some(pending) = &mut strand.pending else { return };
        let (name, next) = (pending.words[0].clone(), strand.place + 1);
        if name.contains('/') {
            let why = format!("{name}: programs are named without a path");
            return self.complain(world, strand, (127, why), next);
        }
        if !world.has_program(&name) {
            return self.complain(world, strand, (127, format!("{name}: not found")), next);
        }
        let wiring = pending.wiring.clone();
        let is_crossed = wiring.stdout == Output::Log(Stream::Stderr)
            || wiring.stderr == Output::Log(Stream::Stdout);
        let wiring = match is_crossed {
            true => match self.plumbing.enter(world, strand, wiring) {
                Ok(()) => {
                    strand.is_leaving = true;
                    strand.wiring.clone()
                }
                Err(why) => {
                    return self.complain(world, strand, (1, format!("{name}: {why}")), next);
                }
            },
            false => wiring,
        };
        let Some(pending) = strand.pending.take() else { return };
        let start = Start {
            arguments: pending.words[1..].to_vec(),
            environment: strand.variables.environment(&pending.environment),
            wiring: wiring.clone(),
            budget: strand.budget.take(),
            name,
        };
        let what = format!("{} at {}", start.name, pending.at);
        let name = start.name.clone();
        strand.pending = Some(Pending { wiring, ..pending });
        match self.plumbing.start(world, strand, start, (Kind::Command, what)) {
            Ok(subtask) => strand.state = State::Program(subtask),
            Err(why) => {
                let why = format!("{name}: cannot start: {why}");
                self.complain(world, strand, (126, why), next);
            }
        }
    }

    /// Ends the command that a strand is at with a status, and says why where it complains.
    pub(crate) fn complain<W: World>(
        &mut self,
        world: &mut W,
        strand: &mut Strand,
        (status, why): (i32, String),
        next: Place,
    ) {
        let pending = strand.pending.take();
        let stderr = pending.as_ref().map_or(&strand.wiring.stderr, |p| &p.wiring.stderr).clone();
        let at = pending.map_or(String::new(), |pending| format!(" at {}", pending.at));
        let outcome = Outcome::new(status, format!("{why}{at}"));
        // To the log of stdout it would need a relay for a relay's sake.
        let stderr = match stderr {
            Output::Log(_) => Output::Log(Stream::Stderr),
            stderr => stderr,
        };
        if !world.has_program("warn") {
            return strand.finish(outcome, next);
        }
        let start = Start {
            name: "warn".to_owned(),
            arguments: vec![format!("sh: {why}")],
            environment: Vec::new(),
            wiring: Wiring { stdin: Input::Empty, stdout: Output::Nothing, stderr },
            budget: strand.budget.take(),
        };
        let kind = Kind::Complaint(outcome.clone(), next);
        match self.plumbing.start(world, strand, start, (kind, "warn".to_owned())) {
            Ok(subtask) => strand.state = State::Program(subtask),
            // It stands in the outcome all the same.
            Err(_) => strand.finish(outcome, next),
        }
    }
}

impl Strand {
    /// A file was made, or not: then its command is not run.
    pub(crate) fn on_touched(&mut self, ended: &Ended) {
        if ended.status != 0 {
            let next = match self.pending.as_ref().map(|pending| pending.then) {
                Some(Then::Scope(over)) => over,
                _ => self.place + 1,
            };
            let blame = format!("a file could not be made: {}", ended.how);
            self.finish(Outcome::new(1, blame), next);
        }
    }
}

type Command = (Vec<String>, Vec<(String, String)>, Vec<Expanded>);

fn expand_simple<W: World>(
    by: &mut Expander<'_, W>,
    simple: &Simple,
    steps: &Steps,
) -> Result<Command, Stop> {
    let is_export = simple.words.first().and_then(Word::plain) == Some("export");
    let mut words = Vec::new();
    for word in &simple.words {
        match is_export && is_assignment(word) {
            true => words.push(by.text(word)?),
            false => words.extend(by.words(std::slice::from_ref(word))?),
        }
    }
    let mut assignments = Vec::new();
    for (name, value) in &simple.assignments {
        let value = by.text(value)?;
        // The next one may use it already.
        if simple.words.is_empty() {
            by.assigned.push((name.clone(), value.clone()));
        }
        assignments.push((name.clone(), value));
    }
    let redirects = expand_redirects(by, &simple.redirects, steps)?;
    Ok((words, assignments, redirects))
}

/// `NAME=…` as an argument of `export` is not split, as in an assignment.
fn is_assignment(word: &Word) -> bool {
    match word.parts.first() {
        Some(Part::Plain(text)) => text.split_once('=').is_some_and(|(name, _)| is_name(name)),
        _ => false,
    }
}

fn expand_redirects<W: World>(
    by: &mut Expander<'_, W>,
    redirects: &[Redirect],
    steps: &Steps,
) -> Result<Vec<Expanded>, Stop> {
    let mut expanded = Vec::new();
    for redirect in redirects {
        expanded.push(match redirect {
            Redirect::Read(path) => Expanded::Read(by.text(path)?),
            Redirect::Text(text) => Expanded::Text(by.text(text)? + "\n"),
            Redirect::Document(number) => Expanded::Text(by.text(&steps.documents[*number])?),
            Redirect::Write { what, path, append } => {
                Expanded::Write(*what, by.text(path)?, *append)
            }
            Redirect::Follow(what) => Expanded::Follow(*what),
        });
    }
    Ok(expanded)
}

/// Puts redirections into the wiring of the pending command, and notes the files to be made.
fn wire<W: World>(
    world: &mut W,
    strand: &mut Strand,
    redirects: Vec<Expanded>,
) -> Result<(), String> {
    let Some(pending) = &mut strand.pending else { return Ok(()) };
    let wiring = &mut pending.wiring;
    let mut touches: VecDeque<(Rc<str>, bool)> = VecDeque::new();
    for redirect in redirects {
        match redirect {
            Expanded::Read(path) if path == "/dev/null" => wiring.stdin = Input::Empty,
            Expanded::Read(path) => {
                world.first_byte(&absolute(&path)).map_err(|why| format!("{path}: {why}"))?;
                wiring.stdin = Input::File(absolute(&path).into());
            }
            Expanded::Text(text) => wiring.stdin = Input::Text(text.into()),
            Expanded::Write(what, path, append) => {
                let output = output(world, wiring, &path, append)?;
                if let Output::File(path, append) = &output {
                    touches.push_back((Rc::clone(path), *append));
                }
                if what != Streams::Stderr {
                    wiring.stdout = output.clone();
                }
                if what != Streams::Stdout {
                    wiring.stderr = output;
                }
            }
            Expanded::Follow(Streams::Stdout) => wiring.stdout = wiring.stderr.clone(),
            Expanded::Follow(Streams::Stderr) => wiring.stderr = wiring.stdout.clone(),
            Expanded::Follow(Streams::Both) => {}
        }
    }
    if pending.then == Then::Program && wiring.stdout != wiring.stderr {
        // The program makes the files that it alone writes.
        touches.retain(|(path, _)| {
            let is_it = |output: &Output| matches!(output, Output::File(other, _) if other == path);
            !is_it(&wiring.stdout) && !is_it(&wiring.stderr)
        });
    }
    for output in [&mut wiring.stdout, &mut wiring.stderr] {
        if let Output::File(path, append) = output {
            *append |= touches.iter().any(|(touched, _)| touched == path);
        }
    }
    pending.touches = touches;
    Ok(())
}

fn output<W: World>(
    world: &mut W,
    wiring: &Wiring,
    path: &str,
    append: bool,
) -> Result<Output, String> {
    match path {
        "/dev/null" => return Ok(Output::Nothing),
        "/dev/stdout" => return Ok(wiring.stdout.clone()),
        "/dev/stderr" => return Ok(wiring.stderr.clone()),
        _ => {}
    }
    let whole = absolute(path);
    let Some((parent, name)) = whole.rsplit_once('/').filter(|_| !path.ends_with('/')) else {
        return Err(format!("{path}: it is no file"));
    };
    let entries = world.list_directory(&directory(parent));
    let entries = entries.map_err(|why| format!("{path}: {why}"))?;
    match entries.iter().any(|(entry, is_directory)| entry == name && *is_directory) {
        true => Err(format!("{path}: it is a directory")),
        false => Ok(Output::File(whole.into(), append)),
    }
}
