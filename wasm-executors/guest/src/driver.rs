//! What an executor says to Stoa and to its scheduler.

use std::fmt;

#[cfg(target_arch = "wasm32")]
use crate::bindings::stoa::executor::driver as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::double::driver as host;
use crate::{Limits, Reason, SubtaskExit, TaskState, TaskStatus, Usage, subtasks};

/// Why a call was refused. Stoa counts refusals; who is refused too often is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such task, or it is not this executor's, or it is over.
    UnknownTask(String),
    /// The state cannot follow the one before it; the text says why.
    IllegalState(String),
    /// More than Stoa takes at once; the text says what.
    TooMuch(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTask(task) => write!(f, "no task {task} of this executor is under way"),
            Self::IllegalState(why) => write!(f, "the state cannot follow: {why}"),
            Self::TooMuch(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        refusal.to_string()
    }
}

/// Reports a change in a task's life. It is durable and reaches the scheduler in order; the event
/// [`acknowledged`](crate::Executor::acknowledged) says when.
///
/// # Errors
/// A [`Refusal`], if the task or the state is not what Stoa expects, or it is too much.
pub fn send_status_update(status: &TaskStatus) -> Result<(), Refusal> {
    host::send_status_update(status)
}

/// Reports that a task is STARTING: it is prepared, and does not run yet.
///
/// # Errors
/// As [`send_status_update`].
pub fn starting(task: &str) -> Result<(), Refusal> {
    send_status_update(&TaskStatus::new(task, TaskState::Starting))
}

/// Reports that a task is RUNNING.
///
/// # Errors
/// As [`send_status_update`].
pub fn running(task: &str) -> Result<(), Refusal> {
    send_status_update(&TaskStatus::new(task, TaskState::Running))
}

/// Reports that a task is KILLING: it was told to end and has its grace.
///
/// # Errors
/// As [`send_status_update`].
pub fn killing(task: &str) -> Result<(), Refusal> {
    send_status_update(&TaskStatus::new(task, TaskState::Killing))
}

/// Reports that a task is FINISHED, with data for the scheduler.
///
/// # Errors
/// As [`send_status_update`].
pub fn finished(task: &str, data: Vec<u8>) -> Result<(), Refusal> {
    send_status_update(&TaskStatus { data, ..TaskStatus::new(task, TaskState::Finished) })
}

/// Reports that a task is FAILED, with a message for people.
///
/// # Errors
/// As [`send_status_update`].
pub fn failed(task: &str, message: impl Into<String>) -> Result<(), Refusal> {
    let message = message.into();
    send_status_update(&TaskStatus { message, ..TaskStatus::new(task, TaskState::Failed) })
}

/// Reports that a task is KILLED, as it was asked for.
///
/// # Errors
/// As [`send_status_update`].
pub fn killed(task: &str) -> Result<(), Refusal> {
    send_status_update(&TaskStatus::new(task, TaskState::Killed))
}

/// Reports that a task has ended as its subtask has: FINISHED by exit code 0, KILLED if it was
/// killed as asked, FAILED otherwise; with the subtask's reason and usage.
///
/// # Errors
/// As [`send_status_update`]. A subtask of no task is refused as one of an unknown task without a
/// name.
pub fn ended(exit: &SubtaskExit) -> Result<(), Refusal> {
    let Some(task) = &exit.task else { return Err(Refusal::UnknownTask(String::new())) };
    let state = match exit.why {
        Reason::Exited(0) => TaskState::Finished,
        Reason::Killed => TaskState::Killed,
        _ => TaskState::Failed,
    };
    send_status_update(&TaskStatus {
        because: Some(exit.why.clone()),
        usage: Some(exit.usage),
        ..TaskStatus::new(task, state)
    })
}

/// What [`launch_task`](crate::Executor::launch_task) does and answers if the program that it needs
/// was not spawned: a program that cannot start makes the task FAILED with that reason; any other
/// refusal refuses the task itself.
///
/// # Errors
/// What to answer, for people.
pub fn not_spawned(task: &str, refusal: subtasks::Refusal) -> Result<(), String> {
    let subtasks::Refusal::CannotStart(reason) = refusal else { return Err(refusal.into()) };
    let because = Some(reason);
    send_status_update(&TaskStatus { because, ..TaskStatus::new(task, TaskState::Failed) })?;
    Ok(())
}

/// Sends bytes to the scheduler, at most once.
///
/// # Errors
/// [`Refusal::TooMuch`], if it is too long, or one too many in this event.
pub fn send_message(data: &[u8]) -> Result<(), Refusal> {
    host::send_message(data)
}

/// Asks for one [`tick`](crate::Executor::tick) after so many milliseconds; replaces what was asked
/// before.
pub fn wake_after(ms: u64) {
    host::wake_after(ms);
}

/// Ends this executor after the event it is in. Tasks it still has fail.
pub fn stop() {
    host::stop();
}

/// The walls of this executor itself.
pub fn own_limits() -> Limits {
    host::own_limits()
}

/// What this executor itself has used.
pub fn own_usage() -> Usage {
    host::own_usage()
}

/// Writes a line for people into the log of the agent. The last lines are told to the scheduler if
/// the executor is lost.
pub fn log(line: &str) {
    host::log(line);
}
