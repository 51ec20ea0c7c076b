//! What everyone has seen, and what must never be seen across processes. It knows nothing of how
//! the cores work, and never repairs anything.

use std::collections::{BTreeMap, BTreeSet};

use stoa_agent_core::{Action, Record};
use stoa_master_core as master;
use stoa_model::agent_link::Call;
use stoa_model::ids::{AgentId, FrameworkId, SessionId, TaskId, UpdateId};
use stoa_model::operator::ClusterState;
use stoa_model::resources::Resources;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::TaskState;

use crate::host::Key;
use crate::names::{Life, Name};
use crate::outcome::{Checked, Violation};

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Book {
    /// Tasks that a host has started.
    started: BTreeSet<Key>,
    /// Tasks that an agent has admitted or refused.
    launched: BTreeSet<Key>,
    /// The Updates of each task that are durable at its agent, in order.
    made: BTreeMap<Key, Vec<(UpdateId, TaskState)>>,
    /// Those whose acknowledgement is durable there.
    acknowledged: BTreeSet<UpdateId>,
    /// Those that an agent has decided are acknowledged, in its present life.
    decided: BTreeSet<(Name, UpdateId)>,
    /// The session of each agent, and the command applied last in it.
    applied: BTreeMap<Name, (SessionId, u64)>,
    /// Frameworks that the master has removed.
    removed: BTreeSet<FrameworkId>,
    /// Agents that an operator has given up, rightly or not.
    gone: BTreeSet<AgentId>,
    /// Tasks whose authors were told so: they may run on if the operator was wrong.
    given_up: BTreeSet<Key>,
    /// The last Update of each task that an author was told, and by which process of its.
    told: BTreeMap<Key, (Name, Life, usize)>,
    /// What an author was told that a task has come to in the end.
    ends: BTreeMap<Key, TaskState>,
    /// What authors have asked and not been answered.
    questions: BTreeSet<(Name, TaskId)>,
}

fn show((framework, task): &Key) -> String {
    format!("{framework}/{task}")
}

/// Whether nothing may follow: what nobody knows of does not run, and never will. That is not said
/// by a master that was not told where the task is: its agent may be away.
fn is_end(status: &TaskStatus) -> bool {
    status.state.is_terminal() || status.state == TaskState::Unknown && status.agent.is_some()
}

/// Whether the master says that it knows nothing of the task, which it may of one that is over.
fn is_forgotten(status: &TaskStatus) -> bool {
    let is_ignorant =
        matches!(status.state, TaskState::Gone | TaskState::Unknown | TaskState::Unreachable);
    is_ignorant && status.update.is_none() && status.reason == Reason::Reconciliation
}

impl Book {
    /// For every agent, what is free, offered and used is all there is, and what is offered is in
    /// the offers.
    pub fn on_state(&self, state: &ClusterState) -> Checked {
        for agent in &state.agents {
            let of_agent = state.offers.iter().filter(|offer| offer.agent == agent.id);
            let sum = |sum: Resources, more: &Resources| sum.checked_add(more);
            let in_offers = of_agent.map(|offer| &offer.resources);
            let in_offers = in_offers.into_iter().try_fold(Resources::default(), sum);
            let all = [&agent.free, &agent.offered, &agent.used];
            let all = all.into_iter().try_fold(Resources::default(), sum);
            let what = "free, offered and used is the total";
            if all.as_ref() != Some(&agent.info.resources) {
                return Err(Violation::new(what, format!("{agent:?}")));
            }
            if in_offers.as_ref() != Some(&agent.offered) {
                return Err(Violation::new("what is offered is in offers", format!("{agent:?}")));
            }
        }
        Ok(())
    }

    pub fn on_master_record(&mut self, record: &master::Record) {
        match record {
            master::Record::FrameworkRemoved { id } => drop(self.removed.insert(id.clone())),
            master::Record::AgentGone { id } => drop(self.gone.insert(id.clone())),
            _ => {}
        }
    }

    /// A record is durable at an agent.
    pub fn on_agent_record(&mut self, agent: Name, record: &Record) -> Checked {
        match record {
            Record::Registered { session, .. } => {
                self.applied.insert(agent, (session.clone(), 0));
            }
            Record::CommandApplied { number } => self.on_applied(agent, *number)?,
            Record::Launched { framework, task, .. } => {
                self.on_admission(agent, (framework.clone(), task.id.clone()))?;
            }
            Record::Refused { framework, task, status, .. } => {
                self.on_admission(agent, (framework.clone(), task.id.clone()))?;
                self.on_made(framework, status)?;
            }
            Record::Updated { framework, status } => self.on_made(framework, status)?,
            Record::Acknowledged { update, .. } => {
                self.acknowledged.insert(*update);
            }
            _ => {}
        }
        Ok(())
    }

    fn on_applied(&mut self, agent: Name, number: u64) -> Checked {
        let last = self.applied.get_mut(&agent).map(|(_, last)| std::mem::replace(last, number));
        if last.and_then(|last| last.checked_add(1)) == Some(number) {
            return Ok(());
        }
        let seen = format!("{agent} applied {number} after {last:?}");
        Err(Violation::new("each command of a session is applied once, in order", seen))
    }

    fn on_admission(&mut self, agent: Name, key: Key) -> Checked {
        if self.launched.insert(key.clone()) {
            return Ok(());
        }
        let seen = format!("{} again on {agent}", show(&key));
        Err(Violation::new("a launch is applied once", seen))
    }

    fn on_made(&mut self, framework: &FrameworkId, status: &TaskStatus) -> Checked {
        let key = (framework.clone(), status.task.clone());
        let Some(update) = status.update else {
            return Err(Violation::new("an agent's Update has an id", show(&key)));
        };
        let made = self.made.entry(key.clone()).or_default();
        if let Some((_, end)) = made.last().filter(|(_, state)| state.is_terminal()) {
            let seen = format!("{} {} after {end}", show(&key), status.state);
            return Err(Violation::new("nothing follows the end of a task", seen));
        }
        made.push((update, status.state));
        Ok(())
    }

    /// An agent has decided what it does, in this order. What it decides after an acknowledgement
    /// sends nothing again; what it decided before may leave with the same batch.
    pub fn on_agent_step(&mut self, agent: Name, actions: &[Action]) -> Checked {
        for action in actions {
            match action {
                Action::Record(Record::Acknowledged { update, .. }) => {
                    self.decided.insert((agent, *update));
                }
                Action::ToMaster(Call::Update { status, .. }) => {
                    let Some(update) = status.update else { continue };
                    let is_decided = self.decided.contains(&(agent, update));
                    if is_decided || self.acknowledged.contains(&update) {
                        let seen = format!("{} {} by {agent}", status.task, status.state);
                        return Err(Violation::new("what is acknowledged is not sent again", seen));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// An agent has ended: what it decided and had not made durable is void.
    pub fn on_agent_end(&mut self, agent: Name) {
        self.decided.retain(|(other, _)| *other != agent);
    }

    /// An agent speaks to the master.
    pub fn on_agent_call(&self, agent: Name, call: &Call) -> Checked {
        let Call::Update { framework, status, .. } = call else { return Ok(()) };
        let key = (framework.clone(), status.task.clone());
        let Some(update) = status.update else {
            return Err(Violation::new("an agent's Update has an id", show(&key)));
        };
        let made = self.made.get(&key);
        let is_durable = made.is_some_and(|made| made.iter().any(|(id, _)| *id == update));
        // Those of removed frameworks are told once and not kept.
        if !is_durable && status.reason != Reason::FrameworkRemoved {
            let seen = format!("{} {} by {agent}", show(&key), status.state);
            return Err(Violation::new("an Update is durable before it is sent", seen));
        }
        Ok(())
    }

    /// A host starts a task.
    pub fn on_start(&mut self, agent: Name, key: &Key) -> Checked {
        if !self.started.insert(key.clone()) {
            let seen = format!("{} again on {agent}", show(key));
            return Err(Violation::new("a task is started once", seen));
        }
        let is_given_up = self.given_up.contains(key);
        if let Some(end) = self.ends.get(key).filter(|_| !is_given_up) {
            let seen = format!("{} on {agent}, though it was told to be {end}", show(key));
            return Err(Violation::new("what is over does not start", seen));
        }
        Ok(())
    }

    /// An author is told of a task.
    pub fn on_delivered(
        &mut self,
        (scheduler, life): (Name, Life),
        key: &Key,
        status: &TaskStatus,
        is_running: bool,
    ) -> Checked {
        self.questions.remove(&(scheduler, status.task.clone()));
        if let Some(update) = status.update {
            self.check_order((scheduler, life), key, update)?;
        }
        if self.ends.contains_key(key) && is_forgotten(status) {
            return Ok(());
        }
        if let Some(end) = self.ends.get(key).filter(|end| **end != status.state) {
            let seen = format!("{} is {} after {end}", show(key), status.state);
            return Err(Violation::new("an end is final", seen));
        }
        if is_end(status) {
            let is_gone = status.agent.as_ref().is_some_and(|agent| self.gone.contains(agent));
            if is_gone {
                self.given_up.insert(key.clone());
            }
            if is_running && !is_gone {
                let seen = format!("{} is told to be {}", show(key), status.state);
                return Err(Violation::new("what is told to be over does not run", seen));
            }
            self.ends.insert(key.clone(), status.state);
        }
        Ok(())
    }

    /// A task's Updates arrive in the order they were made, each once in the life of a process.
    fn check_order(&mut self, (scheduler, life): (Name, Life), key: &Key, id: UpdateId) -> Checked {
        let what = "Updates arrive in order, and once";
        let made = self.made.get(key).map(Vec::as_slice).unwrap_or_default();
        let Some(place) = made.iter().position(|(made, _)| *made == id) else {
            return Err(Violation::new(what, format!("{}: one that nobody made", show(key))));
        };
        let last = self.told.insert(key.clone(), (scheduler, life, place));
        let is_next = match last {
            None => place == 0,
            Some((_, before, last)) => place == last + 1 || place == last && before != life,
        };
        if is_next {
            return Ok(());
        }
        let seen = format!("{}: number {place} after {last:?}", show(key));
        Err(Violation::new(what, seen))
    }

    /// An author asks about a task, or for its end: that must be answered.
    pub fn on_question(&mut self, scheduler: Name, task: &TaskId) {
        self.questions.insert((scheduler, task.clone()));
    }

    /// Nobody waits for the answers any more.
    pub fn forget_questions(&mut self, scheduler: Name) {
        self.questions.retain(|(other, _)| *other != scheduler);
    }

    /// A question without an answer, if there is one.
    pub fn question(&self) -> Option<&(Name, TaskId)> {
        self.questions.first()
    }
}
