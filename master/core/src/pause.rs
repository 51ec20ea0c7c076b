//! Freezing tasks and letting them go on: passed on to the agent of a task that is not over. It
//! never waits for the agent: what is wanted is in the task's record from now on.

use stoa_model::agent_link::Command;
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::operator::{Answer, Refusal, TaskName};
use stoa_model::task::TaskRecord;

use crate::master::Master;
use crate::rejection::Rejection;
use crate::step::Step;

impl Master {
    /// A scheduler's call. Whether it changes anything is said by the Update of the agent.
    pub(crate) fn on_set_paused(
        &mut self,
        step: &mut Step,
        framework: &FrameworkId,
        (task, is_paused): (TaskId, bool),
    ) -> Result<(), Rejection> {
        let known = self.frameworks[framework].tasks.get(&task);
        let Some(known) = known else { return Err(Rejection::TaskUnknown(task)) };
        let record = &known.record;
        if record.state.is_terminal() {
            return Err(Rejection::TaskOver { task, state: record.state });
        }
        if self.agents[&record.agent].outbox.is_full() {
            return Err(Rejection::CommandsFull(record.agent.clone()));
        }
        let record = record.clone();
        self.set_paused(step, &record, is_paused);
        Ok(())
    }

    pub(crate) fn on_operator_set_paused(
        &mut self,
        step: &mut Step,
        name: &TaskName,
        is_paused: bool,
    ) -> Answer {
        let record = match self.task_named(name) {
            Ok(record) => record.clone(),
            Err(refusal) => return Answer::Refused(refusal),
        };
        if record.state.is_terminal() {
            return Answer::Refused(Refusal::TaskOver(name.clone(), record.state));
        }
        if self.agents[&record.agent].outbox.is_full() {
            return Answer::Refused(Refusal::TooManyWaiting);
        }
        self.set_paused(step, &record, is_paused);
        let is_news = record.is_paused != is_paused;
        Answer::PausedSet { task: Box::new(TaskRecord { is_paused, ..record }), is_news }
    }

    /// Passed on even if it is no news: the agent answers with what the task has used so far.
    fn set_paused(&mut self, step: &mut Step, record: &TaskRecord, is_paused: bool) {
        let (framework, task) = (record.framework.clone(), record.id.clone());
        if let Some(known) = self.framework_mut(&framework).tasks.get_mut(&task) {
            known.record.is_paused = is_paused;
        }
        self.command(step, &record.agent, Command::SetPaused { framework, task, is_paused });
    }
}
