//! The `map` executor: each task is one call of a function that is warm already. The data of the
//! task is the input, the data of its FINISHED is the answer. It has no way to the host but the
//! world that every executor is written against, and never looks into an input or an answer.
//!
//! The function is any WASI program that reads inputs from stdin and writes one answer for each, in
//! order, to stdout. `README.md` says how a framework asks for it.

mod framing;
mod function;
mod instance;
mod json;
mod limits;
mod settings;
mod statistics;
#[cfg(test)]
mod tests;
mod updates;

use stoa_executor::{Executor, ExecutorInfo, KillPolicy, SubtaskExit, SubtaskOutput, TaskInfo};
use stoa_executor::{driver, export};

use crate::function::Function;
use crate::settings::Settings;

/// The function, or why there is none.
struct Map(Result<Function, String>);

impl Executor for Map {
    fn registered(info: ExecutorInfo) -> Self {
        let function = Settings::read(&info.data, &info.programs)
            .and_then(|settings| Function::new(now_ms(), settings, &driver::own_limits()));
        if let Err(why) = &function {
            driver::log(why);
        }
        Self(function)
    }

    fn launch_task(&mut self, task: TaskInfo) -> Result<(), String> {
        match &mut self.0 {
            Ok(function) => function.on_launch(now_ms(), task),
            Err(why) => Err(why.clone()),
        }
    }

    fn kill_task(&mut self, task: &str, _policy: KillPolicy) {
        self.tell(|function, now_ms| function.on_kill(now_ms, task));
    }

    fn message(&mut self, _data: Vec<u8>) {
        let answer = match &mut self.0 {
            Ok(function) => function.statistics(now_ms()),
            Err(why) => serde_json::json!({ "error": why }).to_string().into_bytes(),
        };
        // Refused only beyond Stoa's bound of one event, and a Message may be lost.
        let _ = driver::send_message(&answer);
    }

    fn subtask_exited(&mut self, exit: SubtaskExit) {
        self.tell(|function, now_ms| function.on_exited(now_ms, exit.subtask, exit.why));
    }

    fn subtask_output(&mut self, output: SubtaskOutput) {
        let SubtaskOutput { subtask, is_stderr, data, .. } = output;
        self.tell(|function, now_ms| function.on_output(now_ms, subtask, is_stderr, &data));
    }

    fn tick(&mut self) {
        self.tell(Function::on_tick);
    }

    fn shutdown(&mut self, grace_ms: u64) {
        match &mut self.0 {
            Ok(function) => function.on_shutdown(now_ms(), grace_ms),
            Err(_) => driver::stop(),
        }
    }
}

impl Map {
    fn tell(&mut self, what: impl FnOnce(&mut Function, u64)) {
        if let Ok(function) = &mut self.0 {
            what(function, now_ms());
        }
    }
}

/// Milliseconds since this executor started: what it has used of time is a clock.
fn now_ms() -> u64 {
    driver::own_usage().wall_us / 1_000
}

export!(Map);
