//! An executor that does what its tasks' data says, good and bad, and a program that it starts: the
//! data's first word is what to do, the others are its arguments.

mod program;
mod script;

mod bindings {
    wit_bindgen::generate!({
        world: "test:rascal/rascal",
        path: [
            "../../../wit",
            "wit/deps/wasi-io.wit",
            "wit/deps/wasi-cli.wit",
            "wit/deps/wasi-sockets.wit",
            "wit/world.wit",
        ],
        generate_all,
    });
}

use std::cell::RefCell;

use bindings::export;
use bindings::exports::stoa::executor::events::{self, ExecutorInfo, TaskInfo};
use bindings::stoa::executor::driver;
use bindings::stoa::executor::subtasks::{self, Input, Output, Refusal, Source, SpawnOptions};
use bindings::stoa::executor::types::{
    KillPolicy, Limits, Program, Reason, TaskState, TaskStatus, Usage,
};
use script::Script;

/// The task that is under way, its subtask, and what was seen of it.
#[derive(Default)]
struct Now {
    task: String,
    what: String,
    subtask: u64,
    seen: Vec<u8>,
    ticks: u32,
}

thread_local! {
    static NOW: RefCell<Now> = RefCell::default();
    /// The script that is under way, if one is.
    static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
}

struct Rascal;

export!(Rascal with_types_in bindings);

impl events::Guest for Rascal {
    fn registered(executor: ExecutorInfo) {
        script::remember(&executor.programs);
        if executor.data == b"trap at once" {
            panic!("trapped in registered");
        }
        tell(&format!("registered {} {}", executor.id, executor.agent));
    }

    fn reregistered(_executor: ExecutorInfo) {}

    fn launch_task(task: TaskInfo) -> Result<(), String> {
        let data = String::from_utf8_lossy(&task.data).into_owned();
        let (what, argument) = data.split_once(' ').unwrap_or((&data, ""));
        NOW.set(Now { task: task.id.clone(), what: what.to_owned(), ..Now::default() });
        match what {
            "script" => {
                let _ = report(&task.id, TaskState::Running, "");
                SCRIPT.set(Some(Script::new(&task, argument)));
                proceed(Script::proceed);
            }
            "refuse" => return Err("not today".to_owned()),
            "trap" => panic!("trapped in launch-task"),
            "spin" => loop {
                std::hint::spin_loop();
            },
            "stop" => driver::stop(),
            "own" => finish(&format!("{:?}", subtasks::spawn(&own(&task.id)))),
            "lie" => {
                let unknown = report("nobody", TaskState::Running, "");
                let _ = report(&task.id, TaskState::Running, "");
                let backwards = report(&task.id, TaskState::Starting, "");
                finish(&format!("{unknown:?} {backwards:?}"));
            }
            "lies" => (0..200).for_each(|_| drop(report("nobody", TaskState::Running, ""))),
            "flood" => {
                let refused =
                    (0..5_000).find(|_| report(&task.id, TaskState::Running, "").is_err());
                driver::wake_after(1);
                NOW.with_borrow_mut(|now| now.seen = format!("{refused:?}").into_bytes());
            }
            "hoard" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(vec![1_u8; 1 << 20]);
                }
            }
            "wait" => drop(report(&task.id, TaskState::Running, "")),
            "cat" | "spin-below" | "carve" | "both" => start(&task, what, argument),
            _ => {
                let _ = report(&task.id, TaskState::Running, "");
                finish(&data);
            }
        }
        Ok(())
    }

    fn kill_task(task: String, _policy: KillPolicy) {
        if NOW.with_borrow(|now| now.what == "wait" || now.what == "script") {
            SCRIPT.set(None);
            let _ = report(&task, TaskState::Killed, "");
        }
    }

    fn message(data: Vec<u8>) {
        if data == b"trap" {
            panic!("trapped in message");
        }
        let _ = driver::send_message(&data);
    }

    fn acknowledged(task: String) {
        tell(&format!("acknowledged {task}"));
    }

    fn subtask_exited(task: Option<String>, subtask: u64, why: Reason, usage: Usage) {
        if SCRIPT.with_borrow(Option::is_some) {
            return proceed(|script| script.on_exited(task, subtask, why, usage));
        }
        let seen = NOW.with_borrow(|now| String::from_utf8_lossy(&now.seen).into_owned());
        finish(&format!("{why:?} {} {seen}", usage.output_bytes));
    }

    fn subtask_output(_task: Option<String>, subtask: u64, is_stderr: bool, data: Vec<u8>) {
        if SCRIPT.with_borrow(Option::is_some) {
            return proceed(|script| script.on_output(subtask, is_stderr, &data));
        }
        assert!(!is_stderr);
        NOW.with_borrow_mut(|now| now.seen.extend(data));
    }

    fn tick() {
        if SCRIPT.with_borrow(Option::is_some) {
            return proceed(Script::proceed);
        }
        let (what, subtask, ticks) = NOW.with_borrow_mut(|now| {
            now.ticks += 1;
            (now.what.clone(), now.subtask, now.ticks)
        });
        match (what.as_str(), ticks) {
            ("flood", _) => {
                let seen = NOW.with_borrow(|now| String::from_utf8_lossy(&now.seen).into_owned());
                finish(&seen);
            }
            ("spin-below", _) => hold(subtask, ticks),
            _ => {}
        }
    }

    fn shutdown(grace_ms: u64) {
        tell(&format!("shutdown {grace_ms}"));
    }
}

/// Lets the script go on; at its end the task is over.
fn proceed(step: impl FnOnce(&mut Script)) {
    let over = SCRIPT.with_borrow_mut(|script| {
        let script = script.as_mut().expect("it was there just now");
        step(script);
        script.transcript()
    });
    let Some((task, data)) = over else { return };
    SCRIPT.set(None);
    let status = TaskStatus { data, ..status(&task, TaskState::Finished, "") };
    driver::send_status_update(&status).unwrap();
}

/// Lets a subtask spin, pauses it, sees that it stands still, lets it go on, and kills it.
fn hold(subtask: u64, ticks: u32) {
    let fuel = subtasks::usage_of(subtask).map_or(0, |usage| usage.fuel);
    match ticks {
        1 if fuel == 0 => NOW.with_borrow_mut(|now| now.ticks = 0),
        1 => subtasks::pause(subtask).unwrap(),
        2 => NOW.with_borrow_mut(|now| now.seen = fuel.to_le_bytes().to_vec()),
        3 => {
            let before = NOW.with_borrow(|now| now.seen.clone());
            assert_eq!(before, fuel.to_le_bytes());
            NOW.with_borrow_mut(|now| now.seen = b"stood still".to_vec());
            subtasks::resume(subtask).unwrap();
        }
        _ => {
            subtasks::kill(subtask, KillPolicy { grace_ms: 1 }).unwrap();
            // A tick may come before its end does: nothing is left to be done in it.
            return NOW.with_borrow_mut(|now| now.what = "held".to_owned());
        }
    }
    driver::wake_after(20);
}

fn own(task: &str) -> SpawnOptions {
    SpawnOptions {
        task: Some(task.to_owned()),
        source: Source::Own,
        limits: None,
        stdin: Input::Task,
        stdout: Output::Log,
        stderr: Output::Log,
    }
}

fn start(task: &TaskInfo, what: &str, artifact: &str) {
    let limits = Limits {
        memory_bytes: if what == "carve" { u64::MAX } else { 4 << 20 },
        fuel: None,
        wall_ms: None,
        output_bytes: 100,
    };
    let options = SpawnOptions {
        task: Some(task.id.clone()),
        source: Source::Bare(Program {
            artifact: artifact.to_owned(),
            name: "rascal".to_owned(),
            arguments: vec![what.to_owned()],
            environment: Vec::new(),
        }),
        limits: Some(limits),
        stdin: Input::Executor,
        stdout: if what == "both" { Output::Both } else { Output::Executor },
        stderr: Output::Executor,
    };
    let subtask = match subtasks::spawn(&options) {
        Ok(subtask) => subtask,
        Err(Refusal::TooMuch(what)) => return finish(&what),
        Err(refusal) => return finish(&format!("{refusal:?}")),
    };
    NOW.with_borrow_mut(|now| now.subtask = subtask);
    let _ = report(&task.id, TaskState::Running, "");
    if what == "spin-below" {
        return driver::wake_after(5);
    }
    let taken = subtasks::write_stdin(subtask, b"to and fro");
    assert!(matches!(taken, Ok(10)), "{taken:?}");
    subtasks::write_stdin(subtask, b"").unwrap();
}

fn tell(text: &str) {
    let _ = driver::send_message(text.as_bytes());
}

fn finish(message: &str) {
    let task = NOW.with_borrow(|now| now.task.clone());
    let _ = report(&task, TaskState::Finished, message);
}

fn report(task: &str, state: TaskState, message: &str) -> Result<(), driver::Refusal> {
    driver::send_status_update(&status(task, state, message))
}

fn status(task: &str, state: TaskState, message: &str) -> TaskStatus {
    TaskStatus {
        task: task.to_owned(),
        state,
        because: None,
        message: message.to_owned(),
        usage: None,
        data: Vec::new(),
    }
}
