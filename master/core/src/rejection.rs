//! Why a call was refused: the caller's mistake or bad luck, never our bug. It never answers; who
//! turns a rejection into an Error event does.

use stoa_model::epoch::Epoch;
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, OfferId, Role, TaskId};
use stoa_model::limits::DURATION_MS_MAX;
use stoa_model::resources::Resources;
use stoa_model::task::TaskState;

use crate::framework_rules::FrameworkFault;
use crate::limits::{
    AGENTS_MAX, COMMANDS_WAITING_MAX, FRAMEWORKS_MAX, NAME_BYTES_MAX, QUESTIONS_HELD_MAX,
    REQUESTS_PER_FRAMEWORK_MAX, TASKS_PER_REPORT_MAX,
};

/// Why a scheduler's call did nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("this stream is not registered: its first call must be Register or Reregister")]
    NotRegistered,
    #[error("this stream is registered already, as framework {0}")]
    AlreadyRegistered(FrameworkId),
    #[error("the framework is not legal: {0}")]
    FrameworkIllegal(#[from] FrameworkFault),
    #[error("there are {FRAMEWORKS_MAX} frameworks, and no more are admitted")]
    FrameworksFull,
    #[error("there is no framework {0}: register without an id to make one")]
    FrameworkUnknown(FrameworkId),
    #[error(
        "framework {0} was removed and its tasks were ended: register without an id to make \
         another one"
    )]
    FrameworkRemoved(FrameworkId),
    #[error("offer {0} was not made to this framework")]
    OfferForeign(OfferId),
    #[error("role {0} is none of this framework's")]
    RoleForeign(Role),
    #[error("{0} requests were stated at once; {REQUESTS_PER_FRAMEWORK_MAX} are allowed")]
    RequestsFull(usize),
    #[error("a request for nothing cannot be met")]
    RequestEmpty,
    #[error(
        "{QUESTIONS_HELD_MAX} questions wait for agents that may come back; ask for task {0} \
         again later"
    )]
    QuestionsFull(TaskId),
    #[error("there is no executor {executor} of this framework on agent {agent}")]
    ExecutorUnknown { agent: AgentId, executor: ExecutorId },
    #[error(
        "{COMMANDS_WAITING_MAX} commands wait for agent {0}; nothing was passed on, call again \
         later"
    )]
    CommandsFull(AgentId),
    #[error("there is no task {0} of this framework, or its agent has yet to come back with it")]
    TaskUnknown(TaskId),
    #[error("task {task} is {state}: it is over and cannot be frozen or go on")]
    TaskOver { task: TaskId, state: TaskState },
    #[error("a grace of {0} ms is asked for; at most {DURATION_MS_MAX} is allowed")]
    GraceTooLong(u64),
}

impl Rejection {
    /// Whether the framework may not come back under its id.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::FrameworkUnknown(_) | Self::FrameworkRemoved(_))
    }
}

/// Why an agent is refused, which ends its stream.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AgentRejection {
    #[error("this stream is not registered: its first call must be Register or Reregister")]
    NotRegistered,
    #[error("this stream is registered already, as agent {0}")]
    AlreadyRegistered(AgentId),
    #[error("there are {AGENTS_MAX} agents, all of them reachable, and no more are admitted")]
    AgentsFull,
    #[error("the agent gives no cpus and no memory to the cluster")]
    NothingGiven,
    #[error("the agent's hostname or version has {0} bytes; {NAME_BYTES_MAX} are allowed")]
    NameTooLong(usize),
    #[error("{0} tasks are reported; {TASKS_PER_REPORT_MAX} are allowed")]
    ReportTooLong(usize),
    #[error("task {task} is reported, which is on agent {agent}")]
    TaskElsewhere { task: TaskId, agent: AgentId },
    #[error("task {0} is reported twice")]
    TaskTwice(TaskId),
    #[error("executor {0} is reported twice")]
    ExecutorTwice(ExecutorId),
    #[error("task {0} is reported in a state that no agent may report, or without its Update")]
    StatusIllegal(TaskId),
    #[error(
        "the reported tasks and executors hold more than the agent gives ({given}), or a port \
         twice: give as much as before, or start the agent without its old state"
    )]
    ReportTooLarge { given: Box<Resources> },
    #[error("command {number} was never sent in this session; the last was {last}")]
    CommandUnknown { number: u64, last: u64 },
    #[error(
        "the agent has obeyed epoch {known}, and this master leads under epoch {own}: it stops, \
         since another leads or its store is older than the agents"
    )]
    EpochHigher { own: Epoch, known: Epoch },
    #[error("another stream has come as agent {0}; this one ends")]
    TakenOver(AgentId),
    #[error("agent {0} was not heard of for too long: connect again and reregister")]
    Silent(AgentId),
    #[error(
        "agent {0} is gone: an operator has said so, and its tasks were given up. Remove its state \
         directory, and it joins as a new agent"
    )]
    Gone(AgentId),
}

impl AgentRejection {
    /// Whether the agent may never come back under its id.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Gone(_))
    }
}
