//! Programs that an executor runs, each in a container of its own, within the grant of a task or of
//! the executor itself.

use std::fmt;

#[cfg(target_arch = "wasm32")]
use crate::bindings::stoa::executor::subtasks as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::double::subtasks as host;
use crate::{KillPolicy, Limits, Program, Reason, Usage};

#[doc(inline)]
pub use crate::bindings::stoa::executor::subtasks::{Input, Output, Source, SpawnOptions, Target};

/// Why a call was refused. Stoa counts refusals; who is refused too often is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such task, or it is not this executor's, or it is over.
    UnknownTask(String),
    /// The limits asked for are not left; the text says which.
    TooMuch(String),
    /// The program could not start; nothing of it runs.
    CannotStart(Reason),
    /// The subtask or pipe is over, or never was.
    Ended,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTask(task) => write!(f, "no task {task} of this executor is under way"),
            Self::TooMuch(what) => f.write_str(what),
            Self::CannotStart(reason) => write!(f, "cannot start: {reason}"),
            Self::Ended => f.write_str("the subtask or pipe is over, or never was"),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        refusal.to_string()
    }
}

impl SpawnOptions {
    /// The task's own command, with all it was granted: stdin as granted, output to its log, within
    /// all that is left of its limits.
    pub fn own(task: impl Into<String>) -> Self {
        Self::of(Some(task.into()), Source::Own)
    }

    /// Another program of the task or executor, with all that the task was granted; the rest as in
    /// [`own`](Self::own).
    pub fn granted(task: impl Into<String>, program: Program) -> Self {
        Self::of(Some(task.into()), Source::Granted(program))
    }

    /// Another program of the task or executor, with nothing but its arguments and environment and
    /// an empty stdin; output goes to the task's log.
    pub fn bare(task: impl Into<String>, program: Program) -> Self {
        Self { stdin: Input::Empty, ..Self::of(Some(task.into()), Source::Bare(program)) }
    }

    /// A program of the executor, for no task: within the executor's own resources, with an empty
    /// stdin; as there is no log, output goes to the executor.
    pub fn for_executor(program: Program) -> Self {
        Self { stdin: Input::Empty, ..Self::of(None, Source::Bare(program)) }
            .stdout(Output::Executor)
            .stderr(Output::Executor)
    }

    fn of(task: Option<String>, source: Source) -> Self {
        let (stdin, output) = (Input::Task, Output::Log);
        Self { task, source, limits: None, stdin, stdout: output.clone(), stderr: output }
    }

    /// With limits of its own, carved from what is left of the task's or executor's.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits: Some(limits), ..self }
    }

    /// With another stdin.
    pub fn stdin(self, stdin: Input) -> Self {
        Self { stdin, ..self }
    }

    /// With another stdout.
    pub fn stdout(self, stdout: Output) -> Self {
        Self { stdout, ..self }
    }

    /// With another stderr.
    pub fn stderr(self, stderr: Output) -> Self {
        Self { stderr, ..self }
    }
}

impl Target {
    /// A file that is emptied before it is written.
    pub fn file(path: impl Into<String>) -> Self {
        Self { path: path.into(), append: false }
    }

    /// A file that is written after what is there.
    pub fn append(path: impl Into<String>) -> Self {
        Self { path: path.into(), append: true }
    }
}

/// Starts a program and answers its number. When it returns, the guest is about to run; how it ends
/// is told by [`subtask_exited`](crate::Executor::subtask_exited).
///
/// # Errors
/// A [`Refusal`], if there is nothing to start it within, or it cannot start.
pub fn spawn(options: &SpawnOptions) -> Result<u64, Refusal> {
    host::spawn(options)
}

/// Makes a pipe for subtasks of one task, or of no task, and answers its number. It is bounded: who
/// writes faster than the other side reads waits.
///
/// # Errors
/// A [`Refusal`], if there is no such task, or there are too many pipes.
pub fn make_pipe(task: Option<&str>) -> Result<u64, Refusal> {
    host::make_pipe(task)
}

/// Says that no further subtask will be attached. The reader comes to the end of its input when the
/// last writer is over and the pipe is closed.
///
/// # Errors
/// [`Refusal::Ended`], if there is no such pipe.
pub fn close_pipe(pipe: u64) -> Result<(), Refusal> {
    host::close_pipe(pipe)
}

/// Ends a subtask. Its end is told by [`subtask_exited`](crate::Executor::subtask_exited), as every
/// end is.
///
/// # Errors
/// [`Refusal::Ended`], if it is over.
pub fn kill(subtask: u64, policy: KillPolicy) -> Result<(), Refusal> {
    host::kill(subtask, policy)
}

/// Stops a subtask from running until [`resume`], at no cost.
///
/// # Errors
/// [`Refusal::Ended`], if it is over.
pub fn pause(subtask: u64) -> Result<(), Refusal> {
    host::pause(subtask)
}

/// Lets a paused subtask run on.
///
/// # Errors
/// [`Refusal::Ended`], if it is over.
pub fn resume(subtask: u64) -> Result<(), Refusal> {
    host::resume(subtask)
}

/// What a subtask has used so far, as of its last slice.
///
/// # Errors
/// [`Refusal::Ended`], if it is over.
pub fn usage_of(subtask: u64) -> Result<Usage, Refusal> {
    host::usage_of(subtask)
}

/// Hands bytes to the stdin of a subtask spawned with [`Input::Executor`]; answers how many were
/// taken. No bytes close it.
///
/// # Errors
/// [`Refusal::Ended`], if it is over or closed.
pub fn write_stdin(subtask: u64, data: &[u8]) -> Result<u32, Refusal> {
    host::write_stdin(subtask, data)
}
