//! One task in the master's table, and the states it goes through. It never moves resources;
//! `charges.rs` does.

use stoa_model::ids::{FrameworkId, Role, UpdateId};
use stoa_model::instant::Instant;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{TaskInfo, TaskRecord, TaskState};

/// A task that is not over, or whose end is not acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) record: TaskRecord,
    /// The Update that the scheduler has yet to acknowledge; its status is that of the record.
    pub(crate) unacknowledged: Option<UpdateId>,
}

impl Task {
    /// A task that was just launched.
    pub(crate) fn launched(framework: &FrameworkId, role: &Role, info: &TaskInfo) -> Self {
        Self {
            record: TaskRecord::staging(framework.clone(), role.clone(), info),
            unacknowledged: None,
        }
    }

    /// A task that an agent came back with.
    pub(crate) fn reported(record: TaskRecord) -> Self {
        let unacknowledged = record.status.as_ref().and_then(|status| status.update);
        Self { record, unacknowledged }
    }

    /// Keeps what does not change when the agent comes back with a task that was known: whom it is
    /// charged to, whether it is to be frozen, of which the agent may not have heard, that an end
    /// is an end, and that what is acknowledged is.
    pub(crate) fn keep_what_is_known(&mut self, known: &Self) {
        self.record.role = known.record.role.clone();
        self.record.is_paused = known.record.is_paused;
        if known.record.state.is_terminal() {
            self.record.state = known.record.state;
        }
        if known.update() == self.update() {
            self.unacknowledged = known.unacknowledged;
        }
    }

    /// Whether an Update may still follow what was told: after the end, only the end again.
    pub(crate) fn takes(&self, update: UpdateId) -> bool {
        !self.is_told_to_be_over() || self.update() == Some(update)
    }

    /// Takes in what the agent says of the task; answers whether it was news. Nothing leaves a
    /// terminal state, though the status of an earlier one may arrive after it.
    pub(crate) fn on_status(&mut self, status: &TaskStatus, latest: TaskState) -> bool {
        if !self.record.state.is_terminal() {
            self.record.state = if status.state.is_terminal() { status.state } else { latest };
        }
        if self.update() == status.update {
            return false;
        }
        self.record.status = Some(status.clone());
        self.unacknowledged = status.update;
        true
    }

    /// Takes in that an Update is acknowledged; answers whether that was the last of the task.
    pub(crate) fn on_acknowledge(&mut self, update: UpdateId) -> bool {
        if self.unacknowledged != Some(update) {
            return false;
        }
        self.unacknowledged = None;
        self.is_told_to_be_over()
    }

    /// The status to send again to a scheduler that may not have it.
    pub(crate) fn status_unacknowledged(&self) -> Option<&TaskStatus> {
        self.record.status.as_ref().filter(|_| self.unacknowledged.is_some())
    }

    /// The Update of its newest status, if an agent made that.
    fn update(&self) -> Option<UpdateId> {
        self.record.status.as_ref().and_then(|status| status.update)
    }

    fn is_told_to_be_over(&self) -> bool {
        self.record.status.as_ref().is_some_and(|status| status.state.is_terminal())
    }
}

/// What the master answers when it is asked for a task that it knows. An end of which only the
/// state is known yet is not told: its Update follows, with all there is to say of it.
pub(crate) fn reconciled(record: &TaskRecord, now: Instant) -> TaskStatus {
    match &record.status {
        Some(status) => TaskStatus {
            state: if record.state.is_terminal() { status.state } else { record.state },
            reason: Reason::Reconciliation,
            update: None,
            ..status.clone()
        },
        None if record.state.is_terminal() => {
            by_master(record, TaskState::Staging, Reason::Reconciliation, now)
        }
        None => by_master(record, record.state, Reason::Reconciliation, now),
    }
}

/// What the master says by itself of a task that it knows.
pub(crate) fn by_master(
    record: &TaskRecord,
    state: TaskState,
    reason: Reason,
    now: Instant,
) -> TaskStatus {
    let agent = Some(record.agent.clone());
    let mut status = TaskStatus::by_master(record.id.clone(), agent, state, reason, now.ms);
    status.executor = record.executor.as_ref().map(|executor| executor.id.clone());
    status
}
