//! What the master wants done exactly once: the numbers, and Kill, SetPaused, Shutdown,
//! RemoveFramework and Drain. It never admits a task; `launches.rs` does.

use stoa_model::agent_link::{Call, Command};
use stoa_model::host;
use stoa_model::ids::FrameworkId;
use stoa_model::instant::Instant;
use stoa_model::status::Reason;
use stoa_model::task::{KillPolicy, TaskState};
use stoa_planted::{Bug, is_planted};

use crate::Agent;
use crate::action::{Action, Warning};
use crate::record::Record;
use crate::tasks::Stage;
use stoa_model::keys::{ExecutorKey, TaskKey};

impl Agent {
    /// Does the next command; one that was done is passed over, one that is too early ends the
    /// stream, so that the master sends all that is missing.
    pub(crate) fn on_command(
        &mut self,
        now: Instant,
        number: u64,
        command: Command,
        actions: &mut Vec<Action>,
    ) {
        let applied = self.kept.identity.as_ref().map_or(0, |identity| identity.applied);
        let expected = applied.saturating_add(1);
        if number > expected {
            let gap = Warning::NumberGap { expected, got: number };
            return self.give_up(now, gap, actions);
        }
        if number == expected {
            self.apply(now, number, command, actions);
        }
        self.tell(Call::Applied { number: applied.max(number) }, actions);
    }

    /// Writes what the command changes and then that it is applied: if the agent ends in between,
    /// the command comes again. Only then it is done, but for Updates, which are sent as soon as
    /// they are written.
    fn apply(&mut self, now: Instant, number: u64, command: Command, actions: &mut Vec<Action>) {
        let applied = Record::CommandApplied { number };
        match command {
            Command::Launch { framework, role, tasks } => {
                let launch = self.admit_all(now, (&framework, &role), tasks, actions);
                self.record_unless(Bug::AgentForgetsNumber, applied, actions);
                self.start_all(now, launch, actions);
            }
            Command::Kill { framework, task, policy } => {
                self.on_kill(now, TaskKey { framework, task }, (policy, applied), actions);
            }
            Command::SetPaused { framework, task, is_paused } => {
                self.on_set_paused(TaskKey { framework, task }, (is_paused, applied), actions);
            }
            Command::Shutdown { framework, executor } => {
                let key = ExecutorKey { framework, executor };
                self.on_shutdown(now, key, applied, actions);
            }
            Command::RemoveFramework { framework } => {
                self.on_remove_framework(framework, applied, actions);
            }
            Command::Drain { grace_max_ms } => self.on_drain(now, grace_max_ms, applied, actions),
            Command::Nothing => self.record(applied, actions),
        }
    }

    /// A task that is not here, or is over, needs no kill: the master knows or will know.
    fn on_kill(
        &mut self,
        now: Instant,
        key: TaskKey,
        (policy, applied): (Option<KillPolicy>, Record),
        actions: &mut Vec<Action>,
    ) {
        let Some(task) = self.kept.tasks.get(&key).filter(|task| task.is_live()) else {
            return self.record(applied, actions);
        };
        let policy = policy.unwrap_or(task.info().kill_policy);
        if task.stage() == Stage::Waiting {
            if !is_planted(Bug::AgentForgetsKill) {
                let end = (TaskState::Killed, Reason::KillRequested, "killed before it started");
                self.end(now, &key, end, actions);
            }
            return self.record(applied, actions);
        }
        let TaskKey { framework, task } = key.clone();
        let reason = Reason::KillRequested;
        self.record(Record::KillRequested { framework, task, policy, reason }, actions);
        self.record(applied, actions);
        let TaskKey { framework, task } = key;
        actions.push(Action::ToHost(host::Command::Kill { framework, task, policy }));
    }

    /// A task that is not here, or is over, is passed over. The host hears of one that it does not
    /// have yet right after the Launch.
    fn on_set_paused(
        &mut self,
        key: TaskKey,
        (is_paused, applied): (bool, Record),
        actions: &mut Vec<Action>,
    ) {
        if self.kept.tasks.get(&key).is_none_or(|task| !task.is_live()) {
            return self.record(applied, actions);
        }
        let TaskKey { framework, task } = key.clone();
        self.record(Record::PausedSet { framework, task, is_paused }, actions);
        self.record(applied, actions);
        self.hand_over_paused(&key, actions);
    }

    /// Ends every task, each by its own policy, but none with more grace than this. One that is
    /// ended already with no more grace than that is left to it: a Drain may come again.
    fn on_drain(
        &mut self,
        now: Instant,
        grace_max_ms: Option<u64>,
        applied: Record,
        actions: &mut Vec<Action>,
    ) {
        let live = self.kept.tasks.iter().filter(|(_, task)| task.is_live());
        let live: Vec<TaskKey> = live.map(|(key, _)| key.clone()).collect();
        let mut kills = Vec::new();
        for key in live {
            let Some(task) = self.kept.tasks.get(&key) else { continue };
            if task.stage() == Stage::Waiting {
                let message = "killed before it started, as its agent is drained";
                let end = (TaskState::Killed, Reason::AgentDraining, message);
                self.end(now, &key, end, actions);
                continue;
            }
            let own_ms = task.info().kill_policy.grace_ms;
            let policy = KillPolicy { grace_ms: own_ms.min(grace_max_ms.unwrap_or(u64::MAX)) };
            if task.kill().is_some_and(|kill| kill.policy.grace_ms <= policy.grace_ms) {
                continue;
            }
            let TaskKey { framework, task } = key;
            kills.push(host::Command::Kill {
                framework: framework.clone(),
                task: task.clone(),
                policy,
            });
            let reason = Reason::AgentDraining;
            self.record(Record::KillRequested { framework, task, policy, reason }, actions);
        }
        self.record(applied, actions);
        actions.extend(kills.into_iter().map(Action::ToHost));
    }

    fn on_remove_framework(
        &mut self,
        framework: FrameworkId,
        applied: Record,
        actions: &mut Vec<Action>,
    ) {
        let keys = self.kept.tasks.keys().filter(|key| key.framework == framework);
        let keys: Vec<_> = keys.cloned().collect();
        self.record(Record::FrameworkRemoved { framework: framework.clone() }, actions);
        self.record(applied, actions);
        if !is_planted(Bug::AgentKeepsFramework) {
            actions.push(Action::ToHost(host::Command::RemoveFramework { framework }));
        }
        for key in keys {
            self.artifacts.forget(&key);
            self.resends.remove(&key);
            self.publishes.forget(&key);
            self.wake_logs(&key, actions);
        }
        self.trim_sandboxes(actions);
    }
}
