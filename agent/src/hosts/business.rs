//! What lives in an executor host, as it can be told from what goes in and comes out. It never asks
//! the time.

use std::collections::BTreeSet;

use stoa_model::host::{Command, Event};
use stoa_model::ids::{ExecutorId, TaskId};

/// What lives in the host of one framework.
#[derive(Debug, Default)]
pub struct Business {
    tasks: BTreeSet<TaskId>,
    /// The framework's own executors.
    executors: BTreeSet<ExecutorId>,
    /// Commands of the agent that is there.
    pub commands: u64,
}

impl Business {
    /// The host is told to do something.
    pub fn on_command(&mut self, command: &Command) {
        self.commands += 1;
        match command {
            Command::Launch { task, .. } => {
                self.tasks.insert(task.id.clone());
                self.executors.extend(task.executor().map(|executor| executor.id.clone()));
            }
            Command::RemoveFramework { .. } => {
                self.tasks.clear();
                self.executors.clear();
            }
            Command::Kill { .. }
            | Command::SetPaused { .. }
            | Command::Message { .. }
            | Command::Acknowledge { .. }
            | Command::Shutdown { .. }
            | Command::Reregistered { .. } => {}
        }
    }

    /// The host has said something.
    pub fn on_event(&mut self, event: &Event) {
        match event {
            Event::Update(change) if change.state.is_terminal() => {
                self.tasks.remove(&change.task);
            }
            Event::ExecutorEnded { executor, .. } => {
                self.executors.remove(executor);
            }
            Event::Update(_) | Event::Message { .. } | Event::Output { .. } => {}
        }
    }

    /// Whether nothing lives.
    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty() && self.executors.is_empty()
    }
}
