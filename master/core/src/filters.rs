//! What a framework has refused and is not to be offered again for a while. It never asks the
//! time: `deadlines.rs` says when one ends.

use std::collections::BTreeMap;

use stoa_model::ids::{AgentId, Role};
use stoa_model::instant::Instant;
use stoa_model::resources::Resources;

use crate::limits::FILTERS_PER_AGENT_MAX;

/// Blocks offers of what is contained in `refused`: a larger offer passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) role: Role,
    pub(crate) refused: Resources,
    pub(crate) until: Instant,
}

/// The filters of one framework, by agent.
///
/// Invariant: no list is empty, and none is longer than [`FILTERS_PER_AGENT_MAX`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters {
    by_agent: BTreeMap<AgentId, Vec<Filter>>,
}

impl Filters {
    /// Whether these resources of `agent` may not be offered for `role`.
    pub(crate) fn block(&self, agent: &AgentId, role: &Role, resources: &Resources) -> bool {
        self.by_agent.get(agent).is_some_and(|filters| {
            filters.iter().any(|filter| filter.role == *role && filter.refused.contains(resources))
        })
    }

    /// Adds a filter; answers when the first filter for the agent ends.
    pub(crate) fn add(&mut self, agent: &AgentId, filter: Filter) -> Instant {
        let filters = self.by_agent.entry(agent.clone()).or_default();
        filters.retain(|other| {
            other.role != filter.role
                || other.until > filter.until
                || !filter.refused.contains(&other.refused)
        });
        if filters.len() == FILTERS_PER_AGENT_MAX {
            filters.sort_by_key(|other| other.until);
            filters.remove(0);
        }
        filters.push(filter);
        first_end(filters).expect("a filter was just added")
    }

    /// Removes the agent's filters that are over; answers when the next one ends.
    pub(crate) fn expire(&mut self, agent: &AgentId, now: Instant) -> Option<Instant> {
        self.retain(agent, |filter| filter.until > now)
    }

    /// Removes the agent's filters for these roles; answers when the next one ends.
    pub(crate) fn remove(&mut self, agent: &AgentId, roles: &[Role]) -> Option<Instant> {
        self.retain(agent, |filter| !roles.contains(&filter.role))
    }

    /// Removes all filters for an agent.
    pub(crate) fn remove_agent(&mut self, agent: &AgentId) {
        self.by_agent.remove(agent);
    }

    /// The agents there are filters for.
    pub(crate) fn agents(&self) -> impl Iterator<Item = &AgentId> {
        self.by_agent.keys()
    }

    fn retain(&mut self, agent: &AgentId, keep: impl Fn(&Filter) -> bool) -> Option<Instant> {
        let filters = self.by_agent.get_mut(agent)?;
        filters.retain(keep);
        let next = first_end(filters);
        if next.is_none() {
            self.by_agent.remove(agent);
        }
        next
    }
}

fn first_end(filters: &[Filter]) -> Option<Instant> {
    filters.iter().map(|filter| filter.until).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(role: &str, refused: &str, until_ms: u64) -> Filter {
        Filter {
            role: Role::new(role).unwrap(),
            refused: refused.parse().unwrap(),
            until: Instant::from_ms(until_ms),
        }
    }

    #[test]
    fn larger_offer_passes_and_other_roles_do_not_care() {
        let agent = AgentId::new("A1").unwrap();
        let mut filters = Filters::default();
        filters.add(&agent, filter("web", "cpus=2 memory=1GiB", 10));
        let blocks = |role: &str, text: &str| {
            filters.block(&agent, &Role::new(role).unwrap(), &text.parse().unwrap())
        };
        assert!(blocks("web", "cpus=2 memory=512MiB"));
        assert!(!blocks("web", "cpus=3"));
        assert!(!blocks("batch", "cpus=1"));
    }

    #[test]
    fn filters_for_one_agent_are_few_and_the_first_to_end_makes_room() {
        let agent = AgentId::new("A1").unwrap();
        let mut filters = Filters::default();
        for n in 1..=FILTERS_PER_AGENT_MAX as u64 + 1 {
            // Neither holds another, so none is made superfluous.
            let refused = format!("cpus={n} disk={}MiB", 100 - n);
            let first = filters.add(&agent, filter("web", &refused, 100 + n));
            assert_eq!(first.ms, 101 + n.saturating_sub(FILTERS_PER_AGENT_MAX as u64));
        }
        assert_eq!(filters.expire(&agent, Instant::from_ms(1_000)), None);
        assert_eq!(filters.agents().count(), 0);
    }

    #[test]
    fn filter_that_says_no_more_than_a_newer_one_is_dropped() {
        let agent = AgentId::new("A1").unwrap();
        let mut filters = Filters::default();
        filters.add(&agent, filter("web", "cpus=1", 10));
        assert_eq!(filters.add(&agent, filter("web", "cpus=2", 20)).ms, 20);
    }
}
