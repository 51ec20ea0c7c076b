//! What a shell needs from outside: programs to start, pipes between them, and the names of files.
//! There are two worlds, that of a task and that of the tests.

use std::rc::Rc;

use crate::budget::{Budget, Used};

/// Which of the task's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Its stdout.
    Stdout,
    /// Its stderr.
    Stderr,
}

/// Where a program reads from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// What the task was granted as its stdin.
    Task,
    /// Nothing.
    Empty,
    /// A file, by its absolute path.
    File(Rc<str>),
    /// This text, handed over by the shell.
    Text(Rc<str>),
    /// A pipe.
    Pipe(u64),
}

/// Where a program writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The task's log.
    Log(Stream),
    /// Nowhere.
    Nothing,
    /// A file, by its absolute path, and whether what is there is kept.
    File(Rc<str>, bool),
    /// A pipe.
    Pipe(u64),
    /// A command substitution: the part of the shell that runs it.
    Capture(u64),
}

/// The streams of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wiring {
    /// What it reads.
    pub stdin: Input,
    /// What it writes.
    pub stdout: Output,
    /// Where it complains.
    pub stderr: Output,
}

/// A program to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its name, which is its argument 0.
    pub name: String,
    /// The arguments after the name.
    pub arguments: Vec<String>,
    /// All it has.
    pub environment: Vec<(String, String)>,
    /// Its streams; stdout and stderr are never the other one's log.
    pub wiring: Wiring,
    /// Its limits.
    pub budget: Budget,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code, or the one that stands for how it was ended.
    pub status: i32,
    /// How it ended, for people.
    pub how: String,
    /// Whether the task cannot go on: its time or its disk is used up.
    pub ends_task: bool,
    /// Whether it has used up its fuel or output: then the part of the shell that it was in ends.
    pub is_used_up: bool,
    /// What it used for good.
    pub used: Used,
}

/// What a shell may do.
pub trait World {
    /// Whether there is a program of this name.
    fn has_program(&self, name: &str) -> bool;
    /// Starts a program; answers its number, or why it could not be started.
    fn spawn(&mut self, start: &Start) -> Result<u64, String>;
    /// Makes a pipe; answers its number, or why there is none.
    fn make_pipe(&mut self) -> Result<u64, String>;
    /// Says that nobody else will be attached to a pipe.
    fn close_pipe(&mut self, pipe: u64);
    /// Ends a program.
    fn kill(&mut self, subtask: u64, grace_ms: u64);
    /// Hands text to a program that reads text; answers how much it took, or none if it reads no
    /// more. No text closes its input.
    fn write_stdin(&mut self, subtask: u64, data: &[u8]) -> Option<usize>;
    /// The entries of a directory by its absolute path, each with whether it is a directory.
    fn list_directory(&mut self, path: &str) -> Result<Vec<(String, bool)>, String>;
    /// Up to one byte of a file by its absolute path.
    fn first_byte(&mut self, path: &str) -> Result<Vec<u8>, String>;
}

/// The absolute path that a word of a line names: there is no other directory to start from.
pub fn absolute(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.fold(String::new(), |whole, part| whole + "/" + part)
}

/// The absolute path of a directory.
pub fn directory(path: &str) -> String {
    match absolute(path) {
        path if path.is_empty() => "/".to_owned(),
        path => path,
    }
}
