//! What operators ask and what they are told: state, events, logs, kills, and what they want of
//! agents. It never changes what schedulers may rely on.

use crate::agent::{AgentDuty, AgentInfo};
use crate::framework::FrameworkInfo;
use crate::ids::{AgentId, FrameworkId, OfferId, Role, TaskId};
use crate::offer::Offer;
use crate::resources::Resources;
use crate::scheduler::MasterInfo;
use crate::status::TaskStatus;
use crate::task::{KillPolicy, TaskRecord, TaskState};

/// What an operator asks of the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The whole state.
    State,
    /// Ends a task as its scheduler could.
    Kill {
        /// Which.
        task: TaskName,
        /// Instead of the task's own policy.
        policy: Option<KillPolicy>,
    },
    /// Freezes a task, or lets it go on, as its scheduler could.
    SetPaused {
        /// Which.
        task: TaskName,
        /// Whether it is frozen from now on.
        is_paused: bool,
    },
    /// A piece of a task's log.
    ReadLog {
        /// Which task.
        task: TaskName,
        /// What is wanted; its `task` is that of the name.
        log: LogRequest,
    },
    /// Wants something else of an agent than before.
    Agent {
        /// Which.
        agent: AgentId,
        /// What.
        order: AgentOrder,
    },
    /// Lets the master give up the agents that its breaker holds.
    ResetBreaker,
}

/// What an operator wants of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentOrder {
    /// No more tasks, and an end of those that it has.
    Drain {
        /// The longest grace of a kill, in milliseconds, whatever a task's own policy is.
        grace_max_ms: Option<u64>,
    },
    /// Tasks again, after Drain.
    Undrain,
    /// No more tasks; those that it has go on.
    Deactivate,
    /// Tasks again, after Deactivate.
    Reactivate,
    /// Nothing ever again: the agent does not exist any more, and its tasks neither.
    Gone,
}

impl AgentOrder {
    /// The order as it is typed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drain { .. } => "drain",
            Self::Undrain => "undrain",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
            Self::Gone => "gone",
        }
    }
}

/// A task as people name it: its id, and its framework where the id alone is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskName {
    /// The framework, if it was named.
    pub framework: Option<FrameworkId>,
    /// The task.
    pub task: TaskId,
}

impl std::fmt::Display for TaskName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.framework {
            Some(framework) => write!(f, "{framework}/{}", self.task),
            None => write!(f, "{}", self.task),
        }
    }
}

/// What the master answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The whole state.
    State(Box<ClusterState>),
    /// The kill is on its way, or the task is over already.
    Killed(Box<TaskRecord>),
    /// The order to freeze a task or to let it go on is on its way.
    PausedSet {
        /// The task, as it is wanted from now on.
        task: Box<TaskRecord>,
        /// Whether it was wanted otherwise before.
        is_news: bool,
    },
    /// A piece of a log.
    Log(LogChunk),
    /// The agent, as it is now that the order is recorded.
    Agent(Box<AgentState>),
    /// The agent is gone for ever.
    AgentGone(AgentId),
    /// The breaker holds nobody any more; it held so many.
    BreakerReset {
        /// How many agents.
        agents: u64,
    },
    /// No, and why.
    Refused(Refusal),
}

/// Why an operator's query has no other answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such task, now or among those remembered.
    TaskUnknown(TaskName),
    /// The task is over, so that nothing of it can be frozen or go on.
    TaskOver(TaskName, TaskState),
    /// Several frameworks have a task of this id; these do.
    TaskAmbiguous(TaskName, Vec<FrameworkId>),
    /// The agent that could answer is not connected.
    AgentAway(AgentId),
    /// The agent answered that it has no such log, for this reason.
    LogUnavailable(String),
    /// Too many questions are waiting for an answer.
    TooManyWaiting,
    /// There is no such agent.
    AgentUnknown(AgentId),
    /// The agent is gone, and nothing can be wanted of it.
    AgentGone(AgentId),
    /// What is wanted cannot follow on what was wanted before.
    OrderIllegal {
        /// Of which agent.
        agent: AgentId,
        /// What is wanted of it until now.
        duty: AgentDuty,
        /// What was to be wanted.
        order: AgentOrder,
    },
    /// So many agents are gone that no more can be remembered.
    GoneFull {
        /// How many.
        agents: usize,
    },
    /// Whoever asks may not do this.
    Denied {
        /// Who asks.
        principal: Principal,
        /// What they may not do.
        action: &'static str,
    },
}

/// Who asks. Nobody says yet who they are, so there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Whoever reaches the master's port.
    Anyone,
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("anyone")
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TaskUnknown(name) => write!(f, "there is no task {name}"),
            Self::TaskOver(name, state) => {
                write!(f, "task {name} is {state}: it is over and cannot be frozen or go on")
            }
            Self::TaskAmbiguous(name, frameworks) => {
                let names: Vec<_> = frameworks
                    .iter()
                    .map(|framework| format!("{framework}/{}", name.task))
                    .collect();
                write!(f, "several tasks are called {name}: {}", names.join(", "))
            }
            Self::AgentAway(agent) => write!(f, "agent {agent} is not connected"),
            Self::LogUnavailable(why) => write!(f, "the log cannot be read: {why}"),
            Self::TooManyWaiting => f.write_str("too many questions are waiting for an answer"),
            Self::AgentUnknown(agent) => write!(f, "there is no agent {agent}"),
            Self::AgentGone(agent) => write!(f, "agent {agent} is gone for ever"),
            Self::OrderIllegal { agent, duty, order } => {
                write!(f, "agent {agent} is {duty} and cannot be told to {}", order.as_str())
            }
            Self::GoneFull { agents } => {
                write!(f, "{agents} agents are gone, and no more can be remembered")
            }
            Self::Denied { principal, action } => write!(f, "{principal} may not {action}"),
        }
    }
}

/// Which of a task's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogStream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// A piece of a log that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRequest {
    /// Of which task.
    pub task: TaskId,
    /// Which output.
    pub stream: LogStream,
    /// From which byte on.
    pub offset: u64,
    /// How many bytes at most.
    pub bytes_max: u32,
    /// Whether to wait, for a while, until there is something at `offset` or the task is over.
    pub wait: bool,
}

/// A piece of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChunk {
    /// The bytes from the offset that was asked for; may be empty.
    pub data: Vec<u8>,
    /// Whether nothing will ever follow these bytes.
    pub is_end: bool,
}

/// The master's whole view at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterState {
    /// Who says so.
    pub master: MasterInfo,
    /// Sorted by id.
    pub agents: Vec<AgentState>,
    /// Sorted by id.
    pub frameworks: Vec<FrameworkState>,
    /// Outstanding offers, sorted by id.
    pub offers: Vec<Offer>,
    /// Tasks that are not over, and those that are and are remembered.
    pub tasks: Vec<TaskRecord>,
    /// Agents whose time is over and that the breaker holds: not given up, as too many are away.
    pub agents_held: u64,
}

/// How an agent stands to the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStanding {
    /// Registered and connected.
    Connected,
    /// Its stream is broken; it has some time to come back.
    Disconnected,
    /// Known from the store; it has not come back since this master started.
    Recovered,
    /// It did not come back in time; its tasks are UNREACHABLE.
    Unreachable,
}

impl AgentStanding {
    /// The standing in capitals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "CONNECTED",
            Self::Disconnected => "DISCONNECTED",
            Self::Recovered => "RECOVERED",
            Self::Unreachable => "UNREACHABLE",
        }
    }
}

/// One agent in the master's view. For each, free + offered + used = total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentState {
    /// Its id.
    pub id: AgentId,
    /// What it says of itself.
    pub info: AgentInfo,
    /// How it stands.
    pub standing: AgentStanding,
    /// What operators want of it.
    pub duty: AgentDuty,
    /// What nobody holds.
    pub free: Resources,
    /// What is in outstanding offers.
    pub offered: Resources,
    /// What tasks and executors hold.
    pub used: Resources,
}

/// One framework in the master's view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameworkState {
    /// Its id.
    pub id: FrameworkId,
    /// What it says of itself.
    pub info: FrameworkInfo,
    /// Whether its scheduler is connected.
    pub is_connected: bool,
    /// Its tasks that are not over.
    pub tasks_live: u64,
    /// What it holds and is offered.
    pub allocated: Resources,
}

/// Something that happened in the cluster, for those who watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterEvent {
    /// An agent joined.
    AgentRegistered(AgentId, AgentInfo),
    /// An agent came back.
    AgentReregistered(AgentId),
    /// An agent's stream broke.
    AgentDisconnected(AgentId),
    /// An agent did not come back in time.
    AgentUnreachable(AgentId),
    /// An agent left for good.
    AgentUnregistered(AgentId),
    /// An operator has said that an agent is gone.
    AgentGone(AgentId),
    /// Something else is wanted of an agent than before, or it is drained.
    AgentDutyChanged(AgentId, AgentDuty),
    /// So many agents are away that no more are given up.
    BreakerTripped {
        /// How many are away.
        away: u64,
        /// Of how many.
        agents: u64,
    },
    /// Agents are given up again if their time is over.
    BreakerReset,
    /// A framework was made.
    FrameworkRegistered(FrameworkId, FrameworkInfo),
    /// A scheduler took its framework over.
    FrameworkReregistered(FrameworkId),
    /// A scheduler's stream broke.
    FrameworkDisconnected(FrameworkId),
    /// A framework ended.
    FrameworkRemoved(FrameworkId),
    /// An offer was made.
    OfferMade(OfferId, FrameworkId, AgentId, Role, Resources),
    /// An offer was declined.
    OfferDeclined(OfferId, FrameworkId),
    /// An offer was rescinded.
    OfferRescinded(OfferId, FrameworkId),
    /// A task was launched.
    TaskLaunched(FrameworkId, TaskId, AgentId, Resources),
    /// A task has changed.
    TaskUpdated(FrameworkId, TaskStatus),
}
