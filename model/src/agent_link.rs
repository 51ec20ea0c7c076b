//! What agents and the master say to each other. It never says how it travels.
//!
//! What must be neither lost nor done twice is a numbered [`Command`]: the master keeps it until
//! the agent has recorded it and says so by [`Call::Applied`].

use crate::agent::AgentInfo;
use crate::epoch::Epoch;
use crate::ids::{AgentId, ExecutorId, FrameworkId, Role, SessionId, TaskId, UpdateId};
use crate::operator::{LogChunk, LogRequest};
use crate::status::TaskStatus;
use crate::task::{ExecutorRecord, KillPolicy, TaskInfo, TaskRecord, TaskState};

/// Numbers one question to an agent, so that the answer finds who asked. Minted by the master's
/// edge; unique for the life of the master's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// From an agent to the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Joins the cluster. Answered by Registered.
    Register {
        /// What the agent says of its machine.
        info: AgentInfo,
        /// The highest epoch it has obeyed.
        epoch: Epoch,
    },
    /// Comes back with what it runs. Answered by Reregistered.
    Reregister(Box<Reregister>),
    /// Leaves the cluster for good; its tasks are gone.
    Unregister,
    /// A task has changed. Sent again until acknowledged.
    Update {
        /// Whose task it is.
        framework: FrameworkId,
        /// The oldest status of the task that is not acknowledged.
        status: TaskStatus,
        /// The newest state of the task, so that resources are freed as early as possible.
        latest: TaskState,
    },
    /// All commands of this session up to and with this number are recorded.
    Applied {
        /// The highest number.
        number: u64,
    },
    /// Bytes from an executor to its scheduler.
    Message {
        /// Whose executor it is.
        framework: FrameworkId,
        /// Which.
        executor: ExecutorId,
        /// Opaque to Stoa.
        data: Vec<u8>,
    },
    /// A framework's own executor has ended; its resources are free.
    ExecutorEnded {
        /// Whose executor it was.
        framework: FrameworkId,
        /// Which.
        executor: ExecutorId,
        /// For people: what happened.
        message: String,
    },
    /// Answers ReadLog.
    Log {
        /// The question.
        request: RequestId,
        /// The piece of the log, or for people why there is none.
        chunk: Result<LogChunk, String>,
    },
    /// The agent lives.
    Heartbeat,
}

/// All that a master needs to know of an agent that it may never have seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reregister {
    /// The id that Registered gave.
    pub agent: AgentId,
    /// What the agent says now; replaces what it said before.
    pub info: AgentInfo,
    /// The last session it was in and the highest number it has recorded there.
    pub session: Option<(SessionId, u64)>,
    /// Every task that is not over, and every one whose last Update is not acknowledged.
    pub tasks: Vec<TaskRecord>,
    /// The frameworks' own executors that live.
    pub executors: Vec<(FrameworkId, ExecutorRecord)>,
    /// The highest epoch the agent has obeyed. A master with a lower one must stop.
    pub epoch: Epoch,
}

/// From the master to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The agent is part of the cluster.
    Registered(Welcome),
    /// The agent is part of the cluster again.
    Reregistered(Welcome),
    /// What must be done once, in the order of the numbers.
    Command {
        /// Counts from 1 in each session, without gaps.
        number: u64,
        /// What to do.
        command: Command,
    },
    /// The scheduler has taken in an Update.
    Acknowledge {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which task.
        task: TaskId,
        /// Which Update.
        update: UpdateId,
    },
    /// Bytes for an executor.
    Message {
        /// Whose executor it is.
        framework: FrameworkId,
        /// Which.
        executor: ExecutorId,
        /// Opaque to Stoa.
        data: Vec<u8>,
    },
    /// Asks for a piece of a log. Answered by Log.
    ReadLog {
        /// The question.
        request: RequestId,
        /// Whose task it is.
        framework: FrameworkId,
        /// What is wanted.
        log: LogRequest,
    },
    /// The agent is refused, with the reason, and the stream ends.
    Error {
        /// For people: what, why, and what to do.
        message: String,
        /// Whether the agent is gone: it may never come back under its id.
        is_final: bool,
        /// The epoch under which a final one is said: a former leader knows less than there is.
        epoch: Epoch,
    },
    /// The master lives.
    Heartbeat,
}

/// How a master greets an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The agent's id, to be kept for Reregister.
    pub agent: AgentId,
    /// The numbering of commands. The same as the last one if numbers go on, else from 1.
    pub session: SessionId,
    /// An agent that hears nothing for several of these should connect anew.
    pub heartbeat_ms: u64,
    /// The epoch under which the master leads; an agent that has obeyed a higher one refuses it.
    pub epoch: Epoch,
}

/// What an agent must do exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Run these tasks.
    Launch {
        /// Whose tasks they are.
        framework: FrameworkId,
        /// Whom they are charged to.
        role: Role,
        /// What to run.
        tasks: Vec<TaskInfo>,
    },
    /// End a task.
    Kill {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// Instead of the task's own policy.
        policy: Option<KillPolicy>,
    },
    /// Freeze a task, or let it go on.
    SetPaused {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// Whether it is frozen from now on.
        is_paused: bool,
    },
    /// End an executor and its tasks.
    Shutdown {
        /// Whose executor it is.
        framework: FrameworkId,
        /// Which.
        executor: ExecutorId,
    },
    /// End everything of a framework; nobody waits for its Updates any more.
    RemoveFramework {
        /// Which.
        framework: FrameworkId,
    },
    /// End every task, each by its own policy.
    Drain {
        /// The longest grace, in milliseconds, whatever a task's policy is.
        grace_max_ms: Option<u64>,
    },
    /// Nothing: what had this number was withdrawn before the agent recorded it.
    Nothing,
}
