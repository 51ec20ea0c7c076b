//! What the executor host reports: a change of a task is checked and becomes an Update. It never
//! trusts that the host and the agent agree.

use stoa_model::host::{Event, TaskChange};
use stoa_model::instant::Instant;
use stoa_model::limits::DATA_BYTES_MAX;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{TaskInfo, TaskState};

use crate::Agent;
use crate::action::{Action, Warning};
use crate::limits::UPDATES_WAITING_MAX;
use crate::tasks::{Stage, may_follow};
use crate::updates::cut;
use stoa_model::keys::{ExecutorKey, TaskKey};

impl Agent {
    pub(crate) fn on_host(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Update(change) => self.on_change(now, *change, actions),
            Event::Message { framework, executor, data } => {
                self.on_message_from_host(ExecutorKey { framework, executor }, data, actions);
            }
            Event::ExecutorEnded { framework, executor, message } => {
                let key = ExecutorKey { framework, executor };
                self.on_executor_ended(now, key, &message, actions);
            }
            Event::Output { framework, task, stdout_bytes, stderr_bytes } => {
                let key = TaskKey { framework, task };
                self.on_output(key, (stdout_bytes, stderr_bytes), actions);
            }
        }
    }

    fn on_change(&mut self, now: Instant, mut change: TaskChange, actions: &mut Vec<Action>) {
        let key = TaskKey::new(&change.framework, &change.task);
        let task = self.kept.tasks.get(&key).filter(|task| task.stage() == Stage::Delivered);
        let Some(task) = task else {
            // The host may still speak of a framework it has not yet been told to end.
            if !self.kept.frameworks_removed.contains(&change.framework) {
                let warning = Warning::ChangeOfUnknownTask { task: key, state: change.state };
                actions.push(Action::Warn(warning));
            }
            return;
        };
        let from = task.state();
        if change.state == TaskState::Dropped && may_follow(from, TaskState::Gone) {
            change.state = dropped_after(from);
        }
        if let Some(kill) = task.kill().filter(|_| change.reason == Reason::KillRequested) {
            change.reason = kill.reason;
        }
        let to = change.state;
        if !may_follow(from, to) {
            let warning = Warning::ChangeIllegal { task: key, from, to };
            return actions.push(Action::Warn(warning));
        }
        if !to.is_terminal() && task.updates().len() >= UPDATES_WAITING_MAX {
            return actions.push(Action::Warn(Warning::UpdatesTooMany(key)));
        }
        let info = task.info().clone();
        let status = self.status_of(now, &info, change);
        self.update(now, &key, status, actions);
    }

    fn status_of(&mut self, now: Instant, info: &TaskInfo, change: TaskChange) -> TaskStatus {
        let TaskChange { state, reason, mut message, mut data, .. } = change;
        if data.len() > DATA_BYTES_MAX {
            let note = format!("the {} bytes of its data are too many and left out", data.len());
            message = format!("{note}; {message}");
            data = Vec::new();
        }
        // Only what a task leaves behind travels back.
        let downloads = if state.is_terminal() { change.downloads } else { Vec::new() };
        TaskStatus {
            message: cut(&message),
            exit_code: change.exit_code,
            usage: change.usage,
            data,
            downloads,
            ..self.status(now, info, state, reason)
        }
    }
}

/// DROPPED promises that the task never ran, so one that did is GONE.
fn dropped_after(from: TaskState) -> TaskState {
    if may_follow(from, TaskState::Dropped) { TaskState::Dropped } else { TaskState::Gone }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_that_ran_is_never_dropped() {
        assert_eq!(dropped_after(TaskState::Starting), TaskState::Dropped);
        assert_eq!(dropped_after(TaskState::Running), TaskState::Gone);
        assert_eq!(dropped_after(TaskState::Killing), TaskState::Gone);
    }
}
