//! How fast agents are given up whose time is over, and when none is: if too many are away at once,
//! it is rather the network that is broken, and starting all their tasks anew would be the greater
//! harm. It never counts what is drained: its machine is meant to go.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::agent::AgentDuty;
use stoa_model::ids::AgentId;
use stoa_model::instant::Instant;
use stoa_model::operator::{Answer, ClusterEvent};
use stoa_planted::{Bug, is_planted};

use crate::agents::{Agent, Standing};
use crate::deadlines::Deadline;
use crate::limits::{AGENTS_LOST_MIN, HEARTBEATS_MISSED_MAX};
use crate::master::Master;
use crate::step::Step;

/// Agents whose time is over, and those that were lost lately.
///
/// Invariant: `by_time` and `since` hold the same agents, none of which is connected or
/// unreachable; `released` are some of them.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    by_time: BTreeSet<(Instant, AgentId)>,
    since: BTreeMap<AgentId, Instant>,
    /// Those that operators have given up, or have drained: the breaker does not hold them.
    released: BTreeSet<AgentId>,
    /// When those were lost that have not come back since.
    lost: BTreeMap<AgentId, Instant>,
    /// When the next may be lost.
    next_at: Instant,
    /// Whether too many are away.
    is_tripped: bool,
}

/// How many agents are away, and of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Absence {
    away: usize,
    agents: usize,
}

impl Absence {
    /// Whether so many are away that none is given up.
    fn is_too_much(self, percent_max: u64) -> bool {
        let share = self.agents as u64 * percent_max / 100;
        percent_max < 100 && self.away as u64 > share.max(AGENTS_LOST_MIN as u64)
    }
}

impl Losses {
    /// Whether no agent waits to be given up.
    pub(crate) fn is_empty(&self) -> bool {
        self.since.is_empty()
    }

    /// Whether the agent's time is over.
    pub(crate) fn contains(&self, id: &AgentId) -> bool {
        self.since.contains_key(id)
    }

    /// How many agents wait because too many are away.
    pub(crate) fn held(&self) -> usize {
        if self.is_tripped { self.since.len() - self.released.len() } else { 0 }
    }

    fn forget(&mut self, id: &AgentId) {
        if let Some(since) = self.since.remove(id) {
            self.by_time.remove(&(since, id.clone()));
        }
        self.released.remove(id);
        self.lost.remove(id);
    }

    /// Who goes first: those that are not held, then in the order of time.
    fn next(&self) -> Option<AgentId> {
        let in_time = || self.by_time.first().map(|(_, id)| id.clone());
        self.released.first().cloned().or_else(in_time)
    }

    /// Says what is wrong.
    pub(crate) fn check(&self, agents: &BTreeMap<AgentId, Agent>) -> Result<(), String> {
        let pairs: BTreeSet<_> = self.since.iter().map(|(id, at)| (*at, id.clone())).collect();
        if pairs != self.by_time {
            return Err("agents whose time is over are in a wrong order".to_owned());
        }
        let waits = |id: &AgentId| {
            let standing = agents.get(id).map(|agent| agent.standing);
            matches!(standing, Some(Standing::Disconnected | Standing::Recovered))
        };
        if let Some(id) = self.since.keys().find(|id| !waits(id)) {
            return Err(format!("agent {id} waits to be lost, but is not away"));
        }
        if let Some(id) = self.released.iter().find(|id| !self.contains(id)) {
            return Err(format!("agent {id} is released, but does not wait to be lost"));
        }
        let is_lost = |id: &AgentId| {
            let standing = agents.get(id).map(|agent| agent.standing);
            matches!(standing, Some(Standing::Unreachable { .. }))
        };
        match self.lost.keys().find(|id| !is_lost(id)) {
            Some(id) => Err(format!("agent {id} counts as lost, but is not unreachable")),
            None => Ok(()),
        }
    }
}

impl Master {
    /// An agent's time is over: it is given up as soon as it may be.
    pub(crate) fn await_loss(&mut self, now: Instant, id: &AgentId) {
        self.losses.since.insert(id.clone(), now);
        self.losses.by_time.insert((now, id.clone()));
        if self.agents[id].duty == AgentDuty::Drained {
            self.losses.released.insert(id.clone());
        }
        if self.deadlines.at(&Deadline::Loss).is_none() {
            self.deadlines.set(Deadline::Loss, now.max(self.losses.next_at));
        }
    }

    /// An agent is wanted again that was drained while its time was over: the breaker holds it too.
    pub(crate) fn hold_again(&mut self, id: &AgentId) {
        self.losses.released.remove(id);
    }

    /// The next agent may be given up, unless too many are away.
    pub(crate) fn on_loss_due(&mut self, step: &mut Step) {
        let Some(id) = self.losses.next() else {
            return self.close_breaker(step);
        };
        let is_hasty = is_planted(Bug::MasterLosesAllAtOnce);
        let interval_ms = if is_hasty { 1 } else { self.config.agent_loss_interval_ms };
        self.losses.next_at = step.now.plus_ms(interval_ms);
        self.deadlines.set(Deadline::Loss, self.losses.next_at);
        let is_released = self.losses.released.contains(&id);
        if is_released || self.may_lose(step) {
            self.lose_agent(step, &id);
            self.forget_loss(step, &id);
            if !is_released {
                self.losses.lost.insert(id, step.now);
            }
        }
    }

    /// The agent is back, lost, or out of the cluster.
    pub(crate) fn forget_loss(&mut self, step: &mut Step, id: &AgentId) {
        self.losses.forget(id);
        if self.losses.is_empty() {
            self.deadlines.clear(&Deadline::Loss);
            self.close_breaker(step);
        }
    }

    /// Whether few enough agents are away; those who watch are told when that changes.
    fn may_lose(&mut self, step: &mut Step) -> bool {
        let absence = self.absence(step.now);
        if !absence.is_too_much(self.config.agents_lost_percent_max)
            || is_planted(Bug::MasterHasNoBreaker)
        {
            self.close_breaker(step);
            return true;
        }
        if !std::mem::replace(&mut self.losses.is_tripped, true) {
            let (away, agents) = (absence.away as u64, absence.agents as u64);
            step.publish(ClusterEvent::BreakerTripped { away, agents });
        }
        false
    }

    fn close_breaker(&mut self, step: &mut Step) {
        if std::mem::take(&mut self.losses.is_tripped) {
            step.publish(ClusterEvent::BreakerReset);
        }
    }

    fn absence(&mut self, now: Instant) -> Absence {
        let window_ms = self.config.agents_lost_window_ms;
        self.losses.lost.retain(|_, at| at.plus_ms(window_ms) > now);
        let silent_ms = HEARTBEATS_MISSED_MAX * self.config.heartbeat_ms;
        let mut absence = Absence { away: 0, agents: 0 };
        for (id, agent) in &self.agents {
            let is_away = match agent.standing {
                _ if agent.duty == AgentDuty::Drained => continue,
                Standing::Connected { heard_at, .. } => heard_at.plus_ms(silent_ms) <= now,
                Standing::Disconnected => true,
                Standing::Recovered => self.losses.contains(id),
                Standing::Unreachable { .. } if self.losses.lost.contains_key(id) => true,
                Standing::Unreachable { .. } => continue,
            };
            absence.agents += 1;
            absence.away += usize::from(is_away);
        }
        absence
    }

    /// An operator knows that the agents that wait will not come back.
    pub(crate) fn on_reset_breaker(&mut self) -> Answer {
        let agents = self.losses.held() as u64;
        self.losses.released = self.losses.since.keys().cloned().collect();
        self.losses.lost.clear();
        Answer::BreakerReset { agents }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_and_least_number_decide_together() {
        let is_too_much =
            |away, agents, percent_max| Absence { away, agents }.is_too_much(percent_max);
        assert!(!is_too_much(3, 3, 30), "a small cluster may be lost whole");
        assert!(is_too_much(4, 4, 30));
        assert!(!is_too_much(30, 100, 30));
        assert!(is_too_much(31, 100, 30));
        assert!(!is_too_much(100, 100, 100), "there is no bound");
    }
}
