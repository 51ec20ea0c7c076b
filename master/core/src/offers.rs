//! Outstanding offers: how they end. It never makes one; `allocator.rs` does.

use std::collections::BTreeMap;

use stoa_model::ids::{AgentId, FrameworkId, OfferId, Role};
use stoa_model::instant::Instant;
use stoa_model::offer::{Filters, Offer};
use stoa_model::operator::ClusterEvent;
use stoa_model::resources::Resources;
use stoa_model::scheduler::Event;

use crate::deadlines::Deadline;
use crate::filters::Filter;
use crate::limits::OFFERS_PER_FRAMEWORK_MAX;
use crate::master::Master;
use crate::rejection::Rejection;
use crate::step::Step;

impl Master {
    /// Gives offers back. Offers that are void already are passed over, since a Rescind may have
    /// crossed the call on its way.
    pub(crate) fn on_decline(
        &mut self,
        step: &mut Step,
        framework: &FrameworkId,
        offers: Vec<OfferId>,
        filters: Filters,
    ) -> Result<(), Rejection> {
        let is_foreign =
            |id: &OfferId| self.offers.get(id).is_some_and(|offer| offer.framework != *framework);
        if let Some(foreign) = offers.iter().find(|id| is_foreign(id)) {
            return Err(Rejection::OfferForeign(foreign.clone()));
        }
        for id in offers {
            let Some(offer) = self.close_offer(&id) else {
                continue;
            };
            self.refuse(step.now, &offer, &offer.resources, filters);
            step.publish(ClusterEvent::OfferDeclined(id, framework.clone()));
        }
        Ok(())
    }

    /// Ends an offer: what it held is free and will be offered again in this step.
    pub(crate) fn close_offer(&mut self, id: &OfferId) -> Option<Offer> {
        let offer = self.offers.remove(id)?;
        let framework = self.framework_mut(&offer.framework);
        let was_full = framework.offers.len() >= OFFERS_PER_FRAMEWORK_MAX;
        framework.offers.remove(id);
        let agent = self.agent_mut(&offer.agent);
        agent.offers.remove(id);
        agent.book.withdraw(&offer.resources);
        self.allocator.shares.release(&offer.role, &offer.framework, &offer.resources);
        self.allocator.dirty.insert(offer.agent.clone());
        self.deadlines.clear(&Deadline::Lease(id.clone()));
        if was_full {
            self.allocator.wake();
        }
        Some(offer)
    }

    /// Ends offers against their framework's will, and tells it if it is connected.
    pub(crate) fn rescind(&mut self, step: &mut Step, offers: impl IntoIterator<Item = OfferId>) {
        let mut told: BTreeMap<FrameworkId, Vec<OfferId>> = BTreeMap::new();
        for id in offers {
            let Some(offer) = self.close_offer(&id) else {
                continue;
            };
            step.publish(ClusterEvent::OfferRescinded(id.clone(), offer.framework.clone()));
            told.entry(offer.framework).or_default().push(id);
        }
        for (framework, offers) in told {
            self.tell(step, &framework, Event::Rescind(offers));
        }
    }

    pub(crate) fn rescind_of_agent(&mut self, step: &mut Step, agent: &AgentId) {
        let offers = self.agent_mut(agent).offers.clone();
        self.rescind(step, offers);
    }

    /// Withdraws all offers of a framework that does not need to be told.
    pub(crate) fn withdraw_of_framework(&mut self, step: &mut Step, framework: &FrameworkId) {
        for id in self.framework_mut(framework).offers.clone() {
            self.close_offer(&id);
            step.publish(ClusterEvent::OfferRescinded(id, framework.clone()));
        }
    }

    /// An offer was not answered in time. Until the next beat, others come first.
    pub(crate) fn on_lease_end(&mut self, step: &mut Step, id: &OfferId) {
        let Some(offer) = self.offers.get(id).cloned() else {
            return;
        };
        self.refuse(step.now, &offer, &offer.resources, Filters { refuse_ms: 0 });
        self.rescind(step, [id.clone()]);
    }

    /// Does not offer `resources` of the offer's agent to its framework and role again for a
    /// while. Without a filter that is until the next beat, so that others are asked first and
    /// nobody is asked the same in a circle.
    pub(crate) fn refuse(
        &mut self,
        now: Instant,
        offer: &Offer,
        resources: &Resources,
        filters: Filters,
    ) {
        let until = match filters.refuse_ms {
            0 => self.next_beat(now),
            refuse_ms => now.plus_ms(refuse_ms.min(stoa_model::limits::DURATION_MS_MAX)),
        };
        let filter = Filter { role: offer.role.clone(), refused: resources.clone(), until };
        let first = self.framework_mut(&offer.framework).filters.add(&offer.agent, filter);
        let deadline = Deadline::Filters(offer.framework.clone(), offer.agent.clone());
        self.deadlines.set(deadline, first);
    }

    /// Beats are the multiples of `batch_ms`, so that all that waits for one is done at once.
    fn next_beat(&self, now: Instant) -> Instant {
        let batch_ms = self.config.batch_ms;
        Instant::from_ms(now.ms - now.ms % batch_ms).plus_ms(batch_ms)
    }

    /// Some filters of a framework for an agent have ended: the agent is looked at again.
    pub(crate) fn on_filters_end(&mut self, now: Instant, of: FrameworkId, agent: AgentId) {
        let next = self.framework_mut(&of).filters.expire(&agent, now);
        self.allocator.dirty.insert(agent.clone());
        if let Some(next) = next {
            self.deadlines.set(Deadline::Filters(of, agent), next);
        }
    }

    /// Drops a framework's filters for these roles.
    pub(crate) fn drop_filters_of_roles(&mut self, id: &FrameworkId, roles: &[Role]) {
        let framework = self.framework_mut(id);
        let agents: Vec<AgentId> = framework.filters.agents().cloned().collect();
        for agent in agents {
            let next = self.framework_mut(id).filters.remove(&agent, roles);
            let deadline = Deadline::Filters(id.clone(), agent);
            match next {
                Some(next) => self.deadlines.set(deadline, next),
                None => self.deadlines.clear(&deadline),
            }
        }
    }

    /// Drops all filters of a framework.
    pub(crate) fn drop_filters(&mut self, id: &FrameworkId) {
        let filters = std::mem::take(&mut self.framework_mut(id).filters);
        for agent in filters.agents() {
            self.deadlines.clear(&Deadline::Filters(id.clone(), agent.clone()));
        }
    }

    /// Drops all filters for an agent.
    pub(crate) fn drop_filters_for_agent(&mut self, agent: &AgentId) {
        for (id, framework) in &mut self.frameworks {
            framework.filters.remove_agent(agent);
            self.deadlines.clear(&Deadline::Filters(id.clone(), agent.clone()));
        }
    }
}
