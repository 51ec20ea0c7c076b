//! What operators want of an agent: deactivate, drain, and back. It never ends a task: the agent
//! does, and says so by Updates.
//!
//! A drain outlives the master and the agent's stream: it is recorded, and an agent that comes back
//! is told again. It is over when the agent is connected and nothing of it is left: no task whose
//! end is not acknowledged, no executor, nothing of a removed framework.

use stoa_model::agent::AgentDuty;
use stoa_model::agent_link::Command;
use stoa_model::ids::AgentId;
use stoa_model::limits::DURATION_MS_MAX;
use stoa_model::operator::{AgentOrder, Answer, ClusterEvent, Refusal};

use crate::agents::Agent;
use crate::master::Master;
use crate::record::Record;
use crate::step::Step;
use stoa_model::keys::ExecutorKey;

/// What is wanted of an agent after an order; nothing if the order does not follow. The same order
/// twice is no mistake.
fn next_duty(duty: AgentDuty, order: AgentOrder) -> Option<AgentDuty> {
    use AgentDuty::{Active, Deactivated, Drained, Draining};
    match (order, duty) {
        (AgentOrder::Drain { .. }, Drained) => Some(Drained),
        (AgentOrder::Drain { grace_max_ms }, Active | Deactivated | Draining { .. }) => {
            let grace_max_ms = grace_max_ms.map(|ms| ms.min(DURATION_MS_MAX));
            Some(Draining { grace_max_ms })
        }
        (AgentOrder::Undrain, Active | Draining { .. } | Drained) => Some(Active),
        (AgentOrder::Deactivate, Active | Deactivated) => Some(Deactivated),
        (AgentOrder::Reactivate, Active | Deactivated) => Some(Active),
        (AgentOrder::Undrain, Deactivated)
        | (AgentOrder::Deactivate | AgentOrder::Reactivate, Draining { .. } | Drained)
        | (AgentOrder::Gone, _) => None,
    }
}

impl Master {
    pub(crate) fn on_order(&mut self, step: &mut Step, id: &AgentId, order: AgentOrder) -> Answer {
        if order == AgentOrder::Gone {
            return self.on_gone(step, id);
        }
        let Some(agent) = self.agents.get(id) else {
            let id = id.clone();
            let is_gone = self.gone.contains(&id);
            return Answer::Refused(match is_gone {
                true => Refusal::AgentGone(id),
                false => Refusal::AgentUnknown(id),
            });
        };
        let duty = agent.duty;
        let Some(next) = next_duty(duty, order) else {
            return Answer::Refused(Refusal::OrderIllegal { agent: id.clone(), duty, order });
        };
        if next.is_draining() && agent.outbox.is_full() {
            return Answer::Refused(Refusal::TooManyWaiting);
        }
        if next != duty {
            if duty == AgentDuty::Drained {
                self.hold_again(id);
            }
            self.set_duty(step, id, next);
            self.finish_drains(step);
        }
        Answer::Agent(Box::new(self.agent_state(id, &self.agents[id])))
    }

    fn set_duty(&mut self, step: &mut Step, id: &AgentId, duty: AgentDuty) {
        step.record(Record::AgentDuty { id: id.clone(), duty });
        self.agent_mut(id).duty = duty;
        step.publish(ClusterEvent::AgentDutyChanged(id.clone(), duty));
        if duty != AgentDuty::Active {
            self.rescind_of_agent(step, id);
        }
        self.allocator.dirty.insert(id.clone());
        self.agent_mut(id).outbox.withdraw_drains();
        // One that is away is told when it comes back.
        if duty.is_draining() && self.agents[id].connection().is_some() {
            self.command_drain(step, id);
        }
        self.note_drain(id);
    }

    /// Has an agent end all that runs on it.
    fn command_drain(&mut self, step: &mut Step, id: &AgentId) {
        if let AgentDuty::Draining { grace_max_ms } = self.agents[id].duty {
            self.command(step, id, Command::Drain { grace_max_ms });
        }
    }

    /// An agent has come back, with what it reports: if it is drained, that has to end too. It
    /// finds room among the commands, of which there is one like this at most.
    pub(crate) fn resume_drain(&mut self, step: &mut Step, id: &AgentId) {
        let agent = &self.agents[id];
        if agent.duty == AgentDuty::Drained && !agent.is_vacant() {
            let duty = AgentDuty::Draining { grace_max_ms: None };
            step.record(Record::AgentDuty { id: id.clone(), duty });
            self.agent_mut(id).duty = duty;
            step.publish(ClusterEvent::AgentDutyChanged(id.clone(), duty));
        }
        if !self.agents[id].outbox.has_drain() {
            self.command_drain(step, id);
        }
        self.note_drain(id);
    }

    /// Something of an agent has ended: if it is drained, that may have been the last.
    pub(crate) fn note_drain(&mut self, id: &AgentId) {
        if self.agents.get(id).is_some_and(|agent| agent.duty.is_draining()) {
            self.perhaps_drained.insert(id.clone());
        }
    }

    /// Ends the executors of draining agents that have no more tasks, and the drains of those on
    /// which nothing is left.
    pub(crate) fn finish_drains(&mut self, step: &mut Step) {
        while let Some(id) = self.perhaps_drained.pop_first() {
            let agent = &self.agents[&id];
            if agent.connection().is_none() || !agent.duty.is_draining() {
                continue;
            }
            if agent.is_vacant() {
                self.set_duty(step, &id, AgentDuty::Drained);
            } else {
                self.end_idle_executors(step, &id);
            }
        }
    }

    fn end_idle_executors(&mut self, step: &mut Step, id: &AgentId) {
        let agent = &self.agents[id];
        let living = agent.executors.iter().filter(|(_, executor)| !executor.is_ending);
        let idle = living.filter(|(key, _)| !self.is_executor_needed(id, key));
        let idle: Vec<ExecutorKey> = idle.map(|(key, _)| key.clone()).collect();
        for key in idle {
            if self.agents[id].outbox.is_full() {
                return;
            }
            if let Some(executor) = self.agent_mut(id).executors.get_mut(&key) {
                executor.is_ending = true;
            }
            let ExecutorKey { framework, executor } = key;
            self.command(step, id, Command::Shutdown { framework, executor });
        }
    }
}

impl Agent {
    /// Whether nothing is left on it.
    pub(crate) fn is_vacant(&self) -> bool {
        self.tasks.is_empty() && self.executors.is_empty() && self.ending.is_empty()
    }

    /// Says what is wrong with its duty.
    pub(crate) fn check_duty(&self) -> Result<(), String> {
        let is_vacant = self.is_vacant();
        if self.duty.is_draining() && self.connection().is_some() && is_vacant {
            return Err("nothing is left, but it is not drained".to_owned());
        }
        if self.duty == AgentDuty::Drained && !is_vacant {
            return Err("it is drained, but something is left".to_owned());
        }
        if self.duty != AgentDuty::Active && !self.offers.is_empty() {
            return Err(format!("it is {}, but offered", self.duty));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duty_has_a_way_back_and_every_order_may_be_repeated() {
        let orders = [
            AgentOrder::Drain { grace_max_ms: None },
            AgentOrder::Undrain,
            AgentOrder::Deactivate,
            AgentOrder::Reactivate,
        ];
        let draining = AgentDuty::Draining { grace_max_ms: None };
        for duty in [AgentDuty::Active, AgentDuty::Deactivated, draining, AgentDuty::Drained] {
            let followed = orders.iter().filter_map(|order| next_duty(duty, *order));
            assert!(followed.clone().any(|next| next == AgentDuty::Active), "{duty}");
            for order in orders {
                if let Some(next) = next_duty(duty, order) {
                    assert_eq!(next_duty(next, order), Some(next), "{} of {duty}", order.as_str());
                }
            }
        }
    }
}
