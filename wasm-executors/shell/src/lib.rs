//! The `shell` executor: each of its tasks is a shell line, the task's data. It reads the line,
//! starts programs of the task or of the executor for its commands, and connects them. It has no
//! way to the host but the world that every executor is written against.

mod arithmetic;
mod budget;
mod builtins;
mod commands;
mod compounds;
mod condition;
mod cursor;
mod expansion;
mod limits;
mod machine;
mod parser;
mod pattern;
mod plumbing;
mod steps;
mod strand;
mod syntax;
mod task;
mod variables;
mod words;
mod world;

use std::collections::{BTreeMap, VecDeque};

use stoa_executor::{Executor, ExecutorInfo, KillPolicy, NamedProgram, SubtaskExit, SubtaskOutput};
use stoa_executor::{TaskInfo, driver};

use crate::limits::{TICK_MS, TICK_TASKS_MAX};
use crate::task::Task;

/// The tasks of one framework, each with its own shell.
struct Shell {
    programs: Vec<NamedProgram>,
    tasks: BTreeMap<String, Task>,
    /// Those that go on at the next tick, in turn.
    waiting: VecDeque<String>,
}

impl Shell {
    fn go(&mut self, id: &str) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        match task.go() {
            Some(true) => {
                if !task.waits_for_tick {
                    task.waits_for_tick = true;
                    self.waiting.push_back(id.to_owned());
                }
                driver::wake_after(TICK_MS);
            }
            Some(false) => {}
            None => drop(self.tasks.remove(id)),
        }
    }
}

impl Executor for Shell {
    fn registered(info: ExecutorInfo) -> Self {
        Self { programs: info.programs, tasks: BTreeMap::new(), waiting: VecDeque::new() }
    }

    fn launch_task(&mut self, info: TaskInfo) -> Result<(), String> {
        let id = info.id.clone();
        let task = Task::new(info, &self.programs)?;
        self.tasks.insert(id.clone(), task);
        // Refused only if the task is over for Stoa too: there is nobody left to tell.
        let _ = driver::running(&id);
        self.go(&id);
        Ok(())
    }

    fn kill_task(&mut self, id: &str, policy: KillPolicy) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.kill(policy);
            self.go(id);
        }
    }

    fn subtask_exited(&mut self, exit: SubtaskExit) {
        let Some(id) = exit.task.clone() else { return };
        if let Some(task) = self.tasks.get_mut(&id) {
            task.on_exited(&exit);
            self.go(&id);
        }
    }

    fn subtask_output(&mut self, output: SubtaskOutput) {
        let Some(id) = output.task.clone() else { return };
        if let Some(task) = self.tasks.get_mut(&id) {
            task.on_output(&output);
        }
    }

    fn tick(&mut self) {
        for _ in 0..TICK_TASKS_MAX {
            let Some(id) = self.waiting.pop_front() else { return };
            if let Some(task) = self.tasks.get_mut(&id) {
                task.waits_for_tick = false;
                self.go(&id);
            }
        }
        if !self.waiting.is_empty() {
            driver::wake_after(TICK_MS);
        }
    }

    fn shutdown(&mut self, _grace_ms: u64) {
        // Its programs may go on until the grace is over: then the host ends what is left.
    }
}

stoa_executor::export!(Shell);

#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;
