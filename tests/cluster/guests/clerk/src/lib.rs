//! An executor that does what its tasks' data says: the first word is what to do, the rest what to
//! do it with. It shows what reaches an executor from the command line, and never misbehaves unless
//! it is told to.

mod bindings {
    wit_bindgen::generate!({ world: "executor", path: "../../../../wasm-executors/wit" });
}

use std::cell::RefCell;
use std::collections::BTreeMap;

use bindings::export;
use bindings::exports::stoa::executor::events::{ExecutorInfo, Guest, NamedProgram, TaskInfo};
use bindings::stoa::executor::driver;
use bindings::stoa::executor::subtasks::{self, Input, Output, Refusal, Source, SpawnOptions};
use bindings::stoa::executor::types::{
    KillPolicy, Program, Reason, TaskState, TaskStatus, Usage,
};

/// What it was told when it was registered, and the program of each task that runs one.
#[derive(Default)]
struct Desk {
    data: String,
    programs: Vec<NamedProgram>,
    running: BTreeMap<String, u64>,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
}

struct Clerk;

export!(Clerk with_types_in bindings);

impl Guest for Clerk {
    fn registered(executor: ExecutorInfo) {
        let data = String::from_utf8_lossy(&executor.data).into_owned();
        if data == "trap" {
            panic!("told to trap when registered");
        }
        DESK.set(Desk { data, programs: executor.programs, running: BTreeMap::new() });
    }

    fn launch_task(task: TaskInfo) -> Result<(), String> {
        let data = String::from_utf8_lossy(&task.data).into_owned();
        let (what, rest) = data.split_once(' ').unwrap_or((&data, ""));
        match what {
            "echo" => finish(&task.id, rest.as_bytes()),
            "bytes" => finish(&task.id, &[0xff, 0x00]),
            "names" => finish(&task.id, names(&task).as_bytes()),
            "run" => return run(&task, rest),
            "wait" => report(&task.id, TaskState::Running, None, None, rest),
            "fail" => report(&task.id, TaskState::Failed, None, None, rest),
            "refuse" => return Err(rest.to_owned()),
            "trap" => panic!("told to trap"),
            _ => return Err(format!("{what:?} is nothing that a clerk does")),
        }
        Ok(())
    }

    fn kill_task(task: String, policy: KillPolicy) {
        match DESK.with_borrow(|desk| desk.running.get(&task).copied()) {
            // Refused only if the program has ended meanwhile, and then subtask-exited follows.
            Some(subtask) => drop(subtasks::kill(subtask, policy)),
            None => report(&task, TaskState::Killed, None, None, ""),
        }
    }

    fn message(data: Vec<u8>) {
        let answer = [b"heard: ", &data[..]].concat();
        let _ = driver::send_message(&answer);
    }

    fn subtask_exited(task: Option<String>, _subtask: u64, why: Reason, usage: Usage) {
        let Some(task) = task else { return };
        DESK.with_borrow_mut(|desk| desk.running.remove(&task));
        let state = match why {
            Reason::Exited(0) => TaskState::Finished,
            Reason::Killed => TaskState::Killed,
            _ => TaskState::Failed,
        };
        report(&task, state, Some(why), Some(usage), "");
    }

    fn shutdown(grace_ms: u64) {
        let _ = driver::send_message(format!("shut down within {grace_ms} ms").as_bytes());
    }

    fn reregistered(_executor: ExecutorInfo) {}
    fn acknowledged(_task: String) {}
    fn subtask_output(_task: Option<String>, _subtask: u64, _is_stderr: bool, _data: Vec<u8>) {}
    fn tick() {}
}

/// All that came with the executor and the task, one thing a line.
fn names(task: &TaskInfo) -> String {
    let mut lines = DESK.with_borrow(|desk| {
        let names = desk.programs.iter().map(|named| format!("executor has {}", named.name));
        std::iter::once(format!("executor was told {}", desk.data)).chain(names).collect::<Vec<_>>()
    });
    lines.extend(task.programs.iter().map(|named| format!("task has {}", named.name)));
    lines.extend(task.environment.iter().map(|(key, value)| format!("{key}={value}")));
    lines.push(format!("memory {}", task.resources.memory_bytes));
    lines.push(format!("disk {}", task.resources.disk_bytes));
    lines.join("\n")
}

/// Runs a program of the task or of the executor with all that the task was granted.
fn run(task: &TaskInfo, words: &str) -> Result<(), String> {
    let mut words = words.split(' ').map(str::to_owned);
    let name = words.next().unwrap_or_default();
    let is_meant = |named: &&NamedProgram| named.name == name;
    let artifact = |programs: &[NamedProgram]| {
        programs.iter().find(is_meant).map(|named| named.artifact.clone())
    };
    let artifact = artifact(&task.programs)
        .or_else(|| DESK.with_borrow(|desk| artifact(&desk.programs)))
        .ok_or_else(|| format!("there is no program {name:?}"))?;
    let options = SpawnOptions {
        task: Some(task.id.clone()),
        source: Source::Granted(Program {
            artifact,
            name,
            arguments: words.collect(),
            environment: task.environment.clone(),
        }),
        limits: None,
        stdin: Input::Task,
        stdout: Output::Log,
        stderr: Output::Log,
    };
    match subtasks::spawn(&options) {
        Ok(subtask) => {
            DESK.with_borrow_mut(|desk| desk.running.insert(task.id.clone(), subtask));
            report(&task.id, TaskState::Running, None, None, "");
            Ok(())
        }
        Err(Refusal::CannotStart(reason)) => {
            report(&task.id, TaskState::Failed, Some(reason), None, "");
            Ok(())
        }
        Err(refusal) => Err(format!("{refusal:?}")),
    }
}

fn finish(task: &str, data: &[u8]) {
    let status = TaskStatus {
        task: task.to_owned(),
        state: TaskState::Finished,
        because: None,
        message: String::new(),
        usage: None,
        data: data.to_vec(),
    };
    let _ = driver::send_status_update(&status);
}

/// A refusal says that the task is over for the host too, so there is nobody left to tell.
fn report(
    task: &str,
    state: TaskState,
    because: Option<Reason>,
    usage: Option<Usage>,
    message: &str,
) {
    let status = TaskStatus {
        task: task.to_owned(),
        state,
        because,
        message: message.to_owned(),
        usage,
        data: Vec::new(),
    };
    let _ = driver::send_status_update(&status);
}
