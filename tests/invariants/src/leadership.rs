//! Who leads, and who obeys whom. It never knows how a leader is elected.

use std::collections::BTreeMap;

use stoa_model::epoch::Epoch;

use crate::checker::Checker;
use crate::invariant::Invariant;
use crate::names::{Life, Name};
use crate::violation::{Checked, ensure};

/// Epochs, as they were seen.
#[derive(Debug, Default)]
pub(crate) struct Leadership {
    leaders: BTreeMap<Epoch, (Name, Life)>,
    newest: Epoch,
    /// The epoch that is durable at each agent, and that each scheduler believes.
    obeyed: BTreeMap<Name, Epoch>,
}

impl Checker {
    /// A master has become leader, under this epoch.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn on_elected(&mut self, (master, life): (Name, Life), epoch: Epoch) -> Checked {
        let leadership = &mut self.leadership;
        let former = leadership.leaders.insert(epoch, (master, life));
        let is_first = former.is_none_or(|former| former == (master, life));
        ensure(is_first, Invariant::L1, || format!("{epoch} was {former:?} and is {master}"))?;
        let is_new = former.is_some() || epoch > leadership.newest;
        ensure(is_new, Invariant::L7, || format!("{epoch} after {}", leadership.newest))?;
        leadership.newest = leadership.newest.max(epoch);
        Ok(())
    }

    /// A store has taken a write of this epoch, while its leader key had that one.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn on_committed(&self, master: Name, epoch: Epoch, leader: Option<Epoch>) -> Checked {
        let is_leader = leader == Some(epoch);
        ensure(is_leader, Invariant::L3, || format!("{master} of {epoch} under {leader:?}"))
    }

    /// A master says something; its lease, by its own clock, holds or does not.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn on_leader_says(
        &self,
        (master, life): (Name, Life),
        epoch: Epoch,
        holds: bool,
    ) -> Checked {
        ensure(holds, Invariant::L5, || format!("{master} of {epoch}, whose lease may be over"))?;
        let leader = self.leadership.leaders.get(&epoch);
        let is_own = leader == Some(&(master, life));
        ensure(is_own, Invariant::L1, || format!("{master} speaks as {epoch} of {leader:?}"))
    }

    /// An agent has made it durable that it obeys this epoch.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn on_agent_epoch(&mut self, agent: Name, epoch: Epoch) -> Checked {
        let before = self.leadership.obeyed.insert(agent, epoch);
        let grows = before.is_none_or(|before| before <= epoch);
        ensure(grows, Invariant::L2, || format!("{agent} had {before:?} and has {epoch}"))
    }

    /// An agent has done what a master of this epoch commands, or has said it to its host.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn on_agent_obeys(&self, agent: Name, epoch: Epoch) -> Checked {
        let durable = self.leadership.obeyed.get(&agent).copied().unwrap_or_default();
        ensure(durable >= epoch, Invariant::L2, || {
            format!("{agent} obeys {epoch}, and {durable} is durable")
        })?;
        ensure(durable <= epoch, Invariant::L4, || format!("{agent} of {durable} obeys {epoch}"))
    }

    /// A scheduler's author is told who leads, and so that its session believes this epoch.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub(crate) fn on_scheduler_believes(&mut self, scheduler: Name, epoch: Epoch) -> Checked {
        let before = self.leadership.obeyed.insert(scheduler, epoch);
        let grows = before.is_none_or(|before| before <= epoch);
        ensure(grows, Invariant::L2, || format!("{scheduler} had {before:?} and believes {epoch}"))
    }

    /// A new agent stands in the place of one: it knows of no master.
    pub fn forget_epoch(&mut self, agent: Name) {
        self.leadership.obeyed.remove(&agent);
    }
}
