//! What schedulers and the master say to each other: the table of the protocol, one-way messages.
//! It never says how they travel.

use crate::epoch::Epoch;
use crate::framework::FrameworkInfo;
use crate::ids::{AgentId, ExecutorId, FrameworkId, OfferId, Role, TaskId, UpdateId};
use crate::offer::{Filters, Offer};
use crate::resources::Resources;
use crate::status::TaskStatus;
use crate::task::{KillPolicy, TaskInfo};

/// From a scheduler to the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Makes a framework. Answered by Registered.
    Register(FrameworkInfo),
    /// Takes over a framework after a failover or a broken stream. Answered by Reregistered.
    Reregister {
        /// The id that Registered gave.
        framework: FrameworkId,
        /// What the scheduler says now; replaces what it said before.
        info: FrameworkInfo,
    },
    /// Ends the framework and its tasks.
    Unregister,
    /// States what the framework would use; the allocator serves demand first. Replaces what was
    /// requested before; an empty list ends the demand.
    Request(Vec<ResourceRequest>),
    /// Gives offers back.
    Decline {
        /// Which.
        offers: Vec<OfferId>,
        /// How long not to offer the same again.
        filters: Filters,
    },
    /// Removes the framework's filters and wakes suppressed roles; no role means all.
    Revive(Vec<Role>),
    /// Stops offers for these roles until Revive; no role means all.
    Suppress(Vec<Role>),
    /// Uses offers of one agent for tasks; what they leave over is declined with `filters`.
    Launch {
        /// Offers of one agent.
        offers: Vec<OfferId>,
        /// What to run on them.
        tasks: Vec<TaskInfo>,
        /// For what is left over.
        filters: Filters,
    },
    /// Ends a task. Always answered by an Update.
    Kill {
        /// Which.
        task: TaskId,
        /// Where, if the scheduler knows.
        agent: Option<AgentId>,
        /// Instead of the task's own policy.
        policy: Option<KillPolicy>,
    },
    /// Freezes a task, or lets it go on: its agent says so in an Update, with what the task has
    /// used so far, once the task runs. Answered by an Error if there is nothing to freeze;
    /// delivered at most once. A frozen task keeps its resources, and its time goes on.
    SetPaused {
        /// Which.
        task: TaskId,
        /// Whether it is frozen from now on.
        is_paused: bool,
    },
    /// Says that an Update has been taken in and need not be sent again.
    Acknowledge {
        /// Where the task is.
        agent: AgentId,
        /// Which task.
        task: TaskId,
        /// Which Update.
        update: UpdateId,
    },
    /// Asks for the state of these tasks, or of all if none is named. Always answered.
    Reconcile(Vec<(TaskId, Option<AgentId>)>),
    /// Bytes for an executor; delivered at most once.
    Message {
        /// Where it runs.
        agent: AgentId,
        /// Which.
        executor: ExecutorId,
        /// Opaque to Stoa.
        data: Vec<u8>,
    },
    /// Ends an executor and its tasks.
    Shutdown {
        /// Where it runs.
        agent: AgentId,
        /// Which.
        executor: ExecutorId,
    },
}

/// What a framework would use if it were offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRequest {
    /// Only of this agent, if one is named.
    pub agent: Option<AgentId>,
    /// How much.
    pub resources: Resources,
}

/// From the master to a scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The framework is made.
    Registered {
        /// Its id, to be kept for Reregister.
        framework: FrameworkId,
        /// Who says so.
        master: MasterInfo,
        /// A scheduler that hears nothing for several of these should connect anew.
        heartbeat_ms: u64,
    },
    /// The framework is taken over; offers made before are void.
    Reregistered {
        /// Its id.
        framework: FrameworkId,
        /// Who says so.
        master: MasterInfo,
        /// As in Registered.
        heartbeat_ms: u64,
    },
    /// Resources to use or to decline.
    Offer(Vec<Offer>),
    /// Offers that are void from now on.
    Rescind(Vec<OfferId>),
    /// A task has changed, or its state was asked for.
    Update(TaskStatus),
    /// Bytes from an executor.
    Message {
        /// Where it runs.
        agent: AgentId,
        /// Which.
        executor: ExecutorId,
        /// Opaque to Stoa.
        data: Vec<u8>,
    },
    /// An executor has ended or, if none is named, an agent is lost.
    Failure {
        /// Where.
        agent: AgentId,
        /// Which executor; none if the whole agent is lost.
        executor: Option<ExecutorId>,
        /// For people: what happened.
        message: String,
    },
    /// The last call was refused, or the stream is about to end, with the reason.
    Error {
        /// For people: what, why, and what to do.
        message: String,
        /// Whether the framework may not come back under its id.
        is_final: bool,
        /// The epoch under which a final one is said: a former leader knows less than there is.
        epoch: Epoch,
    },
    /// The master lives.
    Heartbeat,
}

/// A master, as it names itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterInfo {
    /// Made anew at each start.
    pub id: String,
    /// The version of the program.
    pub version: String,
    /// Under which it leads. None from a master that knows of no epochs.
    pub epoch: Epoch,
}
