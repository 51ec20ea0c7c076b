//! The master's whole view at one moment, for people. It never changes anything.

use stoa_model::ids::AgentId;
use stoa_model::operator::{AgentState, ClusterState, FrameworkState};
use stoa_model::resources::Resources;

use crate::agents::Agent;
use crate::amounts::Amounts;
use crate::master::Master;

impl Master {
    /// Everything the master knows now.
    pub fn state(&self) -> ClusterState {
        let agents = self.agents.iter().map(|(id, agent)| self.agent_state(id, agent));
        let frameworks = self.frameworks.iter().map(|(id, framework)| {
            let tasks = framework.tasks.values();
            let live = tasks.filter(|task| !task.record.state.is_terminal()).count();
            FrameworkState {
                id: id.clone(),
                info: framework.info.clone(),
                is_connected: framework.connection().is_some(),
                tasks_live: live as u64,
                allocated: sum(self.allocator.shares.allocated(id).map(|(_, amounts)| amounts)),
            }
        });
        let tasks = self.frameworks.values().flat_map(|framework| framework.tasks.values());
        ClusterState {
            master: self.config.master.clone(),
            agents: agents.collect(),
            frameworks: frameworks.collect(),
            offers: self.offers.values().cloned().collect(),
            tasks: tasks.map(|task| &task.record).chain(self.completed.iter()).cloned().collect(),
            agents_held: self.losses.held() as u64,
        }
    }

    /// One agent, as people see it.
    pub(crate) fn agent_state(&self, id: &AgentId, agent: &Agent) -> AgentState {
        AgentState {
            id: id.clone(),
            info: agent.info.clone(),
            standing: agent.standing.as_model(),
            duty: agent.duty,
            free: agent.book.free().clone(),
            offered: agent.book.offered().clone(),
            used: agent.book.used().clone(),
        }
    }
}

/// The sum, without ports, which mean nothing across agents.
fn sum<'a>(parts: impl Iterator<Item = &'a Amounts>) -> Resources {
    parts
        .map(Amounts::to_resources)
        .fold(Resources::default(), |sum, part| sum.checked_add(&part).unwrap_or(sum))
}
