//! Agents that are gone by an operator's word: they may never come back. It never says so by
//! itself.

use stoa_model::ids::AgentId;
use stoa_model::operator::{Answer, Refusal};

use crate::agent_loss::Departure;
use crate::limits::AGENTS_GONE_MAX;
use crate::master::Master;
use crate::step::Step;

impl Master {
    /// Gives an agent up for ever, with all its tasks. Saying it twice is no mistake.
    pub(crate) fn on_gone(&mut self, step: &mut Step, id: &AgentId) -> Answer {
        if self.gone.contains(id) {
            return Answer::AgentGone(id.clone());
        }
        if !self.agents.contains_key(id) {
            return Answer::Refused(Refusal::AgentUnknown(id.clone()));
        }
        if self.gone.len() >= AGENTS_GONE_MAX {
            return Answer::Refused(Refusal::GoneFull { agents: self.gone.len() });
        }
        // What is asked of its tasks is answered by this from now on, also by a later master.
        self.gone.insert(id.clone());
        self.remove_agent(step, id, Departure::Gone);
        Answer::AgentGone(id.clone())
    }
}
