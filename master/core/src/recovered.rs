//! What a master knows when it starts: the sum of all records. It never judges it; `Master::new`
//! does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stoa_model::agent::{AgentDuty, AgentInfo};
use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{AgentId, FrameworkId};
use stoa_model::instant::Instant;

use crate::limits::FRAMEWORKS_REMOVED_MAX;
use crate::record::Record;

/// Everything that was made durable, applied in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The agents of the cluster.
    pub agents: BTreeMap<AgentId, RecoveredAgent>,
    /// The agents that never come back. The core bounds them by `AGENTS_GONE_MAX`.
    pub gone: BTreeSet<AgentId>,
    /// The frameworks that are not over.
    pub frameworks: BTreeMap<FrameworkId, RecoveredFramework>,
    /// Frameworks that are over, the oldest first, so that an agent that comes back with their
    /// tasks is told to end them. At most [`FRAMEWORKS_REMOVED_MAX`].
    pub removed: VecDeque<FrameworkId>,
}

/// An agent as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredAgent {
    /// What it said of itself last.
    pub info: AgentInfo,
    /// Since when it is unreachable, if it is.
    pub unreachable_since: Option<Instant>,
    /// What operators want of it.
    pub duty: AgentDuty,
}

/// A framework as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredFramework {
    /// What its scheduler said of it last.
    pub info: FrameworkInfo,
    /// When it is to be removed, if its scheduler was gone already.
    pub disconnected_until: Option<Instant>,
}

impl Recovered {
    /// Adds one fact. A fact about what is not known, which a sound store cannot hold, is passed
    /// over.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Agent { id, info } => {
                let duty = AgentDuty::Active;
                let agent = RecoveredAgent { info, unreachable_since: None, duty };
                self.agents
                    .entry(id)
                    .and_modify(|known| known.info = agent.info.clone())
                    .or_insert(agent);
            }
            Record::AgentUnreachable { id, since } => self.set_unreachable(&id, Some(since)),
            Record::AgentReachable { id } => self.set_unreachable(&id, None),
            Record::AgentRemoved { id } => {
                self.agents.remove(&id);
            }
            Record::AgentDuty { id, duty } => {
                if let Some(agent) = self.agents.get_mut(&id) {
                    agent.duty = duty;
                }
            }
            Record::AgentGone { id } => {
                self.agents.remove(&id);
                self.gone.insert(id);
            }
            Record::Framework { id, info } => {
                let framework = RecoveredFramework { info, disconnected_until: None };
                self.frameworks
                    .entry(id)
                    .and_modify(|known| known.info = framework.info.clone())
                    .or_insert(framework);
            }
            Record::FrameworkDisconnected { id, deadline } => {
                self.set_disconnected(&id, Some(deadline));
            }
            Record::FrameworkConnected { id } => self.set_disconnected(&id, None),
            Record::FrameworkRemoved { id } => {
                self.frameworks.remove(&id);
                self.removed.push_back(id);
                if self.removed.len() > FRAMEWORKS_REMOVED_MAX {
                    self.removed.pop_front();
                }
            }
        }
    }

    fn set_unreachable(&mut self, id: &AgentId, since: Option<Instant>) {
        if let Some(agent) = self.agents.get_mut(id) {
            agent.unreachable_since = since;
        }
    }

    fn set_disconnected(&mut self, id: &FrameworkId, until: Option<Instant>) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.disconnected_until = until;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use stoa_model::resources::Resources;

    fn agent(cpus_milli: u64) -> Record {
        let info = AgentInfo {
            hostname: String::new(),
            resources: Resources::new(cpus_milli, 0),
            attributes: BTreeMap::new(),
            version: String::new(),
        };
        Record::Agent { id: AgentId::new("A1").unwrap(), info }
    }

    #[test]
    fn newest_fact_counts() {
        let id = AgentId::new("A1").unwrap();
        let since = Instant::from_ms(7);
        let mut recovered = Recovered::default();
        recovered.apply(agent(1));
        recovered.apply(Record::AgentUnreachable { id: id.clone(), since });
        recovered.apply(agent(2));
        assert_eq!(recovered.agents[&id].info.resources.cpus_milli, 2);
        assert_eq!(recovered.agents[&id].unreachable_since, Some(since), "it has not come back");
        recovered.apply(Record::AgentReachable { id: id.clone() });
        assert_eq!(recovered.agents[&id].unreachable_since, None);
        recovered.apply(Record::AgentDuty { id: id.clone(), duty: AgentDuty::Drained });
        recovered.apply(agent(3));
        assert_eq!(recovered.agents[&id].duty, AgentDuty::Drained);
        recovered.apply(Record::AgentRemoved { id });
        assert_eq!(recovered, Recovered::default());
    }

    #[test]
    fn agent_that_is_gone_stays_gone() {
        let id = AgentId::new("A1").unwrap();
        let mut recovered = Recovered::default();
        recovered.apply(agent(1));
        recovered.apply(Record::AgentGone { id: id.clone() });
        assert!(recovered.agents.is_empty() && recovered.gone.contains(&id));
    }

    #[test]
    fn removed_frameworks_are_remembered_up_to_a_bound() {
        let mut recovered = Recovered::default();
        for n in 0..=FRAMEWORKS_REMOVED_MAX {
            let id = FrameworkId::new(&format!("F{n}")).unwrap();
            recovered.apply(Record::FrameworkRemoved { id });
        }
        assert_eq!(recovered.removed.len(), FRAMEWORKS_REMOVED_MAX);
        assert_eq!(recovered.removed[0].as_str(), "F1");
    }
}
