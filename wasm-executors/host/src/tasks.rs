//! One task as its executor's host knows it: how far it is, and what of its grant is left. Only the
//! methods here change a task.

use std::sync::Arc;

use stoa_model::host::TaskChange;
use stoa_model::ids::FrameworkId;
use stoa_model::status::{Reason, Usage};
use stoa_model::task::{TaskInfo, TaskState};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::container::{Ended, Walls};
use crate::end::End;
use crate::grants::Grants;
use crate::output::Log;
use crate::program::Program;
use crate::state::Due;

/// How far a task is.
pub(crate) enum Stage {
    /// Its program is compiled and its grants are made.
    Preparing,
    /// The executor has it; this is what was said of it last.
    Launched(TaskState),
    /// It is over; its subtasks are stopped.
    Ending(Box<TaskChange>),
    /// It is over; what travels back is packed.
    Packing(Box<TaskChange>),
}

/// What a task's programs need to start at once.
pub(crate) struct Prepared {
    /// The task's own program; none if it is for a framework's own executor.
    pub(crate) program: Option<Arc<Program>>,
    pub(crate) grants: Arc<Grants>,
    /// The place in the pool that is kept for the first start of its own program.
    pub(crate) slot: Option<OwnedSemaphorePermit>,
}

/// One task.
pub(crate) struct Task {
    pub(crate) info: Box<TaskInfo>,
    pub(crate) stage: Stage,
    pub(crate) log: Arc<Log>,
    /// What it needs, or why its own program cannot start; none until that is known.
    pub(crate) prepared: Option<Result<Prepared, End>>,
    /// Subtasks that live.
    pub(crate) subtasks: usize,
    pub(crate) kill_asked: bool,
    /// When `max_completion_ms` is over; known since it runs.
    pub(crate) deadline: Option<Instant>,
    /// Alarms that must go when the task goes.
    pub(crate) alarms: Vec<(Instant, Due)>,
    left: Walls,
    used: Option<Usage>,
    last_end: Option<End>,
}

impl Walls {
    /// What a task may use at most.
    pub(crate) fn of(info: &TaskInfo) -> Self {
        Self {
            memory_bytes: info.resources.memory_bytes,
            fuel: info.limits.fuel,
            wall_ms: info.max_completion_ms,
            output_bytes: info.limits.output_bytes,
        }
    }
}

impl Task {
    pub(crate) fn new(info: Box<TaskInfo>, stage: Stage, log: Arc<Log>) -> Self {
        Self {
            left: Walls::of(&info),
            info,
            stage,
            log,
            prepared: None,
            subtasks: 0,
            kill_asked: false,
            deadline: None,
            alarms: Vec::new(),
            used: None,
            last_end: None,
        }
    }

    /// Takes a subtask's walls from what is left of the task's.
    pub(crate) fn carve(&mut self, asked: Option<Walls>) -> Result<Walls, String> {
        let asked = asked.unwrap_or(self.left);
        if asked.memory_bytes > self.left.memory_bytes {
            return Err(too_much("bytes of memory", asked.memory_bytes, self.left.memory_bytes));
        }
        if asked.output_bytes > self.left.output_bytes {
            return Err(too_much("bytes of output", asked.output_bytes, self.left.output_bytes));
        }
        let fuel = match (asked.fuel, self.left.fuel) {
            (Some(asked), Some(left)) if asked > left => {
                return Err(too_much("units of fuel", asked, left));
            }
            (asked, left) => asked.or(left),
        };
        let wall_ms = match (asked.wall_ms, self.left.wall_ms) {
            (Some(asked), Some(left)) => Some(asked.min(left)),
            (asked, left) => asked.or(left),
        };
        self.left.memory_bytes -= asked.memory_bytes;
        self.left.output_bytes -= asked.output_bytes;
        self.left.fuel = self.left.fuel.zip(fuel).map(|(left, fuel)| left - fuel);
        self.subtasks += 1;
        Ok(Walls { fuel, wall_ms, ..asked })
    }

    /// A subtask could not start, and why.
    pub(crate) fn on_not_started(&mut self, end: &End) {
        self.last_end = Some(end.clone());
    }

    /// A subtask is over: what it did not use can be carved again.
    pub(crate) fn on_subtask_ended(&mut self, walls: &Walls, ended: &Ended) {
        self.subtasks = self.subtasks.saturating_sub(1);
        let usage = ended.usage;
        self.left.memory_bytes += walls.memory_bytes;
        self.left.output_bytes += walls.output_bytes.saturating_sub(usage.output_bytes);
        if let (Some(left), Some(fuel)) = (&mut self.left.fuel, walls.fuel) {
            *left = left.saturating_add(fuel.saturating_sub(usage.fuel));
        }
        self.used = Some(match self.used {
            None => usage,
            Some(used) => Usage {
                fuel: used.fuel.saturating_add(usage.fuel),
                wall_us: used.wall_us.saturating_add(usage.wall_us),
                memory_peak_bytes: used.memory_peak_bytes.max(usage.memory_peak_bytes),
                output_bytes: used.output_bytes.saturating_add(usage.output_bytes),
            },
        });
        self.last_end = Some(ended.end.clone());
    }

    /// What all its subtasks have used, as far as they are over.
    pub(crate) fn used(&self) -> Option<Usage> {
        self.used
    }

    /// The end that `told` stands for, in the words it was told with when it happened.
    pub(crate) fn recall(&self, told: End) -> End {
        match &self.last_end {
            Some(last) if last.reason == told.reason && last.exit_code == told.exit_code => {
                last.clone()
            }
            _ => told,
        }
    }

    /// Whether `state` may be said of it now.
    ///
    /// # Errors
    /// For the executor: why not.
    pub(crate) fn check_next(&self, state: TaskState) -> Result<(), String> {
        let order = |state| match state {
            TaskState::Staging => 0,
            TaskState::Starting => 1,
            TaskState::Running => 2,
            TaskState::Killing => 3,
            _ => 4,
        };
        match self.stage {
            Stage::Launched(now) if order(state) >= order(now) => Ok(()),
            Stage::Launched(now) => Err(format!("{state} cannot follow {now}")),
            _ => Err("the task is over".to_owned()),
        }
    }

    /// Whether the executor may still speak of it.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Ending(_) | Stage::Packing(_))
    }
}

fn too_much(what: &str, asked: u64, left: u64) -> String {
    format!("asked for {asked} {what}, {left} are left")
}

/// A change of a task that carries nothing but what happened.
pub(crate) fn change(
    framework: &FrameworkId,
    info: &TaskInfo,
    state: TaskState,
    end: End,
) -> Box<TaskChange> {
    Box::new(TaskChange {
        framework: framework.clone(),
        task: info.id.clone(),
        state,
        reason: end.reason,
        message: end.message,
        exit_code: end.exit_code,
        usage: None,
        data: Vec::new(),
        downloads: Vec::new(),
    })
}

/// A step that is no end.
pub(crate) fn progress(message: impl Into<String>) -> End {
    End::new(Reason::Progress, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_model::command::CommandInfo;
    use stoa_model::digest::Digest;
    use stoa_model::ids::{AgentId, TaskId};
    use stoa_model::resources::Resources;
    use stoa_model::task::{KillPolicy, Limits, TaskBody};

    fn task() -> Task {
        let command = CommandInfo::new(Digest([0; 32]), "");
        let info = TaskInfo {
            id: TaskId::new("t").unwrap(),
            name: String::new(),
            agent: AgentId::new("a").unwrap(),
            resources: Resources::new(0, 100),
            body: TaskBody::Command(command),
            limits: Limits { fuel: Some(50), output_bytes: 10 },
            labels: Vec::new(),
            kill_policy: KillPolicy::default(),
            max_completion_ms: None,
        };
        let framework = FrameworkId::new("f").unwrap();
        let log = Log::new(std::path::Path::new("/nowhere").into(), framework, info.id.clone());
        Task::new(Box::new(info), Stage::Launched(TaskState::Staging), Arc::new(log))
    }

    fn walls(memory_bytes: u64, fuel: Option<u64>, output_bytes: u64) -> Walls {
        Walls { memory_bytes, fuel, wall_ms: None, output_bytes }
    }

    #[test]
    fn what_subtasks_take_together_is_never_more_than_the_task_has() {
        let mut task = task();
        assert_eq!(task.carve(Some(walls(60, None, 4))), Ok(walls(60, Some(50), 4)));
        let refused = task.carve(Some(walls(41, None, 4)));
        assert_eq!(refused.unwrap_err(), "asked for 41 bytes of memory, 40 are left");
        assert!(task.carve(Some(walls(1, Some(1), 1))).is_err(), "no fuel is left");
        let usage = Usage { fuel: 20, output_bytes: 3, ..Usage::default() };
        let ended = Ended { end: End::exited(0), usage };
        task.on_subtask_ended(&walls(60, Some(50), 4), &ended);
        assert_eq!(task.carve(None), Ok(walls(100, Some(30), 7)));
    }

    #[test]
    fn states_go_forward_only() {
        let mut task = task();
        task.stage = Stage::Launched(TaskState::Running);
        for state in [TaskState::Running, TaskState::Killing, TaskState::Finished] {
            assert!(task.check_next(state).is_ok(), "{state}");
        }
        assert!(task.check_next(TaskState::Starting).is_err());
    }
}
