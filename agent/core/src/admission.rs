//! Whether this agent takes a task, and why not. It never changes anything.

use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, TaskId};
use stoa_model::resources::Resources;
use stoa_model::status::Reason;
use stoa_model::task::{ExecutorInfo, TaskInfo, TaskState};

use crate::Agent;
use crate::limits::{EXECUTORS_MAX, TASKS_KEPT_MAX};
use stoa_model::keys::{ExecutorKey, TaskKey};

/// Why a task is not admitted. Its text is the message of the Update.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The agent has this task already.
    #[error("the agent has a task {0} already")]
    Collision(TaskKey),
    /// The id was used before.
    #[error("the id {0} was used before on this agent; a task id is used once per framework")]
    IdUsed(TaskId),
    /// Everything of the framework has ended here.
    #[error("framework {0} was removed")]
    FrameworkRemoved(FrameworkId),
    /// The task belongs elsewhere.
    #[error("the task is for agent {asked}, but this is {own}")]
    OtherAgent { asked: AgentId, own: AgentId },
    /// The agent is full.
    #[error("the agent runs {0} tasks already, which is all it may")]
    TooManyTasks(usize),
    /// The agent is full of ends that nobody acknowledges.
    #[error("the Updates of {TASKS_KEPT_MAX} tasks wait for acknowledgement on this agent")]
    TooManyKept,
    /// The agent has not enough left.
    #[error("the task and its executor ask for {asked}, but {free} is free")]
    NotEnough { asked: Box<Resources>, free: Box<Resources> },
    /// The executor that lives is another one.
    #[error("executor {0} lives already, with another program or other resources")]
    OtherExecutor(ExecutorId),
    /// The executor that lives will not for long.
    #[error("executor {0} is being shut down")]
    ExecutorEnding(ExecutorId),
    /// The agent holds as many executors as it can.
    #[error("the agent has {EXECUTORS_MAX} executors already, which is all it may")]
    TooManyExecutors,
    /// The agent is full of artifacts that are on their way.
    #[error("the agent is fetching as many artifacts as it may")]
    TooManyFetches,
}

impl Refusal {
    /// What the task becomes, and why.
    pub(crate) fn end(&self) -> (TaskState, Reason) {
        match self {
            Self::IdUsed(_) | Self::OtherExecutor(_) => (TaskState::Error, Reason::TaskInvalid),
            Self::FrameworkRemoved(_) => (TaskState::Dropped, Reason::FrameworkRemoved),
            _ => (TaskState::Dropped, Reason::AgentRefused),
        }
    }

    /// Whether the Update of the refused task is kept until it is acknowledged: not if nobody
    /// will acknowledge it, and not if too many are kept already.
    pub(crate) fn is_kept(&self) -> bool {
        !matches!(self, Self::FrameworkRemoved(_) | Self::TooManyKept)
    }
}

impl Agent {
    /// Whether the task can be taken now.
    pub(crate) fn admit(&self, key: &TaskKey, task: &TaskInfo) -> Result<(), Refusal> {
        if self.kept.tasks.contains_key(key) {
            return Err(Refusal::Collision(key.clone()));
        }
        if self.kept.frameworks_removed.contains(&key.framework) {
            return Err(Refusal::FrameworkRemoved(key.framework.clone()));
        }
        if self.kept.tasks.len() >= TASKS_KEPT_MAX {
            return Err(Refusal::TooManyKept);
        }
        if self.kept.sandboxes.contains(key) {
            return Err(Refusal::IdUsed(key.task.clone()));
        }
        if let Some(own) = self.kept.agent().filter(|own| **own != task.agent) {
            return Err(Refusal::OtherAgent { asked: task.agent.clone(), own: own.clone() });
        }
        if self.kept.charges.tasks_live() >= self.config.tasks_max {
            return Err(Refusal::TooManyTasks(self.config.tasks_max));
        }
        let executor = match task.executor() {
            Some(executor) => self.admit_executor(key, executor)?,
            None => None,
        };
        self.admit_resources(task, executor)?;
        if !self.artifacts.has_room_for(&task.artifacts()) {
            return Err(Refusal::TooManyFetches);
        }
        Ok(())
    }

    /// The executor, if it has to be admitted with its task.
    fn admit_executor<'a>(
        &self,
        key: &TaskKey,
        executor: &'a ExecutorInfo,
    ) -> Result<Option<&'a ExecutorInfo>, Refusal> {
        match self.kept.executors.get(&ExecutorKey::new(&key.framework, &executor.id)) {
            None if self.kept.executors.len() >= EXECUTORS_MAX => Err(Refusal::TooManyExecutors),
            None => Ok(Some(executor)),
            Some(live) if live.is_ending => Err(Refusal::ExecutorEnding(executor.id.clone())),
            Some(live)
                if live.program != executor.program
                    || live.record.resources != executor.resources =>
            {
                Err(Refusal::OtherExecutor(executor.id.clone()))
            }
            Some(_) => Ok(None),
        }
    }

    fn admit_resources(
        &self,
        task: &TaskInfo,
        executor: Option<&ExecutorInfo>,
    ) -> Result<(), Refusal> {
        // More may be used than there is: an operator can shrink an agent between two starts.
        let free = self.config.info.resources.checked_sub(self.kept.charges.used());
        let free = free.unwrap_or_default();
        let asked = match executor {
            Some(executor) => task.resources.checked_add(&executor.resources),
            None => Some(task.resources.clone()),
        };
        match asked {
            Some(asked) if free.contains(&asked) => Ok(()),
            // A sum that cannot exist does not fit; the task's own part says enough.
            asked => {
                let asked = asked.unwrap_or_else(|| task.resources.clone());
                Err(Refusal::NotEnough { asked: Box::new(asked), free: Box::new(free) })
            }
        }
    }
}
