//! What the end of a task means to the person who ran it: an exit code, and a line to read. The
//! table of the command line's contract stands here and nowhere else.

use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::TaskState;

use crate::failure::{Failure, code};

/// The highest exit code that a task's own is passed on as. Those above it mean something else.
const OWN_CODE_MAX: i32 = 123;

/// Whether the task did what it was run for, or how `stoa run` fails.
///
/// # Errors
/// [`Failure`] with the exit code of the contract and, unless the task ended by itself, a message.
pub fn of(status: &TaskStatus) -> Result<(), Ended> {
    match status.exit_code {
        Some(own) if own != 0 && status.reason == Reason::Exited => {
            Err(Ended::ByItself(own_code(own)))
        }
        // An executor may finish a task without any program.
        _ if status.state == TaskState::Finished => Ok(()),
        _ => Err(Ended::Otherwise(failure(status))),
    }
}

/// How a task ended that was not simply finished.
#[derive(Debug)]
pub enum Ended {
    /// With an exit code of its own.
    ByItself(u8),
    /// By something that the person should read of.
    Otherwise(Failure),
}

/// Codes above 123 would be mistaken for ours, so they become 1, as does what is no exit code.
fn own_code(code: i32) -> u8 {
    match u8::try_from(code) {
        Ok(own) if code <= OWN_CODE_MAX => own,
        _ => 1,
    }
}

/// Whether the task's own code is passed on as another.
pub fn is_replaced(code: i32) -> bool {
    i32::from(own_code(code)) != code
}

fn failure(status: &TaskStatus) -> Failure {
    let what = match status.message.as_str() {
        "" => format!("{} ({})", status.state, status.reason),
        message => message.to_owned(),
    };
    let failure = Failure::new(exit_code(status), format!("task {}: {what}", status.task));
    match hint(status.reason) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The exit code for a reason. Source: the table of exit codes of the command line.
fn exit_code(status: &TaskStatus) -> u8 {
    match status.reason {
        Reason::TimedOut => code::TIMEOUT,
        Reason::InvalidModule
        | Reason::MissingImport
        | Reason::GrantDenied
        | Reason::ExecutorRefused => code::CANNOT_START,
        Reason::ArtifactNotFound => code::NOT_FOUND,
        // An executor is lost by its own bug, and its tasks with it.
        Reason::Trapped | Reason::ExecutorLost => code::TRAP,
        Reason::FuelExhausted
        | Reason::MemoryExceeded
        | Reason::OutputExceeded
        | Reason::DiskExceeded => code::LIMIT,
        Reason::KillRequested | Reason::FrameworkRemoved => code::KILLED,
        _ if status.state == TaskState::Killed => code::KILLED,
        // The executor's own verdict, as an exit code is a program's.
        Reason::ExecutorReported => code::FAILURE,
        _ => code::CLUSTER,
    }
}

fn hint(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::TimedOut => "give it more time: --timeout 10m",
        Reason::FuelExhausted => "give it more fuel, or none to count: leave --fuel out",
        Reason::MemoryExceeded => {
            "give it more memory: --memory 1GiB; its executor: --executor-memory 1GiB"
        }
        Reason::OutputExceeded => "allow more output: --output-limit 1GiB",
        Reason::DiskExceeded => "give it more disk: --disk 1GiB",
        Reason::MissingImport => {
            "build it as a WASI 0.2 command (wasm32-wasip2) or a wasip1 module (wasm32-wasip1)"
        }
        Reason::GrantDenied => {
            "allow the directory at the agent: stoa agent --allow-dir DIR; or use --upload"
        }
        Reason::ExecutorRefused => {
            "give the executor what it wants: --data, --executor-data, --program or \
             --executor-program"
        }
        Reason::ExecutorLost => {
            "try the executor out by itself: `stoa executor test FILE --script events.json`; its \
             own memory is --executor-memory"
        }
        Reason::ExecutorReported => "that is what the executor says of its --data",
        Reason::InvalidModule => "run a .wasm file; `stoa run --help` says which kinds there are",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use stoa_model::ids::TaskId;

    use super::*;

    fn ended(state: TaskState, reason: Reason, exit_code: Option<i32>) -> u8 {
        let task = TaskId::new("t").unwrap();
        let mut status = TaskStatus::by_master(task, None, state, reason, 0);
        status.exit_code = exit_code;
        match of(&status) {
            Ok(()) => 0,
            Err(Ended::ByItself(code)) => code,
            Err(Ended::Otherwise(failure)) => failure.code,
        }
    }

    #[test]
    fn each_end_has_the_exit_code_of_the_contract() {
        use TaskState::{Failed, Finished, Killed};
        for (state, reason, own, code) in [
            (Finished, Reason::Exited, Some(0), 0),
            (Finished, Reason::ExecutorReported, None, 0),
            (Failed, Reason::Exited, Some(3), 3),
            (Failed, Reason::Exited, Some(123), 123),
            (Failed, Reason::Exited, Some(124), 1),
            (Failed, Reason::Exited, Some(-1), 1),
            (Failed, Reason::TimedOut, None, 124),
            (TaskState::Gone, Reason::AgentLost, None, 125),
            (Failed, Reason::MissingImport, None, 126),
            (Failed, Reason::ExecutorRefused, None, 126),
            (Failed, Reason::ExecutorReported, None, 1),
            (Failed, Reason::ExecutorLost, None, 134),
            (Killed, Reason::ExecutorReported, None, 143),
            (TaskState::Dropped, Reason::AgentRefused, None, 125),
            (Failed, Reason::ArtifactNotFound, None, 127),
            (Failed, Reason::Trapped, None, 134),
            (Failed, Reason::MemoryExceeded, None, 137),
            (Failed, Reason::FuelExhausted, None, 137),
            (Failed, Reason::DiskExceeded, None, 137),
            (Killed, Reason::KillRequested, None, 143),
        ] {
            assert_eq!(ended(state, reason, own), code, "{state} {reason}");
        }
    }
}
