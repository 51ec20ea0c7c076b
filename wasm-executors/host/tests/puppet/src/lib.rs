//! An executor that fails where it is told to: its own data says `trap in EVENT` or `spin in
//! EVENT`. What its tasks' data says, good and bad, it does at once.

mod bindings {
    wit_bindgen::generate!({
        world: "test:puppet/puppet",
        path: ["../../../wit", "wit/deps/wasi-io.wit", "wit/deps/wasi-cli.wit", "wit/world.wit"],
        generate_all,
    });
}

use std::cell::RefCell;

use bindings::export;
use bindings::exports::stoa::executor::events::{self, ExecutorInfo, TaskInfo};
use bindings::stoa::executor::driver;
use bindings::stoa::executor::subtasks::{self, Input, Output, Source, SpawnOptions};
use bindings::stoa::executor::types::{KillPolicy, Program, Reason, TaskState, TaskStatus, Usage};
use bindings::wasi::cli::stdout::get_stdout;

/// What it was told, and the last task that it runs.
#[derive(Default)]
struct Strings {
    orders: String,
    task: String,
    program: String,
    seen: String,
}

thread_local! {
    static STRINGS: RefCell<Strings> = RefCell::default();
}

struct Puppet;

export!(Puppet with_types_in bindings);

/// Every event begins here, and ends here if it was so ordered.
fn enter(event: &str) {
    let orders = STRINGS.with_borrow(|strings| strings.orders.clone());
    match orders.strip_suffix(event) {
        Some("trap in ") => panic!("trapped in {event}"),
        Some("spin in ") => loop {
            std::hint::spin_loop();
        },
        _ => {}
    }
}

impl events::Guest for Puppet {
    fn registered(executor: ExecutorInfo) {
        let orders = String::from_utf8_lossy(&executor.data).into_owned();
        STRINGS.with_borrow_mut(|strings| strings.orders = orders);
        enter("registered");
        tell(&format!("registered {}", executor.programs.len()));
    }

    fn reregistered(executor: ExecutorInfo) {
        enter("reregistered");
        tell(&format!("reregistered {} {} {}", executor.framework, executor.id, executor.agent));
    }

    fn launch_task(task: TaskInfo) -> Result<(), String> {
        enter("launch-task");
        let data = String::from_utf8_lossy(&task.data).into_owned();
        let (what, argument) = data.split_once(' ').unwrap_or((&data, ""));
        let program = task.programs.first().map(|it| it.artifact.clone()).unwrap_or_default();
        STRINGS.with_borrow_mut(|strings| {
            (strings.task, strings.program) = (task.id.clone(), program);
        });
        match what {
            "silent" => {}
            "wait" => drop(report(&task.id, TaskState::Running)),
            "tick" => {
                let _ = report(&task.id, TaskState::Running);
                driver::wake_after(1);
            }
            "spawn" => {
                let _ = report(&task.id, TaskState::Running);
                spawn();
            }
            "late" => {
                let _ = report(&task.id, TaskState::Finished);
                tell(&format!("{:?}", report(&task.id, TaskState::Running)));
            }
            "others" => {
                tell(&format!("{:?}", report(argument, TaskState::Finished)));
                let _ = report(&task.id, TaskState::Finished);
            }
            "messages" => {
                let refused = (0..5_000).find(|_| driver::send_message(b"x").is_err());
                STRINGS.with_borrow_mut(|strings| strings.seen = format!("{refused:?}"));
                driver::wake_after(1);
            }
            "lines" => {
                (0..50_000).for_each(|number| driver::log(&format!("line {number}")));
                let _ = report(&task.id, TaskState::Finished);
            }
            "last-words" => {
                driver::log("logged\u{1b}[31m");
                let _ = get_stdout().blocking_write_and_flush(b"printed\nhalf");
                panic!("as ordered");
            }
            _ => drop(report(&task.id, TaskState::Finished)),
        }
        Ok(())
    }

    fn kill_task(task: String, _policy: KillPolicy) {
        enter("kill-task");
        let is_silent = STRINGS.with_borrow(|strings| strings.task != task);
        if !is_silent {
            tell("asked to kill");
        }
    }

    fn message(data: Vec<u8>) {
        enter("message");
        match data.as_slice() {
            b"spawn" => spawn(),
            _ => drop(driver::send_message(&data)),
        }
    }

    fn acknowledged(_task: String) {
        enter("acknowledged");
    }

    fn subtask_exited(_task: Option<String>, _subtask: u64, _why: Reason, _usage: Usage) {
        enter("subtask-exited");
        tell("exited");
    }

    fn subtask_output(_task: Option<String>, _subtask: u64, _is_stderr: bool, _data: Vec<u8>) {
        enter("subtask-output");
    }

    fn tick() {
        enter("tick");
        let (task, seen) =
            STRINGS.with_borrow(|strings| (strings.task.clone(), strings.seen.clone()));
        tell(&seen);
        let _ = report(&task, TaskState::Finished);
    }

    fn shutdown(grace_ms: u64) {
        enter("shutdown");
        tell(&format!("shutdown {grace_ms}"));
    }
}

/// Starts the last task's first program.
fn spawn() {
    let (task, artifact) =
        STRINGS.with_borrow(|strings| (strings.task.clone(), strings.program.clone()));
    let options = SpawnOptions {
        task: Some(task),
        source: Source::Bare(Program {
            artifact,
            name: "program".to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
        }),
        limits: None,
        stdin: Input::Empty,
        stdout: Output::Executor,
        stderr: Output::Executor,
    };
    if let Err(refusal) = subtasks::spawn(&options) {
        tell(&format!("{refusal:?}"));
    }
}

fn tell(text: &str) {
    let _ = driver::send_message(text.as_bytes());
}

fn report(task: &str, state: TaskState) -> Result<(), driver::Refusal> {
    driver::send_status_update(&TaskStatus {
        task: task.to_owned(),
        state,
        because: None,
        message: String::new(),
        usage: None,
        data: Vec::new(),
    })
}
