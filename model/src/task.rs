//! A task: what a scheduler launches, and where it is in its life. It never changes a state: the
//! cores do, each in its `tasks.rs`.

use crate::command::{CommandInfo, Grants, NamedProgram};
use crate::digest::Digest;
use crate::ids::{AgentId, ExecutorId, FrameworkId, Role, TaskId};
use crate::resources::Resources;
use crate::status::TaskStatus;

/// A key and a value that mean something to people and schedulers, and nothing to Stoa.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The key, not empty.
    pub key: String,
    /// The value, may be empty.
    pub value: String,
}

/// One piece of work with one life, as the scheduler describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskInfo {
    /// Chosen by the scheduler, used once per framework.
    pub id: TaskId,
    /// For people; need not be unique.
    pub name: String,
    /// The agent of the offers that the task is launched on.
    pub agent: AgentId,
    /// Charged to the framework as long as the task lives. `memory_bytes` is also the container's
    /// limit on the sum of its linear memories and tables, `disk_bytes` that on its sandbox.
    pub resources: Resources,
    /// What to run, and by whom.
    pub body: TaskBody,
    /// Limits beyond the resources.
    pub limits: Limits,
    /// For people and schedulers.
    pub labels: Vec<Label>,
    /// How to end the task when it is killed.
    pub kill_policy: KillPolicy,
    /// Milliseconds from RUNNING after which the task is ended; none is no limit.
    pub max_completion_ms: Option<u64>,
}

/// What a task runs: a program by the built-in `command` executor, or data for an executor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every task is the large one")]
pub enum TaskBody {
    /// A wasm program, run by the executor that ships with Stoa.
    Command(CommandInfo),
    /// Data that is handed to the framework's own executor.
    Executor(Box<ExecutorTask>),
}

/// What a task is when a framework's own executor runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorTask {
    /// The executor; started with the first task that names it.
    pub executor: ExecutorInfo,
    /// What the executor is told; opaque to Stoa.
    pub data: Vec<u8>,
    /// Programs of this task, besides those of the executor. All are compiled before the executor
    /// hears of the task.
    pub programs: Vec<NamedProgram>,
    /// For the programs that the executor starts: it passes it on.
    pub environment: Vec<(String, String)>,
    /// What the programs that the executor starts may touch.
    pub grants: Grants,
}

impl TaskInfo {
    /// The framework's own executor that this task is for, if it is for one.
    pub fn executor(&self) -> Option<&ExecutorInfo> {
        match &self.body {
            TaskBody::Command(_) => None,
            TaskBody::Executor(task) => Some(&task.executor),
        }
    }

    /// Every artifact the agent needs before the task can start, each once.
    pub fn artifacts(&self) -> Vec<Digest> {
        let mut digests = match &self.body {
            TaskBody::Command(command) => {
                std::iter::once(command.program).chain(command.grants.artifacts()).collect()
            }
            TaskBody::Executor(task) => task.artifacts(),
        };
        digests.sort_unstable();
        digests.dedup();
        digests
    }
}

impl ExecutorTask {
    /// A task that has no programs of its own and is granted nothing.
    pub fn new(executor: ExecutorInfo, data: Vec<u8>) -> Self {
        Self {
            executor,
            data,
            programs: Vec::new(),
            environment: Vec::new(),
            grants: Grants::default(),
        }
    }

    /// Everything the executor and this task of it need.
    fn artifacts(&self) -> Vec<Digest> {
        let programs = self.programs.iter().chain(&self.executor.programs);
        std::iter::once(self.executor.program)
            .chain(programs.map(|named| named.program))
            .chain(self.grants.artifacts())
            .collect()
    }
}

/// An executor: a wasm component of the world `stoa:executor`, one per framework and id on an
/// agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorInfo {
    /// Chosen by the scheduler.
    pub id: ExecutorId,
    /// For people.
    pub name: String,
    /// The component.
    pub program: Digest,
    /// Programs that it may start for itself and for any of its tasks.
    pub programs: Vec<NamedProgram>,
    /// Charged to the framework as long as the executor lives, on top of its tasks' resources.
    /// `memory_bytes` limits the executor and what it starts for itself together.
    pub resources: Resources,
    /// Handed to the executor when it is registered; opaque to Stoa.
    pub data: Vec<u8>,
    /// Milliseconds without a task or message after which it is shut down.
    pub idle_ms: u64,
}

impl ExecutorInfo {
    /// An executor without programs and data.
    pub fn new(id: ExecutorId, program: Digest, resources: Resources) -> Self {
        Self {
            name: id.to_string(),
            id,
            program,
            programs: Vec::new(),
            resources,
            data: Vec::new(),
            idle_ms: EXECUTOR_IDLE_MS_DEFAULT,
        }
    }
}

/// Milliseconds an executor that asks for nothing else may be idle: 10 minutes.
pub const EXECUTOR_IDLE_MS_DEFAULT: u64 = 600_000;

/// Limits of a container that are no shared resource. Each ends the task with its own reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Units of fuel (about one per wasm instruction); none is metered but not limited.
    pub fuel: Option<u64>,
    /// Bytes of stdout and stderr together.
    pub output_bytes: u64,
}

/// Bytes of output of a task that asks for no other limit: 64 MiB.
pub const OUTPUT_BYTES_DEFAULT: u64 = 64 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: None, output_bytes: OUTPUT_BYTES_DEFAULT }
    }
}

/// How a task is ended when it is killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KillPolicy {
    /// Milliseconds between the notice and the end; 0 ends the task at once.
    pub grace_ms: u64,
}

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    /// Launched by the scheduler; the agent has not started it.
    Staging,
    /// On the agent: its artifacts are fetched or compiled.
    Starting,
    /// The guest runs.
    Running,
    /// A kill with grace is under way.
    Killing,
    /// Ended by itself with exit code 0.
    Finished,
    /// Ended by itself otherwise, by a trap, by a limit, or could not start.
    Failed,
    /// Ended because its scheduler or an operator asked for it.
    Killed,
    /// Refused as described: launching it again unchanged is pointless.
    Error,
    /// Never started; launching it again is safe.
    Dropped,
    /// Its agent does not answer. It may come back.
    Unreachable,
    /// It was on an agent that has lost it or is gone; it does not run and never will again.
    Gone,
    /// Nobody knows of such a task. Only in answers to Reconcile.
    Unknown,
}

impl TaskState {
    /// Every state, for doors and tests.
    pub const ALL: [Self; 12] = [
        Self::Staging,
        Self::Starting,
        Self::Running,
        Self::Killing,
        Self::Finished,
        Self::Failed,
        Self::Killed,
        Self::Error,
        Self::Dropped,
        Self::Unreachable,
        Self::Gone,
        Self::Unknown,
    ];

    /// A terminal task never runs again and holds no resources.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Finished | Self::Failed | Self::Killed | Self::Error | Self::Dropped | Self::Gone
        )
    }

    /// Whether a task in this state is charged for its resources: an unreachable one is not, as
    /// its agent offers nothing; it is charged again if the agent comes back with it.
    pub const fn holds_resources(self) -> bool {
        matches!(self, Self::Staging | Self::Starting | Self::Running | Self::Killing)
    }

    /// The state in capitals, as it stands on the wire and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "STAGING",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Killing => "KILLING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
            Self::Error => "ERROR",
            Self::Dropped => "DROPPED",
            Self::Unreachable => "UNREACHABLE",
            Self::Gone => "GONE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl std::fmt::Display for TaskState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What master, agent and operators know of a task: its description without its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRecord {
    /// Whose task it is.
    pub framework: FrameworkId,
    /// Its id.
    pub id: TaskId,
    /// Its name for people.
    pub name: String,
    /// Where it is.
    pub agent: AgentId,
    /// What it is charged while it holds resources.
    pub resources: Resources,
    /// Whom it is charged to.
    pub role: Role,
    /// The framework's own executor that runs it, if one does.
    pub executor: Option<ExecutorRecord>,
    /// Its labels.
    pub labels: Vec<Label>,
    /// The newest state known, which may be newer than that of `status`.
    pub state: TaskState,
    /// The newest status known; none as long as it is STAGING.
    pub status: Option<TaskStatus>,
    /// Whether it is to be frozen: it keeps what it holds, and uses no cpu.
    pub is_paused: bool,
}

/// What master and agent know of an executor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorRecord {
    /// Its id.
    pub id: ExecutorId,
    /// What it is charged as long as it lives.
    pub resources: Resources,
    /// Whom it is charged to: the role of the task that brought it.
    pub role: Role,
}

impl TaskRecord {
    /// The record of a task that was just launched by `framework` on an offer for `role`.
    pub fn staging(framework: FrameworkId, role: Role, info: &TaskInfo) -> Self {
        let executor = info.executor().map(|executor| ExecutorRecord {
            id: executor.id.clone(),
            resources: executor.resources.clone(),
            role: role.clone(),
        });
        Self {
            framework,
            id: info.id.clone(),
            name: info.name.clone(),
            agent: info.agent.clone(),
            resources: info.resources.clone(),
            role,
            executor,
            labels: info.labels.clone(),
            state: TaskState::Staging,
            status: None,
            is_paused: false,
        }
    }
}
