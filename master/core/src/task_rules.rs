//! What a legal task is, and why one is refused. It never looks at the state of the cluster.

use stoa_model::ids::{AgentId, ExecutorId};
use stoa_model::limits::DURATION_MS_MAX;
use stoa_model::resources::Resources;
use stoa_model::size::Bytes;
use stoa_model::status::Reason;
use stoa_model::task::{TaskBody, TaskInfo, TaskState};

use crate::framework_rules::{LabelFault, check_labels};
use crate::limits::{
    COMMAND_MEMORY_BYTES_MIN, COMMANDS_WAITING_MAX, NAME_BYTES_MAX, TASKS_PER_FRAMEWORK_MAX,
};

/// Why a task of a Launch is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TaskFault {
    #[error("the framework has used this task id before")]
    IdUsed,
    #[error("the task names agent {named} but its offers are of agent {offered}")]
    AgentOther { named: AgentId, offered: AgentId },
    #[error("the task and its executor ask for {asked} but its offers hold {held}")]
    ResourcesExceeded { asked: Box<Resources>, held: Box<Resources> },
    #[error("the task asks for neither cpus nor memory")]
    ResourcesEmpty,
    #[error(
        "a command needs {} of memory at least, and {} is asked for",
        Bytes(COMMAND_MEMORY_BYTES_MIN),
        Bytes(*.0)
    )]
    MemoryTooSmall(u64),
    #[error("a task without any fuel cannot run; leave the limit out for no limit")]
    NoFuel,
    #[error("a limit of 0 bytes of output is not allowed")]
    NoOutput,
    #[error("max_completion_ms is {0}; 1 to {DURATION_MS_MAX} is allowed")]
    CompletionIllegal(u64),
    #[error("the kill policy's grace is {0} ms; at most {DURATION_MS_MAX} is allowed")]
    GraceTooLong(u64),
    #[error("the name of the task or its executor has {0} bytes; {NAME_BYTES_MAX} are allowed")]
    NameTooLong(usize),
    #[error("{0}")]
    Labels(#[from] LabelFault),
    #[error("executor {0} lives on the agent with another program or other resources")]
    ExecutorOther(ExecutorId),
    #[error(
        "the framework has {TASKS_PER_FRAMEWORK_MAX} tasks that are not over or not \
         acknowledged; launch again when it has fewer"
    )]
    TasksFull,
    #[error("{COMMANDS_WAITING_MAX} commands wait for the agent; launch again later")]
    CommandsFull,
}

impl TaskFault {
    /// The state and the reason of the Update that refuses the task.
    pub(crate) fn verdict(&self) -> (TaskState, Reason) {
        match self {
            Self::ResourcesExceeded { .. } => (TaskState::Error, Reason::ResourcesExceeded),
            Self::TasksFull => (TaskState::Dropped, Reason::ResourcesExceeded),
            Self::CommandsFull => (TaskState::Dropped, Reason::AgentRefused),
            _ => (TaskState::Error, Reason::TaskInvalid),
        }
    }
}

/// Whether the task is legal by itself.
pub(crate) fn check_task(task: &TaskInfo) -> Result<(), TaskFault> {
    let resources = &task.resources;
    if resources.cpus_milli == 0 && resources.memory_bytes == 0 {
        return Err(TaskFault::ResourcesEmpty);
    }
    if matches!(task.body, TaskBody::Command(_))
        && resources.memory_bytes < COMMAND_MEMORY_BYTES_MIN
    {
        return Err(TaskFault::MemoryTooSmall(resources.memory_bytes));
    }
    if task.limits.fuel == Some(0) {
        return Err(TaskFault::NoFuel);
    }
    if task.limits.output_bytes == 0 {
        return Err(TaskFault::NoOutput);
    }
    if let Some(ms) = task.max_completion_ms.filter(|ms| !(1..=DURATION_MS_MAX).contains(ms)) {
        return Err(TaskFault::CompletionIllegal(ms));
    }
    if task.kill_policy.grace_ms > DURATION_MS_MAX {
        return Err(TaskFault::GraceTooLong(task.kill_policy.grace_ms));
    }
    let executor_name = task.executor().map_or(0, |executor| executor.name.len());
    let longest = task.name.len().max(executor_name);
    if longest > NAME_BYTES_MAX {
        return Err(TaskFault::NameTooLong(longest));
    }
    Ok(check_labels(&task.labels)?)
}
