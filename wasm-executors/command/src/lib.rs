//! The `command` executor: it runs the program of each of its tasks and says how it went. It has
//! no way to the host but the world that every executor is written against.

use std::collections::BTreeMap;

use stoa_executor::subtasks::{self, SpawnOptions};
use stoa_executor::{Executor, ExecutorInfo, KillPolicy, SubtaskExit, TaskInfo, driver};

/// The program of each task that runs.
struct Command {
    running: BTreeMap<String, u64>,
}

impl Executor for Command {
    fn registered(_info: ExecutorInfo) -> Self {
        Self { running: BTreeMap::new() }
    }

    fn launch_task(&mut self, task: TaskInfo) -> Result<(), String> {
        match subtasks::spawn(&SpawnOptions::own(task.id.as_str())) {
            Ok(subtask) => {
                // Refused only if the task is over for Stoa too: there is nobody left to tell.
                let _ = driver::running(&task.id);
                self.running.insert(task.id, subtask);
                Ok(())
            }
            Err(refusal) => driver::not_spawned(&task.id, refusal),
        }
    }

    fn kill_task(&mut self, task: &str, policy: KillPolicy) {
        let Some(subtask) = self.running.get(task) else { return };
        if policy.grace_ms > 0 {
            // As above.
            let _ = driver::killing(task);
        }
        // Refused only if the program has ended meanwhile, and then subtask_exited follows.
        let _ = subtasks::kill(*subtask, policy);
    }

    fn subtask_exited(&mut self, exit: SubtaskExit) {
        if let Some(task) = &exit.task {
            self.running.remove(task);
        }
        // As above; all its subtasks are of tasks.
        let _ = driver::ended(&exit);
    }

    fn shutdown(&mut self, _grace_ms: u64) {
        // Its programs may go on until the grace is over: then the host ends what is left.
    }
}

stoa_executor::export!(Command);

#[cfg(test)]
mod tests;
