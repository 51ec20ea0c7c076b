//! The checkpoint's vocabulary: what an agent must remember to survive its own end. It never
//! applies a record; `recovered.rs` does.

use std::sync::Arc;

use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, Role, SessionId, TaskId, UpdateId};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{ExecutorRecord, KillPolicy, TaskInfo};

/// One fact. All of them in order give [`Recovered`](crate::Recovered).
///
/// A Launch, Kill, SetPaused, Shutdown or RemoveFramework command writes what it changes and then
/// `CommandApplied`; if the process ends in between, the master sends the command again and what
/// is written already is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The agent runs for the first time since its machine was started.
    Booted {
        /// What the machine calls this start.
        boot: String,
    },
    /// The agent obeys a later leader than before, and none before that one any more.
    EpochRaised {
        /// The leader's.
        epoch: Epoch,
    },
    /// The agent has an id and is in a session; the numbers of commands start again.
    Registered {
        /// The agent's id, for life.
        agent: AgentId,
        /// The new session.
        session: SessionId,
    },
    /// Every other record of this command is written.
    CommandApplied {
        /// The command's number in the session.
        number: u64,
    },
    /// A task is admitted and charged. It has not been handed to the host.
    Launched {
        /// Whose task it is.
        framework: FrameworkId,
        /// Whom it is charged to.
        role: Role,
        /// What to run. Without its body where compaction wrote it after the host had the task.
        task: Arc<TaskInfo>,
    },
    /// A task is not admitted; this is its only Update.
    Refused {
        /// Whose task it is.
        framework: FrameworkId,
        /// Whom it would have been charged to.
        role: Role,
        /// What was to run.
        task: Arc<TaskInfo>,
        /// Its end.
        status: TaskStatus,
    },
    /// A task is handed to the host; from here on it may have run.
    Delivered {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
    },
    /// The host is told to end a task.
    KillRequested {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// How.
        policy: KillPolicy,
        /// Why, which the host does not know.
        reason: Reason,
    },
    /// The host is told to freeze a task or to let it go on, as soon as it has the task.
    PausedSet {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// Whether it is frozen from then on.
        is_paused: bool,
    },
    /// A task has changed. If the status has downloads it waits for `Published`.
    Updated {
        /// Whose task it is.
        framework: FrameworkId,
        /// The change, with its Update.
        status: TaskStatus,
    },
    /// The downloads of a task that is over are with the master, or never will be.
    Published {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// For people: why they never will be. The status then loses them and says this.
        failure: Option<String>,
    },
    /// The oldest Update of a task is acknowledged. If it is the end, the task is forgotten and
    /// its sandbox is kept.
    Acknowledged {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// The Update.
        update: UpdateId,
    },
    /// A framework's own executor is admitted with the first task that names it, and charged.
    ExecutorAdmitted {
        /// Whose executor it is.
        framework: FrameworkId,
        /// Its id and what it is charged.
        executor: ExecutorRecord,
        /// Its component.
        program: Digest,
    },
    /// The first task of an executor is handed to the host; from here on it may live.
    ExecutorStarted {
        /// Whose executor it is.
        framework: FrameworkId,
        /// Which.
        executor: ExecutorId,
    },
    /// The host is told to end an executor.
    ShutdownRequested {
        /// Whose executor it is.
        framework: FrameworkId,
        /// Which.
        executor: ExecutorId,
    },
    /// An executor is over; its resources are free.
    ExecutorEnded {
        /// Whose executor it was.
        framework: FrameworkId,
        /// Which.
        executor: ExecutorId,
    },
    /// What a host has said up to and with this number is written.
    HostHeard {
        /// Whose host it is.
        framework: FrameworkId,
        /// Which of those that this framework has had.
        host: u64,
        /// The number of the host's last event.
        number: u64,
    },
    /// Everything of a framework is forgotten, but for the sandboxes.
    FrameworkRemoved {
        /// Which.
        framework: FrameworkId,
    },
    /// A task is over and acknowledged; its sandbox is kept. Only compaction writes this.
    SandboxKept {
        /// Whose task it was.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
    },
    /// The sandbox of a task that is over is removed.
    SandboxRemoved {
        /// Whose task it was.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
    },
}
