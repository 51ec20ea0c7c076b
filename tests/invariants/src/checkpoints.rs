//! What is durable at agents, and what they may say and do because of it. It never knows how a
//! core decides.

use std::collections::{BTreeMap, BTreeSet};

use stoa_agent_core::{Action, Record};
use stoa_model::agent_link::Call;
use stoa_model::ids::{ExecutorId, FrameworkId, SessionId, UpdateId};
use stoa_model::resources::Resources;
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{TaskInfo, TaskState};

use crate::checker::{Checker, Key, show};
use crate::invariant::Invariant;
use crate::names::Name;
use crate::violation::{Checked, Violation, ensure};

/// What agents have made durable.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    /// Tasks that an agent has admitted, and those it has admitted or refused.
    pub(crate) admitted: BTreeSet<Key>,
    known: BTreeSet<Key>,
    delivered: BTreeSet<Key>,
    /// The Updates of each task, in order.
    pub(crate) made: BTreeMap<Key, Vec<(UpdateId, TaskState)>>,
    /// Those whose acknowledgement is durable.
    pub(crate) acknowledged: BTreeSet<UpdateId>,
    /// Those that an agent has decided are acknowledged, in its present life.
    decided: BTreeSet<(Name, UpdateId)>,
    /// The session of each agent, and the command applied last in it.
    applied: BTreeMap<Name, (SessionId, u64)>,
    /// What each agent gives, and who holds what of it.
    gives: BTreeMap<Name, Resources>,
    tasks: BTreeMap<Name, BTreeMap<Key, Resources>>,
    executors: BTreeMap<Name, BTreeMap<(FrameworkId, ExecutorId), Resources>>,
    /// How tasks went from state to state.
    pub(crate) transitions: BTreeSet<(Option<TaskState>, TaskState)>,
}

/// Whether a task may come to be `to` at its agent when it was `from`; progress may repeat.
fn may_follow(from: Option<TaskState>, to: TaskState) -> bool {
    use TaskState::{Dropped, Error, Killing, Running, Starting};
    match (from, to) {
        (_, TaskState::Staging | TaskState::Unreachable | TaskState::Unknown) => false,
        (None, _) => true,
        (Some(from), _) if from.is_terminal() => false,
        (Some(Running | Killing), Starting | Dropped | Error) => false,
        (Some(Killing), Running) => false,
        _ => true,
    }
}

impl Checker {
    /// An agent begins, with this to give.
    pub fn on_agent_start(&mut self, agent: Name, gives: &Resources) {
        self.checkpoints.gives.insert(agent, gives.clone());
    }

    /// A record is durable at an agent.
    ///
    /// # Errors
    /// The invariant that does not hold any more.
    pub fn on_agent_record(&mut self, agent: Name, record: &Record) -> Checked {
        let checkpoints = &mut self.checkpoints;
        match record {
            Record::Registered { session, .. } => {
                checkpoints.applied.insert(agent, (session.clone(), 0));
            }
            Record::CommandApplied { number } => self.on_applied(agent, *number)?,
            Record::Launched { framework, task, .. } => self.on_launched(agent, framework, task)?,
            Record::Refused { framework, task, status, .. } => {
                self.on_admission(agent, &(framework.clone(), task.id.clone()))?;
                self.on_made(agent, framework, status)?;
            }
            Record::Delivered { framework, task } => {
                checkpoints.delivered.insert((framework.clone(), task.clone()));
            }
            Record::Updated { framework, status } => self.on_made(agent, framework, status)?,
            Record::Acknowledged { framework, task, update } => {
                self.on_acknowledged(&(framework.clone(), task.clone()), *update)?;
            }
            Record::ExecutorAdmitted { framework, executor, .. } => {
                let key = (framework.clone(), executor.id.clone());
                let resources = executor.resources.clone();
                checkpoints.executors.entry(agent).or_default().insert(key, resources);
            }
            Record::ExecutorEnded { framework, executor } => {
                let key = (framework.clone(), executor.clone());
                checkpoints.executors.entry(agent).or_default().remove(&key);
            }
            Record::FrameworkRemoved { framework } => {
                let is_other = |of: &FrameworkId| of != framework;
                let (tasks, executors) = (&mut checkpoints.tasks, &mut checkpoints.executors);
                tasks.entry(agent).or_default().retain(|(of, _), _| is_other(of));
                executors.entry(agent).or_default().retain(|(of, _), _| is_other(of));
            }
            _ => {}
        }
        Ok(())
    }

    fn on_applied(&mut self, agent: Name, number: u64) -> Checked {
        let applied = self.checkpoints.applied.get_mut(&agent);
        let last = applied.map(|(_, last)| std::mem::replace(last, number));
        let is_next = last.and_then(|last| last.checked_add(1)) == Some(number);
        ensure(is_next, Invariant::O4, || format!("{agent} applied {number} after {last:?}"))
    }

    fn on_launched(&mut self, agent: Name, framework: &FrameworkId, task: &TaskInfo) -> Checked {
        let key = (framework.clone(), task.id.clone());
        self.on_admission(agent, &key)?;
        self.checkpoints.admitted.insert(key.clone());
        if let Some(said) = self.authors.launched(&key) {
            ensure(*said == *task, Invariant::T11, || format!("{} on {agent}", show(&key)))?;
        }
        let checkpoints = &mut self.checkpoints;
        checkpoints.tasks.entry(agent).or_default().insert(key, task.resources.clone());
        let Some(gives) = checkpoints.gives.get(&agent) else { return Ok(()) };
        let of_tasks = checkpoints.tasks.get(&agent).into_iter().flat_map(BTreeMap::values);
        let of_executors = checkpoints.executors.get(&agent).into_iter().flat_map(BTreeMap::values);
        let mut all = of_tasks.chain(of_executors);
        let sum = all.try_fold(Resources::default(), |sum, it| sum.checked_add(it));
        ensure(sum.as_ref().is_some_and(|sum| gives.contains(sum)), Invariant::R7, || {
            format!("{sum:?} of {gives} on {agent}")
        })
    }

    fn on_admission(&mut self, agent: Name, key: &Key) -> Checked {
        let is_new = self.checkpoints.known.insert(key.clone());
        ensure(is_new, Invariant::T1, || format!("{} is admitted again on {agent}", show(key)))
    }

    fn on_made(&mut self, agent: Name, framework: &FrameworkId, status: &TaskStatus) -> Checked {
        let key = (framework.clone(), status.task.clone());
        let Some(update) = status.update else {
            return Err(Violation::new(Invariant::U1, format!("{}: no id", show(&key))));
        };
        let is_started = self.started.contains(&key);
        let made = self.checkpoints.made.entry(key.clone()).or_default();
        let from = made.last().map(|(_, state)| *state);
        let to = status.state;
        if let Some(end) = from.filter(|from| from.is_terminal()) {
            let seen = format!("{} {to} after {end}", show(&key));
            return Err(Violation::new(Invariant::T6, seen));
        }
        let is_legal = may_follow(from, to) && (to != TaskState::Dropped || !is_started);
        ensure(is_legal, Invariant::T5, || format!("{} {to} after {from:?}", show(&key)))?;
        made.push((update, to));
        self.checkpoints.transitions.insert((from, to));
        if to.is_terminal() {
            self.checkpoints.tasks.entry(agent).or_default().remove(&key);
        }
        Ok(())
    }

    /// Nobody but the author takes an Update in, or a master that has told the author, or will
    /// tell it when it asks, that the task is over.
    fn on_acknowledged(&mut self, key: &Key, update: UpdateId) -> Checked {
        self.checkpoints.acknowledged.insert(update);
        let is_taken_in = self.authors.has_taken_in(update)
            || self.ended_by_masters.contains(key)
            || self.streams.removed.contains(&key.0)
            || self.frameworks_removed.contains(&key.0);
        ensure(is_taken_in, Invariant::U6, || format!("{} {update:?}", show(key)))
    }

    /// An agent has decided what it does, in this order. What it decides after an acknowledgement
    /// sends nothing again; what it decided before may leave with the same batch.
    ///
    /// # Errors
    /// The invariant that does not hold any more.
    pub fn on_agent_step(&mut self, agent: Name, actions: &[Action]) -> Checked {
        let checkpoints = &mut self.checkpoints;
        for action in actions {
            match action {
                Action::Record(Record::Acknowledged { update, .. }) => {
                    checkpoints.decided.insert((agent, *update));
                }
                Action::ToMaster(Call::Update { status, .. }) => {
                    let Some(update) = status.update else { continue };
                    let is_decided = checkpoints.decided.contains(&(agent, update));
                    let is_over = is_decided || checkpoints.acknowledged.contains(&update);
                    ensure(!is_over, Invariant::U4, || {
                        format!("{} {} by {agent}", status.task, status.state)
                    })?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// An agent has ended: what it decided and had not made durable is void.
    pub fn on_agent_end(&mut self, agent: Name) {
        self.checkpoints.decided.retain(|(other, _)| *other != agent);
    }

    /// Another agent, without any state, stands in the place of one that is gone.
    pub fn on_agent_replaced(&mut self, agent: Name) {
        self.checkpoints.tasks.remove(&agent);
        self.checkpoints.executors.remove(&agent);
        self.checkpoints.applied.remove(&agent);
    }

    /// An agent speaks to a master.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn on_agent_call(&self, agent: Name, call: &Call) -> Checked {
        let Call::Update { framework, status, .. } = call else { return Ok(()) };
        // Those of removed frameworks are told once and not kept.
        if status.reason == Reason::FrameworkRemoved {
            return Ok(());
        }
        let key = (framework.clone(), status.task.clone());
        let seen = || format!("{} {} by {agent}", show(&key), status.state);
        let made = self.checkpoints.made.get(&key).map(Vec::as_slice).unwrap_or_default();
        let place = made.iter().position(|(id, _)| status.update == Some(*id));
        let Some(place) = place else { return Err(Violation::new(Invariant::U1, seen())) };
        let is_open =
            |(id, _): &&(UpdateId, TaskState)| !self.checkpoints.acknowledged.contains(id);
        let is_turn = !made[..place].iter().any(|it| is_open(&it));
        ensure(is_turn, Invariant::U2, seen)
    }

    /// A host starts a task.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn on_start(&mut self, agent: Name, key: &Key) -> Checked {
        let seen = || format!("{} on {agent}", show(key));
        ensure(self.started.insert(key.clone()), Invariant::T1, seen)?;
        let checkpoints = &self.checkpoints;
        let is_durable = checkpoints.admitted.contains(key) && checkpoints.delivered.contains(key);
        ensure(is_durable, Invariant::T3, seen)?;
        let made = checkpoints.made.get(key).and_then(|made| made.last());
        let end = made.map(|(_, state)| *state).filter(|state| state.is_terminal());
        let told = self.ends.get(key).copied().filter(|_| !self.given_up.contains(key));
        let end = end.or(told);
        ensure(end.is_none(), Invariant::T7, || format!("{}, which is {end:?}", seen()))
    }
}
