//! The `command` executor: it runs the program of each of its tasks and says how it went. It has
//! no way to the host but the world that every executor is written against.

mod bindings {
    wit_bindgen::generate!({ world: "executor", path: "../wit" });
}

use std::cell::RefCell;
use std::collections::BTreeMap;

use bindings::export;
use bindings::exports::stoa::executor::events::{ExecutorInfo, Guest, TaskInfo};
use bindings::stoa::executor::driver;
use bindings::stoa::executor::subtasks::{self, Input, Output, Refusal, Source, SpawnOptions};
use bindings::stoa::executor::types::{KillPolicy, Reason, TaskState, TaskStatus, Usage};

thread_local! {
    /// The program of each task that runs.
    static RUNNING: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

struct Command;

impl Guest for Command {
    fn launch_task(task: TaskInfo) -> Result<(), String> {
        let options = SpawnOptions {
            task: Some(task.id.clone()),
            source: Source::Own,
            limits: None,
            stdin: Input::Task,
            stdout: Output::Log,
            stderr: Output::Log,
        };
        match subtasks::spawn(&options) {
            Ok(subtask) => {
                report(&task.id, TaskState::Running, None, None);
                RUNNING.with_borrow_mut(|running| running.insert(task.id, subtask));
            }
            Err(Refusal::CannotStart(reason)) => {
                report(&task.id, TaskState::Failed, Some(reason), None);
            }
            Err(Refusal::TooMuch(what)) => return Err(what),
            Err(Refusal::UnknownTask(_) | Refusal::Ended) => return Err("it is over".to_owned()),
        }
        Ok(())
    }

    fn kill_task(task: String, policy: KillPolicy) {
        let Some(subtask) = RUNNING.with_borrow(|running| running.get(&task).copied()) else {
            return;
        };
        if policy.grace_ms > 0 {
            report(&task, TaskState::Killing, None, None);
        }
        // Refused only if the program has ended meanwhile, and then subtask-exited follows.
        let _ = subtasks::kill(subtask, policy);
    }

    fn subtask_exited(task: Option<String>, _subtask: u64, why: Reason, usage: Usage) {
        let Some(task) = task else { return };
        RUNNING.with_borrow_mut(|running| running.remove(&task));
        let state = match why {
            Reason::Exited(0) => TaskState::Finished,
            Reason::Killed => TaskState::Killed,
            _ => TaskState::Failed,
        };
        report(&task, state, Some(why), Some(usage));
    }

    fn registered(_executor: ExecutorInfo) {}
    fn reregistered(_executor: ExecutorInfo) {}
    fn message(_data: Vec<u8>) {}
    fn acknowledged(_task: String) {}
    fn subtask_output(_task: Option<String>, _subtask: u64, _is_stderr: bool, _data: Vec<u8>) {}
    fn tick() {}
    fn shutdown(_grace_ms: u64) {}
}

/// A refusal says that the task is over for the host too, so there is nobody left to tell.
fn report(task: &str, state: TaskState, because: Option<Reason>, usage: Option<Usage>) {
    let status = TaskStatus {
        task: task.to_owned(),
        state,
        because,
        message: String::new(),
        usage,
        data: Vec::new(),
    };
    let _ = driver::send_status_update(&status);
}

export!(Command with_types_in bindings);
