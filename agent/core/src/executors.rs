//! Frameworks' own executors on this agent: when they start, end, and what they say. It never
//! charges for them; the records do.

use stoa_model::agent_link::Call;
use stoa_model::host;
use stoa_model::ids::FrameworkId;
use stoa_model::instant::Instant;
use stoa_model::limits::DATA_BYTES_MAX;
use stoa_model::status::Reason;
use stoa_model::task::{KillPolicy, TaskState};

use crate::Agent;
use crate::action::{Action, Warning};
use crate::limits::SHUTDOWN_GRACE_MS;
use crate::record::Record;
use crate::tasks::Stage;
use crate::updates::cut;
use stoa_model::keys::{ExecutorKey, TaskKey};

impl Agent {
    /// Notes that the executor of a task that goes to the host may live from here on.
    pub(crate) fn start_executor(&mut self, task: &TaskKey, actions: &mut Vec<Action>) {
        let Some(key) = self.executor_of(task) else {
            return;
        };
        if self.kept.executors.get(&key).is_some_and(|executor| !executor.is_started) {
            let ExecutorKey { framework, executor } = key;
            self.record(Record::ExecutorStarted { framework, executor }, actions);
        }
    }

    /// Gives up the executor of a task that has ended if no task of it ever got to the host: no
    /// host will ever say that it ended.
    pub(crate) fn release_executor(&mut self, task: &TaskKey, actions: &mut Vec<Action>) {
        let Some(key) = self.executor_of(task) else {
            return;
        };
        let is_started = self.kept.executors.get(&key).is_none_or(|executor| executor.is_started);
        if !is_started && self.kept.charges.tasks_of(&key).next().is_none() {
            self.forget_executor(key, "no task of it started", actions);
        }
    }

    fn executor_of(&self, task: &TaskKey) -> Option<ExecutorKey> {
        let executor = self.kept.tasks.get(task)?.info().executor()?;
        Some(ExecutorKey::new(&task.framework, &executor.id))
    }

    /// The executor is over.
    fn forget_executor(&mut self, key: ExecutorKey, message: &str, actions: &mut Vec<Action>) {
        let ExecutorKey { framework, executor } = key.clone();
        self.record(Record::ExecutorEnded { framework, executor }, actions);
        let ExecutorKey { framework, executor } = key;
        self.tell_end(Call::ExecutorEnded { framework, executor, message: cut(message) }, actions);
    }

    /// The host of the agent's last process is gone, and every executor with it.
    pub(crate) fn forget_executors(&mut self, actions: &mut Vec<Action>) {
        let keys: Vec<_> = self.kept.executors.keys().cloned().collect();
        for key in keys {
            self.forget_executor(key, "the agent was started again", actions);
        }
    }

    /// The host of a framework is gone, and every executor that it had. One whose tasks all wait
    /// was never there.
    pub(crate) fn forget_executors_of(
        &mut self,
        now: Instant,
        framework: &FrameworkId,
        message: &str,
        actions: &mut Vec<Action>,
    ) {
        let executors = self.kept.executors.iter();
        let lost = executors.filter(|(key, it)| key.framework == *framework && it.is_started);
        let lost: Vec<_> = lost.map(|(key, _)| key.clone()).collect();
        for key in lost {
            let waiting: Vec<_> = self.kept.charges.tasks_of(&key).collect();
            for task in waiting {
                let end = (TaskState::Dropped, Reason::HostLost, message);
                self.end(now, &task, end, actions);
            }
            self.forget_executor(key, message, actions);
        }
    }

    /// Shutdown: the host ends what it has; what it has not is killed here.
    pub(crate) fn on_shutdown(
        &mut self,
        now: Instant,
        key: ExecutorKey,
        applied: Record,
        actions: &mut Vec<Action>,
    ) {
        if !self.kept.executors.contains_key(&key) {
            return self.record(applied, actions);
        }
        let ExecutorKey { framework, executor } = key.clone();
        self.record(Record::ShutdownRequested { framework, executor }, actions);
        let tasks = self.kept.charges.tasks_of(&key);
        let waiting: Vec<_> =
            tasks.filter(|task| self.stage_of(task) == Some(Stage::Waiting)).collect();
        for task in waiting {
            let message = "its executor was shut down before it started";
            self.end(now, &task, (TaskState::Killed, Reason::KillRequested, message), actions);
        }
        self.record(applied, actions);
        self.shut_down(&key, SHUTDOWN_GRACE_MS, actions);
    }

    fn stage_of(&self, task: &TaskKey) -> Option<Stage> {
        self.kept.tasks.get(task).map(|task| task.stage())
    }

    fn is_on_its_way(&self, task: &TaskKey) -> bool {
        let task = self.kept.tasks.get(task);
        task.is_some_and(|it| it.stage() == Stage::Delivered && it.state() == TaskState::Staging)
    }

    /// Tells the host to end an executor that it may have.
    pub(crate) fn shut_down(&self, key: &ExecutorKey, grace_ms: u64, actions: &mut Vec<Action>) {
        if self.kept.executors.get(key).is_some_and(|executor| executor.is_started) {
            let ExecutorKey { framework, executor } = key.clone();
            let command = host::Command::Shutdown { framework, executor, grace_ms };
            actions.push(Action::ToHost(command));
        }
    }

    /// The host has ended all its tasks before. One of which it has never spoken was on its way
    /// when the executor ended: the host starts the executor anew for it, and will say so when that
    /// one ends, so for the agent it lives on. Of any other that is left the host has lost track;
    /// should it begin again with it, it is told to end that too.
    pub(crate) fn on_executor_ended(
        &mut self,
        now: Instant,
        key: ExecutorKey,
        message: &str,
        actions: &mut Vec<Action>,
    ) {
        if !self.kept.executors.get(&key).is_some_and(|executor| executor.is_started) {
            return;
        }
        let tasks = self.kept.charges.tasks_of(&key).map(|task| (self.stage_of(&task), task));
        let tasks: Vec<_> = tasks.collect();
        if tasks.iter().any(|(_, task)| self.is_on_its_way(task)) {
            return;
        }
        let text = format!("its executor {} has ended: {message}", key.executor);
        for (stage, task) in tasks {
            if stage != Some(Stage::Delivered) {
                let end = (TaskState::Dropped, Reason::ExecutorLost, text.as_str());
                self.end(now, &task, end, actions);
                continue;
            }
            let end = (TaskState::Failed, Reason::ExecutorLost, text.as_str());
            self.end(now, &task, end, actions);
            let (TaskKey { framework, task }, policy) = (task, KillPolicy { grace_ms: 0 });
            actions.push(Action::ToHost(host::Command::Kill { framework, task, policy }));
            self.shut_down(&key, 0, actions);
        }
        self.forget_executor(key, message, actions);
    }

    /// Messages are delivered at most once: without a stream they are dropped.
    pub(crate) fn on_message_from_host(
        &mut self,
        key: ExecutorKey,
        data: Vec<u8>,
        actions: &mut Vec<Action>,
    ) {
        let ExecutorKey { framework, executor } = key;
        if data.len() > DATA_BYTES_MAX {
            let bytes = data.len();
            return actions.push(Action::Warn(Warning::MessageTooLarge { framework, bytes }));
        }
        self.tell(Call::Message { framework, executor, data }, actions);
    }

    /// Messages are delivered at most once: without the executor they are dropped.
    pub(crate) fn on_message_from_master(
        &mut self,
        key: ExecutorKey,
        data: Vec<u8>,
        actions: &mut Vec<Action>,
    ) {
        if self.kept.executors.get(&key).is_some_and(|executor| executor.is_started) {
            let ExecutorKey { framework, executor } = key;
            actions.push(Action::ToHost(host::Command::Message { framework, executor, data }));
        }
    }
}
