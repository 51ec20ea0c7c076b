//! The world's words made handy: short ways to make them, and how they are shown to people.

use std::fmt;

use crate::{ExecutorInfo, KillPolicy, NamedProgram, Program, Reason, TaskInfo};
use crate::{TaskState, TaskStatus};

impl TaskStatus {
    /// A status that says no more than the state.
    pub fn new(task: impl Into<String>, state: TaskState) -> Self {
        Self {
            task: task.into(),
            state,
            because: None,
            message: String::new(),
            usage: None,
            data: Vec::new(),
        }
    }
}

impl TaskState {
    /// Nothing can be said of a task after a terminal state.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Killed)
    }
}

impl KillPolicy {
    /// Without grace.
    pub const AT_ONCE: Self = Self { grace_ms: 0 };
}

impl TaskInfo {
    /// The program that its scheduler gave the task under this name.
    pub fn program(&self, name: &str) -> Option<&NamedProgram> {
        self.programs.iter().find(|program| program.name == name)
    }
}

impl ExecutorInfo {
    /// The program that the scheduler gave the executor under this name.
    pub fn program(&self, name: &str) -> Option<&NamedProgram> {
        self.programs.iter().find(|program| program.name == name)
    }
}

impl NamedProgram {
    /// The program with what it is told: its name as argument 0, these arguments, no environment.
    pub fn with_arguments<A: Into<String>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Program {
        Program {
            artifact: self.artifact.clone(),
            name: self.name.clone(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
        }
    }
}

impl Program {
    /// With this whole environment, in order.
    pub fn environment(self, environment: Vec<(String, String)>) -> Self {
        Self { environment, ..self }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Trapped(bug) => f.write_str(bug),
            Self::FuelExhausted => f.write_str("used up its fuel"),
            Self::MemoryExceeded => f.write_str("wanted more memory than granted"),
            Self::OutputExceeded => f.write_str("wrote more output than granted"),
            Self::DiskExceeded => f.write_str("used more disk than granted"),
            Self::TimedOut => f.write_str("its time was over"),
            Self::Killed => f.write_str("killed as asked"),
            Self::InvalidModule(why) => write!(f, "no valid module: {why}"),
            Self::MissingImport(what) => write!(f, "imports what nobody provides: {what}"),
            Self::GrantDenied(what) => write!(f, "grant denied: {what}"),
            Self::ContainerFailed(why) => write!(f, "no container could be made: {why}"),
        }
    }
}

impl std::error::Error for Reason {}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Killing => "KILLING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        })
    }
}
