//! The first step: what the checkpoint left unfinished. It never reads the checkpoint.

use std::collections::BTreeSet;

use stoa_model::host;
use stoa_model::ids::FrameworkId;
use stoa_model::instant::Instant;
use stoa_model::status::Reason;
use stoa_model::task::TaskState;
use stoa_planted::{Bug, is_planted};

use crate::Agent;
use crate::action::Action;
use crate::config::HostsFound;
use crate::limits::SHUTDOWN_GRACE_MS;
use crate::record::Record;
use crate::tasks::{Kill, Stage, Task};
use stoa_model::keys::TaskKey;

/// What becomes of tasks that ran, for people.
const RESTARTED: &str = "the task did not survive a restart of its agent";
const ABSENT: &str = "while its agent was away";
const REBOOTED: &str = "the task did not survive a restart of its agent's machine";

impl Agent {
    pub(crate) fn begin(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let is_rebooted = self.note_boot(actions);
        if is_rebooted {
            self.on_all_lost(now, (Reason::AgentRebooted, REBOOTED), actions);
        } else {
            match self.config.hosts.clone() {
                HostsFound::None => {
                    self.on_all_lost(now, (Reason::AgentRestarted, RESTARTED), actions);
                }
                HostsFound::All => self.remind_hosts(actions),
                HostsFound::Of(found) => {
                    for framework in self.frameworks_at_hosts() {
                        if !found.contains(&framework) {
                            self.on_host_lost(now, &framework, ABSENT, actions);
                        }
                    }
                    self.remind_hosts(actions);
                }
            }
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

    /// The frameworks that have given something to a host.
    fn frameworks_at_hosts(&self) -> BTreeSet<FrameworkId> {
        let is_there = |task: &Task| task.is_live() && task.stage() == Stage::Delivered;
        let tasks = self.kept.tasks.iter().filter(|(_, task)| is_there(task));
        let executors = self.kept.executors.iter().filter(|(_, executor)| executor.is_started);
        let frameworks = tasks.map(|(key, _)| &key.framework);
        frameworks.chain(executors.map(|(key, _)| &key.framework)).cloned().collect()
    }

    /// What a framework had at its host is gone with it. What waits for its artifacts goes to the
    /// next one.
    pub(crate) fn on_host_lost(
        &mut self,
        now: Instant,
        framework: &FrameworkId,
        message: &str,
        actions: &mut Vec<Action>,
    ) {
        let tasks = self.kept.tasks.iter();
        let lost = tasks.filter(|(key, task)| {
            key.framework == *framework && task.is_live() && task.stage() == Stage::Delivered
        });
        let lost: Vec<_> = lost.map(|(key, _)| key.clone()).collect();
        let text = format!("its executor host ended: {message}");
        for key in lost {
            self.end(now, &key, (TaskState::Failed, Reason::HostLost, &text), actions);
        }
        self.forget_executors_of(now, framework, &text, actions);
    }

    /// The host's events up to and with this number are in what is kept.
    pub(crate) fn on_host_taken(
        &mut self,
        framework: FrameworkId,
        (host, number): (u64, u64),
        actions: &mut Vec<Action>,
    ) {
        // A host that is told to end is never asked again how far it came.
        if !self.kept.frameworks_removed.contains(&framework) {
            let framework = framework.clone();
            self.record(Record::HostHeard { framework, host, number }, actions);
        }
        actions.push(Action::HostTaken { framework, host, number });
    }

    /// Everything that ran is gone with the agent's process or its machine; what never got to a
    /// host can be launched again.
    fn on_all_lost(
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

    /// The agent may have ended between a record and what it stands for, so the hosts, which have
    /// lived on, are told once more. They pass over what they have done: a Launch of a task that
    /// they have or had, and the end of what they have not. Their executors hear first that the
    /// agent is back.
    fn remind_hosts(&mut self, actions: &mut Vec<Action>) {
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
