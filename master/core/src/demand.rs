//! What a framework has asked for and not been offered yet. It never decides whose turn it is.

use stoa_model::ids::AgentId;
use stoa_model::resources::Resources;
use stoa_model::scheduler::ResourceRequest;

/// Requests that no offer has met.
///
/// A request is met by the first offer that holds it, whatever becomes of the offer: a framework
/// that declines and still wants the same requests again. One offer meets as many requests as fit
/// into it together, in the order in which they were stated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    requests: Vec<ResourceRequest>,
}

impl Demand {
    pub(crate) fn new(requests: Vec<ResourceRequest>) -> Self {
        Self { requests }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Whether these resources of `agent` would meet a request.
    pub(crate) fn is_met_by(&self, agent: &AgentId, resources: &Resources) -> bool {
        self.requests.iter().any(|request| {
            request.agent.as_ref().is_none_or(|named| named == agent)
                && resources.contains(&request.resources)
        })
    }

    /// Strikes the requests that an offer meets.
    pub(crate) fn meet(&mut self, agent: &AgentId, offered: &Resources) {
        let mut rest = offered.clone();
        self.requests.retain(|request| {
            if request.agent.as_ref().is_some_and(|named| named != agent) {
                return true;
            }
            match rest.checked_sub(&request.resources) {
                Some(less) => {
                    rest = less;
                    false
                }
                None => true,
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(agent: Option<&str>, resources: &str) -> ResourceRequest {
        let agent = agent.map(|id| AgentId::new(id).unwrap());
        ResourceRequest { agent, resources: resources.parse().unwrap() }
    }

    #[test]
    fn one_offer_meets_what_fits_into_it_together() {
        let agent = AgentId::new("A1").unwrap();
        let mut demand = Demand::new(vec![
            request(None, "cpus=3"),
            request(Some("A2"), "cpus=1"),
            request(None, "cpus=2"),
            request(Some("A1"), "cpus=1"),
        ]);
        let offered: Resources = "cpus=4 memory=1GiB".parse().unwrap();
        assert!(demand.is_met_by(&agent, &offered));
        demand.meet(&agent, &offered);
        assert_eq!(demand.requests, [request(Some("A2"), "cpus=1"), request(None, "cpus=2")]);
        assert!(!demand.is_met_by(&agent, &"cpus=1".parse().unwrap()), "A2 alone was named");
    }
}
