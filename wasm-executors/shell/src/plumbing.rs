//! The programs of one line and the pipes between them: what must be closed when, fed, and waited
//! for. It knows no steps.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::budget::Budget;
use crate::limits::STDIN_CHUNK_BYTES;
use crate::steps::Place;
use crate::strand::{Frame, Outcome, Relay, State, Strand};
use crate::world::{Input, Output, Start, Stream, Wiring, World};

/// Programs that never read their stdin: in a group they must not take it from one that does.
const READ_NOTHING: [&str; 13] = [
    "basename", "cp", "dirname", "echo", "false", "ls", "mkdir", "mv", "printf", "rm", "seq",
    "true", "warn",
];

/// Why a program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The line names it.
    Command,
    /// It makes a file, or empties it.
    Touch,
    /// It says what went wrong; then the strand goes on with this outcome at this place.
    Complaint(Outcome, Place),
    /// It passes on what others write.
    Relay,
}

/// A program that runs.
#[derive(Debug)]
pub struct Subtask {
    /// The strand that started it.
    pub strand: u64,
    /// What it was given.
    pub budget: Budget,
    /// Why it runs.
    pub kind: Kind,
    /// It, for people.
    pub what: String,
    captures: (Option<u64>, Option<u64>),
    /// What it is still to read, from this byte on.
    text: Option<(Rc<str>, usize)>,
}

/// A pipe that is not closed.
#[derive(Debug)]
struct Pipe {
    /// The strand whose programs write; none if it is over.
    writer: Option<u64>,
    /// The strand whose first program reads; none if it is over.
    reader: Option<u64>,
    is_read: bool,
}

/// What connects the programs of a line.
#[derive(Debug, Default)]
pub struct Plumbing {
    subtasks: BTreeMap<u64, Subtask>,
    pipes: BTreeMap<u64, Pipe>,
}

impl Plumbing {
    /// Whether no program runs.
    pub fn is_idle(&self) -> bool {
        self.subtasks.is_empty()
    }

    /// Whether a program has not taken all of its text.
    pub fn has_text_left(&self) -> bool {
        self.subtasks.values().any(|subtask| subtask.text.is_some())
    }

    /// Ends every program.
    pub fn kill_all<W: World>(&self, world: &mut W, grace_ms: u64) {
        self.subtasks.keys().for_each(|subtask| world.kill(*subtask, grace_ms));
    }

    /// Forgets a program that has ended.
    pub fn on_exited(&mut self, subtask: u64) -> Option<Subtask> {
        self.subtasks.remove(&subtask)
    }

    /// The substitution that a program writes for.
    pub fn capture(&self, subtask: u64, is_stderr: bool) -> Option<u64> {
        let (stdout, stderr) = self.subtasks.get(&subtask)?.captures;
        if is_stderr { stderr } else { stdout }
    }

    /// Starts a program for a strand; what it is given comes back to the strand if it cannot start.
    pub fn start<W: World>(
        &mut self,
        world: &mut W,
        strand: &mut Strand,
        mut start: Start,
        (kind, what): (Kind, String),
    ) -> Result<u64, String> {
        let pipe = self.choose_streams(strand, &mut start);
        let subtask = match world.spawn(&start) {
            Ok(subtask) => subtask,
            Err(why) => {
                strand.budget.add(start.budget);
                return Err(why);
            }
        };
        if let Some(pipe) = pipe {
            if let Some(pipe) = self.pipes.get_mut(&pipe) {
                pipe.is_read = true;
            }
            self.close_if_done(world, pipe);
        }
        let capture = |output: &Output| match output {
            Output::Capture(strand) => Some(*strand),
            _ => None,
        };
        let captures = (capture(&start.wiring.stdout), capture(&start.wiring.stderr));
        let text = match &start.wiring.stdin {
            Input::Text(text) => Some((Rc::clone(text), 0)),
            _ => None,
        };
        let (strand, budget) = (strand.id, start.budget);
        self.subtasks.insert(subtask, Subtask { strand, budget, kind, what, captures, text });
        self.feed(world);
        Ok(subtask)
    }

    /// Puts other streams where the strand's cannot be had any more; answers the pipe it reads.
    fn choose_streams(&self, strand: &Strand, start: &mut Start) -> Option<u64> {
        let wiring = &mut start.wiring;
        for output in [&mut wiring.stdout, &mut wiring.stderr] {
            // Its reader is over.
            if matches!(output, Output::Pipe(pipe) if !self.pipes.contains_key(pipe)) {
                *output = Output::Nothing;
            }
        }
        let Input::Pipe(pipe) = wiring.stdin else { return None };
        let is_free = self.pipes.get(&pipe).is_some_and(|pipe| !pipe.is_read);
        let wants_it = strand.is_simple || !READ_NOTHING.contains(&start.name.as_str());
        if !is_free || !wants_it {
            wiring.stdin = Input::Empty;
            return None;
        }
        Some(pipe)
    }

    /// Hands texts to those who read them, as far as they take them.
    pub fn feed<W: World>(&mut self, world: &mut W) {
        for (number, subtask) in &mut self.subtasks {
            let Some((text, at)) = &mut subtask.text else { continue };
            let mut is_open = true;
            while is_open && *at < text.len() {
                let rest = &text.as_bytes()[*at..];
                let chunk = &rest[..rest.len().min(STDIN_CHUNK_BYTES)];
                match world.write_stdin(*number, chunk) {
                    Some(0) => break,
                    Some(taken) => *at += taken.min(chunk.len()),
                    None => is_open = false,
                }
            }
            if is_open && *at == text.len() {
                world.write_stdin(*number, &[]);
            }
            if !is_open || *at == text.len() {
                subtask.text = None;
            }
        }
    }

    /// Makes the pipe between two commands of a pipeline.
    pub fn join<W: World>(
        &mut self,
        world: &mut W,
        writer: &mut Strand,
        reader: &mut Strand,
    ) -> Result<(), String> {
        let pipe = world.make_pipe()?;
        let ends = Pipe { writer: Some(writer.id), reader: Some(reader.id), is_read: false };
        self.pipes.insert(pipe, ends);
        writer.wiring.stdout = Output::Pipe(pipe);
        reader.wiring.stdin = Input::Pipe(pipe);
        Ok(())
    }

    /// A strand writes and reads no more.
    pub fn on_strand_over<W: World>(&mut self, world: &mut W, strand: u64) {
        let mut touched = Vec::new();
        for (number, pipe) in &mut self.pipes {
            for end in [&mut pipe.writer, &mut pipe.reader] {
                if *end == Some(strand) {
                    *end = None;
                    touched.push(*number);
                }
            }
        }
        touched.into_iter().for_each(|pipe| self.close_if_done(world, pipe));
    }

    /// A pipe is closed when nobody will write any more and its reader is attached, or when nobody
    /// will read.
    fn close_if_done<W: World>(&mut self, world: &mut W, number: u64) {
        let Some(pipe) = self.pipes.get(&number) else { return };
        let is_written = pipe.writer.is_none();
        if (is_written && pipe.is_read) || pipe.reader.is_none() {
            self.pipes.remove(&number);
            world.close_pipe(number);
        }
    }

    /// Puts relays where stdout or stderr is to go to the log of the other, and enters a scope for
    /// them. The wiring that was is restored when that is left.
    pub fn enter<W: World>(
        &mut self,
        world: &mut W,
        strand: &mut Strand,
        mut wiring: Wiring,
    ) -> Result<(), String> {
        let mut relays = Vec::new();
        if wiring.stdout == Output::Log(Stream::Stderr) {
            let relay = self.start_relay(world, strand, Stream::Stderr)?;
            let pipe = Output::Pipe(relay.pipe);
            if wiring.stderr == Output::Log(Stream::Stderr) {
                // One road for both keeps them in order.
                wiring.stderr = pipe.clone();
            }
            wiring.stdout = pipe;
            relays.push(relay);
        } else if wiring.stderr == Output::Log(Stream::Stdout) {
            let relay = self.start_relay(world, strand, Stream::Stdout)?;
            let pipe = Output::Pipe(relay.pipe);
            if wiring.stdout == Output::Log(Stream::Stdout) {
                wiring.stdout = pipe.clone();
            }
            wiring.stderr = pipe;
            relays.push(relay);
        }
        let before = std::mem::replace(&mut strand.wiring, wiring);
        strand.frames.push(Frame::Redirect(Box::new(before), relays));
        Ok(())
    }

    fn start_relay<W: World>(
        &mut self,
        world: &mut W,
        strand: &mut Strand,
        to: Stream,
    ) -> Result<Relay, String> {
        let (name, stdout) = match to {
            Stream::Stdout => ("cat", Output::Log(Stream::Stdout)),
            Stream::Stderr => ("warn", Output::Nothing),
        };
        if !world.has_program(name) {
            return Err(format!("the program {name} is needed for it"));
        }
        let pipe = world.make_pipe()?;
        let ends = Pipe { writer: Some(strand.id), reader: Some(strand.id), is_read: false };
        self.pipes.insert(pipe, ends);
        let stderr = Output::Log(Stream::Stderr);
        let start = Start {
            name: name.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            wiring: Wiring { stdin: Input::Pipe(pipe), stdout, stderr },
            budget: strand.budget.divide_for_relay(),
        };
        let is_simple = std::mem::replace(&mut strand.is_simple, true);
        let started = self.start(world, strand, start, (Kind::Relay, name.to_owned()));
        strand.is_simple = is_simple;
        match started {
            Ok(subtask) => Ok(Relay { pipe, subtask }),
            Err(why) => {
                self.close(world, pipe);
                Err(why)
            }
        }
    }

    /// Leaves the innermost scope; answers whether that is done, or a program is waited for.
    pub fn leave<W: World>(&mut self, world: &mut W, strand: &mut Strand) -> bool {
        if let Some(Frame::Redirect(_, relays)) = strand.frames.last_mut() {
            while let Some(relay) = relays.pop() {
                self.close(world, relay.pipe);
                if self.subtasks.contains_key(&relay.subtask) {
                    strand.state = State::Program(relay.subtask);
                    return false;
                }
            }
        }
        match strand.frames.pop() {
            Some(Frame::Redirect(before, _)) => strand.wiring = *before,
            Some(Frame::Loop(0, _)) => strand.succeed(),
            Some(Frame::Loop(status, _)) => strand.status = status,
            Some(Frame::Case(_)) | None => {}
        }
        true
    }

    /// Leaves all scopes without going on in any; answers whether that is done.
    pub fn leave_all<W: World>(&mut self, world: &mut W, strand: &mut Strand) -> bool {
        let (status, blame) = (strand.status, strand.blame.clone());
        while !strand.frames.is_empty() {
            let is_left = self.leave(world, strand);
            (strand.status, strand.blame) = (status, blame.clone());
            if !is_left {
                return false;
            }
        }
        true
    }

    fn close<W: World>(&mut self, world: &mut W, pipe: u64) {
        if self.pipes.remove(&pipe).is_some() {
            world.close_pipe(pipe);
        }
    }
}
