//! The full names of tasks and executors: ids are unique within a framework only.
//! It never looks one up.

use std::fmt;

use crate::ids::{ExecutorId, FrameworkId, TaskId};

/// One task of the cluster. Shown as `framework/task`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskKey {
    /// Whose it is.
    pub framework: FrameworkId,
    /// Which.
    pub task: TaskId,
}

impl TaskKey {
    /// The name of `task` of `framework`.
    pub fn new(framework: &FrameworkId, task: &TaskId) -> Self {
        Self { framework: framework.clone(), task: task.clone() }
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.framework, self.task)
    }
}

/// One executor of an agent. Shown as `framework/executor`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExecutorKey {
    /// Whose it is.
    pub framework: FrameworkId,
    /// Which.
    pub executor: ExecutorId,
}

impl ExecutorKey {
    /// The name of `executor` of `framework`.
    pub fn new(framework: &FrameworkId, executor: &ExecutorId) -> Self {
        Self { framework: framework.clone(), executor: executor.clone() }
    }
}

impl fmt::Display for ExecutorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.framework, self.executor)
    }
}
