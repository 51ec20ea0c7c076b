//! What agents say of tasks and executors, and what schedulers have taken in of it. A task's
//! resources are freed once, on the first terminal state that is heard of. It never makes an
//! Update.

use stoa_model::agent_link::{self, Command};
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, TaskId, UpdateId};
use stoa_model::operator::ClusterEvent;
use stoa_model::scheduler::Event;
use stoa_model::status::TaskStatus;
use stoa_model::task::TaskState;
use stoa_planted::{Bug, is_planted};

use crate::master::Master;
use crate::rejection::AgentRejection;
use crate::step::Step;
use stoa_model::keys::{ExecutorKey, TaskKey};

/// Whether an agent may say that a task is in this state.
pub(crate) fn is_agents_to_say(state: TaskState) -> bool {
    !matches!(state, TaskState::Unreachable | TaskState::Unknown)
}

impl Master {
    pub(crate) fn on_update(
        &mut self,
        step: &mut Step,
        agent: &AgentId,
        framework: FrameworkId,
        (mut status, latest): (TaskStatus, TaskState),
    ) -> Result<(), AgentRejection> {
        let Some(update) = status.update else {
            return Err(AgentRejection::StatusIllegal(status.task));
        };
        if !is_agents_to_say(status.state) || !is_agents_to_say(latest) {
            return Err(AgentRejection::StatusIllegal(status.task));
        }
        status.agent = Some(agent.clone());
        let Some(known) = self.frameworks.get(&framework) else {
            self.command_removal(step, agent, &framework);
            return Ok(());
        };
        let key = TaskKey::new(&framework, &status.task);
        match known.tasks.get(&key.task) {
            Some(task) if task.record.agent == *agent && task.takes(update) => {
                let is_alone = known.is_alone();
                self.apply_status(step, &key, &status, latest);
                self.tell(step, &framework, Event::Update(status));
                if is_alone || is_planted(Bug::MasterAcknowledgesUnasked) {
                    self.on_acknowledge(step, &framework, (agent, &key.task), update);
                }
            }
            // The end of the task was told already, by this agent or when it had lost the task:
            // nobody waits for this any more.
            _ => {
                let task = status.task;
                self.tell_agent(
                    step,
                    agent,
                    agent_link::Event::Acknowledge { framework, task, update },
                );
            }
        }
        Ok(())
    }

    fn apply_status(
        &mut self,
        step: &mut Step,
        key: &TaskKey,
        status: &TaskStatus,
        latest: TaskState,
    ) {
        let known = self.framework_mut(&key.framework).tasks.get_mut(&key.task);
        let task = known.expect("the caller has found the task");
        let held = task.record.state.holds_resources();
        if task.on_status(status, latest) {
            step.publish(ClusterEvent::TaskUpdated(key.framework.clone(), status.clone()));
        }
        let is_over = held && !task.record.state.holds_resources();
        let (agent, state) = (task.record.agent.clone(), task.record.state);
        let executor = task.record.executor.as_ref().map(|executor| executor.id.clone());
        if is_over && !is_planted(Bug::MasterKeepsWhatEnded) {
            self.release_task(key);
        }
        if let Some(executor) = executor {
            self.note_executor(&agent, &ExecutorKey::new(&key.framework, &executor), state);
        }
    }

    /// Learns from a task's state whether its executor lives: an executor none of whose tasks
    /// the agent has taken was never started, and nobody will say that it has ended.
    fn note_executor(&mut self, agent: &AgentId, key: &ExecutorKey, state: TaskState) {
        let known = self.agent_mut(agent);
        let Some(executor) = known.executors.get_mut(key) else {
            return;
        };
        if !matches!(state, TaskState::Staging | TaskState::Dropped | TaskState::Error) {
            executor.is_started = true;
        }
        if !executor.is_started && state.is_terminal() && !self.is_executor_needed(agent, key) {
            self.release_executor(agent, key);
        }
    }

    /// Whether a task that is not over names the executor.
    pub(crate) fn is_executor_needed(&self, agent: &AgentId, key: &ExecutorKey) -> bool {
        let of_framework = &self.frameworks[&key.framework].tasks;
        let on_agent = self.agents[agent].tasks.iter();
        on_agent.filter(|task| task.framework == key.framework).any(|task| {
            let record = &of_framework[&task.task].record;
            record.state.holds_resources()
                && record.executor.as_ref().is_some_and(|executor| executor.id == key.executor)
        })
    }

    /// Passes an acknowledgement on. The agent judges it too: it knows best which Update is due.
    pub(crate) fn on_acknowledge(
        &mut self,
        step: &mut Step,
        framework: &FrameworkId,
        (agent, task): (&AgentId, &TaskId),
        update: UpdateId,
    ) {
        let known = self.framework_mut(framework).tasks.get_mut(task);
        let Some(known) = known.filter(|known| known.record.agent == *agent) else {
            return;
        };
        let is_last = known.on_acknowledge(update);
        let event = agent_link::Event::Acknowledge {
            framework: framework.clone(),
            task: task.clone(),
            update,
        };
        self.tell_agent(step, agent, event);
        if is_last {
            self.complete(&TaskKey::new(framework, task));
        }
    }

    /// Moves a task that is over from the table to those that are remembered.
    pub(crate) fn complete(&mut self, key: &TaskKey) {
        let task = self.framework_mut(&key.framework).tasks.remove(&key.task);
        let record = task.expect("only known tasks are completed").record;
        self.agent_mut(&record.agent).tasks.remove(key);
        self.note_drain(&record.agent);
        self.completed.insert(record);
        self.perhaps_over.insert(key.framework.clone());
    }

    pub(crate) fn on_executor_ended(
        &mut self,
        step: &mut Step,
        agent: &AgentId,
        (framework, executor): (FrameworkId, ExecutorId),
        message: String,
    ) {
        let key = ExecutorKey::new(&framework, &executor);
        let known = self.agent_mut(agent);
        let Some(ended) = known.executors.get_mut(&key) else { return };
        if known.outbox.will_start(&key) {
            // A Launch crossed this on its way: the executor will be started anew for it.
            ended.is_started = false;
        } else {
            self.release_executor(agent, &key);
        }
        let agent = agent.clone();
        let event = Event::Failure { agent, executor: Some(executor), message };
        self.tell(step, &framework, event);
    }

    /// The agent has recorded commands: they need not be kept, and what removed frameworks held
    /// is free.
    pub(crate) fn on_applied(&mut self, id: &AgentId, number: u64) -> Result<(), AgentRejection> {
        let outbox = &mut self.agent_mut(id).outbox;
        let last = outbox.last();
        let applied = outbox.applied(number);
        for command in applied.ok_or(AgentRejection::CommandUnknown { number, last })? {
            if let Command::RemoveFramework { framework } = command {
                self.release_ending(id, &framework);
            }
        }
        Ok(())
    }
}
