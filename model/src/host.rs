//! What an agent and its executor host say to each other, so that the host can live in a process
//! of its own. It never holds what only one process can use.

use crate::ids::{AgentId, ExecutorId, FrameworkId, TaskId, UpdateId};
use crate::status::{Download, Reason, Usage};
use crate::task::{KillPolicy, TaskInfo, TaskState};

/// From the agent to the executor host. Of one framework they are obeyed in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Run a task; start its executor first if it does not live. All artifacts are in the agent's
    /// store.
    Launch {
        /// Whose task it is.
        framework: FrameworkId,
        /// What the executor sees as its agent.
        agent: AgentId,
        /// What to run.
        task: Box<TaskInfo>,
    },
    /// End a task.
    Kill {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// How.
        policy: KillPolicy,
    },
    /// Freeze all that runs for a task, or let it go on. Answered by an Update of the state that
    /// the task is in, with what it has used so far, if it runs.
    SetPaused {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// Whether it is frozen from now on.
        is_paused: bool,
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
    /// The scheduler has taken in an Update of a task.
    Acknowledge {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which task.
        task: TaskId,
        /// Which Update.
        update: UpdateId,
    },
    /// End an executor: shutdown first, and after the grace everything it still has.
    Shutdown {
        /// Whose executor it is.
        framework: FrameworkId,
        /// Which.
        executor: ExecutorId,
        /// Milliseconds between the notice and the end.
        grace_ms: u64,
    },
    /// End everything of a framework and say nothing about it any more. Its own executors have a
    /// short grace.
    RemoveFramework {
        /// Which.
        framework: FrameworkId,
    },
    /// The agent has come back after a restart that this host has outlived: every executor hears
    /// of it.
    Reregistered {
        /// What the executors see as their agent.
        agent: AgentId,
    },
}

/// From the executor host to the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A task has changed. After a terminal state nothing follows for the task.
    Update(Box<TaskChange>),
    /// Bytes from an executor to its scheduler.
    Message {
        /// Whose executor it is.
        framework: FrameworkId,
        /// Which.
        executor: ExecutorId,
        /// Opaque to Stoa.
        data: Vec<u8>,
    },
    /// A framework's own executor has ended; a terminal Update of each of its tasks came before. A
    /// task that is launched from here on, or was on its way, starts it anew.
    ExecutorEnded {
        /// Whose executor it was.
        framework: FrameworkId,
        /// Which.
        executor: ExecutorId,
        /// For people: what happened.
        message: String,
    },
    /// The logs of a task have grown to these sizes, in bytes.
    Output {
        /// Whose task it is.
        framework: FrameworkId,
        /// Which.
        task: TaskId,
        /// Bytes of stdout so far.
        stdout_bytes: u64,
        /// Bytes of stderr so far.
        stderr_bytes: u64,
    },
}

/// A change in a task's life as the executor host sees it; the agent makes it an Update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskChange {
    /// Whose task it is.
    pub framework: FrameworkId,
    /// Which.
    pub task: TaskId,
    /// The state it is in now.
    pub state: TaskState,
    /// Why.
    pub reason: Reason,
    /// For people.
    pub message: String,
    /// The guest's exit code, if it ended by itself.
    pub exit_code: Option<i32>,
    /// What the container has used, if it has ended.
    pub usage: Option<Usage>,
    /// Opaque bytes of the executor.
    pub data: Vec<u8>,
    /// What is to travel back, packed as artifacts of the agent's store.
    pub downloads: Vec<Download>,
}
