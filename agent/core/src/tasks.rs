//! The life of one task on this agent, as far as it must survive the agent: what it is, how far
//! it came, and which of its Updates wait. Only this file changes a task's state; it never sends.

use std::collections::VecDeque;
use std::sync::Arc;

use stoa_model::command::CommandInfo;
use stoa_model::ids::{AgentId, FrameworkId, Role, UpdateId};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{
    ExecutorInfo, ExecutorTask, KillPolicy, TaskBody, TaskInfo, TaskRecord, TaskState,
};
use stoa_planted::{Bug, is_planted};

use crate::record::Record;

/// How far a task came on its way to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It was never admitted and is not charged.
    Refused,
    /// It is admitted, and was not handed to the host.
    Waiting,
    /// It was handed to the host; it may have run.
    Delivered,
}

/// A kill that the host is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kill {
    pub(crate) policy: KillPolicy,
    /// Why, which the host does not know.
    pub(crate) reason: Reason,
}

/// A task from its Launch until its last Update is acknowledged.
///
/// Invariant: `updates` are in the order they were made, and only the last may be terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    role: Role,
    info: Arc<TaskInfo>,
    stage: Stage,
    state: TaskState,
    kill: Option<Kill>,
    /// Whether the host is told to freeze it; none if it was never told anything of that.
    paused: Option<bool>,
    acknowledged: Option<TaskStatus>,
    updates: VecDeque<TaskStatus>,
    is_publishing: bool,
}

/// Whether the host may report `to` of a task that is `from`. Reports of progress may repeat.
pub(crate) fn may_follow(from: TaskState, to: TaskState) -> bool {
    use TaskState::{Dropped, Killing, Running, Staging, Starting, Unknown, Unreachable};
    match to {
        Staging | Unreachable | Unknown => false,
        Starting | Dropped => matches!(from, Staging | Starting),
        Running => matches!(from, Staging | Starting | Running),
        Killing => matches!(from, Staging | Starting | Running),
        _ => !from.is_terminal() || is_planted(Bug::AgentEndsTwice),
    }
}

impl Task {
    /// A task that was just admitted.
    pub(crate) fn launched(role: Role, info: Arc<TaskInfo>) -> Self {
        Self {
            role,
            info,
            stage: Stage::Waiting,
            state: TaskState::Staging,
            kill: None,
            paused: None,
            acknowledged: None,
            updates: VecDeque::new(),
            is_publishing: false,
        }
    }

    /// A task that was not admitted, with its end.
    pub(crate) fn refused(role: Role, info: &TaskInfo, status: TaskStatus) -> Self {
        Self {
            stage: Stage::Refused,
            state: status.state,
            updates: VecDeque::from([status]),
            ..Self::launched(role, Arc::new(without_body(info)))
        }
    }

    /// What runs; without its body once the host has shown that it has the task.
    pub(crate) fn info(&self) -> &Arc<TaskInfo> {
        &self.info
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    pub(crate) fn state(&self) -> TaskState {
        self.state
    }

    pub(crate) fn is_live(&self) -> bool {
        !self.state.is_terminal()
    }

    /// The last kill that the host was told of.
    pub(crate) fn kill(&self) -> Option<Kill> {
        self.kill
    }

    /// The last that the host was told, or will be, of freezing the task.
    pub(crate) fn paused(&self) -> Option<bool> {
        self.paused
    }

    /// Whether downloads must be with the master before the end is told.
    pub(crate) fn is_publishing(&self) -> bool {
        self.is_publishing
    }

    /// The Updates that are not acknowledged, oldest first.
    pub(crate) fn updates(&self) -> &VecDeque<TaskStatus> {
        &self.updates
    }

    /// The oldest Update that is not acknowledged, if it may be sent.
    pub(crate) fn head(&self) -> Option<&TaskStatus> {
        if is_planted(Bug::AgentSkipsTheQueue) {
            return self.updates.back().filter(|_| !self.is_publishing);
        }
        let is_held = self.is_publishing && self.updates.len() == 1;
        self.updates.front().filter(|_| !is_held)
    }

    /// The task is handed to the host.
    pub(crate) fn on_delivered(&mut self) {
        self.stage = Stage::Delivered;
    }

    /// The host is told to end the task.
    pub(crate) fn on_kill(&mut self, kill: Kill) {
        self.kill = Some(kill);
    }

    /// The host is told to freeze the task or to let it go on.
    pub(crate) fn on_paused(&mut self, is_paused: bool) {
        self.paused = Some(is_paused);
    }

    /// The task has changed.
    pub(crate) fn on_updated(&mut self, status: TaskStatus) {
        if self.state == TaskState::Staging {
            self.info = Arc::new(without_body(&self.info));
        }
        self.state = status.state;
        self.is_publishing = !status.downloads.is_empty();
        self.updates.push_back(status);
    }

    /// The downloads arrived, or never will.
    pub(crate) fn on_published(&mut self, failure: Option<&str>) {
        self.is_publishing = false;
        let Some((failure, status)) = failure.zip(self.updates.back_mut()) else {
            return;
        };
        status.downloads.clear();
        let note = format!("its downloads could not be brought to the master: {failure}");
        let parts = [status.message.as_str(), note.as_str()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        status.message = parts.join("; ");
    }

    /// Takes the acknowledgement of `update`; nothing if that is not the oldest one.
    pub(crate) fn on_acknowledged(&mut self, update: UpdateId) -> Option<TaskState> {
        if self.head()?.update != Some(update) {
            return None;
        }
        let status = TaskStatus { data: Vec::new(), ..self.updates.pop_front()? };
        let state = status.state;
        self.acknowledged = Some(status);
        Some(state)
    }

    /// What a master needs to know of the task. The Updates themselves are sent anyway, so the
    /// status here goes without its data.
    pub(crate) fn to_record(&self, framework: &FrameworkId, agent: &AgentId) -> TaskRecord {
        let oldest = self.updates.front().or(self.acknowledged.as_ref());
        TaskRecord {
            agent: agent.clone(),
            state: self.state,
            status: oldest.map(|status| TaskStatus { data: Vec::new(), ..status.clone() }),
            is_paused: self.paused == Some(true),
            ..TaskRecord::staging(framework.clone(), self.role.clone(), &self.info)
        }
    }

    /// The shortest list of records that makes this task.
    pub(crate) fn to_records(&self, framework: &FrameworkId, records: &mut Vec<Record>) {
        let framework = || framework.clone();
        let (info, task) = (self.info.clone(), self.info.id.clone());
        let role = self.role.clone();
        if let (Stage::Refused, Some(status)) = (self.stage, self.updates.front()) {
            let status = status.clone();
            return records.push(Record::Refused {
                framework: framework(),
                role,
                task: info,
                status,
            });
        }
        records.push(Record::Launched { framework: framework(), role, task: info });
        if self.stage == Stage::Delivered {
            records.push(Record::Delivered { framework: framework(), task: task.clone() });
        }
        if let Some(Kill { policy, reason }) = self.kill {
            let task = task.clone();
            records.push(Record::KillRequested { framework: framework(), task, policy, reason });
        }
        if let Some(is_paused) = self.paused {
            let task = task.clone();
            records.push(Record::PausedSet { framework: framework(), task, is_paused });
        }
        if let Some(status) = &self.acknowledged {
            let update = status.update.expect("an agent's own status has an update");
            records.push(Record::Updated { framework: framework(), status: status.clone() });
            let task = task.clone();
            records.push(Record::Acknowledged { framework: framework(), task, update });
        }
        for status in &self.updates {
            records.push(Record::Updated { framework: framework(), status: status.clone() });
        }
        let packed = self.updates.back().is_some_and(|status| !status.downloads.is_empty());
        if packed && !self.is_publishing {
            records.push(Record::Published { framework: framework(), task, failure: None });
        }
    }
}

/// The same task without what only the host needs, which may be large.
fn without_body(info: &TaskInfo) -> TaskInfo {
    let body = match &info.body {
        TaskBody::Command(command) => TaskBody::Command(CommandInfo::new(command.program, "")),
        TaskBody::Executor(task) => {
            let ExecutorInfo { id, program, resources, .. } = &task.executor;
            let executor = ExecutorInfo::new(id.clone(), *program, resources.clone());
            TaskBody::Executor(Box::new(ExecutorTask::new(executor, Vec::new())))
        }
    };
    TaskInfo {
        id: info.id.clone(),
        name: info.name.clone(),
        agent: info.agent.clone(),
        resources: info.resources.clone(),
        body,
        limits: info.limits,
        labels: info.labels.clone(),
        kill_policy: info.kill_policy,
        max_completion_ms: info.max_completion_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_the_end() {
        for from in TaskState::ALL.into_iter().filter(|state| state.is_terminal()) {
            assert!(!TaskState::ALL.into_iter().any(|to| may_follow(from, to)), "{from}");
        }
    }

    #[test]
    fn life_goes_one_way() {
        use TaskState::{Dropped, Failed, Killing, Running, Staging, Starting};
        assert!(may_follow(Staging, Starting) && may_follow(Staging, Running));
        assert!(may_follow(Running, Running) && may_follow(Killing, Failed));
        assert!(!may_follow(Running, Starting) && !may_follow(Killing, Running));
        assert!(may_follow(Starting, Dropped) && !may_follow(Running, Dropped));
        assert!(!may_follow(Starting, Staging));
    }
}
