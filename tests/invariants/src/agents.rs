//! When masters admit agents and when they give them up. It never knows why an agent is away.

use std::collections::{BTreeMap, BTreeSet};

use stoa_master_core::{Action, ConnectionId, Input, Record};
use stoa_model::agent::AgentDuty;
use stoa_model::agent_link::Event;
use stoa_model::ids::AgentId;
use stoa_model::instant::Instant;
use stoa_model::operator::{AgentStanding, Answer, ClusterEvent, ClusterState, Query};
use stoa_model::scheduler;
use stoa_model::task::TaskState;

use crate::checker::{Checker, Step};
use crate::invariant::Invariant;
use crate::names::Name;
use crate::violation::{Checked, ensure};

/// So many agents may be away in any cluster; in a larger one, so many in a hundred.
const AWAY_MIN: usize = 3;
const AWAY_PERCENT_MAX: usize = 30;

/// The times a master was started with, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    /// How long an agent may be silent.
    pub unreachable_ms: u64,
    /// How long passes between two agents that are given up.
    pub loss_interval_ms: u64,
}

/// What masters have heard of agents, and what is durable of them.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    patience: BTreeMap<Name, Patience>,
    started_at: BTreeMap<Name, Instant>,
    of: BTreeMap<(Name, ConnectionId), AgentId>,
    heard_at: BTreeMap<(Name, AgentId), Instant>,
    lost_at: BTreeMap<Name, Instant>,
    /// Agents that a master has given up in this step.
    lost_now: BTreeSet<AgentId>,
    /// An operator has let the breaker go since the master started.
    released: BTreeSet<Name>,
    /// Agents that are, or ever were, durable as admitted and as unreachable.
    admitted: BTreeSet<AgentId>,
    unreachable: BTreeSet<AgentId>,
    gone: BTreeSet<AgentId>,
    /// What a master knows to be gone.
    known_gone: BTreeMap<Name, BTreeSet<AgentId>>,
}

impl Agents {
    pub(crate) fn on_start(&mut self, master: Name, now: Instant, patience: Patience) {
        self.patience.insert(master, patience);
        self.started_at.insert(master, now);
        self.of.retain(|(other, _), _| *other != master);
        self.heard_at.retain(|(other, _), _| *other != master);
        self.lost_at.remove(&master);
        self.released.remove(&master);
        self.known_gone.insert(master, self.gone.clone());
    }

    /// Whether an operator has given the agent up, rightly or not.
    pub(crate) fn is_gone(&self, id: &AgentId) -> bool {
        self.gone.contains(id)
    }

    /// A master's record is durable.
    pub(crate) fn on_record(&mut self, record: &Record) {
        match record {
            Record::Agent { id, .. } => drop(self.admitted.insert(id.clone())),
            Record::AgentUnreachable { id, .. } => drop(self.unreachable.insert(id.clone())),
            Record::AgentGone { id } => drop(self.gone.insert(id.clone())),
            _ => {}
        }
    }

    fn hear(&mut self, master: Name, id: ConnectionId, now: Instant) {
        if let Some(agent) = self.of.get(&(master, id)) {
            self.heard_at.insert((master, agent.clone()), now);
        }
    }
}

impl Checker {
    pub(crate) fn check_agents(&mut self, step: &Step<'_>) -> Checked {
        let agents = &mut self.agents;
        match step.input {
            Input::AgentCall(id, _) => agents.hear(step.master, *id, step.now),
            Input::AgentGone(id) => {
                agents.hear(step.master, *id, step.now);
                agents.of.remove(&(step.master, *id));
            }
            Input::Query(_, Query::ResetBreaker) => {
                agents.released.insert(step.master);
            }
            _ => {}
        }
        agents.lost_now.clear();
        for action in step.actions {
            match action {
                Action::ToAgent(id, Event::Registered(welcome) | Event::Reregistered(welcome)) => {
                    self.check_welcome(step, *id, &welcome.agent)?;
                }
                Action::Record(Record::AgentGone { id }) => {
                    let known = self.agents.known_gone.entry(step.master).or_default();
                    known.insert(id.clone());
                }
                Action::Publish(ClusterEvent::AgentDisconnected(id)) => {
                    self.agents.of.retain(|(of, _), it| *of != step.master || it != id);
                }
                Action::Publish(ClusterEvent::AgentUnreachable(id)) => self.check_loss(step, id)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn check_welcome(&mut self, step: &Step<'_>, id: ConnectionId, agent: &AgentId) -> Checked {
        let agents = &mut self.agents;
        let known = agents.known_gone.get(&step.master);
        let is_gone = known.is_some_and(|known| known.contains(agent));
        ensure(!is_gone, Invariant::A2, || format!("{agent} is greeted by {}", step.master))?;
        agents.of.insert((step.master, id), agent.clone());
        agents.hear(step.master, id, step.now);
        Ok(())
    }

    fn check_loss(&mut self, step: &Step<'_>, id: &AgentId) -> Checked {
        let agents = &mut self.agents;
        let patience = agents.patience.get(&step.master).copied().unwrap_or_default();
        let heard = agents.heard_at.get(&(step.master, id.clone()));
        let heard = heard.or(agents.started_at.get(&step.master)).copied().unwrap_or_default();
        let silent_ms = step.now.ms_since(heard);
        ensure(silent_ms >= patience.unreachable_ms, Invariant::A4, || {
            format!("{id} after {silent_ms} of {} ms", patience.unreachable_ms)
        })?;
        agents.lost_now.insert(id.clone());
        let Some(last) = agents.lost_at.insert(step.master, step.now) else { return Ok(()) };
        let since_ms = step.now.ms_since(last);
        ensure(since_ms >= patience.loss_interval_ms, Invariant::A6, || {
            format!("{id} {since_ms} of {} ms after another", patience.loss_interval_ms)
        })
    }

    /// After a step in which an agent was given up, not too many are away that a master has seen.
    pub(crate) fn check_breaker(&self, master: Name, state: &ClusterState) -> Checked {
        let agents = &self.agents;
        if agents.lost_now.is_empty() || agents.released.contains(&master) {
            return Ok(());
        }
        let counts = |duty: AgentDuty| duty != AgentDuty::Drained;
        let is_released = |id: &AgentId| {
            let known = state.agents.iter().find(|agent| agent.id == *id);
            known.is_none_or(|agent| !counts(agent.duty))
        };
        if agents.lost_now.iter().all(is_released) {
            return Ok(());
        }
        let seen = state.agents.iter().filter(|agent| counts(agent.duty));
        let of_seen = seen.filter(|it| it.standing != AgentStanding::Unreachable);
        let here = of_seen.clone().count() + agents.lost_now.len();
        let is_away = |standing| standing == AgentStanding::Disconnected;
        let away = of_seen.filter(|it| is_away(it.standing)).count() + agents.lost_now.len();
        let most = AWAY_MIN.max((here + agents.unreachable.len()) * AWAY_PERCENT_MAX / 100);
        ensure(away <= most, Invariant::A5, || format!("{away} of {here} are away at {master}"))
    }

    /// A master says something: what it relies on is durable.
    pub(crate) fn check_recorded(&mut self, master: Name, action: &Action) -> Checked {
        let agents = &self.agents;
        match action {
            Action::ToAgent(_, Event::Registered(welcome)) => {
                let is_durable = agents.admitted.contains(&welcome.agent);
                ensure(is_durable, Invariant::A1, || format!("{} is greeted", welcome.agent))
            }
            Action::ToScheduler(_, scheduler::Event::Update(status))
                if status.state == TaskState::Unreachable =>
            {
                let Some(agent) = &status.agent else { return Ok(()) };
                let is_durable = agents.unreachable.contains(agent);
                ensure(is_durable, Invariant::A1, || format!("{agent} is told to be unreachable"))
            }
            Action::ToScheduler(_, scheduler::Event::Registered { framework, .. }) => {
                let is_durable = self.frameworks.contains(framework);
                ensure(is_durable, Invariant::A1, || format!("{framework} is greeted by {master}"))
            }
            Action::Answer(_, Answer::AgentGone(id)) => {
                ensure(agents.gone.contains(id), Invariant::A1, || {
                    format!("{id} is told to be gone")
                })
            }
            Action::Publish(ClusterEvent::FrameworkRemoved(id)) => {
                let is_durable = self.frameworks_removed.contains(id);
                self.streams.removed.insert(id.clone());
                ensure(is_durable, Invariant::A1, || format!("{id} is published to be removed"))
            }
            _ => Ok(()),
        }
    }
}
