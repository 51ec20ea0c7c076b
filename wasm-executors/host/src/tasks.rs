//! One task as its executor's host knows it: how far it is, and what of its grant is left. Only the
//! methods here change a task.

use std::sync::Arc;

use stoa_model::host::TaskChange;
use stoa_model::ids::FrameworkId;
use stoa_model::status::Reason;
use stoa_model::task::{TaskInfo, TaskState};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::budget::Budget;
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

/// What a task was granted, and what its own program needs to start at once.
pub(crate) struct Prepared {
    /// Its own program, if it names one.
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
    /// Its grants and its own program, or why they cannot be had; none while they are made.
    pub(crate) prepared: Option<Result<Prepared, End>>,
    /// What its subtasks live in.
    pub(crate) budget: Budget,
    pub(crate) kill_asked: bool,
    /// Whether nothing of it runs until it is resumed.
    pub(crate) is_paused: bool,
    /// When `max_completion_ms` is over; known since it runs.
    pub(crate) deadline: Option<Instant>,
    /// Alarms that must go when the task goes.
    pub(crate) alarms: Vec<(Instant, Due)>,
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
            budget: Budget::of_task(&Walls::of(&info)),
            info,
            stage,
            log,
            prepared: None,
            kill_asked: false,
            is_paused: false,
            deadline: None,
            alarms: Vec::new(),
            last_end: None,
        }
    }

    /// A subtask could not start, and why.
    pub(crate) fn on_not_started(&mut self, end: &End) {
        self.last_end = Some(end.clone());
    }

    /// A subtask is over.
    pub(crate) fn on_subtask_ended(&mut self, walls: &Walls, ended: &Ended) {
        self.budget.settle(walls, &ended.usage);
        self.last_end = Some(ended.end.clone());
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
