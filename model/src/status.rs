//! What became of a task: state, reason, message and what it used. It never travels alone: an
//! Update carries it.

use crate::digest::Digest;
use crate::ids::{AgentId, ExecutorId, TaskId, UpdateId};
use crate::task::TaskState;

/// One change in a task's life.
///
/// Invariant: it has an `update` exactly if an agent made it; such a status must be acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStatus {
    /// Which task.
    pub task: TaskId,
    /// Where it is or was, if that is known.
    pub agent: Option<AgentId>,
    /// The state it is in now.
    pub state: TaskState,
    /// Why it is in that state.
    pub reason: Reason,
    /// For people: what happened, in a sentence without a full stop. May be empty.
    pub message: String,
    /// The guest's exit code, if it ended by itself.
    pub exit_code: Option<i32>,
    /// What the container has used, in terminal states that followed a start.
    pub usage: Option<Usage>,
    /// Opaque bytes of the executor.
    pub data: Vec<u8>,
    /// The framework's own executor that runs the task, if one does.
    pub executor: Option<ExecutorId>,
    /// What travelled back from the sandbox.
    pub downloads: Vec<Download>,
    /// Milliseconds since the Unix epoch, by the clock of who made it.
    pub at_ms: u64,
    /// The Update that must be acknowledged; none in what a master says by itself.
    pub update: Option<UpdateId>,
}

impl TaskStatus {
    /// A status made by a master, which nobody needs to acknowledge.
    pub fn by_master(
        task: TaskId,
        agent: Option<AgentId>,
        state: TaskState,
        reason: Reason,
        at_ms: u64,
    ) -> Self {
        Self {
            task,
            agent,
            state,
            reason,
            message: String::new(),
            exit_code: None,
            usage: None,
            data: Vec::new(),
            executor: None,
            downloads: Vec::new(),
            at_ms,
            update: None,
        }
    }

    /// This status with a message for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }
}

/// A directory of the sandbox that was packed when the task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Where the guest saw it.
    pub guest_path: String,
    /// The tar archive, kept by the master as an artifact.
    pub archive: Digest,
}

/// What a container has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Units of fuel.
    pub fuel: u64,
    /// Microseconds from the start to the end.
    pub wall_us: u64,
    /// The most bytes that all linear memories and tables held at one time.
    pub memory_peak_bytes: u64,
    /// Bytes of stdout and stderr together.
    pub output_bytes: u64,
}

/// Why a task is in its state. Each way to end has its own reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The ordinary next step: started, compiling, told to end.
    Progress,
    /// The guest ended by itself; the status has its exit code.
    Exited,
    /// The guest trapped: its own bug, such as `unreachable` or a bad memory access.
    Trapped,
    /// The budget of fuel was used up.
    FuelExhausted,
    /// The guest wanted more memory than it was granted and did not survive the refusal.
    MemoryExceeded,
    /// More output than granted.
    OutputExceeded,
    /// More disk than granted.
    DiskExceeded,
    /// `max_completion_ms` was over.
    TimedOut,
    /// The scheduler or an operator asked for the end.
    KillRequested,
    /// The bytes are no wasm module or component that can be compiled.
    InvalidModule,
    /// The program imports what nobody provides.
    MissingImport,
    /// A grant asks for what the agent's operator does not allow or what is not there.
    GrantDenied,
    /// No store has the artifact.
    ArtifactNotFound,
    /// The artifact could not be fetched, or was not what its digest says.
    ArtifactFailed,
    /// The container could not be made although all it needs was there.
    ContainerFailed,
    /// The executor was lost and its tasks with it.
    ExecutorLost,
    /// The executor refused the task.
    ExecutorRefused,
    /// The executor said so itself.
    ExecutorReported,
    /// The task's framework was removed.
    FrameworkRemoved,
    /// An offer of the Launch was not valid any more, or never was.
    OfferInvalid,
    /// The description of the task is not legal.
    TaskInvalid,
    /// The task needs more than its offers hold.
    ResourcesExceeded,
    /// The agent cannot take the task now.
    AgentRefused,
    /// The agent was lost before the task reached it.
    AgentLost,
    /// The agent has not answered for too long.
    AgentUnreachable,
    /// The agent came back, with the task.
    AgentReregistered,
    /// The agent started again and the task did not survive it.
    AgentRestarted,
    /// The agent came back, without the task.
    AgentForgot,
    /// An answer to Reconcile.
    Reconciliation,
    /// An operator has said that the agent is gone.
    AgentGone,
    /// The agent is drained, and the task was ended for it.
    AgentDraining,
    /// The agent's machine started again and the task did not survive it.
    AgentRebooted,
    /// The process of the executor host has ended, and the task with it.
    HostLost,
}

impl Reason {
    /// Every reason, for doors and tests.
    pub const ALL: [Self; 33] = [
        Self::Progress,
        Self::Exited,
        Self::Trapped,
        Self::FuelExhausted,
        Self::MemoryExceeded,
        Self::OutputExceeded,
        Self::DiskExceeded,
        Self::TimedOut,
        Self::KillRequested,
        Self::InvalidModule,
        Self::MissingImport,
        Self::GrantDenied,
        Self::ArtifactNotFound,
        Self::ArtifactFailed,
        Self::ContainerFailed,
        Self::ExecutorLost,
        Self::ExecutorRefused,
        Self::ExecutorReported,
        Self::FrameworkRemoved,
        Self::OfferInvalid,
        Self::TaskInvalid,
        Self::ResourcesExceeded,
        Self::AgentRefused,
        Self::AgentLost,
        Self::AgentUnreachable,
        Self::AgentReregistered,
        Self::AgentRestarted,
        Self::AgentForgot,
        Self::Reconciliation,
        Self::AgentGone,
        Self::AgentDraining,
        Self::AgentRebooted,
        Self::HostLost,
    ];

    /// The reason in capitals, as it stands on the wire and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Progress => "PROGRESS",
            Self::Exited => "EXITED",
            Self::Trapped => "TRAPPED",
            Self::FuelExhausted => "FUEL_EXHAUSTED",
            Self::MemoryExceeded => "MEMORY_EXCEEDED",
            Self::OutputExceeded => "OUTPUT_EXCEEDED",
            Self::DiskExceeded => "DISK_EXCEEDED",
            Self::TimedOut => "TIMED_OUT",
            Self::KillRequested => "KILL_REQUESTED",
            Self::InvalidModule => "INVALID_MODULE",
            Self::MissingImport => "MISSING_IMPORT",
            Self::GrantDenied => "GRANT_DENIED",
            Self::ArtifactNotFound => "ARTIFACT_NOT_FOUND",
            Self::ArtifactFailed => "ARTIFACT_FAILED",
            Self::ContainerFailed => "CONTAINER_FAILED",
            Self::ExecutorLost => "EXECUTOR_LOST",
            Self::ExecutorRefused => "EXECUTOR_REFUSED",
            Self::ExecutorReported => "EXECUTOR_REPORTED",
            Self::FrameworkRemoved => "FRAMEWORK_REMOVED",
            Self::OfferInvalid => "OFFER_INVALID",
            Self::TaskInvalid => "TASK_INVALID",
            Self::ResourcesExceeded => "RESOURCES_EXCEEDED",
            Self::AgentRefused => "AGENT_REFUSED",
            Self::AgentLost => "AGENT_LOST",
            Self::AgentUnreachable => "AGENT_UNREACHABLE",
            Self::AgentReregistered => "AGENT_REREGISTERED",
            Self::AgentRestarted => "AGENT_RESTARTED",
            Self::AgentForgot => "AGENT_FORGOT",
            Self::Reconciliation => "RECONCILIATION",
            Self::AgentGone => "AGENT_GONE",
            Self::AgentDraining => "AGENT_DRAINING",
            Self::AgentRebooted => "AGENT_REBOOTED",
            Self::HostLost => "HOST_LOST",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
