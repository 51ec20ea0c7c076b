//! One event of an executor: which call of the world it is. It never decides when.

use stoa_model::status::Usage;
use stoa_model::task::KillPolicy;
use wasmtime::Store;

use crate::end::End;
use crate::state::State;
use crate::words;
use crate::world::exports::stoa::executor::events::{ExecutorInfo, Guest};
use crate::world::stoa::executor::types;

/// One event of an executor.
pub(crate) enum Happening {
    Registered(ExecutorInfo),
    Reregistered(ExecutorInfo),
    LaunchTask(Box<types::TaskInfo>),
    KillTask(String, KillPolicy),
    Message(Vec<u8>),
    Acknowledged(String),
    SubtaskExited { task: Option<String>, subtask: u64, end: End, usage: Usage },
    SubtaskOutput { task: Option<String>, subtask: u64, is_stderr: bool, data: Vec<u8> },
    Tick,
    Shutdown { grace_ms: u64 },
}

impl Happening {
    /// Calls the executor. Only a launch can be refused by it.
    pub(crate) async fn call(
        self,
        events: &Guest,
        store: &mut Store<State>,
    ) -> wasmtime::Result<Result<(), String>> {
        match self {
            Self::Registered(info) => events.call_registered(store, &info).await?,
            Self::Reregistered(info) => events.call_reregistered(store, &info).await?,
            Self::LaunchTask(task) => return events.call_launch_task(store, &task).await,
            Self::KillTask(task, policy) => {
                events.call_kill_task(store, &task, words::kill_policy(policy)).await?;
            }
            Self::Message(data) => events.call_message(store, &data).await?,
            Self::Acknowledged(task) => events.call_acknowledged(store, &task).await?,
            Self::SubtaskExited { task, subtask, end, usage } => {
                let usage = words::usage_to_wit(usage);
                events
                    .call_subtask_exited(store, task.as_ref(), subtask, &end.to_wit(), usage)
                    .await?;
            }
            Self::SubtaskOutput { task, subtask, is_stderr, data } => {
                events.call_subtask_output(store, task.as_ref(), subtask, is_stderr, &data).await?;
            }
            Self::Tick => events.call_tick(store).await?,
            Self::Shutdown { grace_ms } => events.call_shutdown(store, grace_ms).await?,
        }
        Ok(Ok(()))
    }

    /// For people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Registered(_) => "registered",
            Self::Reregistered(_) => "reregistered",
            Self::LaunchTask(_) => "launch-task",
            Self::KillTask(..) => "kill-task",
            Self::Message(_) => "message",
            Self::Acknowledged(_) => "acknowledged",
            Self::SubtaskExited { .. } => "subtask-exited",
            Self::SubtaskOutput { .. } => "subtask-output",
            Self::Tick => "tick",
            Self::Shutdown { .. } => "shutdown",
        }
    }
}
