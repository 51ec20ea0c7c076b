//! Updates on their way to the scheduler: minted, recorded, sent one at a time per task, sent
//! again until acknowledged. It never decides which state a task gets.

use stoa_model::agent_link::Call;
use stoa_model::host;
use stoa_model::ids::UpdateId;
use stoa_model::instant::Instant;
use stoa_model::limits::MESSAGE_BYTES_MAX;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{TaskInfo, TaskState};
use stoa_planted::{Bug, is_planted};

use crate::Agent;
use crate::action::Action;
use crate::limits::SANDBOXES_MAX;
use crate::record::Record;
use crate::tasks::Stage;
use stoa_model::keys::{ExecutorKey, TaskKey};

impl Agent {
    /// A status of this agent's own, with a new Update.
    pub(crate) fn status(
        &mut self,
        now: Instant,
        task: &TaskInfo,
        state: TaskState,
        reason: Reason,
    ) -> TaskStatus {
        self.updates_made += 1;
        let high = u128::from(self.config.incarnation) << 64;
        let agent = self.kept.agent().cloned();
        TaskStatus {
            executor: task.executor().map(|executor| executor.id.clone()),
            update: Some(UpdateId(high | u128::from(self.updates_made))),
            ..TaskStatus::by_master(task.id.clone(), agent, state, reason, now.ms)
        }
    }

    /// Ends a live task as the agent sees fit.
    pub(crate) fn end(
        &mut self,
        now: Instant,
        key: &TaskKey,
        (state, reason, message): (TaskState, Reason, &str),
        actions: &mut Vec<Action>,
    ) {
        let Some(task) = self.kept.tasks.get(key) else {
            return;
        };
        let info = task.info().clone();
        let status = self.status(now, &info, state, reason).with_message(cut(message));
        self.update(now, key, status, actions);
    }

    /// Records a change of a live task and sends it as soon as its turn comes.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        key: &TaskKey,
        status: TaskStatus,
        actions: &mut Vec<Action>,
    ) {
        let is_end = status.state.is_terminal();
        let updated = Record::Updated { framework: key.framework.clone(), status };
        self.record_unless(Bug::AgentForgetsUpdate, updated, actions);
        let resend_ms = self.config.resend_ms_min;
        if !self.resends.contains(key) {
            self.send_head(now, key, resend_ms, actions);
        } else if is_end {
            // The one in flight will say that the task is over, and its resources are free.
            self.resends.hasten(key, now.plus_ms(resend_ms));
        }
        if is_end {
            self.on_ended(key, actions);
        }
    }

    /// What else follows from the end of a task.
    fn on_ended(&mut self, key: &TaskKey, actions: &mut Vec<Action>) {
        self.artifacts.forget(key);
        self.wake_logs(key, actions);
        self.publish(key, 1, actions);
        self.release_executor(key, actions);
    }

    /// Sends the oldest Update of a task that is not acknowledged, and again after `delay_ms`.
    pub(crate) fn send_head(
        &mut self,
        now: Instant,
        key: &TaskKey,
        delay_ms: u64,
        actions: &mut Vec<Action>,
    ) {
        let Some(task) = self.kept.tasks.get(key).filter(|_| self.link.is_open()) else {
            return;
        };
        let Some(status) = task.head().cloned() else {
            return;
        };
        let longer_ms = delay_ms.saturating_mul(2).min(self.config.resend_ms_max);
        self.resends.set(key.clone(), now.plus_ms(delay_ms), longer_ms);
        let (framework, latest) = (key.framework.clone(), task.state());
        actions.push(Action::ToMaster(Call::Update { framework, status, latest }));
    }

    /// Sends the oldest Update of every task, now that the master listens again.
    pub(crate) fn resume_updates(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let waiting = self.kept.tasks.iter().filter(|(_, task)| task.head().is_some());
        let waiting: Vec<_> = waiting.map(|(key, _)| key.clone()).collect();
        for key in waiting {
            self.send_head(now, &key, self.config.resend_ms_min, actions);
        }
    }

    /// An acknowledgement of anything but the oldest Update is an old one and says nothing.
    pub(crate) fn on_acknowledge(
        &mut self,
        now: Instant,
        key: TaskKey,
        update: UpdateId,
        actions: &mut Vec<Action>,
    ) {
        let Some(task) = self.kept.tasks.get(&key) else {
            return;
        };
        if task.head().and_then(|status| status.update) != Some(update) {
            return;
        }
        let has_executor = match task.info().executor() {
            Some(executor) => self
                .kept
                .executors
                .get(&ExecutorKey::new(&key.framework, &executor.id))
                .is_some_and(|executor| executor.is_started),
            // The built-in executor has no more to do with a task that is over.
            None => task.is_live() && task.stage() == Stage::Delivered,
        };
        let (latest, head) = (task.state(), task.head().cloned());
        let TaskKey { framework, task } = key.clone();
        self.record(Record::Acknowledged { framework, task, update }, actions);
        if let Some(status) = head.filter(|_| is_planted(Bug::AgentResendsAcknowledged)) {
            let framework = key.framework.clone();
            actions.push(Action::ToMaster(Call::Update { framework, status, latest }));
        }
        self.resends.remove(&key);
        self.send_head(now, &key, self.config.resend_ms_min, actions);
        if has_executor {
            let TaskKey { framework, task } = key;
            let command = host::Command::Acknowledge { framework, task, update };
            actions.push(Action::ToHost(command));
        }
        self.trim_sandboxes(actions);
    }

    /// Removes the oldest sandboxes above the limit. The files go first: an agent that ends in
    /// between removes them again.
    pub(crate) fn trim_sandboxes(&mut self, actions: &mut Vec<Action>) {
        while self.kept.sandboxes.len() > SANDBOXES_MAX
            && let Some(TaskKey { framework, task }) = self.kept.sandboxes.oldest().cloned()
        {
            let (framework_too, task_too) = (framework.clone(), task.clone());
            actions.push(Action::RemoveSandbox { framework: framework_too, task: task_too });
            self.record(Record::SandboxRemoved { framework, task }, actions);
        }
    }
}

/// The message, cut where it is longer than a status may hold, with a note that says so.
pub(crate) fn cut(message: &str) -> String {
    const NOTE: &str = " … (cut)";
    if message.len() <= MESSAGE_BYTES_MAX {
        return message.to_owned();
    }
    let end = message.floor_char_boundary(MESSAGE_BYTES_MAX - NOTE.len());
    format!("{}{NOTE}", &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_message_is_cut_between_characters_and_says_so() {
        for pad in 0..3 {
            let message = format!("{}{}", "x".repeat(pad), "ä€".repeat(MESSAGE_BYTES_MAX));
            let short = cut(&message);
            assert!(short.len() <= MESSAGE_BYTES_MAX && short.ends_with(" … (cut)"));
        }
        assert_eq!(cut("as it is"), "as it is");
    }
}
