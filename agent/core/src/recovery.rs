//! The first step: what the checkpoint left unfinished. It never reads the checkpoint.

use stoa_model::host;
use stoa_model::instant::Instant;
use stoa_model::status::Reason;
use stoa_model::task::TaskState;
use stoa_planted::{Bug, is_planted};

use crate::Agent;
use crate::action::Action;
use crate::limits::SHUTDOWN_GRACE_MS;
use crate::record::Record;
use crate::tasks::{Kill, Stage};
use stoa_model::keys::TaskKey;

/// What becomes of tasks that ran, for people.
const RESTARTED: &str = "the task did not survive a restart of its agent";
const REBOOTED: &str = "the task did not survive a restart of its agent's machine";

impl Agent {
    pub(crate) fn begin(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let is_rebooted = self.note_boot(actions);
        if is_rebooted {
            self.on_host_lost(now, (Reason::AgentRebooted, REBOOTED), actions);
        } else if self.config.is_host_fresh {
            self.on_host_lost(now, (Reason::AgentRestarted, RESTARTED), actions);
        } else {
            self.remind_host(actions);
        }
        self.trim_sandboxes(actions);
        self.connect(now, actions);
    }

    /// Notes which start of the machine this is; answers whether the agent ran in another before.
    fn note_boot(&mut self, actions: &mut Vec<Action>) -> bool {
        let Some(boot) =
            self.config.boot.clone().filter(|boot| Some(boot) != self.kept.boot.as_ref())
        else {
            return false;
        };
        let is_rebooted = self.kept.boot.is_some() && !is_planted(Bug::AgentMissesReboot);
        self.record(Record::Booted { boot }, actions);
        is_rebooted
    }

    /// Everything that ran is gone with the host; what never got there can be launched again.
    fn on_host_lost(
        &mut self,
        now: Instant,
        (reason, ran): (Reason, &str),
        actions: &mut Vec<Action>,
    ) {
        let live = self.kept.tasks.iter().filter(|(_, task)| task.is_live());
        let live: Vec<_> = live.map(|(key, task)| (key.clone(), task.stage())).collect();
        for (key, stage) in live {
            if stage == Stage::Delivered && is_planted(Bug::AgentStartsAgain) {
                self.hand_over(&key, actions);
                continue;
            }
            let (state, message) = match stage {
                Stage::Delivered => (TaskState::Gone, ran),
                _ => (TaskState::Dropped, "the agent was started again before it started the task"),
            };
            self.end(now, &key, (state, reason, message), actions);
        }
        self.forget_executors(actions);
    }

    /// The agent may have ended between a record and what it stands for, so the host, which has
    /// lived on, is told once more. It passes over what it has done: a Launch of a task that it
    /// has or had, and the end of what it has not. Its executors hear first that the agent is back.
    fn remind_host(&mut self, actions: &mut Vec<Action>) {
        if let Some(agent) = self.kept.agent().cloned() {
            actions.push(Action::ToHost(host::Command::Reregistered { agent }));
        }
        for framework in self.kept.frameworks_removed.iter().cloned() {
            actions.push(Action::ToHost(host::Command::RemoveFramework { framework }));
        }
        for (key, task) in self.kept.tasks.iter().filter(|(_, task)| task.is_live()) {
            if task.stage() == Stage::Delivered && task.state() == TaskState::Staging {
                self.hand_over(key, actions);
            } else {
                self.hand_over_paused(key, actions);
            }
            if let Some(Kill { policy, .. }) = task.kill() {
                let TaskKey { framework, task } = key.clone();
                actions.push(Action::ToHost(host::Command::Kill { framework, task, policy }));
            }
        }
        for (key, executor) in &self.kept.executors {
            if executor.is_ending {
                self.shut_down(key, SHUTDOWN_GRACE_MS, actions);
            }
        }
    }
}
