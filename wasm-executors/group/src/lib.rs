//! The `group` executor: the programs of several tasks start together and share their fate. It has
//! no way to the host but the world that every executor is written against, and never looks into
//! what the programs write.
//!
//! `README.md` says how a task asks for its programs and its group.

mod groups;
// What is the same in both executors, and too little for a crate.
#[path = "../../map/src/json.rs"]
mod json;
mod limits;
mod request;
mod settings;
#[cfg(test)]
mod tests;

use stoa_executor::{
    Executor, ExecutorInfo, KillPolicy, NamedProgram, SubtaskExit, TaskInfo, driver, export,
};

use crate::groups::Groups;
use crate::limits::TASKS_PART;
use crate::request::Request;
use crate::settings::Settings;

/// All groups, with what they may ask for.
struct Group {
    settings: Result<Settings, String>,
    programs: Vec<NamedProgram>,
    groups: Groups,
    /// What its tasks may take of this executor's memory.
    tasks_bytes_max: u64,
    /// When the tick comes that was asked for.
    tick_ms: Option<u64>,
    is_stopping: bool,
}

impl Executor for Group {
    fn registered(info: ExecutorInfo) -> Self {
        let settings = Settings::read(&info.data);
        if let Err(why) = &settings {
            driver::log(why);
        }
        Self {
            settings,
            programs: info.programs,
            groups: Groups::default(),
            tasks_bytes_max: driver::own_limits().memory_bytes / TASKS_PART,
            tick_ms: None,
            is_stopping: false,
        }
    }

    fn launch_task(&mut self, task: TaskInfo) -> Result<(), String> {
        let settings = self.settings.clone()?;
        if self.is_stopping {
            return Err("the executor is shutting down".to_owned());
        }
        let request = Request::read(&task, &self.programs)?;
        self.check_memory(request.bytes)?;
        let now_ms = now_ms();
        self.groups.on_launch(now_ms.saturating_add(settings.wait_ms), task.id, request)?;
        self.settle(now_ms);
        Ok(())
    }

    fn kill_task(&mut self, task: &str, policy: KillPolicy) {
        self.groups.on_kill(task, policy);
        self.settle(now_ms());
    }

    fn subtask_exited(&mut self, exit: SubtaskExit) {
        self.groups.on_exited(&exit);
        self.settle(now_ms());
    }

    fn tick(&mut self) {
        self.tick_ms = None;
        let now_ms = now_ms();
        self.groups.on_time(now_ms);
        self.settle(now_ms);
    }

    /// With grace, groups may come to their end by themselves.
    fn shutdown(&mut self, grace_ms: u64) {
        self.is_stopping = true;
        match grace_ms {
            0 => driver::stop(),
            _ => self.settle(now_ms()),
        }
    }
}

impl Group {
    /// Whether there is memory left to know of one more task.
    fn check_memory(&self, bytes: u64) -> Result<(), String> {
        let (tasks, taken) = self.groups.tasks();
        match taken.saturating_add(bytes) <= self.tasks_bytes_max {
            true => Ok(()),
            false => Err(format!(
                "the {tasks} tasks of this executor take {taken} bytes of its memory, this one \
                 {bytes}, and {} are allowed; more memory of the executor allows more",
                self.tasks_bytes_max
            )),
        }
    }

    /// Ends if it is to, and asks for the next tick.
    fn settle(&mut self, now_ms: u64) {
        if self.is_stopping && self.groups.is_empty() {
            return driver::stop();
        }
        let Some(due_ms) = self.groups.due_ms() else { return };
        if self.tick_ms.is_none_or(|asked_ms| due_ms < asked_ms) {
            self.tick_ms = Some(due_ms);
            driver::wake_after(due_ms.saturating_sub(now_ms));
        }
    }
}

/// Milliseconds since this executor started: what it has used of time is a clock.
fn now_ms() -> u64 {
    driver::own_usage().wall_us / 1_000
}

export!(Group);
