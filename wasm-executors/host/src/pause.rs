//! Freezing a task: all its containers, whatever its executor wants of them. It never touches what
//! runs in the executor itself, nor a task's time, which goes on.

use stoa_model::host::Event;
use stoa_model::ids::TaskId;
use stoa_model::status::Usage;
use stoa_model::task::TaskState;

use crate::state::State;
use crate::tasks::{Stage, Task, change, progress};

impl State {
    /// Freezes a task or lets it go on, and reports it with what it has used, once it runs. Saying
    /// it again changes nothing, and is reported as well.
    pub(crate) fn on_set_paused(&mut self, id: &TaskId, is_paused: bool) {
        let Some(task) = self.tasks.get_mut(id).filter(|task| !task.is_over()) else { return };
        let was_paused = std::mem::replace(&mut task.is_paused, is_paused);
        for subtask in self.subtasks.values().filter(|subtask| subtask.task.as_ref() == Some(id)) {
            subtask.leash.freeze(is_paused);
        }
        let Some(task) = self.tasks.get(id) else { return };
        let Stage::Launched(state @ (TaskState::Running | TaskState::Killing)) = task.stage else {
            return;
        };
        let message = match (was_paused, is_paused) {
            (false, true) => "the task is paused",
            (true, true) => "the task was paused already",
            (true, false) => "the task is resumed",
            (false, false) => "the task was not paused",
        };
        let mut change = change(&self.framework, &task.info, state, progress(message));
        change.usage = Some(self.usage_so_far(id, task));
        self.outbox.push(Event::Update(change));
    }

    /// What the containers of a task have used, those that are over and those that are not.
    fn usage_so_far(&self, id: &TaskId, task: &Task) -> Usage {
        let live = self.subtasks.values().filter(|subtask| subtask.task.as_ref() == Some(id));
        live.fold(task.budget.used().unwrap_or_default(), |sum, subtask| {
            let usage = subtask.usage();
            Usage {
                fuel: sum.fuel.saturating_add(usage.fuel),
                wall_us: sum.wall_us.saturating_add(usage.wall_us),
                memory_peak_bytes: task.budget.together().peak_bytes(),
                output_bytes: sum.output_bytes.saturating_add(usage.output_bytes),
            }
        })
    }
}
