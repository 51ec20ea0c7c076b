//! All that was seen of a cluster, and the one door by which it is told. It never repairs anything.

use std::collections::{BTreeMap, BTreeSet};

use stoa_master_core as master;
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::instant::Instant;
use stoa_model::operator::{ClusterEvent, ClusterState};
use stoa_model::task::TaskState;

use crate::agents::{Agents, Patience};
use crate::authors::Authors;
use crate::checkpoints::Checkpoints;
use crate::invariant::Invariant;
use crate::leadership::Leadership;
use crate::names::Name;
use crate::offers::Offers;
use crate::streams::Streams;
use crate::violation::{Checked, ensure};

/// A task by its full name.
pub type Key = (FrameworkId, TaskId);

pub(crate) fn show((framework, task): &Key) -> String {
    format!("{framework}/{task}")
}

/// What a master has made of an input.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Which.
    pub master: Name,
    /// When, by its own clock.
    pub now: Instant,
    /// What it was told.
    pub input: &'a master::Input,
    /// What it decided, in order.
    pub actions: &'a [master::Action],
}

/// The one checker. It is told what happens, in the order in which it happens, and answers at once
/// if that must not be. Whoever sees only a part tells that part: what follows from it is checked.
#[derive(Debug, Default)]
pub struct Checker {
    pub(crate) offers: Offers,
    pub(crate) streams: Streams,
    pub(crate) agents: Agents,
    pub(crate) authors: Authors,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) leadership: Leadership,
    /// Tasks that a host has started.
    pub(crate) started: BTreeSet<Key>,
    /// What an author was told that a task has come to in the end.
    pub(crate) ends: BTreeMap<Key, TaskState>,
    /// Tasks whose authors were told so by an operator's word: they may run on if that was wrong.
    pub(crate) given_up: BTreeSet<Key>,
    /// Tasks that a master has ended by itself.
    pub(crate) ended_by_masters: BTreeSet<Key>,
    /// Frameworks that are, or ever were, durable, and those whose end is.
    pub(crate) frameworks: BTreeSet<FrameworkId>,
    pub(crate) frameworks_removed: BTreeSet<FrameworkId>,
}

impl Checker {
    /// A master begins, knowing what is durable.
    pub fn on_master_start(&mut self, master: Name, now: Instant, patience: Patience) {
        self.offers.on_start(master);
        self.streams.on_start(master, now);
        self.agents.on_start(master, now, patience);
    }

    /// A master has decided.
    ///
    /// # Errors
    /// The invariant that does not hold any more.
    pub fn on_master_step(&mut self, step: &Step<'_>) -> Checked {
        self.check_streams(step)?;
        self.check_offers(step)?;
        self.check_agents(step)?;
        step.actions.iter().try_for_each(|action| self.on_published(action))
    }

    /// What a master knows after a step.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn on_state(&self, master: Name, state: &ClusterState) -> Checked {
        self.check_accounts(state)?;
        self.check_breaker(master, state)
    }

    /// A record of a master is durable.
    pub fn on_master_record(&mut self, record: &master::Record) {
        self.agents.on_record(record);
        self.streams.on_record(record);
        match record {
            master::Record::Framework { id, .. } => drop(self.frameworks.insert(id.clone())),
            master::Record::FrameworkRemoved { id } => {
                self.frameworks_removed.insert(id.clone());
            }
            _ => {}
        }
    }

    /// A master says something, or does something else that others see.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn on_master_does(&mut self, master: Name, action: &master::Action) -> Checked {
        self.check_recorded(master, action)
    }

    /// How tasks went from state to state at their agents; none stands for their beginning.
    pub fn transitions(&self) -> &BTreeSet<(Option<TaskState>, TaskState)> {
        &self.checkpoints.transitions
    }

    fn on_published(&mut self, action: &master::Action) -> Checked {
        let master::Action::Publish(ClusterEvent::TaskUpdated(framework, status)) = action else {
            return Ok(());
        };
        if !status.state.is_terminal() {
            return Ok(());
        }
        let key = (framework.clone(), status.task.clone());
        let Some(update) = status.update else {
            self.ended_by_masters.insert(key);
            return Ok(());
        };
        let made = self.checkpoints.made.get(&key).map(Vec::as_slice).unwrap_or_default();
        let is_durable = made.iter().any(|(id, _)| *id == update);
        let is_dead = status.reason == stoa_model::status::Reason::FrameworkRemoved;
        ensure(is_durable || is_dead, Invariant::R8, || format!("{} {status:?}", show(&key)))
    }
}
