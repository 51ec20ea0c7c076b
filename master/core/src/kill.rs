//! Kill: passes it on once to the agent of a task that is not over, and answers at once for every
//! other task. It never ends a task: its agent's Update does.

use stoa_model::agent_link::Command;
use stoa_model::ids::{AgentId, FrameworkId, TaskId};
use stoa_model::limits::DURATION_MS_MAX;
use stoa_model::scheduler::Event;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{KillPolicy, TaskState};
use stoa_planted::{Bug, is_planted};

use crate::master::Master;
use crate::reconcile::Question;
use crate::rejection::Rejection;
use crate::step::Step;
use crate::tasks::{by_master, reconciled};

impl Master {
    pub(crate) fn on_kill(
        &mut self,
        step: &mut Step,
        framework: &FrameworkId,
        (task, agent): (TaskId, Option<AgentId>),
        policy: Option<KillPolicy>,
    ) -> Result<(), Rejection> {
        check_grace(policy)?;
        let Some(known) = self.frameworks[framework].tasks.get(&task) else {
            return self.ask(step, framework, (task, agent), Question::Kill(policy));
        };
        let record = &known.record;
        let answer = if let Some(named) = agent.filter(|named| *named != record.agent) {
            let message = format!("the task is on agent {}, not on {named}", record.agent);
            let (state, reason) = (TaskState::Unknown, Reason::Reconciliation);
            let status = TaskStatus::by_master(task, Some(named), state, reason, step.now.ms);
            Some(status.with_message(message))
        } else if record.state.is_terminal() {
            Some(reconciled(record, step.now))
        } else if self.agents[&record.agent].outbox.is_full() {
            let message = Rejection::CommandsFull(record.agent.clone()).to_string();
            Some(reconciled(record, step.now).with_message(message))
        } else {
            let answer = (record.state == TaskState::Unreachable).then(|| {
                by_master(record, record.state, Reason::AgentUnreachable, step.now)
                    .with_message("the kill waits for the agent to come back")
            });
            let agent = record.agent.clone();
            if !is_planted(Bug::MasterForgetsKill) {
                let framework = framework.clone();
                self.command(step, &agent, Command::Kill { framework, task, policy });
            }
            answer
        };
        if let Some(status) = answer {
            self.tell(step, framework, Event::Update(status));
        }
        Ok(())
    }
}

/// Refuses a grace that is longer than anything may be.
pub(crate) fn check_grace(policy: Option<KillPolicy>) -> Result<(), Rejection> {
    match policy.filter(|policy| policy.grace_ms > DURATION_MS_MAX) {
        Some(policy) => Err(Rejection::GraceTooLong(policy.grace_ms)),
        None => Ok(()),
    }
}
