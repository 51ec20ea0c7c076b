//! What an executor may do: the interface `driver` of the world. It checks what the executor says;
//! nothing it says is believed.

use stoa_model::host::{Event, TaskChange};
use stoa_model::ids::FrameworkId;
use stoa_model::limits::{DATA_BYTES_MAX, MESSAGE_BYTES_MAX};
use stoa_model::status::{Reason, Usage};
use stoa_model::task::TaskState;

use crate::container::Walls;
use crate::end::End;
use crate::limits::{EVENT_MESSAGES_MAX, EXECUTOR_OUTPUT_BYTES_MAX};
use crate::state::{Due, State};
use crate::tasks::{Stage, Task};
use crate::words;
use crate::world::stoa::executor::driver::{Host, Refusal};
use crate::world::stoa::executor::types;

impl types::Host for State {}

impl Host for State {
    fn send_status_update(&mut self, status: types::TaskStatus) -> Result<(), Refusal> {
        let taken = self.on_status(status);
        self.count_refusal(taken)
    }

    fn send_message(&mut self, data: Vec<u8>) -> Result<(), Refusal> {
        let taken = self.on_message(data);
        self.count_refusal(taken)
    }

    /// What was granted: memory for the executor and its own subtasks together, and the output that
    /// those may write. What is left of it is said by a `spawn` that asks for more.
    fn own_limits(&mut self) -> types::Limits {
        let output_bytes = EXECUTOR_OUTPUT_BYTES_MAX;
        words::limits(&Walls { output_bytes, ..self.walls })
    }

    fn own_usage(&mut self) -> types::Usage {
        let wall_us = u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX);
        words::usage_to_wit(Usage {
            fuel: self.fuel_used,
            wall_us,
            memory_peak_bytes: self.leash.memory_peak_bytes(),
            output_bytes: 0,
        })
    }

    fn wake_after(&mut self, ms: u64) {
        self.set_alarm(&Due::Tick, Some(ms));
    }

    fn log(&mut self, line: String) {
        let (framework, executor) = (&self.framework, &self.executor);
        tracing::info!(%framework, %executor, line, "executor says");
    }

    fn stop(&mut self) {
        self.wants_to_stop = true;
    }
}

impl State {
    pub(crate) fn count_refusal<T, R>(&mut self, taken: Result<T, R>) -> Result<T, R> {
        if taken.is_err() {
            self.refusals += 1;
        }
        taken
    }

    fn on_status(&mut self, status: types::TaskStatus) -> Result<(), Refusal> {
        self.check_outbox(status.data.len())?;
        let id = words::task_id(&status.task);
        let task = id.as_ref().and_then(|id| self.tasks.get_mut(id));
        let (Some(id), Some(task)) = (id.clone(), task) else {
            return Err(Refusal::UnknownTask(status.task));
        };
        if task.is_over() || matches!(task.stage, Stage::Preparing) {
            return Err(Refusal::UnknownTask(status.task));
        }
        let state = words::task_state(status.state);
        task.check_next(state).map_err(Refusal::IllegalState)?;
        let change = change_of(&self.framework, task, state, status)?;
        if !state.is_terminal() {
            task.stage = Stage::Launched(state);
        }
        let change = Box::new(change);
        match state {
            TaskState::Running => {
                self.outbox.push(Event::Update(change));
                self.on_running(&id);
            }
            state if state.is_terminal() => self.on_over(change),
            _ => self.outbox.push(Event::Update(change)),
        }
        Ok(())
    }

    fn on_message(&mut self, data: Vec<u8>) -> Result<(), Refusal> {
        self.check_outbox(data.len())?;
        let (framework, executor) = (self.framework.clone(), self.executor.clone());
        self.outbox.push(Event::Message { framework, executor, data });
        Ok(())
    }

    fn check_outbox(&self, data_bytes: usize) -> Result<(), Refusal> {
        if data_bytes > DATA_BYTES_MAX {
            let message = format!("{data_bytes} bytes of data, {DATA_BYTES_MAX} are allowed");
            return Err(Refusal::TooMuch(message));
        }
        if self.outbox.len() >= EVENT_MESSAGES_MAX {
            let message = format!("{EVENT_MESSAGES_MAX} messages in one event are allowed");
            return Err(Refusal::TooMuch(message));
        }
        Ok(())
    }
}

/// What an executor says of a task, in the words of the model.
fn change_of(
    framework: &FrameworkId,
    task: &Task,
    state: TaskState,
    status: types::TaskStatus,
) -> Result<TaskChange, Refusal> {
    let end = match status.because {
        Some(types::Reason::Exited(0)) if state == TaskState::Failed => {
            return Err(Refusal::IllegalState("exit code 0 is no failure".to_owned()));
        }
        Some(because) if state == TaskState::Finished && !is_success(&because) => {
            return Err(Refusal::IllegalState("only exit code 0 is FINISHED".to_owned()));
        }
        Some(because) => task.recall(End::from_wit(because)),
        None if !state.is_terminal() => End::new(Reason::Progress, ""),
        None if state == TaskState::Killed && task.kill_asked => End::killed(),
        None => End::new(Reason::ExecutorReported, ""),
    };
    let message = match status.message.is_empty() {
        true => end.message,
        false => status.message,
    };
    Ok(TaskChange {
        framework: framework.clone(),
        task: task.info.id.clone(),
        state,
        reason: end.reason,
        message: cut(message),
        exit_code: end.exit_code,
        usage: status.usage.map(words::usage_from_wit).filter(|_| state.is_terminal()),
        data: status.data,
        downloads: Vec::new(),
    })
}

fn is_success(because: &types::Reason) -> bool {
    matches!(because, types::Reason::Exited(0))
}

/// A message within its bound, cut between characters.
fn cut(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX - '…'.len_utf8()));
        message.push('…');
    }
    message
}
