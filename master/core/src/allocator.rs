//! Who is offered what: every agent with something free goes to the next in turn that would have
//! it. It never waits: what a step frees is offered in the same step.
//!
//! Only agents whose free resources have changed are looked at (`dirty`), and those that nobody
//! took (`idle`) when somebody new comes to wait. An agent that nobody wants costs nothing.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::ids::{AgentId, FrameworkId, Role};
use stoa_model::offer::Offer;
use stoa_model::operator::ClusterEvent;
use stoa_model::resources::Resources;
use stoa_model::scheduler::Event;

use crate::deadlines::Deadline;
use crate::limits::{OFFERS_PER_EVENT_MAX, OFFERS_PER_FRAMEWORK_MAX};
use crate::master::Master;
use crate::shares::{Shares, Turn};
use crate::step::Step;

/// What the allocation needs to remember.
#[derive(Debug)]
pub(crate) struct Allocator {
    pub(crate) shares: Shares,
    /// Agents to be looked at before the step ends.
    pub(crate) dirty: BTreeSet<AgentId>,
    /// Agents with something free that nobody took.
    ///
    /// Invariant, between steps: exactly the connected agents that are worth an offer.
    pub(crate) idle: BTreeSet<AgentId>,
}

impl Allocator {
    pub(crate) fn new(shares: Shares) -> Self {
        Self { shares, dirty: BTreeSet::new(), idle: BTreeSet::new() }
    }

    /// Looks at every agent that nobody took, since somebody might take it now.
    pub(crate) fn wake(&mut self) {
        self.dirty.append(&mut self.idle);
    }
}

impl Master {
    /// Offers what is free on the agents that have changed.
    pub(crate) fn allocate(&mut self, step: &mut Step) {
        if self.allocator.dirty.is_empty() {
            return;
        }
        self.allocator.shares.refresh();
        let mut batches: BTreeMap<FrameworkId, Vec<Offer>> = BTreeMap::new();
        while let Some(agent) = self.allocator.dirty.pop_first() {
            self.allocator.idle.remove(&agent);
            if let Some((role, framework)) = self.taker(&agent) {
                let offer = self.make_offer(step, &agent, role, framework);
                batches.entry(offer.framework.clone()).or_default().push(offer);
            } else if self.agents.get(&agent).is_some_and(|agent| agent.is_on_offer()) {
                self.allocator.idle.insert(agent);
            }
        }
        for (framework, mut offers) in batches {
            while !offers.is_empty() {
                let rest = offers.split_off(offers.len().min(OFFERS_PER_EVENT_MAX));
                self.tell(step, &framework, Event::Offer(offers));
                offers = rest;
            }
        }
    }

    /// The first in turn that would have what is free on `agent`: those with demand come first.
    pub(crate) fn taker(&self, agent: &AgentId) -> Option<(Role, FrameworkId)> {
        let known = self.agents.get(agent).filter(|known| known.is_on_offer())?;
        Turn::ALL.into_iter().find_map(|turn| {
            self.allocator
                .shares
                .in_order(turn)
                .find(|(role, framework)| {
                    self.would_take(turn, (role, framework), agent, known.book.free())
                })
                .map(|(role, framework)| (role.clone(), framework.clone()))
        })
    }

    fn would_take(
        &self,
        turn: Turn,
        (role, framework): (&Role, &FrameworkId),
        agent: &AgentId,
        free: &Resources,
    ) -> bool {
        let framework = &self.frameworks[framework];
        framework.offers.len() < OFFERS_PER_FRAMEWORK_MAX
            && (turn == Turn::Ordinary || framework.demand.is_met_by(agent, free))
            && !framework.filters.block(agent, role, free)
    }

    /// Offers all that is free on `agent`.
    fn make_offer(
        &mut self,
        step: &mut Step,
        agent: &AgentId,
        role: Role,
        framework: FrameworkId,
    ) -> Offer {
        let id = self.mint.offer();
        let known = self.agent_mut(agent);
        let resources = known.book.free().clone();
        known.book.offer(&resources);
        known.offers.insert(id.clone());
        let offer = Offer {
            id: id.clone(),
            framework: framework.clone(),
            agent: agent.clone(),
            hostname: known.info.hostname.clone(),
            role: role.clone(),
            resources: resources.clone(),
            attributes: known.info.attributes.clone(),
        };
        self.offers.insert(id.clone(), offer.clone());
        self.allocator.shares.charge(&role, &framework, &resources);
        self.deadlines
            .set(Deadline::Lease(id.clone()), step.now.plus_ms(self.config.offer_lease_ms));

        let known = self.framework_mut(&framework);
        known.offers.insert(id.clone());
        if !known.demand.is_empty() {
            known.demand.meet(agent, &resources);
            if known.demand.is_empty() {
                // It now waits with the others, and may take what it would not have before.
                self.refresh_turns(&framework, &[]);
            }
        }
        step.publish(ClusterEvent::OfferMade(id, framework, agent.clone(), role, resources));
        offer
    }
}
