//! What schedulers say and what their authors are told: all that can be seen from outside. It never
//! needs to know what is inside of masters and agents.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::ids::{FrameworkId, OfferId, TaskId, UpdateId};
use stoa_model::scheduler::{Call, Event};
use stoa_model::status::{Reason, TaskStatus};
use stoa_model::task::{TaskInfo, TaskState};

use crate::checker::{Checker, Key, show};
use crate::invariant::Invariant;
use crate::names::{Life, Name};
use crate::violation::{Checked, Violation, ensure};

/// The authors, and what they know.
#[derive(Debug, Default)]
pub(crate) struct Authors {
    launched: BTreeMap<Key, TaskInfo>,
    /// Tasks by scheduler whose Launch was said before the framework had its id.
    acknowledged: BTreeSet<UpdateId>,
    /// The last Update of each task that an author was told, and by which process of its.
    told: BTreeMap<Key, (Name, Life, usize)>,
    /// Offers that an author may think are open.
    offers: BTreeMap<Name, BTreeSet<OfferId>>,
    /// What authors have asked and not been answered.
    questions: BTreeSet<(Name, TaskId)>,
}

impl Authors {
    pub(crate) fn launched(&self, key: &Key) -> Option<&TaskInfo> {
        self.launched.get(key)
    }

    pub(crate) fn has_taken_in(&self, update: UpdateId) -> bool {
        self.acknowledged.contains(&update)
    }
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

impl Checker {
    /// An author says something, whether or not there is a stream.
    pub fn on_said(&mut self, scheduler: Name, framework: Option<&FrameworkId>, call: &Call) {
        let authors = &mut self.authors;
        match call {
            Call::Launch { offers, tasks, .. } => {
                let open = authors.offers.entry(scheduler).or_default();
                open.retain(|id| !offers.contains(id));
                let Some(framework) = framework else { return };
                for task in tasks {
                    let key = (framework.clone(), task.id.clone());
                    authors.launched.entry(key).or_insert_with(|| task.clone());
                }
            }
            Call::Decline { offers, .. } => {
                let open = authors.offers.entry(scheduler).or_default();
                open.retain(|id| !offers.contains(id));
            }
            Call::Acknowledge { update, .. } => {
                authors.acknowledged.insert(*update);
            }
            Call::Kill { task, .. } => {
                authors.questions.insert((scheduler, task.clone()));
            }
            Call::Reconcile(tasks) => {
                let asked = tasks.iter().map(|(task, _)| (scheduler, task.clone()));
                authors.questions.extend(asked);
            }
            _ => {}
        }
    }

    /// An author is told something. `is_running` says whether a task runs somewhere.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn on_told(
        &mut self,
        (scheduler, life): (Name, Life),
        framework: Option<&FrameworkId>,
        event: &Event,
        is_running: impl Fn(&Key) -> bool,
    ) -> Checked {
        let open = self.authors.offers.entry(scheduler).or_default();
        match event {
            Event::Registered { master, .. } | Event::Reregistered { master, .. } => {
                let left = open.first();
                ensure(left.is_none(), Invariant::R11, || format!("{scheduler} holds {left:?}"))?;
                self.on_scheduler_believes(scheduler, master.epoch)
            }
            Event::Offer(offers) => {
                open.extend(offers.iter().map(|offer| offer.id.clone()));
                Ok(())
            }
            Event::Rescind(offers) => {
                open.retain(|id| !offers.contains(id));
                Ok(())
            }
            Event::Update(status) => {
                self.authors.questions.remove(&(scheduler, status.task.clone()));
                let Some(framework) = framework else { return Ok(()) };
                let key = (framework.clone(), status.task.clone());
                let is_running = is_running(&key);
                self.on_told_of_task((scheduler, life), &key, status, is_running)
            }
            _ => Ok(()),
        }
    }

    fn on_told_of_task(
        &mut self,
        (scheduler, life): (Name, Life),
        key: &Key,
        status: &TaskStatus,
        is_running: bool,
    ) -> Checked {
        if let Some(update) = status.update {
            self.check_order((scheduler, life), key, update)?;
        }
        if self.ends.contains_key(key) && is_forgotten(status) {
            return Ok(());
        }
        if let Some(end) = self.ends.get(key).filter(|end| **end != status.state) {
            let seen = format!("{} is {} after {end}", show(key), status.state);
            return Err(Violation::new(Invariant::T6, seen));
        }
        if !is_end(status) {
            return Ok(());
        }
        let is_dropped = status.state == TaskState::Dropped && self.started.contains(key);
        ensure(!is_dropped, Invariant::T5, || format!("{} is DROPPED, but has run", show(key)))?;
        let is_gone = status.agent.as_ref().is_some_and(|agent| self.agents.is_gone(agent));
        if is_gone {
            self.given_up.insert(key.clone());
        }
        ensure(!is_running || is_gone, Invariant::U10, || {
            format!("{} is told to be {}", show(key), status.state)
        })?;
        self.ends.insert(key.clone(), status.state);
        Ok(())
    }

    /// A task's Updates arrive in the order they were made, each once in the life of a process.
    fn check_order(&mut self, (scheduler, life): (Name, Life), key: &Key, id: UpdateId) -> Checked {
        let made = self.checkpoints.made.get(key).map(Vec::as_slice).unwrap_or_default();
        let Some(place) = made.iter().position(|(made, _)| *made == id) else {
            let seen = format!("{}: one that nobody made", show(key));
            return Err(Violation::new(Invariant::U5, seen));
        };
        let last = self.authors.told.insert(key.clone(), (scheduler, life, place));
        let is_next = match last {
            None => place == 0,
            Some((_, before, last)) => place == last + 1 || place == last && before != life,
        };
        ensure(is_next, Invariant::U5, || format!("{}: number {place} after {last:?}", show(key)))
    }

    /// A scheduler's process has ended: nobody waits for the answers any more, and its offers are
    /// void.
    pub fn on_scheduler_end(&mut self, scheduler: Name) {
        self.authors.questions.retain(|(other, _)| *other != scheduler);
        self.authors.offers.remove(&scheduler);
    }

    /// Every question is answered.
    ///
    /// # Errors
    /// Names one that is not.
    pub fn check_questions(&self) -> Checked {
        let open = self.authors.questions.first();
        ensure(open.is_none(), Invariant::U10, || format!("{open:?} has no answer"))
    }
}
